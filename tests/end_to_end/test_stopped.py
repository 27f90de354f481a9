"""Ctrl-Z and a pause file: what was stopped goes on as if it had never been."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import SCRIPT
from support.clips import Clip, held, make, planes

from vsr import upscale

pytestmark = pytest.mark.slow

OPTIONS = ("--scale", "2", "--model", "espcn", "--device", "cpu", "--self-ensemble")
LOSSLESS = ("--codec", "ffv1")  # x264 need not make the same of the same
FRAMES = 30
STOPPED = 1.0  # seconds, twice what a source may give nothing for
PATIENCE = ("--stall-timeout", "0.5")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = Clip(width=96, height=72, pts=range(0, FRAMES * 512, 512), options={"g": "20"})
    return make(tmp_path_factory.mktemp("clip") / "in.mp4", long)


@pytest.fixture(scope="module")
def whole(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed run makes."""
    return undisturbed(clip, tmp_path_factory.mktemp("whole") / "out.mkv")


def undisturbed(source: Path, target: Path) -> Path:
    upscale(source, target, scale=2, model="espcn", device="cpu", self_ensemble=True, codec="ffv1")
    return target


@contextmanager
def running(*words: object, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A run of the command, which is killed where the test fails."""
    with subprocess.Popen([SCRIPT, *map(str, words)], **streams) as run:
        try:
            yield run
        except BaseException:
            run.kill()
            raise


def same(one: Path, other: Path) -> bool:
    """Whether two videos hold the same samples at the same times."""
    mine, its = planes(one), planes(other)
    assert len(mine) == len(its) == FRAMES
    pairs = ((a, b) for pair in zip(mine, its, strict=True) for a, b in zip(*pair, strict=True))
    return held(one).pts == held(other).pts and all((a == b).all() for a, b in pairs)


def wait_for(there: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def stop_for_a_while(run: subprocess.Popen[bytes]) -> None:
    """Ctrl-Z, a while, and fg. A group that no shell watches over is not stopped by Ctrl-Z."""
    for number in (signal.SIGTSTP, signal.SIGSTOP):
        run.send_signal(number)
        time.sleep(0.1)
        if run.poll() is not None or is_stopped(run.pid):
            break
    assert run.poll() is None, "it had ended before"
    time.sleep(STOPPED)
    run.send_signal(signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("resume", ["never", "always"])
def test_a_stop_in_any_phase_changes_nothing(
    clip: Path, whole: Path, tmp_path: Path, resume: str
) -> None:
    target = tmp_path / "out.mkv"
    words = ("upscale", clip, target, *OPTIONS, *LOSSLESS, *PATIENCE, "--resume", resume)
    with running(*words, stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        time.sleep(0.3)  # while it starts
        stop_for_a_while(run)
        wait_for(lambda: any(tmp_path.iterdir()))  # when it has begun
        stop_for_a_while(run)
        said = run.stderr.read().decode().splitlines()
    assert run.returncode == 0, said
    assert len(said) == 1
    assert said[0].startswith(f"{target}: {FRAMES} frames in, {FRAMES} out")
    assert same(target, whole)


def test_a_pipe_waits_meanwhile(clip: Path, tmp_path: Path) -> None:
    raw, target = tmp_path / "in.y4m", tmp_path / "out.mkv"
    upscale(clip, raw, scale=1, model="nearest")
    words = ("upscale", "-", target, *OPTIONS, *LOSSLESS, "--stall-timeout", "8")
    data = raw.read_bytes()
    half = len(data) // 2
    with running(*words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdin is not None
        assert run.stderr is not None
        run.stdin.write(data[:half])
        run.stdin.flush()
        wait_for(lambda: any(tmp_path.glob(".out.part-*")))
        stop_for_a_while(run)
        run.stdin.write(data[half:])
        run.stdin.close()
        said = run.stderr.read().decode().splitlines()
    assert run.returncode == 0, said
    assert same(target, undisturbed(raw, tmp_path / "alone.mkv"))


def test_a_batch_rests_while_a_file_exists(clip: Path, whole: Path, tmp_path: Path) -> None:
    """Before the first file, and amid one; its timeout runs on in neither."""
    pause, out = tmp_path / "pause", tmp_path / "out"
    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "b.mp4"):
        os.link(clip, tmp_path / "in" / name)
    pause.touch()
    words = ("batch", tmp_path / "in", out, *OPTIONS, *LOSSLESS, "--no-record", "--resume", "never")
    log = tmp_path / "log"
    with (
        log.open("wb") as err,
        running(*words, "--pause-file", pause, "--name", "{stem}.mkv", stderr=err) as run,
    ):
        wait_for(lambda: b"paused" in log.read_bytes())
        time.sleep(0.5)
        assert list(out.iterdir()) == []
        pause.unlink()
        wait_for(lambda: any(out.glob(".a.part-*")))
        pause.touch()
        wait_for(lambda: log.read_bytes().count(b"paused") == 2)
        time.sleep(1)  # what was at work is through
        before = sizes(out)
        time.sleep(0.7)
        assert sizes(out) == before
        assert not {"a.mkv", "b.mkv"} & before.keys()
        pause.unlink()
    assert run.returncode == 0, log.read_text()
    assert log.read_text().count(f"vsr: paused as long as {pause} exists\n") == 2
    assert same(out / "a.mkv", whole)
    assert same(out / "b.mkv", whole)


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}
