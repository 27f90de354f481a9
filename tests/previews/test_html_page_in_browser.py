"""The preview page in a real browser: what it shows, pixel by pixel, and what it asks for."""

import base64
import shutil
from fractions import Fraction

import av
import numpy as np
import pytest
from support import clips

from vsr.previews.browser_mp4 import for_browsers
from vsr.previews.html_page import Facts, Shown, write_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

WIDTH, HEIGHT, COUNT = 96, 64, 40
FACTS = Facts("street.mp4", (("Source", "street.mp4"),), "vsr upscale street.mp4")
COMMANDS = ("", "vsr upscale 'a \"b\".mp4' -m espcn", "vsr upscale a.mp4 -m vespcn")
FIRST = (1, -1, 101)  # the first picture of each take: so that each frame of each is like no other
UNEVEN = tuple(512 * n + 200 * (n % 3) for n in range(COUNT))

# The part of the canvas where a picture of these sizes lies at 100 %: green, each pixel, in base64.
GREEN = """([width, height]) => {
  const canvas = document.querySelector("canvas");
  const x = Math.round((canvas.width - width) / 2), y = Math.round((canvas.height - height) / 2);
  const { data } = canvas.getContext("2d").getImageData(x, y, width, height);
  let bytes = "";
  for (let i = 1; i < data.length; i += 4) bytes += String.fromCharCode(data[i]);
  return btoa(bytes);
}"""
# The same at each refresh for a while, with the times of both videos.
WATCH = f"""async ([width, height, milliseconds]) => {{
  const green = {GREEN};
  const samples = [], end = performance.now() + milliseconds;
  while (performance.now() < end) {{
    await new Promise(requestAnimationFrame);
    const times = [...document.querySelectorAll("video")].map((video) => video.currentTime);
    samples.push({{ times, pixels: green([width, height]) }});
  }}
  return samples;
}}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pages of three takes, and of one alone; their videos as 0.mp4 to 2.mp4."""
    folder = tmp_path_factory.mktemp("pages")
    for name, pts in (("even", range(0, COUNT * 512, 512)), ("uneven", UNEVEN)):
        takes = []
        for number, first in enumerate(FIRST):
            step = 1 if first > 0 else -1
            numbers = tuple(range(first, first + COUNT * step, step))
            clip = clips.Clip(width=WIDTH, height=HEIGHT, pts=tuple(pts), numbers=numbers)
            file = clips.make(folder / f"{number}.mp4", clip)
            label = ("bicubic", "espcn", "</script>&")[number]
            rows = (("Speed", f"{number} fps"),)
            takes.append(Shown(label, for_browsers(file), not number, rows, COMMANDS[number]))
        write_page(folder / f"{name}.html", FACTS, takes, WIDTH, HEIGHT, Fraction(25))
        write_page(folder / f"{name}-alone.html", FACTS, takes[1:2], WIDTH, HEIGHT, None)
    return folder


@pytest.fixture(scope="module")
def pictures(folder):
    """The green of every frame, by take: (takes, frames, rows, columns)."""
    takes = []
    for number in range(len(FIRST)):
        with av.open(str(folder / f"{number}.mp4")) as container:
            frames = [f.to_ndarray(format="rgb24")[..., 1] for f in container.decode(video=0)]
        takes.append(np.stack(frames))
    return np.stack(takes).astype(np.float32)


@pytest.fixture
def visit(browser, folder):
    """Open a page of the folder: `visit(name, still=True, **context)`. All that it does wrong or
    asks the net for fails the test in the end."""
    contexts, wrong = [], []

    def check(request):
        if not request.url.startswith(("file:", "blob:", "data:")):
            wrong.append(request.url)

    def tell(message):
        if "willReadFrequently" not in message.text:  # it is the tests that read the canvas
            wrong.append(message.text)

    def visit(name="even", still=True, before="", **options):
        motion = "reduce" if still else "no-preference"
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": motion} | options
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("request", check)
        tab = context.new_page()
        tab.set_default_timeout(20000)
        tab.on("console", tell)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        if before:
            tab.add_init_script(before)
        tab.goto((folder / f"{name}.html").as_uri())
        playwright.expect(tab.locator("#readout")).to_contain_text("frame")
        # Both videos stand at their first frame, or run.
        tab.locator("video").last.evaluate(
            "video => video.readyState >= 2 || new Promise((done) => "
            "video.addEventListener('loadeddata', done))"
        )
        return tab

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


