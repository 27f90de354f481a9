"""The page for everybody: by keyboard, with a screen reader, on a phone, light and dark, in words
that all come from the tables."""

import json
import re

import pytest
from support import clips
from support.ui_pages import expect, go, marks
from support.ui_servers import started

from vsr.ui.about import PAGE

pytestmark = [*marks, pytest.mark.slow]

LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
VIEWS = (
    "#/files/",
    "#/file/clip.mp4",
    "#/file/clip.mp4#preview",
    "#/file/clip.mp4#fuse",
    "#/file/clip.mp4#check",
    "#/file/rtsp%3A%2F%2Fcamera%2Fstream",
    "#/jobs",
    "#/job/UPSCALE",
    "#/job/PREVIEW",
    "#/job/CHECK",
    "#/job/BATCH",
    "#/job/FAILED",
    "#/batch/",
)

# Text that is seen and that no table gave: all words of three letters and more outside the
# brackets, but for names, what vsr itself says in English, and numbers with their units.
OWN_WORDS = r"""() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (parentElement.closest('[translate=no]')) continue;
    found.push(data);
  }
  for (const name of ['aria-label', 'title', 'alt', 'placeholder', 'aria-valuetext']) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (!element.closest('[translate=no]')) found.push(element.getAttribute(name));
    }
  }
  return found;
}"""

# What has the focus shows it, or what stands for it does: beside a control that is not seen.
OUTLINES = """() => {
  const one = document.activeElement;
  return [one, one.nextElementSibling ?? one].map((e) => getComputedStyle(e).outlineStyle);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose jobs have ended, one of each kind; and the hash of each view."""
    folder, state = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("state")
    clips.make(folder / "clip.mp4", clips.Clip(audio=("eng",)))
    (folder / "in").mkdir()
    clips.make(folder / "in" / "a.mp4")
    (folder / "broken.mp4").write_text("no video")
    with started(folder, state) as one:
        page = one.page
        upscale = page.order(
            "upscale", "clip.mp4", "out.mp4", model="bicubic", scale="2", record=True
        )
        page.wait(upscale, "done")
        jobs = {
            "UPSCALE": upscale,
            "PREVIEW": page.order(
                "preview", "clip.mp4", "p.html", model=["bicubic"], compare="nearest"
            ),
            "CHECK": page.order("check", "clip.mp4", "out.mp4"),
            "BATCH": page.order("batch", "in", "many", model="bicubic", scale="2"),
            "FAILED": page.order("upscale", "broken.mp4", "b.mp4"),
        }
        for name, job in jobs.items():
            page.wait(job, "failed" if name == "FAILED" else "done")
        one.views = [
            re.sub(
                r"[A-Z]+$",
                lambda found: jobs[found[0]]["id"] if found[0] in jobs else found[0],
                view,
            )
            for view in VIEWS
        ]
        yield one


def open_view(tab, view):
    """Go to a view with all that can be unfolded unfolded."""
    hash_, _, command = view[1:].partition("#")
    go(tab, "#/jobs" if hash_ != "/jobs" else "#/batch/")
    go(tab, f"#{hash_}")
    if command:
        tab.locator(f".commands [value={command}]").check()
        expect(tab.locator(f".commands [value={command}]")).to_be_checked()
    tab.locator(".run, .view-jobs, .view-files, .view-job").first.wait_for()
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.wait_for_timeout(400)  # the command line is asked for


def axe_in(tab, options):
    """What axe-core finds wrong; the sandboxed frame holds a page with tests of its own."""
    result = tab.evaluate("(options) => axe.run({ exclude: ['iframe'] }, options)", options)
    assert result["passes"]
    return [
        (rule["id"], [node["html"][:160] for node in rule["nodes"][:3]])
        for rule in result["violations"]
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_wrong_in_any_view(visitors, server, language):
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="axe-playwright-python is not installed"
    )
    tab = visitors.visit(server.address, locale=LANGUAGES[language], color_scheme="light")
    assert tab.evaluate("document.documentElement.lang")[:2] == language
    tab.evaluate(axe.AXE_SCRIPT)
    contrast = {"runOnly": ["color-contrast"]}
    found = []
    for view in server.views:
        open_view(tab, view)
        found += [(view, *rule) for rule in axe_in(tab, {"iframes": False})]
        tab.emulate_media(color_scheme="dark")
        found += [(view, "dark", *rule) for rule in axe_in(tab, {"iframes": False, **contrast})]
        tab.emulate_media(color_scheme="light")
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_view_scrolls_sideways_on_a_phone(visitors, server, language):
    width = 320
    tab = visitors.visit(
        server.address,
        locale=LANGUAGES[language],
        viewport={"width": width, "height": 640},
        has_touch=True,
        is_mobile=True,
    )
    wide = []
    for view in server.views:
        open_view(tab, view)
        if tab.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(view)
    assert wide == []


