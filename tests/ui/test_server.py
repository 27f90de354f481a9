"""`vsr ui` itself, with real clips: from choosing to playing, killed in between, asked by two."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import servers
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, make
from support.ui_servers import Page, Process, end_all, process_of, started

pytestmark = [pytest.mark.network, pytest.mark.slow]

FAST = {"model": "bicubic", "scale": "2", "codec": "ffv1"}
WORDS = ("--model", "bicubic", "--scale", "2", "--codec", "ffv1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    return made


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    if (tmp_path / "state").is_dir():
        end_all(tmp_path / "state")


def long_clip(path: Path, seconds: int = 150) -> Path:
    """A clip in many segments: a keyframe every ten seconds, two frames each."""
    return make(path, Clip(pts=range(0, seconds * 12800, 6400), options={"g": "20"}))


def frames_of(path: Path) -> str:
    """A digest of all that a video shows, and when."""
    import av

    found = hashlib.sha256()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.update(str(frame.pts * frame.time_base).encode())
            found.update(frame.to_ndarray().tobytes())
    return found.hexdigest()


class Shared(NamedTuple):
    """A server, its folder, and where its jobs are."""

    server: Process
    folder: Path
    state: Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """One server for all that do it no harm."""
    folder, state = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("state")
    make(folder / "a.mkv", Clip())
    with started(folder, state) as server:
        yield Shared(server, folder, state)


def test_from_choosing_to_playing(shared: Shared) -> None:
    page, folder = shared.server.page, shared.folder
    make(folder / "-a\nb.mkv", Clip(audio=["eng"]))
    (entry,) = [one for one in page.get("/api/files")["entries"] if one["name"][0] == "-"]
    assert page.get("/api/probe", path=entry["path"])["video"]["height"] == 48
    body = {"command": "upscale", "source": entry["path"], "options": {**FAST, "record": True}}
    shown = page.ask("POST", "/api/command", body).json
    assert shown["error"] is None
    job = page.ask("POST", "/api/jobs", body).json
    assert job["line"] == shown["line"]
    done = page.wait(job, "done", "failed")
    assert done["state"] == "done", done
    assert done["result"]["frames_out"] == 12
    assert done["target"] == "-a\nb_x2.mkv"
    media = page.ask("GET", "/api/media?path=-a%0Ab_x2.mkv", headers={"Range": "bytes=0-3"})
    assert (media.status, media.body) == (206, b"\x1aE\xdf\xa3")
    assert page.get("/api/record", path=done["target"])["source"]["sha256"]
    assert page.ask("GET", f"/api/jobs/{job['id']}/frame.jpg").body[:2] == b"\xff\xd8"
    checked = page.wait(page.order("check", entry["path"], done["target"]), "done", "failed")
    assert checked["result"]["psnr"] > 30, checked
    environment = {**os.environ, "PATH": f"{SCRIPT.parent}:{os.environ['PATH']}"}
    ran = subprocess.run(["bash", "-c", shown["line"]], capture_output=True, env=environment)
    assert b"b_x2.mkv" in ran.stderr  # what is there was made by this very job


def test_a_killed_server_loses_nothing(folder: Path, state: Path, tmp_path: Path) -> None:
    source = long_clip(folder / "a.mp4", 400)
    assert vsr("upscale", source, tmp_path / "direct.mkv", *WORDS).code == 0
    with started(folder, state) as server:
        options = {**FAST, "resume": "always"}
        job = server.page.order("upscale", "a.mp4", "b.mkv", **options)
        parts = ".b.mkv.*.work/*.packets"
        server.page.until(job, lambda now: any(folder.glob(parts)) or now["ended"])
        token = server.page.token
        server.kill()
    assert (state / "token").stat().st_mode & 0o077 == 0
    with started(folder, state) as server:
        assert server.page.token == token  # so that an open page goes on
        found = server.page.get(f"/api/jobs/{job['id']}")
        assert found["state"] in ("running", "done")
        done = server.page.wait(job, "done", "failed")
        assert (done["state"], done["attempts"]) == ("done", 1)
    assert frames_of(folder / "b.mkv") == frames_of(tmp_path / "direct.mkv")
    assert sorted(path.name for path in folder.iterdir()) == ["a.mp4", "b.mkv"]


def test_a_machine_that_goes_down_repeats_no_more_than_a_segment(
    folder: Path, state: Path, tmp_path: Path
) -> None:
    source = long_clip(folder / "a.mp4", 300)
    assert vsr("upscale", source, tmp_path / "direct.mkv", *WORDS).code == 0
    with started(folder, state) as server:
        options = {**FAST, "resume": "always"}
        job = server.page.order("upscale", "a.mp4", "b.mkv", **options)
        parts = ".b.mkv.*.work/*.packets"
        server.page.until(job, lambda now: any(folder.glob(parts)) or now["ended"])
        server.kill()
        end_all(state)
    assert not (folder / "b.mkv").exists()
    with started(folder, state) as server:
        done = server.page.wait(job, "done", "failed")
        assert (done["state"], done["attempts"]) == ("done", 2), done
    assert frames_of(folder / "b.mkv") == frames_of(tmp_path / "direct.mkv")
    assert sorted(path.name for path in folder.iterdir()) == ["a.mp4", "b.mkv"]


def test_a_pause_in_segments_goes_on_from_there(folder: Path, state: Path, tmp_path: Path) -> None:
    source = long_clip(folder / "a.mp4", 400)
    assert vsr("upscale", source, tmp_path / "direct.mkv", *WORDS).code == 0
    with started(folder, state) as server:
        page = server.page
        job = page.order("upscale", "a.mp4", "b.mkv", **FAST, resume="always")
        page.until(job, lambda now: now["resumable"])
        assert page.change(job, state="paused").json["asked"] == "pause"
        rested = page.until(job, lambda now: not now["asked"])
        assert rested["state"] == "paused", rested
        assert not (folder / "b.mkv").exists()
        page.change(job, state="queued")
        done = page.wait(job, "done", "failed")
        assert (done["state"], done["attempts"]) == ("done", 2), done
    assert frames_of(folder / "b.mkv") == frames_of(tmp_path / "direct.mkv")


def test_two_at_once_see_the_same(shared: Shared) -> None:
    one, folder = shared.server.page, shared.folder
    other = Page(one.host, one.port, one.token)
    with one.events() as first, other.events() as second:
        streams = (first, second)
        before = [next(stream) for stream in streams]
        assert before[0] == before[1]
        jobs = [
            one.order("upscale", "a.mkv", "one.mkv", **FAST),
            other.order("upscale", "a.mkv", "other.mkv", **FAST),
        ]
        for stream in streams:
            ended: set[str] = set()
            while len(ended) < 2:
                name, told = next(stream)
                if name == "job" and told["state"] == "done":
                    ended.add(told["id"])
            assert ended == {job["id"] for job in jobs}
    assert frames_of(folder / "one.mkv") == frames_of(folder / "other.mkv")


@pytest.mark.parametrize(
    ("command", "target", "options"),
    [
        ("preview", "p.html", {"model": ["nearest"], "scale": "2", "duration": "0.3"}),
        ("fuse", "f.png", {"crop": "16,12,24,24", "model": "bicubic", "frames": 5}),
        ("batch", "out", {**FAST, "name": "{stem}.mkv"}),
    ],
)
def test_the_other_commands(
    shared: Shared, command: str, target: str, options: dict[str, Any]
) -> None:
    page = shared.server.page
    job = page.order(command, "a.mkv", target, **options)
    done = page.wait(job, "done", "failed")
    assert done["state"] == "done", done
    if command == "preview":
        assert page.ask("GET", "/api/page?path=p.html").status == 200
    if command == "batch":
        (row,) = page.get(f"/api/jobs/{job['id']}/report")
        assert (row["status"], done["result"]["done"]) == ("done", 1)
        assert page.get("/api/files", path="out")["entries"][0]["name"] == "a.mkv"


def test_a_batch_with_a_bad_file_fails_and_says_where_to_look(shared: Shared) -> None:
    page, folder = shared.server.page, shared.folder
    (folder / "bad.mkv").write_bytes(b"none")
    body = {"command": "batch", "sources": ["a.mkv", "bad.mkv"], "target": "more", "options": FAST}
    job = page.ask("POST", "/api/jobs", body).json
    failed = page.wait(job, "done", "failed")
    assert failed["error"] == "some of the files failed: see the report"
    rows = page.get(f"/api/jobs/{job['id']}/report")
    assert sorted(row["status"] for row in rows) == ["done", "failed"]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transport stream, as cameras send it."""
    options = {"bf": "2", "g": "6", "preset": "ultrafast"}
    clip = Clip(pts=range(0, 24 * 512, 512), options=options, audio=("eng",))
    return make(tmp_path_factory.mktemp("clips") / "clip.ts", clip)


