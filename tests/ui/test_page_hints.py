"""What the page says before a command can run, and of what came of one, in a real browser."""

from dataclasses import replace
from pathlib import Path

import pytest
from support import clips
from support.noise_frames import described
from support.ui_pages import expect, go, marks, shows

from vsr.core.crop import parse_crop

pytestmark = [*marks, pytest.mark.slow]

STILL = Path(__file__).parents[2] / "docs" / "street.png"


def type_in(tab, name, text):
    box = tab.get_by_label(name, exact=True).last
    box.fill(text)
    box.press("Tab")
    return box


def test_what_was_typed_stays_and_what_is_wrong_with_it_is_said(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    code, button = tab.locator(".command code"), tab.locator(".run button.primary")
    expect(button).to_be_enabled()
    left = type_in(tab, "Left", "9999")
    expect(left).to_have_value("9999")
    expect(tab.locator(".run")).to_contain_text("Left must be from 0 to 95.")
    expect(button).to_be_disabled()
    expect(code).to_have_text("")
    expect(tab.locator(".run .copy")).to_be_disabled()
    type_in(tab, "Left", "9")
    expect(tab.locator(".place")).to_contain_text("Width is 87 now")
    expect(code).to_contain_text("--crop 9,0,87,64")
    expect(tab.locator(".doing")).to_contain_text("The region grows to 88 × 64 from 8, 0 on")  # noqa: RUF001
    expect(tab.locator(".doing")).to_contain_text("Becomes 352 × 256 pixels")  # noqa: RUF001
    type_in(tab, "End", "1")
    start = type_in(tab, "Start", "1.5")
    expect(start).to_have_value("1.5")
    expect(tab.locator(".run")).to_contain_text("Start must be before End.")
    expect(button).to_be_disabled()
    type_in(tab, "End", "99")
    expect(tab.locator(".run")).to_contain_text("The video ends at 0:02.00.")
    type_in(tab, "End", "1.8")
    expect(code).to_contain_text("--start 1.5 --end 1.8")
    type_in(tab, "Output", "images")
    expect(tab.locator(".run")).to_contain_text("a folder of numbered images")


def test_fusing_needs_a_region_in_the_frame_that_is_shown(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    tab.get_by_role("radio", name="Fuse").check()
    said, button = tab.locator(".run"), tab.locator(".run button.primary")
    expect(said).to_contain_text("Draw the region on the picture first")
    expect(button).to_be_disabled()
    box = tab.locator(".stage").bounding_box()
    x, y, step = box["x"] + 20, box["y"] + 20, box["width"] / 96

    def drag(pixels):
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x + pixels * step, y + pixels * step, steps=4)
        tab.mouse.up()

    drag(5)
    expect(tab.locator(".place")).to_contain_text("it must be at least 8 × 8")  # noqa: RUF001
    expect(button).to_be_disabled()
    drag(12)
    expect(button).to_be_enabled()
    type_in(tab, "Start", "1")
    expect(said).to_contain_text("The frame shown is outside the span")
    expect(button).to_be_disabled()


def test_hints_stand_where_nothing_was_chosen_yet(visitors, server, folder):
    (folder / "still.png").write_bytes(STILL.read_bytes())
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    tab.get_by_role("radio", name="Check").check()
    expect(tab.locator(".run")).to_contain_text("Name the file that this one was made from.")
    expect(tab.locator(".run .bad")).to_have_text("")
    go(tab, "#/batch/")
    expect(tab.locator(".command code")).to_contain_text("enlarged")
    expect(tab.locator(".run .bad")).to_have_text("")
    go(tab, "#/file/still.png")
    assert tab.locator(".commands input").count() == 2


def test_warnings_are_told_in_the_list(visitors, server, folder):
    (folder / "cut.mkv").write_bytes(b"")
    clips.make(folder / "cut.mkv", clips.Clip(width=96, height=64, pts=range(0, 2000, 40)))
    whole = (folder / "cut.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    job = server.page.order("upscale", "cut.mkv", model="bicubic", scale="2")
    assert server.page.wait(job, "done", "failed")["notes"]
    tab = visitors.visit(server.address, "#/jobs")
    row = tab.locator(".job", has_text="cut.mkv")
    expect(row.locator(".state")).to_have_text("done, with warnings")
    expect(row.locator(".line")).to_contain_text("frames")


TURNS = {
    "none": (1, 0, 0, 1),
    "right": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "left": (0, -1, 1, 0),
}


@pytest.mark.parametrize("turn", TURNS)
def test_regions_grow_as_the_command_lets_them(visitors, server, turn):
    a, b, c, d = (65536 * entry for entry in TURNS[turn])
    matrix = (a, b, 0, c, d, 0, 0, 0, 2**30)
    stored = replace(described("yuv411p", 47, 33), display_matrix=matrix)
    width, height = stored.orientation.pair(stored.width, stored.height)
    columns, rows = stored.orientation.pair(stored.format.chroma_width, stored.format.chroma_height)
    flips = stored.orientation.flip_x, stored.orientation.flip_y
    grid = {"columns": columns, "rows": rows, "right": flips[0], "bottom": flips[1]}
    crops = [
        [x, y, w, h] for x in range(0, 25, 3) for y in range(5) for w in (1, 6) for h in (1, 7)
    ]
    crops.append([width - 1, height - 1, 1, 1])
    tab = visitors.visit(server.address)
    source = {"width": width, "height": height, "grid": grid}
    sizes = tab.evaluate(
        """async ([crops, source]) => {
          const { grown } = await import('/static/ready.js');
          return crops.map((crop) => grown(crop, source).slice(2));
        }""",
        [crops, source],
    )
    for crop, size in zip(crops, sizes, strict=True):
        box = parse_crop(",".join(map(str, crop))).inside(stored)
        assert tuple(size) == stored.orientation.pair(box.width, box.height), crop


def test_a_folder_that_cannot_be_written_says_so(visitors, server):
    tab = visitors.visit(server.address)
    facts = server.page.get("/api/about") | {"writable": False}
    tab.route("**/api/about", lambda route: route.fulfill(json=facts))
    tab.reload()
    shows(tab)
    expect(tab.locator(".side")).to_contain_text("cannot write into this folder")
    assert tab.locator("input[type=file]").count() == 0
    go(tab, "#/file/clip.mp4")
    expect(tab.locator(".run")).to_contain_text("vsr cannot write into this folder.")
    expect(tab.locator(".run button.primary")).to_be_disabled()
