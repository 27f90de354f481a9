"""The page in a real browser and a real `vsr ui`: from choosing a file to playing the result."""

import json
import re
from fractions import Fraction
from urllib.parse import urlsplit

import pytest
from support import clips
from support.ui_pages import PATIENCE, expect, go, marks, run, shows
from support.ui_servers import served, started

pytestmark = [*marks, pytest.mark.slow]

# Names that are HTML, that turn the reading round, that are parts of addresses.
HOSTILE = (
    '<img src=x onerror="alert(1)">.mp4',
    "a&amp;b 'c'.mp4",
    "\u202egnp.mp4",
    "50% #1?x=2&y.mp4",
    "{name} ${1}.mp4",
)
SIZE = "96 \N{MULTIPLICATION SIGN} 64 pixels"
PLAYS = """async (video) => {
  video.muted = true;
  await video.play();
  while (video.currentTime === 0) await new Promise((done) => setTimeout(done, 20));
  return [video.videoWidth, video.videoHeight];
}"""

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def port_of(server):
    return urlsplit(server.address).port


def line(tab):
    """The command line that is shown."""
    return tab.locator(".command code").inner_text()


def test_from_choosing_a_file_to_playing_the_result_with_a_killed_server_between(
    visitors, tmp_path
):
    folder = tmp_path / "served"
    folder.mkdir()
    clips.make(folder / "clip.mp4", clips.TWO_SECONDS)
    with started(folder, tmp_path / "state") as first:
        tab = visitors.visit(first.address)
        tab.get_by_role("link", name="clip.mp4").click()
        expect(tab.locator(".view-file")).to_be_visible()
        expect(tab.locator("dl.facts").first).to_contain_text(SIZE)
        tab.get_by_label("Model", exact=True).select_option("espcn")
        tab.get_by_label("Size", exact=True).select_option("x2")
        tab.get_by_label("Left").fill("16")
        tab.get_by_label("Left").press("Tab")
        tab.get_by_label("End", exact=True).last.fill("1.2")
        tab.get_by_label("End", exact=True).last.press("Tab")
        expect(tab.locator(".command code")).to_have_text(
            re.compile(r"--model espcn .*--scale 2 .*--end 1\.2 .*--crop 16,0,80,64")
        )
        run(tab)
        expect(tab.locator(".state").first).to_have_text(re.compile("running|done"))
        first.kill()
        expect(tab.locator("#connection")).to_contain_text("cannot be reached")
        port = port_of(first)
    with started(folder, tmp_path / "state", "--port", str(port)):
        expect(tab.locator("#connection")).to_have_text("")
        expect(tab.locator(".now .state")).to_have_text("done", timeout=PATIENCE)
        video = tab.locator(".player video")
        assert video.evaluate(PLAYS) == [160, 128]
        tab.get_by_text("Record", exact=True).click()
        expect(tab.locator("table.record").first).to_contain_text("espcn")
        assert (folder / "clip_x2.mp4").exists()


def test_chinese_says_the_commonest_errors(visitors, server):
    tab = visitors.visit(server.address, locale="zh-CN")
    go(tab, "#/file/clip.mp4")
    told = """async (line) => {
      const { said } = await import("/static/dom.js");
      const made = said(line);
      return [made.textContent, made.lang];
    }"""
    odd = "{why} $1 (a).mp4"
    chinese = f"{odd}\N{FULLWIDTH COLON}没有这个文件"
    assert tab.evaluate(told, f"{odd}: no such file") == [chinese, ""]
    assert tab.evaluate(told, "the moon is full") == ["the moon is full", "en"]
    english = visitors.visit(server.address)
    line = "a.mp4: no such file"
    assert english.evaluate(told, line) == [line, "en"]


