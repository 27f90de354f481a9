"""The queue: who runs, who waits, and what outlasts a server. A stand-in computes nothing."""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ui_servers import Page, process_of, served

from vsr.ui.child import Child, is_locked
from vsr.ui.store import JobFolder

pytestmark = pytest.mark.network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    return made


@pytest.fixture
def page(folder: Path, tmp_path: Path) -> Iterator[Page]:
    with served(folder, tmp_path / "state") as found:
        yield found


def source(folder: Path, name: str, *lines: str) -> str:
    """A source that tells the stand-in what to do."""
    (folder / name).write_text("\n".join(lines))
    return name


def notes(folder: Path, target: str) -> list[str]:
    """What the stand-in has noted."""
    return (folder / f"{target}.notes").read_text().split()


def is_stopped(pid: int) -> bool:
    """Whether a process is, or soon will be: it has to have a core for it."""
    until = time.monotonic() + 20
    while (state := _state(pid)) != "T" and time.monotonic() < until:
        time.sleep(0.02)
    return state == "T"


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_job_runs_and_tells(page: Page, folder: Path) -> None:
    job = page.order("upscale", source(folder, "a.mp4", "frames 7"), "b.mp4", scale="2")
    assert job["state"] in ("queued", "running")
    assert job["line"] == f"vsr upscale {folder}/a.mp4 {folder}/b.mp4 --scale 2"
    done = page.wait(job, "done", "failed")
    assert done["state"] == "done"
    assert done["result"] == {"frames_out": 7}
    assert done["notes"] == ["this stands in"]
    assert done["made"] <= done["begun"] <= done["ended"]
    assert (folder / "b.mp4").read_text().startswith("upscale ")
    log = page.get(f"/api/jobs/{job['id']}/log")
    assert log["text"] == "vsr: warning: this stands in\n"
    assert log["next"] == log["bytes"] == len(log["text"])
    assert page.get(f"/api/jobs/{job['id']}/log?from=5")["text"] == "warning: this stands in\n"


def test_a_failure_is_told_in_one_line(page: Page, folder: Path) -> None:
    job = page.order("upscale", source(folder, "a.mp4", "fail 1"), "b.mp4")
    failed = page.wait(job, "done", "failed")
    assert (failed["state"], failed["error"]) == ("failed", "a.mp4: was told to fail")
    again = page.change(job, state="queued")
    assert again.status == 200
    assert page.until(job, lambda now: now["attempts"] == 1 and now["state"] == "failed")
    assert notes(folder, "b.mp4") == ["begun", "begun"]


@pytest.mark.slow
def test_priorities_decide_and_of_equals_the_oldest(page: Page, folder: Path) -> None:
    first = page.order("upscale", source(folder, "0.mp4", "forever"), "0.out.mp4")
    page.wait(first, "running")
    jobs = {}
    for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", -1)):
        words = source(folder, f"{name}.mp4", "frames 1")
        jobs[name] = page.order("upscale", words, f"{name}.out.mp4", priority=priority)
    assert page.change(jobs["d"], priority=9).status == 200
    assert page.change(first, state="cancelled").status == 200
    ended = {name: page.wait(job, "done")["begun"] for name, job in jobs.items()}
    assert sorted(ended, key=lambda name: ended[name]) == ["d", "b", "a", "c"]
    assert page.get(f"/api/jobs/{first['id']}")["state"] == "cancelled"


@pytest.mark.slow
def test_so_many_at_once(folder: Path, tmp_path: Path) -> None:
    with served(folder, tmp_path / "state", at_once=3) as page:
        words = [source(folder, f"{n}.mp4", "forever") for n in range(5)]
        jobs = [page.order("upscale", one, f"out{one}") for one in words]
        for job in jobs[:3]:
            page.wait(job, "running")
        time.sleep(0.6)
        states = [job["state"] for job in page.get("/api/jobs")]
        assert states == ["running"] * 3 + ["queued"] * 2


def test_a_batch_that_watches_takes_no_place(page: Page, folder: Path) -> None:
    (folder / "in").mkdir()
    watching = page.order("batch", "in", "out", watch=True)
    page.until(watching, lambda now: now["attempts"] > 0)
    job = page.order("upscale", source(folder, "a.mp4", "frames 2"), "b.mp4")
    page.wait(job, "done")