def test_a_camera_is_recorded_and_its_password_told_to_nobody(shared: Shared, stream: Path) -> None:
    page = shared.server.page
    with servers.rtsp(stream, password="geheim") as place:
        job = page.order("upscale", f"rtsp://user:geheim@{place}", **FAST, duration="0.8")
        assert job["target"] == "recorded_x2.mkv"
        done = page.wait(job, "done", "failed")
    assert done["state"] == "done", done
    assert done["result"]["frames_out"] == 20
    assert "geheim" not in str(page.get("/api/jobs"))
    assert "geheim" not in page.get(f"/api/jobs/{job['id']}/log")["text"]


def test_a_live_stream_is_stopped_with_what_has_come(shared: Shared, stream: Path) -> None:
    page = shared.server.page
    with servers.web({"/live": servers.live([stream.read_bytes()] * 9, hangs=True)}) as host:
        job = page.order("upscale", f"http://{host}/live", "cam.mkv", **FAST)
        assert job["live"]
        page.until(job, lambda now: (now["progress"] or {}).get("frames", 0) > 5 or now["ended"])
        assert page.change(job, state="paused").status == 409
        page.change(job, state="cancelled")
        done = page.wait(job, "done", "cancelled", "failed")
    assert done["state"] == "done", done
    assert 5 < done["result"]["frames_out"] <= 9 * 24