def test_the_command_line_that_is_shown_is_the_one_that_runs(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    tab.get_by_label("Size", exact=True).select_option("x3")
    tab.get_by_label("Container").select_option(".mkv")
    expect(tab.locator(".command code")).to_contain_text("clip_x3.mkv --scale 3")
    shown = line(tab)
    job = run(tab)
    assert server.page.get(f"/api/jobs/{job}")["line"] == shown
    assert line(tab) == shown
    server.page.change({"id": job}, state="cancelled")


def test_what_is_wrong_is_said_and_cannot_be_run(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    tab.get_by_label("Size", exact=True).select_option("factor")
    tab.get_by_label(re.compile("Factor, such as")).fill("99")
    tab.get_by_label(re.compile("Factor, such as")).press("Tab")
    expect(tab.locator(".run .bad")).to_contain_text("99")
    expect(tab.locator(".run button.primary")).to_be_disabled()
    tab.get_by_label("Size", exact=True).select_option("x2")
    expect(tab.locator(".run .bad")).to_have_text("")
    expect(tab.locator(".run button.primary")).to_be_enabled()


def test_a_region_is_drawn_moved_and_given_by_numbers(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    box = tab.locator(".stage").bounding_box()

    def drag(begin, end):
        points = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begin, end)
        ]
        tab.mouse.move(*points[0])
        tab.mouse.down()
        tab.mouse.move(*points[1], steps=4)
        tab.mouse.up()

    def numbers():
        return [int(tab.get_by_label(name, exact=True).first.input_value()) for name in NAMES]

    NAMES = ("Left", "Top", "Width", "Height")  # noqa: N806
    assert numbers() == [0, 0, 96, 64]
    drag((0.25, 0.25), (0.75, 0.75))
    assert numbers() == [24, 16, 48, 32]
    drag((0.5, 0.5), (0.75, 0.5))
    assert numbers() == [48, 16, 48, 32]
    drag((0.5, 0.75), (0.25, 0.5))  # its lower left corner
    assert numbers()[0] == 24
    tab.get_by_label("Width", exact=True).first.fill("40")
    tab.get_by_label("Width", exact=True).first.press("Tab")
    assert numbers()[2] == 40
    expect(tab.locator(".command code")).to_contain_text("--crop 24,")
    tab.get_by_role("button", name="Whole picture").click()
    assert numbers() == [0, 0, 96, 64]
    expect(tab.locator(".command code")).not_to_contain_text("--crop")


def test_the_span_has_two_handles_that_cannot_pass_each_other(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    start, end = tab.locator(".handles input").all()
    start.focus()
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
    expect(tab.locator(".command code")).to_contain_text("--start 0.2")
    end.focus()
    tab.keyboard.press("Home")
    assert float(end.input_value()) == pytest.approx(0.24)
    expect(tab.locator(".command code")).to_contain_text("--end 0.24")
    tab.get_by_role("button", name="Whole video").click()
    expect(tab.locator(".command code")).not_to_contain_text("--start")


def test_the_frame_that_is_shown_follows_the_scrubber(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    frame = tab.locator(".frame")
    tab.get_by_label("Frame shown").focus()
    tab.keyboard.press("End")
    expect(frame).to_have_attribute("alt", "The frame at 0:01.96")
    expect(frame).to_have_attribute("src", re.compile(r"at=1\.960"))
    tab.get_by_role("button", name="Find a telling moment").click()
    expect(tab.locator(".bar .hint")).to_contain_text("From")


def test_choices_are_kept_while_other_views_are_visited(visitors, server):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    tab.get_by_label("Model", exact=True).select_option("espcn-deep")
    go(tab, "#/jobs")
    go(tab, "#/file/clip.mp4")
    assert tab.get_by_label("Model", exact=True).input_value() == "espcn-deep"
    expect(tab.locator(".command code")).to_contain_text("--model espcn-deep")


def test_an_upload_goes_on_after_a_break(visitors, server, folder, tmp_path):
    data = bytes(range(256)) * (9 << 12)  # two pieces
    (tmp_path / "sent.bin.mp4").write_bytes(data)
    tab = visitors.visit(server.address)
    broken = []

    def once(route):
        if route.request.method == "PUT" and not broken:
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    tab.route("**/api/uploads/**", once)
    tab.locator("input[type=file]").set_input_files(tmp_path / "sent.bin.mp4")
    expect(tab.locator(".uploads")).to_contain_text("done")
    assert broken
    assert (folder / "sent.bin.mp4").read_bytes() == data
    expect(tab.locator(".entries")).to_contain_text("sent.bin.mp4")


def test_more_files_than_the_server_takes_at_once_are_all_sent(visitors, tmp_path, monkeypatch):
    monkeypatch.setattr("vsr.ui.uploads._MOST", 4)
    served_folder, sent = tmp_path / "served", tmp_path / "sent"
    served_folder.mkdir()
    sent.mkdir()
    files = [sent / f"{number}.mp4" for number in range(12)]
    for file in files:
        file.write_bytes(file.name.encode())
    with served(served_folder, tmp_path / "state") as page:
        tab = visitors.visit(f"http://127.0.0.1:{page.port}/?token={page.token}")
        tab.locator("input[type=file]").set_input_files(files)
        rows = tab.locator(".uploads li")
        expect(rows.filter(has_text="done")).to_have_count(len(files))
    assert {one.name: one.read_bytes() for one in served_folder.glob("*.mp4")} == {
        file.name: file.read_bytes() for file in files
    }


def test_tabs_that_nobody_sees_leave_the_connections_to_those_that_are_seen(visitors, server):
    """A browser has six for a server, for all tabs together."""
    first = visitors.visit(server.address, "#/jobs")
    for _ in range(7):
        first.evaluate(HIDE, True)
        tab = first.context.new_page()
        tab.goto(server.address)
        shows(tab)
        tab.evaluate(HIDE, True)
    first.evaluate(HIDE, False)
    server.page.order("upscale", "clip.mp4", "of_many_tabs.mp4", model="bicubic")
    expect(first.locator("#view")).to_contain_text("of_many_tabs.mp4")


def test_two_browsers_stay_in_step(visitors, tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "long.mp4").write_text("frames 100000\nslow\n")  # a stand-in's script
    (folder / "next.mp4").write_text("frames 3\n")
    with served(folder, tmp_path / "state") as page:
        address = f"http://127.0.0.1:{page.port}/?token={page.token}"
        one, two = visitors.visit(address, "#/jobs"), visitors.visit(address, "#/jobs")
        page.order("upscale", "long.mp4")
        following = page.order("upscale", "next.mp4")
        for tab in (one, two):
            expect(tab.locator(".active .job")).to_have_count(1)
            expect(tab.locator(".queued .job")).to_have_count(1)
        one.get_by_role("button", name="Raise priority: next.mp4").click()
        expect(two.locator(".queued .job")).to_contain_text("priority 1")
        two.get_by_role("button", name="Pause: next.mp4").click()
        expect(one.locator(".job", has_text="next.mp4").locator(".state")).to_have_text("paused")
        one.get_by_role("button", name="Cancel: long.mp4").click()
        expect(two.locator(".ended .job")).to_contain_text("long.mp4")
        two.get_by_role("button", name="Go on: next.mp4").click()
        page.wait(following, "done")
        expect(one.locator(".ended .job")).to_have_count(2)
        one.get_by_role("button", name="Forget: long.mp4").click()
        expect(two.locator(".job")).to_have_count(1)
        expect(two.locator("#busy")).to_be_hidden()


def test_a_page_shows_two_hundred_jobs_and_each_change_at_once(visitors, tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "long.mp4").write_text("frames 100000\nslow\n")
    with served(folder, tmp_path / "state") as page:
        jobs = [page.order("upscale", "long.mp4", f"{number}.mp4") for number in range(200)]
        tab = visitors.visit(f"http://127.0.0.1:{page.port}/?token={page.token}", "#/jobs")
        expect(tab.locator(".job")).to_have_count(200)
        elements = tab.evaluate("document.querySelectorAll('*').length")
        longest = tab.evaluate(
            """async () => {
              let longest = 0, last = performance.now();
              const end = last + 2000;
              while (last < end) {
                await new Promise((done) => setTimeout(done, 0));
                longest = Math.max(longest, performance.now() - last);
                last = performance.now();
              }
              return longest;
            }"""
        )
        assert longest < 500  # milliseconds without an answer, while frames are counted
        assert tab.evaluate("document.querySelectorAll('*').length") < elements + 50
        page.change(jobs[199], priority=5)
        expect(tab.locator(".queued .job").first).to_contain_text("199.mp4")


def test_hostile_names_are_text(visitors, folder, server):
    for name in HOSTILE:
        (folder / name).write_bytes((folder / "clip.mp4").read_bytes())
    tab = visitors.visit(server.address)
    for name in HOSTILE:
        entry = tab.locator(".entry .name", has_text=re.compile(f"^{re.escape(name)}$"))
        expect(entry).to_have_count(1)
        entry.click()
        expect(tab.locator("dl.facts").first).to_contain_text(SIZE)
        assert tab.locator("h1").text_content() == name
        expect(tab).to_have_title(f"{name} \N{EN DASH} vsr")
        run(tab)
        assert name in tab.locator("h1").text_content()
        assert tab.locator("h1 *").count() == 1  # the name, and nothing that it made
        job = tab.evaluate("location.hash").rpartition("/")[2]
        server.page.change({"id": job}, state="cancelled")
        go(tab, "#/jobs")
        expect(tab.locator("h3", has_text=name)).to_have_count(1)
        go(tab, "#/files/")
    assert tab.locator("#view img[src=x]").count() == 0


def test_what_no_browser_plays_is_offered_to_be_saved(visitors, folder, server):
    clip = clips.Clip(codec="ffv1", options={}, time_base=Fraction(1, 25), pts=range(5))
    clips.make(folder / "master.mkv", clip)
    tab = visitors.visit(server.address, "#/file/master.mkv")
    tab.get_by_text("Play it as it is").click()
    expect(tab.locator(".player .note")).to_contain_text("cannot show this file")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Save the file").click()
    assert download.value.path().read_bytes() == (folder / "master.mkv").read_bytes()


def test_the_language_is_the_browsers_and_can_be_switched(visitors, server):
    tab = visitors.visit(server.address, locale="zh-CN")
    assert tab.evaluate("document.documentElement.lang") == "zh-Hans"
    expect(tab.locator("nav").first).to_contain_text("任务")
    tab.get_by_label("语言").select_option("en")
    expect(tab.locator("nav").first).to_contain_text("Jobs")
    tab.reload()
    shows(tab)
    expect(tab.locator("nav").first).to_contain_text("Jobs")


def test_a_live_address_is_upscaled_as_it_comes(visitors, server):
    tab = visitors.visit(server.address)
    tab.get_by_label("Address").fill("rtsp://127.0.0.1:1/stream?a=1&b=#2")
    tab.get_by_role("button", name="Open").click()
    expect(tab.locator("h1")).to_have_text("rtsp://127.0.0.1:1/stream?a=1&b=#2")
    expect(tab.locator(".command code")).to_contain_text("rtsp://127.0.0.1:1/stream")
    assert tab.locator(".commands input").count() == 1


def test_a_wrong_token_is_told(browser, server):
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"http://127.0.0.1:{port_of(server)}/")
    expect(tab.get_by_role("alert")).to_contain_text("Open the address that vsr ui printed")
    context.close()


# The remaining commands take networks, so they run once, together.
def test_preview_fuse_check_and_batch_show_what_came_of_them(visitors, server, folder):
    tab = visitors.visit(server.address, "#/file/clip.mp4")
    tab.get_by_role("radio", name="Preview").check()
    tab.get_by_label("Seconds", exact=True).fill("0.4")
    tab.get_by_label("Seconds", exact=True).press("Tab")
    tab.get_by_label(re.compile("^espcn ESPCN")).check()
    expect(tab.locator(".command code")).to_contain_text("--model espcn")
    run(tab)
    expect(tab.locator("table.grid")).to_contain_text("espcn", timeout=PATIENCE)
    inside = tab.frame_locator(".page iframe")
    expect(inside.locator("#readout")).to_contain_text("frame")
    go(tab, "#/file/clip.mp4")
    tab.get_by_role("radio", name="Fuse").check()
    for name, value in (("Left", "16"), ("Top", "8"), ("Width", "48"), ("Height", "40")):
        tab.get_by_label(name, exact=True).first.fill(value)
        tab.get_by_label(name, exact=True).first.press("Tab")
    expect(tab.locator(".command code")).to_contain_text("--crop 16,8,48,40")
    run(tab)
    expect(tab.locator(".outcome")).to_contain_text("Frames used", timeout=PATIENCE)
    (folder / "in").mkdir()
    (folder / "in" / "a.mp4").write_bytes((folder / "clip.mp4").read_bytes())
    go(tab, "#/batch/in")
    tab.get_by_label("Model", exact=True).select_option("bicubic")
    tab.get_by_label("Size", exact=True).select_option("x2")
    expect(tab.locator(".command code")).to_contain_text("--model bicubic")
    run(tab)
    expect(tab.locator("table.grid")).to_contain_text("a.mp4", timeout=PATIENCE)
    made = next(folder.rglob("a_x2.mp4")).relative_to(folder)
    go(tab, f"#/file/{made}")
    tab.get_by_role("radio", name="Check").check()
    tab.get_by_label("Source").fill("in/a.mp4")
    expect(tab.locator(".command code")).to_contain_text("--source")
    run(tab)
    expect(tab.locator(".outcome")).to_contain_text("dB PSNR", timeout=PATIENCE)
    assert json.loads((folder / f"{made}.record.json").read_text())["schema"] == "vsr-record"
