"""Long jobs in segments: whatever ends a run, the same one again goes on, and gives the same."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, held, make, planes, remux

from vsr import DoneError, InputError, OutputError, Progress, StoppedError, upscale
from vsr.segmented import plan
from vsr.segmented import policy as choice
from vsr.segmented.work_dir import is_begun

FAST: dict[str, Any] = {"scale": 2, "model": "bicubic", "preset": "ultrafast", "threads": 1}
SLOW = Clip(  # a frame a second: segments of a minute have few
    width=32,
    height=24,
    time_base=Fraction(1, 100),
    pts=tuple(range(0, 300 * 100, 100)),
    options={"bf": "2", "preset": "veryfast", "g": "20"},
)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 8 frames."""
    monkeypatch.setattr(plan, "_WORK", 1)
    monkeypatch.setattr(plan, "_SHORTEST", 0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty frames of uneven lengths, a keyframe in five, sound and chapters."""
    gaps = [512 * (1 + number % 3) for number in range(60)]
    return make(
        tmp_path_factory.mktemp("clip") / "clip.mp4",
        Clip(
            width=48,
            height=32,
            pts=tuple(int(t) for t in np.cumsum([0, *gaps[:-1]])),
            options={"bf": "2", "preset": "veryfast", "g": "5"},
            audio=("eng",),
            chapters=((0, 1000, "first"), (1000, 3000, "second")),
        ),
    )


def stopped_after(source: Path, target: Path, frames: int, **options: Any) -> None:
    """Run until so many frames are written, then to the end of the segment at work."""
    stop = Event()

    def progress(now: Progress) -> None:
        if now.frames >= frames:
            stop.set()

    with pytest.raises(StoppedError, match="the same command goes on"):
        upscale(source, target, resume="always", stop=stop, progress=progress, **options)


def journal(target: Path) -> list[dict[str, Any]]:
    """The facts in the work folder beside a target."""
    found = target.parent.glob(f".{target.name}.*.work/journal.jsonl")
    lines = [line for file in found for line in file.read_text().splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("suffix", "stops"), [(".mp4", (1, 20, 45)), (".mkv", (20,)), (".mov", (1,)), (".ts", (45,))]
)
def test_a_run_that_was_stopped_gives_the_file_of_one_that_was_not(
    clip: Path, tmp_path: Path, suffix: str, stops: tuple[int, ...]
) -> None:
    whole, parts = tmp_path / f"whole{suffix}", tmp_path / f"parts{suffix}"
    result = upscale(clip, whole, resume="always", **FAST)
    for frames in stops:
        stopped_after(clip, parts, frames, **FAST)
    again = upscale(clip, parts, resume="always", **FAST)
    assert again.run == result.run
    assert held(parts) == held(whole)
    for mine, its in zip(planes(parts), planes(whole), strict=True):
        assert all(map(np.array_equal, mine, its))
    if suffix == ".mp4":
        assert parts.read_bytes() == whole.read_bytes()
    assert not hidden(tmp_path)


def check_like_one_go(source: Path, folder: Path, frames: int, **more: Any) -> None:
    """A run that was stopped after so many frames gives what one in one go does."""
    options = {**FAST, "codec": "ffv1", "preset": "", **more}
    direct = upscale(source, folder / "direct.mkv", resume="never", **options)
    stopped_after(source, folder / "parts.mkv", frames, **options)
    parts = upscale(source, folder / "parts.mkv", resume="always", **options)
    assert parts.run == direct.run
    assert held(parts.target) == held(direct.target)
    for mine, its in zip(planes(parts.target), planes(direct.target), strict=True):
        assert all(map(np.array_equal, mine, its))


@pytest.mark.parametrize("model", ["bicubic", "vespcn"])
def test_segments_hold_what_one_go_gives(clip: Path, tmp_path: Path, model: str) -> None:
    check_like_one_go(clip, tmp_path, 30, model=model)


def test_what_is_finished_is_not_made_again(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    stopped_after(clip, target, 30, **FAST)
    before = journal(target)
    seen: list[Progress] = []
    work = Counter[int]()

    def progress(now: Progress) -> None:
        seen.append(now)
        work.update(fact.get("segment", -1) for fact in journal(target) if fact not in before)

    upscale(clip, target, resume="always", progress=progress, **FAST)
    done = sum(fact["frames"] for fact in before)
    assert done >= 30
    assert [now.frames for now in seen] == list(range(done + 1, 61))
    assert all(now.resumable and now.expected == 60 for now in seen)
    assert not work.keys() & {fact["segment"] for fact in before}


def test_a_part_of_a_video(clip: Path, tmp_path: Path) -> None:
    check_like_one_go(clip, tmp_path, 9, start=0.7, end=2.9)


@pytest.mark.parametrize("ending", [".h264", ".mpg", ".avi", ".ts"])
def test_sources_whose_times_say_little(tmp_path: Path, ending: str) -> None:
    codec = {".mpg": "mpeg2video", ".avi": "mpeg4"}.get(ending, "libx264")
    options = {"g": "6"} if codec != "libx264" else {"g": "6", "bf": "2", "preset": "veryfast"}
    source = make(
        tmp_path / f"clip{ending}",
        Clip(codec=codec, pts=range(50), time_base=Fraction(1, 25), options=options),
    )
    check_like_one_go(source, tmp_path, 20)


def test_damage_is_counted_once(clip: Path, tmp_path: Path) -> None:
    stream = remux(clip, tmp_path / "clip.ts", ["video", "audio"]).read_bytes()
    broken = bytearray(stream)
    chance = random.Random(5)
    for place in range(188 * 20, len(broken) - 188 * 20, 188 * 5):
        broken[place + 20 : place + 180] = chance.randbytes(160)
    source = tmp_path / "broken.ts"
    source.write_bytes(broken)
    options = {**FAST, "codec": "ffv1", "preset": ""}
    direct = upscale(source, tmp_path / "direct.mkv", resume="never", **options)
    assert sum(vars(direct.run.damage).values()) > 2
    for frames in (12, 30):
        stopped_after(source, tmp_path / "parts.mkv", frames, **options)
    parts = upscale(source, tmp_path / "parts.mkv", resume="always", **options)
    assert parts.run == direct.run
    assert held(parts.target) == held(direct.target)
    for mine, its in zip(planes(parts.target), planes(direct.target), strict=True):
        assert all(map(np.array_equal, mine, its))


def test_other_settings_destroy_nothing(clip: Path, tmp_path: Path) -> None:
    target, said = tmp_path / "out.mp4", list[str]()
    stopped_after(clip, target, 30, **FAST)
    before = journal(target)
    upscale(clip, target, resume="always", warn=said.append, **{**FAST, "crf": 30})
    assert any("crf unset, not 30" in line and "may be deleted" in line for line in said)
    assert journal(target) == before
    result = upscale(clip, target, overwrite=True, resume="auto", **FAST)
    assert result.frames_out == 60
    assert journal_frames(before) >= 30
    assert not is_begun(target)


def journal_frames(facts: Sequence[dict[str, Any]]) -> int:
    return sum(fact.get("frames", 0) for fact in facts)


def test_another_input_is_another_work(clip: Path, tmp_path: Path) -> None:
    source, target, said = tmp_path / "in.mp4", tmp_path / "out.mp4", list[str]()
    source.write_bytes(clip.read_bytes())
    stopped_after(source, target, 30, **FAST)
    make(source, Clip(width=48, height=32, pts=range(0, 6000, 500)))
    assert upscale(source, target, resume="always", warn=said.append, **FAST).frames_out == 12
    assert any("the input is another" in line for line in said)


def test_a_segment_that_was_lost_is_made_again(clip: Path, tmp_path: Path) -> None:
    whole, target, said = tmp_path / "whole.mp4", tmp_path / "out.mp4", list[str]()
    upscale(clip, whole, resume="always", **FAST)
    stopped_after(clip, target, 30, **FAST)
    first, second, third, *_ = sorted(tmp_path.glob(".out.mp4.*.work/*.packets"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    third.write_bytes(third.read_bytes()[:-1] + b"x")
    upscale(clip, target, resume="always", warn=said.append, **FAST)
    assert len([line for line in said if "made again" in line]) == 3
    assert target.read_bytes() == whole.read_bytes()


def test_two_runs_do_not_work_at_the_same(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"

    def progress(now: Progress) -> None:
        if now.frames == 1:
            with pytest.raises(OutputError, match="at work on it already"):
                upscale(clip, target, resume="always", **FAST)

    upscale(clip, target, resume="always", progress=progress, **FAST)


def test_a_run_that_was_killed_when_all_was_done(clip: Path, tmp_path: Path) -> None:
    """Between the renaming of the output and the removal of the work folder."""
    target = tmp_path / "out.mp4"
    kept = tmp_path / "kept"

    def removing(path: Path, **options: Any) -> None:
        path.rename(kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vsr.segmented.work_dir.shutil.rmtree", removing)
        upscale(clip, target, resume="always", **FAST)
    (folder,) = [json.loads((kept / "plan.json").read_text())["key"][:8]]
    kept.rename(tmp_path / f".out.mp4.{folder}.work")
    with pytest.raises(DoneError, match="is complete"):
        upscale(clip, target, resume="always", **FAST)
    assert not hidden(tmp_path)
    with pytest.raises(OutputError, match="exists already"):
        upscale(clip, target, resume="always", **FAST)


def test_a_source_that_changes_meanwhile_is_an_error(clip: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    source.write_bytes(clip.read_bytes())

    def progress(now: Progress) -> None:
        if now.frames == 50:
            source.write_bytes(clip.read_bytes() + b"\0")

    with pytest.raises(InputError, match="was changed"):
        upscale(source, target, resume="always", progress=progress, **FAST)
    assert not target.exists()


@pytest.mark.parametrize(
    "job",
    [
        lambda folder: ("rtsp://camera.invalid/1", folder / "out.mp4"),
        lambda folder: (folder, folder / "out.mp4"),
        lambda folder: (folder / "clip.mp4", folder / "frames"),
    ],
)
def test_what_cannot_be_done_in_segments(
    clip: Path, tmp_path: Path, job: Callable[[Path], tuple[Any, Path]]
) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((8, 8, 3), np.uint8))
    source, target = job(tmp_path)
    with pytest.raises(InputError, match="cannot be done in segments"):
        upscale(source, target, resume="always", **FAST)


def test_packets_that_cannot_be_put_aside(tmp_path: Path) -> None:
    """libvpx hands out alpha beside each packet."""
    alpha = {"codec": "ffv1", "pix_fmt": "yuva420p", "options": {}}
    source = make(tmp_path / "in.mkv", Clip(pts=range(0, 9000, 750), **alpha))
    options = {"scale": 2, "model": "bicubic", "codec": "libvpx-vp9"}
    with pytest.raises(OutputError, match="with alpha cannot be done in segments"):
        upscale(source, tmp_path / "out.webm", resume="always", **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "_LONG", 0)
        result = upscale(source, tmp_path / "out.webm", **options)
    assert any("done in one go" in warning for warning in result.warnings)
    assert len(planes(result.target)) == 12


def killed(command: Sequence[object], after: float) -> bool:
    """Run a command and kill it after so many seconds. Whether it was still running."""
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL) as run:
        try:
            run.wait(after)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            return True
    return False


@pytest.mark.slow
def test_killed_at_any_moment_the_same_command_goes_on(tmp_path: Path) -> None:
    source = make(tmp_path / "slow.mp4", SLOW)
    whole, target = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    options = ("-m", "vespcn", "--preset", "ultrafast", "--resume", "always", "-q")
    began = time.monotonic()
    assert not killed((SCRIPT, "upscale", source, whole, *options), 120)
    length = time.monotonic() - began
    chance, kills = random.Random(6), 0
    while kills < 4 or not target.exists():
        moment = chance.uniform(0.3, 1) * length if kills < 4 else 120
        kills += killed((SCRIPT, "upscale", source, target, *options), moment)
        made = [fact["segment"] for fact in journal(target) if "segment" in fact]
        assert len(set(made)) == len(made)
        if target.exists():
            assert target.read_bytes() == whole.read_bytes()
            assert not hidden(tmp_path)
            if kills < 4:
                target.unlink()


@pytest.mark.slow
def test_ctrl_c_ends_after_the_segment_at_work(tmp_path: Path) -> None:
    source, target = make(tmp_path / "slow.mp4", SLOW), tmp_path / "out.mp4"
    command = [SCRIPT, "upscale", source, target, "-m", "espcn", "--resume", "always", "--json"]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline()  # the first frame is there
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "stopping after the segment at work" in said
    assert "of 5 segments done; the same command goes on" in said
    assert len(journal(target)) >= 1
    assert vsr("upscale", source, target, "-m", "espcn", "-q").code == 0
    assert held(target).pts == [Fraction(number) for number in range(300)]


@pytest.mark.slow
def test_no_room_for_a_segment(clip: Path, tmp_path: Path) -> None:
    source, target = make(tmp_path / "slow.mp4", SLOW), tmp_path / "out.mp4"
    options = ("-m", "bicubic", "-c", "ffv1", "--resume", "always", "-q")
    whole = tmp_path / "whole.mkv"
    assert vsr("upscale", source, whole, *options).code == 0
    target = tmp_path / "out.mkv"
    ran = vsr("upscale", source, target, *options, file_limit=whole.stat().st_size // 2)
    assert ran.code == 1
    assert ran.err.count("\n") == 1 and "cannot be written" in ran.err
    assert not target.exists()
    assert journal(target)
    assert vsr("upscale", source, target, *options).code == 0
    assert held(target) == held(whole)