def test_a_full_disk_leaves_nothing_of_an_upload(shared: Shared) -> None:
    page, pid = shared.server.page, shared.server.process.pid
    before = sorted(shared.folder.iterdir())
    limit = 1_000_000
    was = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    upload = page.ask("POST", "/api/uploads", {"name": "big.mp4", "bytes": 3 * limit}).json
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, was[1]))
    try:
        refused = page.ask("PUT", f"/api/uploads/{upload['id']}?offset=0", b"x" * (2 * limit))
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, was)
    assert refused.status == 507
    assert refused.json["error"] == "the disk is full: big.mp4 was given up"
    assert sorted(shared.folder.iterdir()) == before


def test_a_second_server_is_refused_in_one_line(shared: Shared) -> None:
    ran = vsr("ui", shared.folder, "--state", shared.state, "--port", "0")
    assert ran.code == 1
    why = f"vsr: error: {shared.state}: another `vsr ui` serves this folder"
    assert ran.err.startswith(why)
    assert ran.err.count("\n") == 1


def test_a_port_that_is_taken_is_told(shared: Shared, tmp_path: Path) -> None:
    ran = vsr("ui", shared.folder, "--state", tmp_path, "--port", shared.server.page.port)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "port 0 takes a free one" in ran.err


def test_ctrl_c_ends_it_at_once_though_pages_listen_and_jobs_go_on(
    folder: Path, state: Path
) -> None:
    long_clip(folder / "a.mp4", 2000)
    with started(folder, state) as server:
        job = server.page.order("upscale", "a.mp4", "b.mkv", **FAST)
        server.page.until(job, lambda now: now["progress"])
        process = process_of(state, job)
        os.kill(process, signal.SIGSTOP)  # that it has not ended before all this is over
        with server.page.events() as stream:
            next(stream)
            began = time.monotonic()
            code, said = server.interrupt()
            assert time.monotonic() - began < 10
        assert code == 0
        assert f"goes on by itself: {job['line']}" in said
    with started(folder, state) as server:
        assert server.page.get(f"/api/jobs/{job['id']}")["state"] == "running"
        server.page.change(job, state="cancelled")
        os.kill(process, signal.SIGCONT)
        assert server.page.wait(job, "cancelled", "failed")["state"] == "cancelled"
    assert not (folder / "b.mkv").exists()


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--host", "0.0.0.0"], 2, "--token is needed"),
        (["--token", "short"], 2, "at least 16 characters"),
        (["--port", "70000"], 2, "a whole number of 0 to 65535"),
        (["--jobs", "0"], 2, "a whole number of 1 to 1024"),
        (["--max-upload", "much"], 2, "is no number of bytes"),
        (["--host", "no.such.host.invalid", "--token", "x" * 20], 1, "host no.such.host.invalid"),
        (["--state", "/proc/nowhere"], 1, "cannot be written"),
    ],
)
def test_bad_words_are_told_in_one_line(
    folder: Path, tmp_path: Path, words: list[str], code: int, why: str
) -> None:
    ran = vsr("ui", folder, "--state", tmp_path / "s", "--port", "0", *words)
    assert ran.code == code
    assert why in ran.err
    assert "Traceback" not in ran.err
    assert vsr("ui", folder / "nosuch", "--port", "0").code != 0


