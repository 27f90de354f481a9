"""The pages of vsr fuse in a real browser: what they show, and the command that follows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import pytest
from support.browser_visits import CHROMIUM, chromium, violations, visiting
from support.cli_runner import vsr as run
from support.moving_sign import BOX, drawn

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

CROP = f"{BOX.x},{BOX.y},{BOX.width},{BOX.height}"
HIDDEN, LOST = 3, 7  # frames with something before the sign, and in which it leaves the picture
COUNT = 8
NAME = "a'b <i>&amp; {{body}}_%d.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages, made by the command, of eight images with a name that is not kind."""
    folder = tmp_path_factory.mktemp("pages")
    for number, luma in enumerate(drawn(COUNT, 3, (3.47, 0.21)).frames):
        luma = luma.copy()
        if number == HIDDEN:
            luma[BOX.y : BOX.y + 14, BOX.x + 22 : BOX.x + 36] = 90
        cv2.imwrite(str(folder / NAME.replace("%d", str(number))), luma)
    words = ("--crop", CROP, "--scale", "2", "--model", "bicubic")
    for target, more in (("result.html", words), ("pick.html", ("--scale", "2"))):
        ran = run("fuse", folder / NAME, folder / target, *more)
        assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Any, folder: Path) -> Iterator[Callable[..., Any]]:
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(
            visiting(browser, folder / name, **options)
        )


def command(tab: Any) -> list[str]:
    """The words of the command line, as a shell takes them."""
    return shlex.split(tab.locator(".command code").inner_text())


def value(words: list[str], flag: str) -> str | None:
    return words[words.index(flag) + 1] if flag in words else None


def frame(tab: Any, number: int) -> Any:
    return tab.locator(f"#frame-{number}")


def test_names_are_shown_as_text(visit: Callable[..., Any], folder: Path) -> None:
    for name in ("result.html", "pick.html"):
        tab = visit(name)
        assert tab.locator("h1").inner_text().startswith(f"{NAME}: ")
        assert tab.locator("i").count() == 0
        assert visited_source(tab, name) == str(folder / NAME)


def visited_source(tab: Any, name: str) -> str:
    if name == "pick.html":
        for field, number in zip("xywh", CROP.split(","), strict=True):
            tab.locator(f"#{field}").fill(number)
        tab.locator("#h").press("Enter")
    return command(tab)[2]


def test_frames_are_toggled_by_mouse_and_keys(visit: Callable[..., Any]) -> None:
    tab = visit("result.html")
    options = tab.get_by_role("option")
    assert options.count() == COUNT
    taken = [options.nth(n).get_attribute("aria-selected") == "true" for n in range(COUNT)]
    assert taken == [n not in (HIDDEN, LOST) for n in range(COUNT)]
    assert "something before" in frame(tab, HIDDEN).inner_text()
    before = command(tab)
    assert value(before, "--keep") is None
    assert value(before, "--drop") is None
    frame(tab, HIDDEN).click()
    frame(tab, 4).click()
    assert value(command(tab), "--keep") == str(HIDDEN)
    assert value(command(tab), "--drop") == "4"
    tab.keyboard.press("ArrowRight")  # a click has moved the keys there
    tab.keyboard.press("Space")
    tab.keyboard.press("Home")
    tab.keyboard.press("Enter")
    assert value(command(tab), "--drop") == "0,4-5"
    playwright.expect(tab.locator("#status")).to_contain_text("not of this choice")
    tab.keyboard.press("End")
    tab.keyboard.press("Space")  # nothing of that frame can be taken
    playwright.expect(tab.locator("#status")).to_contain_text("cannot take part")
    assert frame(tab, LOST).get_attribute("aria-selected") == "false"
    tab.get_by_role("button", name="As it was").click()
    assert command(tab) == before