def test_light_and_dark_follow_the_system(visitors, server):
    def shades(scheme):
        tab = visitors.visit(server.address, color_scheme=scheme)
        return [
            sum(
                map(
                    int,
                    re.findall(
                        r"\d+", tab.locator("body").evaluate(f"(e) => getComputedStyle(e).{name}")
                    )[:3],
                )
            )
            for name in ("backgroundColor", "color")
        ]

    light, dark = shades("light"), shades("dark")
    assert light[0] > 600 > 200 > light[1]
    assert dark[1] > 600 > 200 > dark[0]


def test_who_wants_no_motion_sees_none(visitors, server):
    tab = visitors.visit(server.address, reduced_motion="reduce")
    bar = "const bar = document.createElement('progress'); document.body.append(bar); "
    name = tab.evaluate(f"() => {{ {bar} return getComputedStyle(bar).animationName; }}")
    assert name == "none"


def test_all_of_it_goes_by_keyboard_alone(visitors, server):
    tab = visitors.visit(server.address)

    def tab_to(what):
        """Press Tab until this has the focus, which must be seen."""
        for _ in range(80):
            tab.keyboard.press("Tab")
            if tab.evaluate("(what) => document.activeElement.matches(what)", what):
                assert "solid" in tab.evaluate(OUTLINES)
                return
        raise AssertionError(f"{what} is not reached")

    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.tagName") == "H1"
    tab_to("a[href='#/file/clip.mp4']")
    tab.keyboard.press("Enter")
    tab.locator(".view-file[data-ready]").wait_for()
    assert tab.evaluate("document.activeElement.tagName") == "H1"
    tab_to(".scrubber")
    tab.keyboard.press("ArrowRight")
    tab_to("input[type=number]")
    tab.keyboard.press("Control+A")
    tab.keyboard.type("8")
    tab_to(".commands input:checked")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator(".commands input[value=upscale]")).to_be_focused()
    tab_to("select")
    tab.keyboard.type("bic")
    expect(tab.locator(".command code")).to_contain_text("--model bicubic")
    expect(tab.locator(".command code")).to_contain_text("--crop 8,")
    tab_to("button.primary")
    tab.keyboard.press("Enter")
    tab.locator(".view-job[data-ready]").wait_for()
    expect(tab.locator(".now .state")).to_have_text("done")
    tab_to(".player video")
    tab_to(".buttons button, .player a")


def test_progress_is_told_at_quarters_alone(visitors, server):
    tab = visitors.visit(server.address)
    told = tab.evaluate(
        """async () => {
          const { partOf } = await import('/static/job_parts.js');
          const part = (frames) => partOf({ state: 'running', progress: { frames, expected: 8 } });
          return [0, 1, 2, 3, 8].map((frames) => 25 * Math.floor(4 * part(frames)));
        }"""
    )
    assert told == [0, 0, 25, 25, 100]
    live = tab.locator("[aria-live=assertive], progress[aria-live]")
    assert live.count() == 0


def test_all_words_come_from_the_table(visitors, server):
    """With a table whose texts stand in brackets, nothing that is shown stands outside of them."""
    table = json.loads((PAGE / "texts" / "en.json").read_text())

    def marked(text):
        if isinstance(text, dict):
            return {form: marked(one) for form, one in text.items()}
        return f"⟦{text}⟧"

    answer = {key: text if key == "language.tag" else marked(text) for key, text in table.items()}
    tab = visitors.visit(server.address, locale="en-US")
    tab.route("**/static/texts/en.json", lambda route: route.fulfill(json=answer))
    tab.reload()
    tab.locator("[data-ready]").wait_for()
    outside = set()
    for view in server.views:
        open_view(tab, view)
        for text in tab.evaluate(OWN_WORDS):
            while (rest := re.sub("⟦[^⟦⟧]*⟧", "", text)) != text:
                text = rest
            outside.update(re.findall(r"[A-Za-z]{3,}", text))
    dates = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
    units = {"sec", "min", "byte", "bytes", "rtsp"}
    names = {"broken", "clip", "many", "out", "camera", "stream"}  # in labels of buttons and bars
    assert sorted(outside - dates - units - names) == []