@pytest.mark.slow
def test_a_pause_stops_a_process_and_gives_its_place_away(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    job = page.order("upscale", source(folder, "a.mp4", "frames 60", "slow"), "b.mp4")
    page.until(job, lambda now: (now["progress"] or {}).get("frames", 0) > 2)
    pid = process_of(tmp_path / "state", job)
    paused = page.change(job, state="paused").json
    assert (paused["state"], paused["held"], paused["asked"]) == ("paused", True, "")
    assert is_stopped(pid)
    other = page.order("upscale", source(folder, "c.mp4", "frames 1"), "d.mp4")
    page.wait(other, "done")
    assert is_stopped(pid)
    page.change(job, state="queued")
    assert page.wait(job, "done")["attempts"] == 1
    assert notes(folder, "b.mp4") == ["begun"]


@pytest.mark.slow
def test_a_pause_of_work_in_segments_ends_its_process(page: Page, folder: Path) -> None:
    words = source(folder, "a.mp4", "frames 60", "slow", "segments")
    job = page.order("upscale", words, "b.mp4")
    page.until(job, lambda now: now["resumable"])
    assert page.change(job, state="paused").json["asked"] == "pause"
    rested = page.until(job, lambda now: not now["asked"])
    assert (rested["state"], rested["held"], rested["progress"]) == ("paused", False, None)
    done = int((folder / "b.mp4.done").read_text())
    assert 0 < done < 60
    page.change(job, state="queued")
    finished = page.wait(job, "done", "failed")
    assert (finished["state"], finished["attempts"]) == ("done", 2)
    assert notes(folder, "b.mp4") == ["begun", "SIGINT", "begun"]


@pytest.mark.slow
def test_a_job_that_goes_on_before_it_has_stopped_is_begun_once_it_has(
    page: Page, folder: Path
) -> None:
    words = source(folder, "a.mp4", "frames 40", "slow", "segments")
    job = page.order("upscale", words, "b.mp4")
    page.until(job, lambda now: now["resumable"])
    page.change(job, state="paused")
    page.change(job, state="queued")
    assert page.wait(job, "done", "failed")["state"] == "done"
    assert notes(folder, "b.mp4") == ["begun", "SIGINT", "begun"]


@pytest.mark.parametrize("held", [False, True])
def test_cancelling(page: Page, folder: Path, tmp_path: Path, held: bool) -> None:
    job = page.order("upscale", source(folder, "a.mp4", "forever"), "b.mp4")
    page.until(job, lambda now: now["progress"] is not None)
    pid = process_of(tmp_path / "state", job)
    if held:
        page.change(job, state="paused")
    page.change(job, state="cancelled")
    assert page.wait(job, "cancelled", "failed")["state"] == "cancelled"
    assert not Path(f"/proc/{pid}").exists() or not held
    assert not (folder / "b.mp4").exists()
    assert page.change(job, state="paused").status == 409
    assert page.ask("DELETE", f"/api/jobs/{job['id']}").status == 204
    assert page.get("/api/jobs") == []
    assert list((tmp_path / "state" / "jobs").iterdir()) == []


@pytest.mark.slow
def test_one_that_takes_no_signal_is_killed(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.ui.running._AGAIN", 0.3)
    monkeypatch.setattr("vsr.ui.running._AT_ONCE", 0.9)
    job = page.order("upscale", source(folder, "a.mp4", "frames 4000", "slow", "stubborn"), "b.mp4")
    page.until(job, lambda now: now["progress"] is not None)
    page.change(job, state="cancelled")
    assert page.wait(job, "cancelled", "failed")["state"] == "cancelled"
    assert notes(folder, "b.mp4") == ["begun", "SIGTERM", "SIGTERM"]


def test_two_jobs_never_write_one_file(page: Page, folder: Path) -> None:
    first = page.order("upscale", source(folder, "a.mp4", "forever"), "b.mp4")
    body = {"command": "upscale", "source": "a.mp4", "target": "b.mp4"}
    usual = [page.order("upscale", "a.mp4")["target"] for _ in range(2)]
    assert usual == ["a_x4.mp4", "a_x4_2.mp4"]  # the first is not there yet, but is to be
    refused = page.ask("POST", "/api/jobs", body)
    assert (refused.status, "another job" in refused.json["error"]) == (409, True)
    page.change(first, state="cancelled")
    page.wait(first, "cancelled")
    assert page.ask("POST", "/api/jobs", body).status == 201
    assert page.change(first, state="queued").status == 409


@pytest.mark.slow
def test_a_new_server_goes_on_with_what_still_runs(folder: Path, tmp_path: Path) -> None:
    words = source(folder, "a.mp4", "frames 60", "slow")
    with served(folder, tmp_path / "state", ends=False) as page:
        job = page.order("upscale", words, "b.mp4")
        page.until(job, lambda now: (now["progress"] or {}).get("frames", 0) > 9)
    with served(folder, tmp_path / "state") as page:
        assert page.get(f"/api/jobs/{job['id']}")["state"] == "running"
        found = page.until(job, lambda now: (now["progress"] or {}).get("fps"))
        assert found["progress"]["fps"] < 21  # what came before this server is no pace
        done = page.wait(job, "done", "failed")
    assert (done["state"], done["attempts"]) == ("done", 1)
    assert notes(folder, "b.mp4") == ["begun"]


@pytest.mark.slow
def test_what_ended_meanwhile_is_known(folder: Path, tmp_path: Path) -> None:
    good = source(folder, "a.mp4", "frames 20", "slow")
    bad = source(folder, "b.mp4", "frames 20", "slow", "fail 2")
    with served(folder, tmp_path / "state", at_once=2, ends=False) as page:
        jobs = [page.order("upscale", good, "c.mp4"), page.order("upscale", bad, "d.mp4")]
        for job in jobs:
            page.until(job, lambda now: now["progress"] is not None)
    exits = [tmp_path / "state" / "jobs" / job["id"] / "exit.json" for job in jobs]
    until = time.monotonic() + 30
    while not all(path.exists() for path in exits):
        assert time.monotonic() < until
        time.sleep(0.05)
    with served(folder, tmp_path / "state") as page:
        states = [page.wait(job, "done", "failed")["state"] for job in jobs]
    assert states == ["done", "failed"]
    assert notes(folder, "c.mp4") == ["begun"]


@pytest.mark.slow
def test_what_went_down_with_the_machine_is_queued_again_but_not_for_ever(
    folder: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with served(folder, state) as page:
        job = page.order("upscale", source(folder, "a.mp4", "forever"), "b.mp4")
        page.until(job, lambda now: now["progress"])
    for attempt in (2, 3):
        with served(folder, state) as page:
            page.until(job, lambda now, nth=attempt: now["attempts"] == nth and now["progress"])
    with served(folder, state) as page:
        failed = page.get(f"/api/jobs/{job['id']}")
    assert failed["state"] == "failed"
    assert failed["error"] == "its process vanished 3 times without a word"


@pytest.mark.slow
def test_a_paused_job_stays_paused(folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with served(folder, state) as page:
        job = page.order("upscale", source(folder, "a.mp4", "frames 50", "slow"), "b.mp4")
        page.until(job, lambda now: now["progress"] is not None)
        page.change(job, state="paused")
    with served(folder, state) as page:  # the process was ended with the first server
        time.sleep(0.6)
        assert page.get(f"/api/jobs/{job['id']}")["state"] == "paused"
        page.change(job, state="queued")
        assert page.wait(job, "done", "failed")["state"] == "done"
    assert notes(folder, "b.mp4") == ["begun", "begun"]


def test_a_kill_of_the_process_alone_is_a_failure(page: Page, folder: Path, tmp_path: Path) -> None:
    job = page.order("upscale", source(folder, "a.mp4", "forever"), "b.mp4")
    page.until(job, lambda now: now["progress"] is not None)
    os.kill(process_of(tmp_path / "state", job), signal.SIGKILL)
    failed = page.wait(job, "failed", "done", "queued")
    assert failed["error"].startswith("killed by signal 9")


def test_a_job_that_cannot_be_read_is_told_and_left(folder: Path, tmp_path: Path) -> None:
    from vsr.ui.store import JobStore

    state = tmp_path / "state"
    with served(folder, state) as page:
        job = page.order("upscale", source(folder, "a.mp4"), "b.mp4")
        page.wait(job, "done")
    kept = state / "jobs" / job["id"] / "job.json"
    whole = json.loads(kept.read_text())
    for wrong in ("", "[]", "{}", json.dumps(whole | {"state": "eaten"}), "\xff"):
        kept.write_text(wrong, encoding="latin-1")
        said: list[str] = []
        assert list(JobStore(state / "jobs").load(said.append)) == []
        assert len(said) == 1
        assert kept.exists()
    kept.unlink()
    assert list(JobStore(state / "jobs").load()) == []
    assert not kept.parent.exists()


@pytest.mark.slow
def test_events(page: Page, folder: Path) -> None:
    before = page.order("upscale", source(folder, "a.mp4", "frames 1"), "b.mp4")
    page.wait(before, "done")
    with page.events() as first, page.events() as second:
        streams = (first, second)
        for stream in streams:
            name, jobs = next(stream)
            assert (name, [job["id"] for job in jobs]) == ("jobs", [before["id"]])
        job = page.order("upscale", source(folder, "c.mp4", "frames 20", "slow"), "d.mp4")
        for stream in streams:
            seen = []
            for name, told in stream:
                assert (name, told["id"]) == ("job", job["id"])
                seen.append(told)
                if told["state"] == "done":
                    break
            assert seen[0]["state"] in ("queued", "running")
            assert len({(one["progress"] or {}).get("frames") for one in seen}) > 2
        page.ask("DELETE", f"/api/jobs/{job['id']}")
        assert [next(stream) for stream in streams] == [("gone", {"id": job["id"]})] * 2


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"priority": 101}, 400, "-100 to 100"),
        ({"priority": True}, 400, "whole number"),
        ({"priority": "1"}, 400, "whole number"),
        ({"state": "done"}, 400, "must be one of"),
        ({"state": ["paused"]}, 400, "must be one of"),
        ({"words": ["rm"]}, 400, "a priority and a state"),
        ({}, 400, "a priority and a state"),
    ],
)
def test_what_cannot_be_changed(
    page: Page, folder: Path, body: dict[str, object], status: int, why: str
) -> None:
    job = page.order("upscale", source(folder, "a.mp4", "forever"), "b.mp4")
    refused = page.change(job, **body)
    assert refused.status == status
    assert why in refused.json["error"]
    assert page.ask("PATCH", "/api/jobs/nosuch", {"state": "paused"}).status == 404


