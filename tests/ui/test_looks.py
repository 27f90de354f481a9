"""Files as the page sees them: probed, played by ranges, as frames and strips of real clips."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cli_runner import vsr
from support.clips import Clip, make
from support.ui_servers import Answer, Page, served

pytestmark = pytest.mark.network

SECOND = 12800  # ticks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    times = range(0, 4 * SECOND, SECOND // 10)
    make(made / "clip.mp4", Clip(pts=times, options={"g": "10", "preset": "veryfast"}))
    make(made / "turned.mp4", Clip(matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)))
    make(made / "odd name\n#?&%.mkv", Clip())
    cv2.imwrite(str(made / "still.png"), np.full((30, 40, 3), 200, np.uint8))
    (made / "broken.mp4").write_bytes(b"no video" * 100)
    (made / "page.html").write_text("<script>fetch('/api/jobs')</script>")
    (made / "picture.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return made


@pytest.fixture(scope="module")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(folder, tmp_path_factory.mktemp("state")) as found:
        yield found


def picture(answer: Answer) -> np.ndarray:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "image/jpeg"
    found = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found


@pytest.mark.slow
def test_probing_is_that_of_the_command(page: Page, folder: Path) -> None:
    found = page.get("/api/probe", path="clip.mp4")
    (said,) = vsr("probe", folder / "clip.mp4", "--json").events
    grid = {"columns": 2, "rows": 2, "right": False, "bottom": False}
    assert found.pop("shown") == {"width": 64, "height": 48, "grid": grid}
    assert found.pop("path") == "clip.mp4"
    del said["path"], said["event"]
    assert found == said
    grid["right"] = True
    turned = page.get("/api/probe", path="turned.mp4")["shown"]
    assert turned == {"width": 48, "height": 64, "grid": grid}
    assert page.get("/api/probe", path="still.png")["container"] == "image"


def test_a_frame_is_that_of_its_time(page: Page) -> None:
    shots = [picture(page.ask("GET", f"/api/frame.jpg?path=clip.mp4&at={at}")) for at in (0, 1, 2)]
    assert shots[0].shape == (48, 64, 3)
    again = picture(page.ask("GET", "/api/frame.jpg?path=clip.mp4&at=1.00"))
    assert np.array_equal(again, shots[1])
    assert not np.array_equal(shots[0], shots[1])
    assert not np.array_equal(shots[1], shots[2])
    behind = picture(page.ask("GET", "/api/frame.jpg?path=clip.mp4&at=99"))
    assert behind.shape == shots[0].shape
    small = picture(page.ask("GET", "/api/frame.jpg?path=clip.mp4&at=1&width=32"))
    assert small.shape == (24, 32, 3)
    turned = picture(page.ask("GET", "/api/frame.jpg?path=turned.mp4"))
    assert turned.shape == (64, 48, 3)


def test_a_strip_is_its_frames_side_by_side(page: Page) -> None:
    told = page.get("/api/strip", path="clip.mp4", count=4, height=48)
    assert told["times"] == pytest.approx([0.5, 1.5, 2.5, 3.5])
    assert (told["width"], told["height"]) == (64, 48)
    strip = picture(page.ask("GET", told["image"]))
    assert strip.shape == (48, 4 * 64, 3)
    for number, time in enumerate(told["times"]):
        frame = picture(page.ask("GET", f"/api/frame.jpg?path=clip.mp4&at={time}"))
        part = strip[:, number * 64 : (number + 1) * 64]
        assert np.abs(frame.astype(int) - part).mean() < 6
    still = page.get("/api/strip", path="still.png")
    assert len(still["times"]) == 1


@pytest.mark.slow
def test_a_moment_is_that_of_the_preview(page: Page, folder: Path, tmp_path: Path) -> None:
    found = page.get("/api/moment", path="clip.mp4", duration="1")
    words = ("-m", "nearest", "-s", "2", "--duration", "1", "--preset", "ultrafast")
    ran = vsr("preview", folder / "clip.mp4", tmp_path / "p.png", *words, "--json")
    assert found == {name: ran.events[-1][name] for name in ("start", "why")}


def test_a_file_that_has_changed_is_looked_at_again(page: Page, folder: Path) -> None:
    path = folder / "changing.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    assert picture(page.ask("GET", "/api/frame.jpg?path=changing.png")).mean() < 5
    cv2.imwrite(str(path), np.full((8, 16, 3), 255, np.uint8))
    os.utime(path, (1, 1))
    assert picture(page.ask("GET", "/api/frame.jpg?path=changing.png")).mean() > 250


@pytest.mark.parametrize(
    "path",
    [
        "/api/probe?path=broken.mp4",
        "/api/strip?path=broken.mp4",
        "/api/frame.jpg?path=broken.mp4",
        "/api/moment?path=broken.mp4",
        "/api/probe?path=",
        "/api/probe?path=nosuch.mp4",
        "/api/strip?path=clip.mp4&count=0",
        "/api/strip?path=clip.mp4&count=100000",
        "/api/strip?path=clip.mp4&height=-5",
        "/api/strip?path=clip.mp4&height=9999999999999999999999999",
        "/api/frame.jpg?path=clip.mp4&at=-1",
        "/api/frame.jpg?path=clip.mp4&at=nan",
        "/api/frame.jpg?path=clip.mp4&at=1e9",
        "/api/frame.jpg?path=clip.mp4&at=%C2%B2",
        "/api/frame.jpg?path=clip.mp4&width=100000",
        "/api/moment?path=clip.mp4&duration=0",
        "/api/options?command=rm",
        "/api/page?path=clip.mp4",
        "/api/record?path=clip.mp4",
    ],
)
def test_what_cannot_be_is_told_in_one_line(page: Page, path: str) -> None:
    answer = page.ask("GET", path)
    assert 400 <= answer.status < 500
    assert answer.json["error"]
    assert "\n" not in answer.json["error"]


def test_media_come_by_ranges(page: Page, folder: Path) -> None:
    data = (folder / "clip.mp4").read_bytes()
    whole = page.ask("GET", "/api/media?path=clip.mp4")
    assert (whole.status, whole.body, whole.headers["content-type"]) == (200, data, "video/mp4")
    part = page.ask("GET", "/api/media?path=clip.mp4", headers={"Range": "bytes=100-299"})
    assert (part.status, part.body) == (206, data[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(data)}"
    last = page.ask("GET", "/api/media?path=clip.mp4", headers={"Range": "bytes=-10"})
    assert last.body == data[-10:]
    beyond = page.ask("GET", "/api/media?path=clip.mp4", headers={"Range": "bytes=99999999-"})
    assert beyond.status == 416
    assert page.ask("HEAD", "/api/media?path=clip.mp4").headers["content-length"] == str(len(data))


@pytest.mark.parametrize("name", ["page.html", "picture.svg"])
def test_what_could_run_is_never_shown_as_this_servers(page: Page, name: str) -> None:
    answer = page.ask("GET", f"/api/media?path={name}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] in ("application/octet-stream",)
    assert answer.headers["content-security-policy"] == "sandbox"


def test_generated_pages_run_in_a_sandbox(page: Page) -> None:
    answer = page.ask("GET", "/api/page?path=page.html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "connect-src" not in policy
    assert answer.headers["content-type"].startswith("text/html")


def test_odd_names_are_downloaded(page: Page, folder: Path) -> None:
    (entry,) = [one for one in page.get("/api/files")["entries"] if "odd" in one["name"]]
    assert page.get("/api/probe", path=entry["path"])["video"]["width"] == 64
    answer = page.ask("GET", "/api/media?download=1&path=odd%20name%0A%23%3F%26%25.mkv")
    assert answer.body == (folder / entry["path"]).read_bytes()
    assert "\n" not in answer.headers["content-disposition"]


@pytest.mark.slow
def test_about(page: Page) -> None:
    about = page.get("/api/about")
    assert about["device"] is None  # it is not known yet, and nothing waits for it
    named = page.get("/api/device")["device"]
    assert named.startswith("cpu") or "cuda" in named
    assert page.get("/api/about")["device"] == named
    assert about["commands"] == ["upscale", "preview", "batch", "fuse", "check"]
    assert about["writable"] is True
    names = {model["name"]: model for model in about["models"]}
    assert names["espcn"]["scales"] and names["espcn"]["says"]
    assert sum(model.get("default", False) for model in about["models"]) == 1
    assert json.dumps(about).isascii()


def test_a_file_that_goes_while_it_is_looked_into_is_named(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("vsr.ui.looks.probe", gone)
    answer = page.ask("GET", "/api/strip?path=turned.mp4&count=3")
    said = "turned.mp4: cannot be read (No such file or directory)"
    assert (answer.status, answer.json["error"]) == (404, said)
