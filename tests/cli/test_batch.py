"""`vsr batch` as people and programs meet it: exit codes, streams, reports, interruptions."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, held, make

from vsr.inference.engine import choose_engine

FAST = ["--scale", "2", "--model", "nearest", "--preset", "ultrafast"]
SLOW = ["--scale", "4", "--model", "bicubic", "--preset", "placebo", "--threads", "1"]
AGAIN = "vsr: interrupted: the same command goes on from here\n"
SMALL = Clip(width=32, height=24)
LONG = Clip(width=320, height=240, pts=range(0, 200 * 512, 512), options={"preset": "ultrafast"})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of good files and three broken ones."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "cam").mkdir()
    one = make(folder / "one.mp4", SMALL)
    shutil.copy(one, folder / "cam" / "two.mp4")
    make(folder / "cam" / "three.mkv", SMALL)
    (folder / "text.mp4").write_text("This is no video.\n" * 50)
    (folder / "cam" / "empty.mp4").touch()
    (folder / "half.mp4").write_bytes(one.read_bytes()[:700])
    return folder


@pytest.fixture(scope="module")
def long_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files that take minutes with `SLOW`."""
    folder = tmp_path_factory.mktemp("long")
    make(folder / "a.mp4", LONG)
    shutil.copy(folder / "a.mp4", folder / "b.mp4")
    return folder


def videos(folder: Path) -> dict[str, int]:
    """The outputs and when they were written."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".mp4", ".mkv")
    }


@contextmanager
def running(*words: object) -> Iterator[subprocess.Popen[str]]:
    """The installed command, at work."""
    with subprocess.Popen(
        [SCRIPT, "batch", *map(str, words), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def await_event(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The next event of a kind."""
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == kind:
            return event
    raise AssertionError(f"no event {kind}: {process.communicate()}")


