"""B-frames in AVIs, which hold times in the order of decoding alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from support.clips import Clip, make
from video.test_reader import decoded, read

from vsr.core.span import Span

B_FRAMES = {"bf": "3", "g": "12", "preset": "veryfast", "b-pyramid": "normal", "b-adapt": "0"}
MANY = B_FRAMES | {"bf": "8", "g": "24"}
COUNT = 36
WHOLE = Span()
STEP = Fraction(1, 25)


def clip(folder: Path, options: dict[str, str]) -> Path:
    made = Clip(64, 48, "yuv420p", "libx264", tuple(range(COUNT)), STEP, options)
    return make(folder / "clip.avi", made)


def seconds(path: Path, span: Span = WHOLE) -> list[Fraction]:
    info, frames = read(path, span, lambda _: None)
    return [frame.pts * info.time_base for frame in frames]


@pytest.mark.parametrize("options", [B_FRAMES, MANY])
def test_frames_come_at_an_even_pace(tmp_path: Path, options: dict[str, str]) -> None:
    path = clip(tmp_path, options)
    truth = decoded(path)
    assert [pts for pts, _ in truth] != sorted(pts for pts, _ in truth)  # as libav dates them
    warnings: list[str] = []
    info, frames = read(path, WHOLE, warnings.append)
    assert warnings == []
    assert {b.pts - a.pts for a, b in pairwise(frames)} == {STEP / info.time_base}
    for frame, (_, planes) in zip(frames, truth, strict=True):
        assert all(map(np.array_equal, frame.planes, planes))


def test_a_part_has_the_times_of_the_whole(tmp_path: Path) -> None:
    path = clip(tmp_path, B_FRAMES)
    whole = seconds(path)
    start, end = Fraction(1, 2), Fraction(1)
    begins = [time - whole[0] for time in whole]
    inside = [time for time in begins if start <= time < end]
    part = seconds(path, Span(start, end))
    assert [b - a for a, b in pairwise(part)] == [STEP] * (len(part) - 1)
    assert abs(len(part) - len(inside)) <= 1  # the one that stands still at `start` is shown too


def test_what_is_lost_leaves_a_gap_and_moves_nothing_else(tmp_path: Path) -> None:
    path = clip(tmp_path, B_FRAMES)
    whole = seconds(path)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    later = [n for n, p in enumerate(packets) if p.is_keyframe][1]
    lost = packets[later - 4]
    data = bytearray(path.read_bytes())
    assert lost.pos is not None
    data[lost.pos + 8 : lost.pos + 8 + lost.size] = bytes(lost.size)
    path.write_bytes(data)
    times = seconds(path)
    assert len(times) >= COUNT - 2  # one that depends on it may be lost, too
    assert times == sorted(set(times))
    assert set(times) <= set(whole)
    assert whole[-1] - times[-1] <= STEP
