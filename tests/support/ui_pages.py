"""The page of `vsr ui` in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
marks = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]
PATIENCE = 60_000  # milliseconds, on a busy machine

expect = playwright.expect
expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitors:
    """Those who open the page. What goes wrong in their browsers is kept in `wrong`."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.wrong: list[str] = []
        self.requests: list[str] = []

    def visit(self, address: str, hash_: str = "", **options: Any) -> Any:
        """A new browser profile with the page, at a view."""
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US"} | options
        context = self._browser.new_context(**options)
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        # It takes seconds of a core to be found out, and nothing depends on it.
        context.route("**/api/device", lambda route: route.fulfill(json={"device": "cpu bf16"}))
        tab = context.new_page()
        self._listen(tab, urlsplit(address).netloc)
        tab.goto(address)
        shows(tab)
        if hash_:
            go(tab, hash_)
        return tab

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()

    def _listen(self, tab: Any, host: str) -> None:
        def asked(request: Any) -> None:
            self.requests.append(request.url)
            parts = urlsplit(request.url)
            if parts.netloc != host and parts.scheme not in ("data", "blob"):
                self.wrong.append(request.url)

        def told(message: Any) -> None:
            # A file without a record, or a server that is away, is no fault of the page.
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.wrong.append(message.text)

        tab.on("request", asked)
        tab.on("console", told)
        tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        tab.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))


def shows(tab: Any) -> None:
    """Wait until a view is there in full."""
    tab.locator("#view > [data-ready]").wait_for()


def go(tab: Any, hash_: str) -> None:
    """Go to a view, as its link does."""
    tab.evaluate("(hash) => { location.hash = hash; }", hash_)
    name = hash_.strip("#/").split("/")[0]
    tab.locator(f"#view > .view-{name}[data-ready]").wait_for()


def run(tab: Any) -> str:
    """Press the button that runs the command; gives the job's id."""
    button = tab.locator(".run button.primary")
    expect(button).to_be_enabled()
    button.click()
    tab.locator("#view > .view-job[data-ready]").wait_for()
    job: str = tab.evaluate("location.hash").rpartition("/")[2]
    return job