def test_a_full_disk_is_told_and_queues_nothing(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    words = source(folder, "a.mp4", "frames 1")
    with monkeypatch.context() as patch:
        patch.setattr("vsr.ui.store.atomic_write", full)
        refused = page.ask(
            "POST", "/api/jobs", {"command": "upscale", "source": words, "target": "b.mp4"}
        )
        assert refused.status == 507
        assert refused.json["error"] == "the job cannot be kept: No space left on device"
    assert page.get("/api/jobs") == []
    page.wait(page.order("upscale", words, "b.mp4"), "done")


@pytest.mark.parametrize(
    "what", ["vsr.ui.queue.begin", "vsr.ui.progress.Lines.new", "vsr.ui.child.is_locked"]
)
def test_too_many_open_files_put_off_and_halt_nothing(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    left = [None] * 3
    real: Any = pkgutil.resolve_name(what)

    def short(*words: Any) -> Any:
        if left:
            left.pop()
            raise OSError(errno.EMFILE, "Too many open files")
        return real(*words)

    monkeypatch.setattr(what, short)
    job = page.order("upscale", source(folder, "a.mp4", "frames 7"), "b.mp4")
    done = page.wait(job, "done", "failed", patience=20)
    assert (done["state"], done["error"], done["attempts"]) == ("done", None, 1)
    assert done["result"] == {"frames_out": 7}
    assert notes(folder, "b.mp4") == ["begun"]
    assert left == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES])
def test_what_cannot_be_read_now_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = JobFolder(tmp_path)
    assert not is_locked(folder.lock)
    assert Child(folder).code() is None
    folder.exit.write_text('{"code": 0}')

    def short(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", short)
    monkeypatch.setattr(Path, "read_bytes", short)
    with pytest.raises(OSError, match=os.strerror(number)):
        is_locked(folder.lock)
    with pytest.raises(OSError, match=os.strerror(number)):
        Child(folder).code()