@pytest.mark.slow
def test_broken_files_cost_themselves(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reports = [tmp_path / "report.json", tmp_path / "report.csv"]
    words = ["batch", inputs, out, *FAST, "--report", reports[0], "--report", reports[1]]
    ran = vsr(*words)
    assert (ran.code, ran.out) == (3, "")
    assert list(videos(out)) == ["cam/three_x2.mkv", "cam/two_x2.mp4", "one_x2.mp4"]
    assert held(out / "cam" / "two_x2.mp4").sizes == {(64, 48)}
    rows = {Path(row["source"]).name: row for row in json.loads(reports[0].read_text())}
    assert {name for name, row in rows.items() if row["status"] == "done"} == {
        *("one.mp4", "two.mp4", "three.mkv")
    }
    reasons = {
        "text.mp4": "cannot be read as a video",
        "empty.mp4": "is empty (0 bytes)",
        "half.mp4": "cannot be read as a video",
    }
    for name, reason in reasons.items():
        assert (rows[name]["status"], rows[name]["attempts"]) == ("failed", 1)
        assert reason in rows[name]["reason"]
        assert f"{name}: failed: {reason}" in ran.err
    assert rows["two.mp4"]["frames"] == 12
    assert len({rows[name]["source_sha256"] for name in ("one.mp4", "two.mp4")}) == 1
    assert len(rows["three.mkv"]["output_sha256"]) == 64
    with reports[1].open(newline="") as file:
        assert [row["source"] for row in csv.DictReader(file)] == [
            row["source"] for row in rows.values()
        ]
    lines = ran.err.splitlines()
    assert [line for line in lines if not line.startswith("vsr: ")][:2] == [
        *("done          3", "failed        3")
    ]
    assert lines[-1].startswith("36 frames in ")

    before = videos(out)
    again = vsr(*words)
    assert again.code == 3
    assert videos(out) == before
    assert again.err.splitlines()[3] == "skipped       3"  # after the three that fail
    found = {Path(row["source"]).name: row for row in json.loads(reports[0].read_text())}
    assert found["two.mp4"]["status"] == "skipped"
    assert found["two.mp4"]["output_sha256"] == rows["two.mp4"]["output_sha256"]


def test_a_report_may_lie_in_the_outputs_folder_from_the_first_run_on(tmp_path: Path) -> None:
    source, report = tmp_path / "text.mp4", tmp_path / "out" / "report.json"
    source.write_text("no video")
    ran = vsr("batch", source, tmp_path / "out", "--report", report)
    assert ran.code == 3, ran.err
    assert [row["status"] for row in json.loads(report.read_text())] == ["failed"]


@pytest.mark.slow
def test_a_run_for_programs(inputs: Path, tmp_path: Path) -> None:
    choice = ["--pattern", "t*", "--exclude", "*.mp4", "--name", "{stem}.mkv", "--jobs", "2"]
    words = ["batch", inputs, tmp_path / "new" / "out", *FAST, *choice]
    ran = vsr(*words, "--json")
    assert (ran.code, ran.err) == (0, "")
    kinds = [event["event"] for event in ran.events]
    assert [*kinds[:2], *kinds[-2:]] == ["begun", "started", "ended", "summary"]
    assert set(kinds[2:-2]) <= {"progress", "warning"}
    assert ran.events[1]["target"] == str(tmp_path / "new" / "out" / "cam" / "three.mkv")
    assert (ran.events[-2]["status"], ran.events[-2]["frames"]) == ("done", 12)
    last = ran.events[-1]
    assert last.pop("seconds") > 0
    ends = {"done": 1, "skipped": 0, "failed": 0, "stopped": 0}
    assert last == {"event": "summary", "files": 1, **ends, "frames": 12}

    quiet = vsr(*words, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_timeout_ends_a_file(long_inputs: Path, tmp_path: Path) -> None:
    words = ["batch", long_inputs / "a.mp4", tmp_path, *SLOW, "--timeout", "0.5", "--retries", "0"]
    ran = vsr(*words)
    assert ran.code == 3
    assert ran.err.splitlines()[-3:-1] == [
        "failed        1",
        f"  {long_inputs / 'a.mp4'}: took longer than 0.5 s",
    ]
    assert videos(tmp_path) == {}


@pytest.mark.slow
def test_what_would_be_done(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = vsr("batch", inputs, out, *FAST, "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert not out.exists()
    lines = ran.out.splitlines()
    assert lines[0].split() == ["source", "frames", "time", "size", "output"]
    rows = {Path(line.split()[0]).name: line for line in lines[1:-2]}
    assert len(rows) == 6
    assert rows["one.mp4"].split()[1] == "12"
    assert rows["one.mp4"].endswith(str(out / "one_x2.mp4"))
    assert rows["empty.mp4"].endswith("(is empty (0 bytes))")
    assert lines[-2].startswith("6 files to do, about ")
    engine = choose_engine()
    assert lines[-1] == f"on {engine.name} in {engine.precision}"

    assert vsr("batch", inputs / "one.mp4", out, *FAST, "-q").code == 0
    programs = vsr("batch", inputs / "*e.m*", out, *FAST, "--dry-run", "--json")
    assert [event["event"] for event in programs.events] == ["summary"]
    assert (programs.events[0]["files"], programs.events[0]["there"]) == (0, 1)
    assert programs.events[0]["precision"] == engine.precision


@pytest.mark.parametrize(
    ("paths", "options", "code", "reason"),
    [
        (["one.mp4"], [], 2, "Missing argument"),
        (["one.mp4", "out"], ["--report", "report.txt"], 2, "--report report.txt"),
        (["one.mp4", "out"], ["--watch", "--dry-run"], 2, "exclude each other"),
        (["one.mp4", "out"], ["--end", "1", "--duration", "1"], 2, "exclude each other"),
        (["one.mp4", "out"], ["--report", "no/report.json"], 1, "no/report.json: the folder"),
        (["none.mp4", "out"], [], 1, "none.mp4: no such file"),
        (["one.mp4", "cam/two.mp4", "out"], ["--name", "same.mp4"], 1, "same.mp4: would be"),
        ([".", "out"], ["--watch", "--name", "{nosuch}"], 1, "no field {nosuch}"),
        ([".", "out"], ["--model", "nosuch"], 1, "unknown model 'nosuch'"),
        (["one.mp4", "one.mp4/out"], [], 1, "one.mp4/out: cannot be made"),
    ],
)
def test_errors_before_any_work(
    inputs: Path, paths: list[str], options: list[str], code: int, reason: str
) -> None:
    before = videos(inputs)
    ran = vsr("batch", *(inputs / path for path in paths), *FAST, *options)
    assert (ran.code, ran.out) == (code, "")
    assert reason in ran.err.replace(f"{inputs}/", "")
    assert "Traceback" not in ran.err
    assert videos(inputs) == before


@pytest.mark.slow
def test_the_first_interrupt_lets_a_short_file_end(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        make(tmp_path / name, replace(LONG, pts=range(0, 50 * 512, 512)))
    with running(tmp_path, tmp_path / "out", *FAST) as process:
        await_event(process, "progress")
        os.killpg(process.pid, signal.SIGTERM)  # as systemd does
        assert await_event(process, "stopping")["running"] == 1
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == AGAIN
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["status"] for event in events if event["event"] == "ended"] == ["done"]
    assert list(videos(tmp_path / "out")) == ["a_x2.mp4"]


@pytest.mark.slow
def test_the_first_interrupt_stops_a_long_file_between_segments(tmp_path: Path) -> None:
    long = replace(SMALL, pts=range(0, 300 * 6400, 6400), options={"g": "20"})  # 150 s
    source = make(tmp_path / "in.mp4", long)
    out = tmp_path / "out"
    with running(source, out, *FAST) as process:
        await_event(process, "started")  # the worker is not there yet
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        end = await_event(process, "ended")
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert end["status"] == "stopped"
    assert end["reason"].endswith("segments done; the same command goes on from there")
    assert videos(out) == {}
    again = vsr("batch", source, out, *FAST, "--json")
    assert again.code == 0, again.err
    assert again.events[-2]["frames"] == 300
    assert list(videos(out)) == ["in_x2.mp4"]


@pytest.mark.slow
def test_the_second_interrupt_ends_all_at_once(long_inputs: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    out = tmp_path / "out"
    with running(long_inputs, out, *SLOW, "--jobs", "2", "--report", report) as process:
        await_event(process, "progress")
        os.killpg(process.pid, signal.SIGINT)
        await_event(process, "stopping")
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)  # the whole would take minutes
    assert process.returncode == 130
    assert err == AGAIN
    assert {row["status"] for row in json.loads(report.read_text())} == {"stopped"}
    assert list(out.rglob("*")) == []


@pytest.mark.slow
def test_a_killed_batch_goes_on(inputs: Path, long_inputs: Path, tmp_path: Path) -> None:
    sources = [inputs / "one.mp4", long_inputs / "a.mp4"]
    with running(*sources, tmp_path, *SLOW) as process:
        assert await_event(process, "ended")["status"] == "done"
        await_event(process, "progress")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)  # at once: no worker holds its streams any more
    before = videos(tmp_path)["one_x4.mp4"]
    again = vsr("batch", inputs / "one.mp4", tmp_path, *SLOW, "--json")
    assert again.code == 0
    assert [e["status"] for e in again.events if e["event"] == "ended"] == ["skipped"]
    assert videos(tmp_path)["one_x4.mp4"] == before


@pytest.mark.slow
def test_a_watched_folder(inputs: Path, tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    with running(folder, out, *FAST, "--watch", "--settle", "0.3") as process:
        shutil.copy(inputs / "one.mp4", folder)
        assert await_event(process, "ended")["status"] == "done"
        shutil.copy(inputs / "cam" / "two.mp4", folder)
        assert await_event(process, "ended")["status"] == "done"
        process.send_signal(signal.SIGTERM)
        await_event(process, "stopping")
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert list(videos(out)) == ["one_x2.mp4", "two_x2.mp4"]


def test_a_cameras_small_copies_are_named(inputs: Path, tmp_path: Path) -> None:
    for name in ("GX010001.MP4", "GL010001.LRV"):
        shutil.copy(inputs / "one.mp4", tmp_path / name)
    done = vsr("batch", tmp_path, tmp_path / "out", *FAST)
    told = "vsr: warning: 1 file passed over, as a camera's small copies and thumbnails:"
    assert done.err.startswith(f"{told} GL010001.LRV (--pattern '*.LRV' takes them)\n")


def test_a_link_that_leads_nowhere_costs_no_other_file(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    make(source / "b.mp4", SMALL)
    (source / "a.mp4").symlink_to("a.mp4")
    ran = vsr("batch", source, tmp_path / "out", "-m", "nearest", "-s", "2", "--json")
    assert ran.code == 3
    ends = {Path(e["source"]).name: e for e in ran.events if e["event"] == "ended"}
    assert (ends["a.mp4"]["status"], ends["b.mp4"]["status"]) == ("failed", "done")
    assert "is a link that leads back to itself" in ends["a.mp4"]["reason"]
