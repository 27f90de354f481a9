"""Pieces of footage: the frames that are there, of one shot, of a size that can be kept."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.clips import Clip, make, picture, remux

from vsr.adaptation import bursts as module
from vsr.adaptation.bursts import LEAST, Sample, sample
from vsr.core.errors import InputError, TrainingError
from vsr.datasets.media import read_luma


def pts(frames: int) -> range:
    return range(0, frames * 512, 512)


def taken(
    *paths: Path, scale: int = 2, color: str = "y", warned: list[str] | None = None
) -> Sample:
    warn = (lambda message: None) if warned is None else warned.append
    return sample(paths, scale, color, np.random.default_rng(0), warn)


def test_bursts_are_frames_of_the_video(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Clip(96, 64, pts=pts(60)))
    frames = [frame.tobytes() for frame in read_luma(path)]
    found = taken(path)
    firsts = []
    for burst in found.learnt + found.held_back:
        numbers = [frames.index(frame.tobytes()) for frame in burst.frames]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        firsts.append(numbers[0])
    assert firsts == sorted(firsts)
    assert all(burst.held_back for burst in found.held_back)
    assert firsts[-1] >= 48


def test_a_raw_stream_is_read_through(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h264", Clip(64, 48, pts=pts(40)))
    frames = [frame.tobytes() for frame in read_luma(path)]
    found = taken(path)
    assert frames.index(found.held_back[-1].frames[0].tobytes()) >= 32
    assert frames.index(found.learnt[0].frames[0].tobytes()) < 16


def test_a_burst_does_not_reach_over_a_cut(tmp_path: Path) -> None:
    numbers = [*range(5), *range(-1, -30, -1)]
    path = make(tmp_path / "a.mp4", Clip(96, 64, pts=pts(34), numbers=numbers))
    frames = [frame.tobytes() for frame in read_luma(path)]
    for burst in taken(path).learnt:
        sides = {frames.index(frame.tobytes()) < 5 for frame in burst.frames}
        assert len(sides) == 1


def test_a_part_of_large_pictures_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.mp4", Clip(96, 64, pts=pts(30)))
    monkeypatch.setattr(module, "_BYTES", 26 * 9 * 48 * 32)
    for burst in taken(path).learnt:
        assert burst.frames.shape[1:] == (32, 48)


def test_stills_in_colour(tmp_path: Path) -> None:
    for number in range(2):
        bgr = np.dstack([picture(number + 40 * n, 70, 60) for n in range(3)])
        cv2.imwrite(str(tmp_path / f"{number}.png"), bgr)
    found = taken(tmp_path, color="rgb")
    (learnt,), (held,) = found.learnt, found.held_back
    assert (learnt.path.name, held.path.name) == ("0.png", "1.png")
    bgr = cv2.imread(str(tmp_path / "0.png"))
    assert np.array_equal(learnt.frames, bgr[None, ..., ::-1])


def test_small_ones_are_left_out_and_named(tmp_path: Path) -> None:
    make(tmp_path / "a.mp4", Clip(96, 64, pts=pts(30)))
    make(tmp_path / "b.mp4", Clip(64, 46, pts=pts(30)))
    warned: list[str] = []
    found = taken(tmp_path, warned=warned)
    assert {burst.path.name for burst in found.learnt} == {"a.mp4"}
    (line,) = warned
    assert "b.mp4: 64x46 pixels" in line
    with pytest.raises(TrainingError, match=rf"b\.mp4: 64x46 pixels.*x2 needs {2 * LEAST} a side"):
        taken(tmp_path / "b.mp4")


def test_errors_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to learn from"):
        taken(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        taken(tmp_path / "none.mp4")
    cv2.imwrite(str(tmp_path / "a.png"), picture(1, 96, 96))
    with pytest.raises(TrainingError, match="too little"):
        taken(tmp_path)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"b\.mp4"):
        taken(tmp_path)


def _broken(source: Path, target: Path) -> Path:
    """A copy with packets in the middle that are no pictures; what parts them is left."""
    data = bytearray(source.read_bytes())
    for at in range(len(data) // 2, len(data) * 5 // 8, 3):
        if data[at] > 1:
            data[at] ^= 0xAA
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("name", ["whole.mp4", "whole.h264"])
def test_a_damaged_video_is_told_once(tmp_path: Path, name: str) -> None:
    options = {"g": "5", "bf": "0", "preset": "veryfast"}
    whole = make(tmp_path / name, Clip(64, 48, pts=pts(60), options=options))
    warned: list[str] = []
    taken(whole, warned=warned)
    assert warned == []
    broken = _broken(whole, tmp_path / f"broken{whole.suffix}")
    taken(whole, broken, warned=warned)
    (line,) = warned
    assert re.fullmatch(
        rf"{re.escape(str(broken))}: damaged, or not to be decoded, at \d+ of the \d+ places "
        "looked at",
        line,
    )


def test_a_cut_video_is_told_once(tmp_path: Path) -> None:
    clip = Clip(64, 48, pts=pts(60), options={"g": "5", "bf": "0", "preset": "veryfast"})
    made = make(tmp_path / "made.mp4", clip)
    path = remux(made, tmp_path / "whole.mp4", ("video",), movflags="faststart")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10])
    warned: list[str] = []
    taken(path, warned=warned)
    (line,) = warned
    assert line.startswith(f"{path}: the file is truncated: ")
