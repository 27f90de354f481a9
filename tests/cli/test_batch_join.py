"""`vsr batch --join camera`: nothing is lost, clocks are right, and it goes on after a kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, held, make, planes
from support.part_lists import listed

from vsr.api import upscale
from vsr.core.errors import InputError
from vsr.core.events import Progress

FAST = ["--scale", "2", "--model", "nearest", "--preset", "ultrafast", "--join", "camera"]
TEN = datetime(2026, 11, 28, 22, 0, tzinfo=UTC)
CLIP = Clip(width=32, height=24, pts=range(0, 24 * 1024, 1024), audio=("eng",))  # 1.92 s


def record(root: Path, seconds: int, clip: Clip = CLIP) -> Path:
    """A file of Frigate's that begins so many seconds after ten."""
    begins = TEN + timedelta(seconds=seconds)
    path = root / f"{begins:%Y-%m-%d/%H}" / "it's door" / f"{begins:%M.%S}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path, clip)
    os.utime(path, (begins.timestamp(), begins.timestamp()))
    return path


def outputs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.mp4"))


@pytest.mark.slow
def test_one_output_with_all_frames_and_all_sound(tmp_path: Path) -> None:
    parts = [record(tmp_path / "in", seconds) for seconds in (0, 2, 30)]
    words = ["batch", tmp_path / "in", tmp_path / "out", *FAST]
    ran = vsr(*words)
    assert (ran.code, ran.out) == (0, "")
    [made] = outputs(tmp_path / "out")
    assert made.parent.name == "it's door"
    output, sources = held(made), [held(part) for part in parts]
    assert len(output.pts) == sum(len(source.pts) for source in sources)
    assert output.packets["audio"] == [
        [packet for source in sources for packet in source.packets["audio"][0]]
    ]
    assert output.pts[48] - output.pts[0] == 30  # by the clock
    assert {b - a for a, b in zip(output.pts[:24], output.pts[1:24], strict=False)} == {
        Fraction(2, 25)
    }
    facts = json.loads(made.with_name(f"{made.name}.record.json").read_text())
    assert facts["source"]["camera"] == "it's door"
    assert [part["path"] for part in facts["source"]["parts"]] == [str(part) for part in parts]
    assert [part["begins"][11:] for part in facts["source"]["parts"]] == [
        *("22:00:00Z", "22:00:02Z", "22:00:30Z")
    ]
    assert [part["frames"] for part in facts["source"]["parts"]] == [24, 24, 24]
    assert facts["damage"] == {}
    assert facts["warnings"] == []

    again = vsr(*words)
    assert (again.code, again.err.splitlines()[-2].split()) == (0, ["skipped", "1"])
    record(tmp_path / "in", 40)
    later = vsr(*words)
    assert later.code == 0
    assert (
        f"{made}: 1 file came later (00.40.mp4); it stays as it is, -y makes it anew" in later.err
    )
    assert len(held(made).pts) == 72
    assert vsr(*words, "-y").code == 0
    assert len(held(made).pts) == 96
    done = vsr(*words, "-y")  # as a timer has it: what is done is done
    assert (done.code, done.err.splitlines()[-2].split()) == (0, ["skipped", "1"])


@pytest.mark.slow
def test_it_goes_on_after_a_kill(tmp_path: Path) -> None:
    long = replace(CLIP, pts=range(0, 300 * 1024, 1024), options={"g": "20"}, audio=())  # 24 s
    for seconds in (0, 24, 60):
        record(tmp_path / "in", seconds, long)
    words = ["batch", tmp_path / "in", tmp_path / "out", *FAST, "--json"]
    command = [SCRIPT, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "progress" and event["frames"] > 300:
                process.kill()
                break
        process.communicate()
    assert outputs(tmp_path / "out") == []
    ran = vsr(*words)
    assert ran.code == 0
    [ended] = [event for event in ran.events if event["event"] == "ended"]
    assert (ended["status"], ended["frames"]) == ("done", 900)
    [made] = outputs(tmp_path / "out")
    times = held(made).pts
    assert len(times) == 900
    assert times[600] - times[0] == 60


@pytest.mark.slow
def test_segments_give_what_one_go_gives(tmp_path: Path) -> None:
    parts = [
        make(
            tmp_path / f"{n}.mp4",
            replace(CLIP, numbers=range(100 * n, 100 * n + 24), options={"g": "6", "bf": "2"}),
        )
        for n in range(3)
    ]
    joined = listed(tmp_path, parts, [0, 1_920_000, 30_000_000])
    made = []
    for resume in ("never", "always"):
        target = tmp_path / f"{resume}.mkv"
        result = upscale(joined, target, scale=2, model="nearest", codec="ffv1", resume=resume)
        assert (result.run.frames_in, result.run.frames_out) == (72, 72)
        made.append(target)
    for one, other in zip(*map(planes, made), strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
    one, other = map(held, made)
    assert (one.pts, one.packets) == (other.pts, other.packets)


@pytest.mark.slow
def test_a_part_that_goes_meanwhile_leaves_no_output(tmp_path: Path) -> None:
    parts = [make(tmp_path / f"{n}.mp4", CLIP) for n in range(2)]
    joined = listed(tmp_path, parts, [0, 2_000_000])

    def progress(now: Progress) -> None:
        parts[1].unlink(missing_ok=True)

    with pytest.raises(InputError, match=r"its part .*1\.mp4: No such file or directory"):
        upscale(
            joined,
            tmp_path / "out.mp4",
            scale=2,
            model="nearest",
            progress=progress,
            record=True,
        )
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--join", "camera", "--watch"], "--watch and --join exclude each other"),
        (["--join", "day"], "'day' is not 'camera'"),
        (["--join-gap", "5"], "--join-gap: for --join camera, which is missing"),
        (["--join", "camera", "--join-hours", "25"], "must be a whole number of 1 to 24"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, options: list[str], reason: str) -> None:
    make(tmp_path / "in.mp4", CLIP)
    ran = vsr("batch", tmp_path / "in.mp4", tmp_path / "out", *options)
    assert (ran.code, ran.out) == (2, "")
    assert reason in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("words", [FAST, FAST[:-1]])  # by camera is how files are joined
def test_a_dry_run_says_that_it_tells_of_the_files(tmp_path: Path, words: list[str]) -> None:
    record(tmp_path / "in", 0)
    ran = vsr("batch", tmp_path / "in", tmp_path / "out", *words, "--dry-run")
    assert ran.code == 0
    assert "vsr: --join makes one output of a camera's consecutive files" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_nothing_to_do_is_no_failure(tmp_path: Path) -> None:
    path = record(tmp_path / "in", 0)
    path.touch()
    ran = vsr("batch", tmp_path / "in", tmp_path / "out", *FAST)
    assert ran.code == 0
    assert "may go on; 1 file left for the next run" in ran.err
    assert outputs(tmp_path / "out") == []
    shutil.rmtree(tmp_path / "out")
