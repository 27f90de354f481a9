"""Draw the screens of the documentation again: docs/ui-file.png and docs/ui-jobs.png.

    pip install -e '.[dev]'        # and Chromium, or: playwright install chromium
    python docs/screens.py

A real `vsr ui` serves samples/street.mp4 for the while, and a real browser looks at it.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent
CLIP = DOCS.parent / "samples" / "street.mp4"
SIZE = {"width": 1280, "height": 800}
COLOURS = (256, 192, 128, 96)  # of a palette, with which a PNG is far smaller
MOST = 190_000  # bytes
SOME = 0.3  # of a job at work


@contextmanager
def served(folder: Path, state: Path) -> Iterator[str]:
    """`vsr ui` for a folder: its address."""
    words = ["ui", str(folder), "--state", str(state), "--port", "0", "--json"]
    command = [str(Path(sys.executable).parent / "vsr"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.terminate()


def show_file(page: Page) -> None:
    """A moment of the clip with a region around a number plate, and what shall be made of it."""
    page.get_by_role("link", name="street.mp4").click()
    page.get_by_label("Frame shown").fill("1.6")
    for name, value in (("Left", "200"), ("Top", "94"), ("Width", "112"), ("Height", "72")):
        page.get_by_label(name, exact=True).first.fill(value)
        page.get_by_label(name, exact=True).first.press("Tab")
    page.get_by_label("Model", exact=True).select_option("vespcn-wide")
    page.locator(".strip img").wait_for()
    page.locator(".command code", has_text="--crop").wait_for()
    page.locator("h1").focus()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)  # the frame is decoded


def order(page: Page, command: str, **choices: str) -> None:
    """Queue a job for the clip."""
    page.evaluate("location.hash = '#/file/street.mp4'")
    page.locator(".view-file[data-ready]").wait_for()
    page.locator(f".commands [value={command}]").check()
    for label, value in choices.items():
        page.get_by_label(label, exact=True).select_option(value)
    page.wait_for_timeout(1000)  # the command line is asked for
    page.locator(".run button.primary").click()
    page.locator(".view-job[data-ready]").wait_for()


def show_jobs(page: Page) -> None:
    """A job that has ended, one at work and two that wait."""
    order(page, "upscale", Model="bicubic", Size="x2")
    page.locator(".now .state[data-state=done]").wait_for()
    order(page, "upscale", Model="vespcn-wide")
    order(page, "preview")
    order(page, "fuse")
    page.evaluate("location.hash = '#/jobs'")
    page.locator(".active progress[value]").wait_for()
    while page.evaluate("document.querySelector('.active progress').value") < SOME:
        page.wait_for_timeout(200)


def save(page: Page, path: Path) -> None:
    """The screen as a PNG, with a palette where it would be too large."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(path, optimize=True)
    for colours in COLOURS:
        if path.stat().st_size < MOST:
            break
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size, "bytes")


def main() -> None:
    """Draw both."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        folder = Path(tempfile.gettempdir(), "videos")  # a short name, as the screens show it
        folder.mkdir()
        shutil.copy(CLIP, folder)
        found = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        with served(folder, Path(place, "state")) as address:
            page = browser.new_page(viewport=SIZE, color_scheme="light", locale="en-US")
            page.set_default_timeout(180_000)
            page.goto(address)
            show_file(page)
            save(page, DOCS / "ui-file.png")
            show_jobs(page)
            save(page, DOCS / "ui-jobs.png")
            cancel = page.get_by_role("button", name="Cancel")
            while cancel.count():
                cancel.first.click()
                page.wait_for_timeout(500)
            page.locator(".group.active").wait_for(state="hidden")
        browser.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