def test_the_command_is_obeyed(visit: Callable[..., Any], folder: Path) -> None:
    """What the page tells is what a shell can run, and it does as was chosen."""
    tab = visit("result.html")
    frame(tab, HIDDEN).click()
    frame(tab, 1).click()
    words = command(tab)[1:]
    words[words.index(str(folder / "result.html"))] = str(folder / "again.html")
    ran = run(*words, "--json")
    assert ran.code == 0, ran.err
    assert sorted(ran.events[-1]["left_out"]) == ["1", str(LOST)]
    again = visit("again.html")
    kept, dropped = frame(again, HIDDEN), frame(again, 1)
    assert kept.get_attribute("aria-selected") == "true"
    assert dropped.get_attribute("aria-selected") == "false"
    assert value(command(again), "--keep") == str(HIDDEN)
    assert value(command(again), "--drop") == "1"
    kept.click()
    dropped.click()
    assert value(command(again), "--keep") is None
    assert value(command(again), "--drop") is None


def test_the_still_grows_by_keys(visit: Callable[..., Any]) -> None:
    tab = visit("result.html")
    slider = tab.get_by_label("Still of", exact=False).first
    right = tab.locator("#picture-right")
    pictures = [right.get_attribute("src")]
    counts = [tab.locator("#label-right").inner_text()]
    slider.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowLeft")
        pictures.append(right.get_attribute("src"))
        counts.append(tab.locator("#label-right").inner_text())
    assert counts == [f"Still of {n}" for n in ("6 frames", "5 frames", "2 frames", "1 frame")]
    assert len(set(pictures)) == len(pictures)
    assert slider.get_attribute("aria-valuetext") == "1 frame"
    assert tab.locator("#save").get_attribute("href") == pictures[-1]
    assert "No network took part" in tab.locator("#notes").inner_text()


def test_views_and_the_divider(visit: Callable[..., Any]) -> None:
    tab = visit("result.html")
    left, right = (tab.get_by_role("group", name=name) for name in ("Left", "Right"))
    for name in ("Network", "Mean", "Certainty", "Still"):
        right.get_by_role("radio", name=name).check()
        assert tab.locator("#label-right").inner_text().startswith(name)
        width = tab.locator("#picture-right").evaluate(
            "async (i) => (await i.decode(), i.naturalWidth)"
        )
        assert width == 2 * BOX.width
    right.get_by_role("radio", name="Network").check()
    assert "may invent" in tab.locator("#notes").inner_text()
    left.get_by_role("radio", name="Network").check()  # they change places
    assert right.get_by_role("radio", name="Best frame").is_checked()
    divider = tab.get_by_role("slider", name="Divider")
    divider.focus()
    tab.keyboard.press("Home")
    assert clip(tab) == "inset(0px 0px 0px 0%)"
    box = tab.locator("#stage").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert divider.input_value() == "25"
    assert clip(tab) == "inset(0px 0px 0px 25%)"
    assert divider.get_attribute("aria-valuetext") == "25 % Network, 75 % Best frame"


def clip(tab: Any) -> str:
    return str(tab.locator("#side-right").evaluate("(i) => getComputedStyle(i).clipPath"))


def test_zoom_shows_pixels_of_the_device(visit: Callable[..., Any]) -> None:
    tab = visit("result.html", viewport={"width": 330, "height": 700})
    picture, stage = tab.locator("#picture-right"), tab.locator("#stage")
    for label, size in (("100 %", 1), ("400 %", 4)):
        tab.get_by_role("radio", name=label).check()
        assert picture.bounding_box()["width"] == pytest.approx(2 * BOX.width * size, abs=0.01)
    room, before = stage.bounding_box(), picture.bounding_box()
    x, y = room["x"] + 20, room["y"] + 60
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 10, y, steps=2)
    tab.mouse.up()
    assert picture.bounding_box()["x"] == pytest.approx(before["x"] + 10, abs=0.01)
    assert tab.locator("#split").input_value() == "50"
    for _ in range(9):
        tab.keyboard.press("Shift+ArrowRight")
    box = picture.bounding_box()
    right = box["x"] + box["width"]
    assert right == pytest.approx(room["x"] + room["width"], abs=0.01)  # and no further
    tab.get_by_role("radio", name="Fit").check()
    assert picture.bounding_box()["width"] == pytest.approx(room["width"], abs=0.01)