def frame_of(tab):
    return int(tab.locator("#frame").input_value())


def shows(tab, frame):
    """Wait until the page says that it shows this frame."""
    playwright.expect(tab.locator("#readout")).to_contain_text(f"frame {frame + 1} of")


def samples_of(pixels, width, height):
    """What GREEN gives, as (rows, columns)."""
    samples = np.frombuffer(base64.b64decode(pixels), np.uint8)
    return samples.reshape(height, width).astype(np.float32)


def canvas(tab, width=WIDTH, height=HEIGHT):
    return samples_of(tab.evaluate(GREEN, [width, height]), width, height)


def found(pictures, pixels, columns):
    """Which take and frame these columns of a picture are of, and how far off they are."""
    errors = np.abs(pictures[..., columns] - pixels[:, columns]).mean((2, 3))
    take, frame = np.unravel_index(errors.argmin(), errors.shape)
    return int(take), int(frame), float(errors.min())


def sides(pictures, pixels):
    """(take, frame) of the left and of the right half; each is clearly recognised."""
    halves = found(pictures, pixels, slice(0, 44)), found(pictures, pixels, slice(52, 96))
    assert max(half[2] for half in halves) < 12
    return halves[0][:2], halves[1][:2]


def until(tab, pictures, wanted):
    """Wait until both halves show these, at 100 %."""
    for _ in range(100):
        seen = sides(pictures, canvas(tab))
        if seen == wanted:
            break
        tab.wait_for_timeout(50)
    assert seen == wanted


def at_100(tab):
    tab.locator("#zoom input[value='1']").check()
    playwright.expect(tab.locator("#readout")).to_contain_text("100 %")
    return tab


def test_opens_with_the_baseline_left_and_a_model_right(visit, pictures):
    tab = at_100(visit())
    until(tab, pictures, ((0, 0), (1, 0)))
    assert tab.title() == "street.mp4"
    assert tab.locator("#label-left").inner_text() == "bicubic"
    assert tab.locator("#label-right").inner_text() == "espcn"
    name = tab.get_by_role("img", name="bicubic on the left, espcn on the right")
    assert name.count() == 1


def test_plays_on_its_own_unless_people_want_little_motion(visit):
    tab = visit(still=False)
    playwright.expect(tab.locator("#readout")).not_to_contain_text("frame 1 of")
    still = visit(still=True)
    still.wait_for_timeout(300)
    assert frame_of(still) == 0
    assert still.get_by_role("button", name="Play").count() == 1


