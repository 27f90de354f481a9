"""Pages from the disk in a real browser: all that one says or asks the net for fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def visiting(browser: Any, page: Path, **options: Any) -> Iterator[Any]:
    """A tab that shows a page; nothing may go wrong in it."""
    wrong: list[str] = []

    def check(request: Any) -> None:
        if not request.url.startswith(("file:", "blob:", "data:")):
            wrong.append(request.url)

    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
    context.on("request", check)
    tab = context.new_page()
    tab.set_default_timeout(20000)
    tab.on("console", lambda message: wrong.append(message.text))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        tab.goto(page.resolve().as_uri())
        yield tab
    finally:
        context.close()
    assert wrong == []


def violations(tab: Any) -> list[str]:
    """What axe-core finds amiss on the page that a tab shows; skips where it is not installed."""
    import pytest

    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    found = axe.Axe().run(tab)
    return [
        f"{one['id']}: {node['target']}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]