def test_the_record_is_whole_and_can_be_saved(visit: Callable[..., Any]) -> None:
    tab = visit("result.html")
    tab.get_by_text("Record", exact=True).click()
    with tab.expect_download() as started:
        tab.get_by_role("button", name="Save as JSON").click()
    record = json.loads(Path(started.value.path()).read_text())
    assert record["schema"] == "vsr-fusion"
    assert len(record["frames"]) == COUNT
    assert record["statement"] in tab.locator(".note").first.inner_text()


def test_a_region_is_drawn_moved_and_typed(visit: Callable[..., Any]) -> None:
    tab = visit("pick.html")
    assert not tab.locator(".command").is_visible()
    box = tab.locator("#stage").bounding_box()
    size = min(box["width"] / 96, box["height"] / 56)
    left = box["x"] + (box["width"] - 96 * size) / 2

    def drag(start: tuple[int, int], end: tuple[int, int]) -> None:
        tab.mouse.move(left + start[0] * size, box["y"] + start[1] * size)
        tab.mouse.down()
        tab.mouse.move(left + end[0] * size, box["y"] + end[1] * size, steps=5)
        tab.mouse.up()

    drag((72, 36), (24, 16))  # from below to above, too
    assert value(command(tab), "--crop") == CROP
    assert [tab.locator(f"#{name}").input_value() for name in "xywh"] == CROP.split(",")
    drag((40, 26), (43, 28))
    assert value(command(tab), "--crop") == "27,18,48,20"
    drag((40, 26), (-500, 26))  # no further than the picture's edge
    assert value(command(tab), "--crop") == "0,18,48,20"
    tab.locator("#w").fill("3")
    tab.locator("#w").press("Tab")
    assert value(command(tab), "--crop") == "0,18,8,20"
    tab.locator("#frame").focus()
    tab.keyboard.press("ArrowRight")
    words = command(tab)
    assert value(words, "--at") == "0.04"
    assert value(words, "--scale") == "2"
    assert words[:2] == ["vsr", "fuse"]


def test_what_was_drawn_is_fused_in_the_page_s_place(
    visit: Callable[..., Any], folder: Path
) -> None:
    (folder / "both.html").write_bytes((folder / "pick.html").read_bytes())
    tab = visit("pick.html")
    tab.locator("#frame").press("ArrowRight")
    for field, number in zip("xywh", CROP.split(","), strict=True):
        tab.locator(f"#{field}").fill(number)
    tab.locator("#h").press("Enter")
    words = [w.replace("pick.html", "both.html") for w in command(tab)[1:]]
    ran = run(*words, "--model", "", "--frames", "3")
    assert ran.code == 0, ran.err
    after = visit("both.html")
    assert value(command(after), "--crop") == CROP
    assert value(command(after), "--at") == "0.04"
    assert after.get_by_role("option").count() == 3


@pytest.mark.parametrize("name", ["result.html", "pick.html"])
def test_fits_phones_and_desktops_and_reads_no_net(visit: Callable[..., Any], name: str) -> None:
    for width, height in ((320, 640), (844, 390), (1280, 800)):
        tab = visit(name, viewport={"width": width, "height": height})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["result.html", "pick.html"])
def test_nothing_is_in_anybody_s_way(visit: Callable[..., Any], name: str, scheme: str) -> None:
    tab = visit(name, color_scheme=scheme)
    if name == "pick.html":
        visited_source(tab, name)
    else:
        for title in ("Record", "Keys"):
            tab.get_by_text(title, exact=True).click()
    assert violations(tab) == []


def test_the_page_holds_what_it_needs(folder: Path) -> None:
    for name in ("result.html", "pick.html"):
        text = (folder / name).read_text()
        assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
        assert "default-src 'none'" in text