@pytest.mark.parametrize("name", ["even", pytest.param("uneven", marks=pytest.mark.slow)])
def test_both_sides_stay_within_one_frame_in_play(visit, pictures, name):
    tab = at_100(visit(name))
    until(tab, pictures, ((0, 0), (1, 0)))
    tab.keyboard.press("Space")
    rows = 16  # about the middle: enough to recognise a frame
    samples = tab.evaluate(WATCH, [WIDTH, rows, 1500])
    middle = pictures[:, :, (HEIGHT - rows) // 2 : (HEIGHT + rows) // 2]
    frames, drifts = [], []
    for sample in samples:
        pixels = samples_of(sample["pixels"], WIDTH, rows)
        (left_take, left), (right_take, right) = sides(middle, pixels)
        assert (left_take, right_take) == (0, 1)
        assert abs(left - right) <= 1
        frames.append(left)
        drifts.append(abs(sample["times"][0] - sample["times"][1]))
    assert len(set(frames)) > COUNT / 3  # it did play
    assert np.median(drifts) < 0.04


def test_plays_in_a_loop_or_once(visit, pictures):
    tab = at_100(visit())
    tab.locator("#frame").press("End")
    shows(tab, COUNT - 1)
    tab.keyboard.press("Space")
    tab.wait_for_timeout(200)
    playwright.expect(tab.get_by_role("button", name="Pause")).to_be_visible()
    tab.keyboard.press("l")
    assert tab.get_by_role("button", name="Loop").get_attribute("aria-pressed") == "false"
    playwright.expect(tab.get_by_role("button", name="Play", exact=True)).to_be_visible()
    until(tab, pictures, ((0, COUNT - 1), (1, COUNT - 1)))


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_steps_show_each_frame_on_both_sides(visit, pictures, name):
    tab = at_100(visit(name))
    for frame in (1, 2, 3):
        tab.keyboard.press(".")
        until(tab, pictures, ((0, frame), (1, frame)))
    tab.get_by_role("button", name="One frame back").click()
    until(tab, pictures, ((0, 2), (1, 2)))
    tab.locator("#frame").fill("17")
    until(tab, pictures, ((0, 17), (1, 17)))
    for _ in range(5):  # quicker than it can seek
        tab.keyboard.press(",")
    until(tab, pictures, ((0, 12), (1, 12)))
    tab.locator("#split").focus()
    tab.locator("#frame").press("End")
    until(tab, pictures, ((0, COUNT - 1), (1, COUNT - 1)))
    tab.keyboard.press(".")
    tab.wait_for_timeout(200)
    assert frame_of(tab) == COUNT - 1


def test_divider_follows_mouse_and_keys(visit, pictures):
    tab = at_100(visit())
    until(tab, pictures, ((0, 0), (1, 0)))
    box = tab.locator("canvas").bounding_box()
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    slider = tab.get_by_role("slider", name="Divider")
    tab.mouse.move(middle, y)
    tab.mouse.down()
    tab.mouse.move(middle - 24, y, steps=4)
    assert slider.input_value() == "25"
    tab.mouse.move(middle + 24, y, steps=4)
    tab.mouse.up()
    tab.mouse.move(middle, y)
    assert slider.input_value() == "75"
    assert slider.get_attribute("aria-valuetext") == "75 % bicubic, 25 % espcn"
    tab.wait_for_timeout(100)
    assert found(pictures, canvas(tab), slice(0, 71))[:2] == (0, 0)
    assert found(pictures, canvas(tab), slice(73, 96))[:2] == (1, 0)
    tab.keyboard.press("ArrowLeft")  # it got the focus
    assert slider.input_value() == "74"
    tab.keyboard.press("Home")
    assert slider.input_value() == "0"
    tab.wait_for_timeout(100)
    assert found(pictures, canvas(tab), slice(0, 96))[:2] == (1, 0)
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("ArrowRight")
    assert slider.input_value() == "2"


def test_divider_follows_a_finger(visit, pictures):
    tab = at_100(visit(has_touch=True, viewport={"width": 390, "height": 844}))
    box = tab.locator("canvas").bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] / 2 + 24, box["y"] + 60)
    assert tab.get_by_role("slider", name="Divider").input_value() == "75"
    tab.wait_for_timeout(100)
    assert found(pictures, canvas(tab), slice(0, 71))[:2] == (0, 0)


@pytest.mark.parametrize("pixels", [1, 2])
def test_zoom_shows_pixels_of_the_device_in_step(visit, pictures, pixels):
    tab = at_100(visit(device_scale_factor=pixels))
    until(tab, pictures, ((0, 0), (1, 0)))
    small = canvas(tab)
    for scale in (2, 4):
        tab.keyboard.press("+")
        playwright.expect(tab.locator("#readout")).to_contain_text(f"{scale}00 %")
        large = canvas(tab, WIDTH * scale, HEIGHT * scale)
        blocks = large.reshape(HEIGHT, scale, WIDTH, scale)
        assert (blocks == small[:, None, :, None]).all()
    tab.keyboard.press("0")
    assert tab.get_by_role("radio", name="Fit").is_checked()