def test_without_the_extra_one_line_says_what_to_install(folder: Path) -> None:
    script = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['vsr', 'ui', sys.argv[1]]; "
        "from vsr.cli.main import main; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 1
    what = "vsr ui needs the package uvicorn: pip install 'vsr-video[ui]'"
    assert ran.stderr == f"vsr: error: {what}\n"


def test_nothing_in_the_served_folder_is_run(folder: Path, state: Path) -> None:
    make(folder / "a.mkv", Clip())
    for name in ("torch.py", "json.py", "sitecustomize.py", "vsr.py"):
        (folder / name).write_text(f"open({str(folder / 'ran')!r}, 'w')")
    ran = subprocess.Popen(
        [str(SCRIPT), "ui", ".", "--state", str(state), "--port", "0", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    try:
        assert ran.stdout is not None
        address = json.loads(ran.stdout.readline())["address"]
        port, _, token = address.removeprefix("http://127.0.0.1:").partition("/?token=")
        page = Page("127.0.0.1", int(port), token)
        job = page.order("upscale", "a.mkv", "b.mkv", **FAST)
        assert page.wait(job, "done", "failed")["state"] == "done"
    finally:
        ran.send_signal(signal.SIGTERM)
        ran.communicate(timeout=60)
    assert ran.returncode == 0
    assert not (folder / "ran").exists()


def test_too_many_open_files_halt_nothing_and_are_told_once(folder: Path, state: Path) -> None:
    """As with many pages where few files may be open: macOS's usual limit is 256."""
    make(folder / "a.mp4", Clip())
    with started(folder, state) as found, ExitStack() as open_pages:
        _, hard = resource.prlimit(found.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(found.process.pid, resource.RLIMIT_NOFILE, (48, hard))
        job = found.page.order("upscale", "a.mp4", "b.mkv", **FAST)
        for _ in range(60):
            address = (found.page.host, found.page.port)
            open_pages.enter_context(socket.create_connection(address))
        time.sleep(1.5)
        open_pages.close()
        assert found.page.wait(job, "done", "failed")["state"] == "done"
        code, said = found.interrupt()
    assert code == 0
    assert said == "vsr: warning: requests cannot be taken for now: Too many open files\n"