def test_zoomed_picture_moves_by_mouse_and_keys(visit):
    tab = visit(viewport={"width": 240, "height": 640})
    tab.locator("#split").press("Home")  # one take alone is seen
    box = tab.locator("canvas").bounding_box()
    size = [int(box["width"]), int(box["height"])]

    def seen():
        tab.wait_for_timeout(100)
        return canvas(tab, *size)

    x, y = box["x"] + 150, box["y"] + 100
    tab.mouse.move(x, y)
    tab.mouse.wheel(0, -120)
    playwright.expect(tab.locator("#readout")).to_contain_text("400 %")
    before = seen()
    tab.mouse.down()
    tab.mouse.move(x - 20, y - 12, steps=3)
    tab.mouse.up()
    dragged = seen()
    assert (dragged[:-12, :-20] == before[12:, 20:]).all()
    tab.keyboard.press("Shift+ArrowRight")
    step = size[0] // 8
    assert (seen()[:, :-step] == dragged[:, step:]).all()
    for _ in range(9):
        tab.keyboard.press("Shift+ArrowRight")
    assert (seen()[:, -4:] == seen()[:, -1:]).all()  # its edge stays at the stage's
    tab.mouse.wheel(0, 120)
    playwright.expect(tab.get_by_role("radio", name="Fit")).to_be_checked()
    tab.mouse.wheel(0, 120)  # nothing is left to make smaller: the page scrolls
    tab.wait_for_timeout(200)
    assert tab.evaluate("scrollY") > 0
    assert tab.get_by_role("radio", name="Fit").is_checked()


def test_chooser_keeps_time_and_zoom(visit, pictures):
    tab = at_100(visit())
    tab.locator("#frame").fill("9")
    until(tab, pictures, ((0, 9), (1, 9)))
    tab.keyboard.press("3")
    until(tab, pictures, ((0, 9), (2, 9)))
    assert tab.locator("#label-right").inner_text() == "</script>&"
    assert tab.locator("code:visible").inner_text() == COMMANDS[2]
    cards = tab.locator(".take:visible")
    assert [" ".join(text.split()) for text in cards.all_inner_texts()] == [
        "bicubic left Speed 0 fps",
        "</script>& right Speed 2 fps",
    ]
    right = tab.get_by_role("group", name="Right")
    right.get_by_role("radio", name="bicubic").check()  # where left's is chosen, they change places
    until(tab, pictures, ((2, 9), (0, 9)))
    assert tab.locator("code:visible").inner_text() == COMMANDS[2]
    tab.get_by_role("group", name="Left").get_by_role("radio", name="espcn").check()
    until(tab, pictures, ((1, 9), (0, 9)))
    tab.keyboard.press("Space")
    tab.wait_for_timeout(300)
    tab.keyboard.press("2")
    tab.wait_for_timeout(300)
    tab.keyboard.press("Space")
    tab.wait_for_timeout(300)
    (left, frame), (right, same) = sides(pictures, canvas(tab))
    assert (left, right) == (0, 1)
    assert frame == same == frame_of(tab)


@pytest.mark.parametrize("before", ["", "delete Navigator.prototype.clipboard"])
def test_copies_the_command_line(visit, before):
    tab = visit(before=before, permissions=[] if before else ["clipboard-write"])
    tab.get_by_role("button", name="Copy").click()
    playwright.expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    tab.evaluate(
        "() => { const area = document.createElement('textarea'); area.id = 'area';"
        "document.body.append(area); area.focus(); }"
    )
    tab.keyboard.press("Control+v")
    assert tab.locator("#area").input_value() == COMMANDS[1]


def test_one_take_alone_has_no_divider_and_no_choice(visit, pictures):
    tab = at_100(visit("even-alone"))
    for _ in range(100):
        if found(pictures, canvas(tab), slice(0, 96))[:2] == (1, 0):
            break
        tab.wait_for_timeout(50)
    tab.keyboard.press(".")
    shows(tab, 1)
    assert found(pictures, canvas(tab), slice(0, 96))[:2] == (1, 1)
    assert tab.get_by_role("slider").count() == 1  # the frame's
    assert not tab.locator("#choosers").is_visible()
    assert tab.locator("code:visible").inner_text() == COMMANDS[1]


def test_fits_phones_and_desktops(visit):
    for size in ((320, 640), (844, 390), (1280, 800)):
        tab = visit(viewport={"width": size[0], "height": size[1]})
        assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
        box = tab.locator("#play").bounding_box()
        assert box["y"] + box["height"] <= size[1]


def test_keys_alone_reach_everything(visit):
    tab = visit()
    names = []
    for _ in range(16):
        tab.keyboard.press("Tab")
        names.append(
            tab.evaluate(
                "() => { const e = document.activeElement;"
                "return e.getAttribute('aria-label') || e.name || e.textContent.trim(); }"
            )
        )
    for name in ("Divider, from left to right", "Play", "Frame", "zoom", "left", "right", "Copy"):
        assert name in names
    assert "Keys" in names
