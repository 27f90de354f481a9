"""--deinterlace field: each moment of interlaced video comes once, at its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.clips import held
from support.interlaced import NTSC, encode, gray_frame, moment, progressive, woven

from vsr import upscale
from vsr.core.frame import Frame
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.video.deinterlace import each_field
from vsr.video.field_vote import FieldOrder
from vsr.video.reader import Video, open_video

TOP, BOTTOM = FieldOrder.TOP, FieldOrder.BOTTOM
PAL = Fraction(25)
FRAMES = 30
LOSSLESS = {"model": "nearest", "scale": 2, "codec": "ffv1", "device": "cpu"}


def x264(order: FieldOrder) -> dict[str, str]:
    first = "tff" if order is TOP else "bff"
    return {"preset": "ultrafast", "crf": "14", "x264-params": f"{first}=1", "g": "7"}


def read(
    path: Path, span: Span | None = None, context: int = 0, mode: str = "field"
) -> tuple[Video, list[Frame]]:
    with open_video(path, span or Span(), lambda _: None, ReadOptions(deinterlace=mode)) as video:
        return video, list(video.frames(context))


def times_of(video: Video, frames: Sequence[Frame]) -> list[Fraction]:
    return [(frame.pts - frames[0].pts) * video.info.time_base for frame in frames]


def nearest(frames: Sequence[Frame], count: int) -> list[int]:
    """Which moment each frame is most like."""
    lumas = [
        gray_frame(moment(n)).reformat(format="yuv420p").to_ndarray()[:64].astype(float)
        for n in range(count)
    ]
    return [
        int(np.argmin([np.abs(frame.planes[0] - luma).mean() for luma in lumas]))
        for frame in frames
    ]


CODECS = {
    "MBAFF": ("a.mp4", "libx264", {"preset": "veryfast"}),
    "in a transport stream": ("a.ts", "libx264", {}),
    "in Matroska": ("a.mkv", "libx264", {}),
    "MPEG-2": ("a.mov", "mpeg2video", {"flags": "+ildct+ilme", "qmin": "2", "qmax": "3"}),
    "in a program stream": ("a.mpg", "mpeg2video", {"flags": "+ildct+ilme", "qmax": "3"}),
    "lossless": ("a.avi", "ffv1", {}),
}


@pytest.mark.parametrize("rate", [PAL, NTSC])
@pytest.mark.parametrize("order", FieldOrder)
@pytest.mark.parametrize("name, codec, options", CODECS.values(), ids=CODECS)
def test_each_moment_comes_once_at_its_time(
    tmp_path: Path,
    name: str,
    codec: str,
    options: dict[str, str],
    order: FieldOrder,
    rate: Fraction,
) -> None:
    options = x264(order) | options if codec == "libx264" else options
    path = encode(tmp_path / name, woven(order, FRAMES), codec, options, rate=rate)
    video, frames = read(path)
    assert nearest(frames, 2 * FRAMES) == list(range(2 * FRAMES))
    clock = Fraction(1, 1000) if name == "a.mkv" else 0  # Matroska rounds times
    for number, time in enumerate(times_of(video, frames)):
        assert abs(time - number / (2 * rate)) <= clock
    assert video.info.frame_rate == 2 * rate
    assert frames[-1].duration * video.info.time_base == pytest.approx(0.5 / float(rate), abs=0.001)
    plain, whole = read(path, mode="on")
    assert frames[0].pts * video.info.time_base == whole[0].pts * plain.info.time_base
    if name != "a.mpg":  # whose length is a guess
        assert video.expected_frames == 2 * FRAMES


def test_the_first_of_two_is_what_a_picture_of_each_frame_is(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", woven(TOP, FRAMES), options=x264(TOP))
    _, fields = read(path)
    _, frames = read(path, mode="on")
    assert all(a.shows_same(b) for a, b in zip(fields[::2], frames, strict=True))


@pytest.mark.parametrize("context", [0, 1, 3])
@pytest.mark.parametrize(("first", "last"), [(0, 3), (1, 4), (14, 23), (25, 58), (59, 60)])
def test_a_part_has_the_bits_of_the_whole(
    tmp_path: Path, first: int, last: int, context: int
) -> None:
    path = encode(tmp_path / "a.mp4", woven(BOTTOM, FRAMES), options=x264(BOTTOM))
    _, whole = read(path)
    _, part = read(path, Span(Fraction(first, 50), Fraction(last, 50)), context)
    inside = [frame for frame in part if not frame.is_context]
    assert [frame.pts for frame in inside] == [frame.pts for frame in whole[first:last]]
    by_time = {frame.pts: frame for frame in whole}
    assert all(frame.shows_same(by_time[frame.pts]) for frame in part)
    before = sum(frame.is_context and frame.pts < whole[first].pts for frame in part)
    assert before >= min(context, first)


def made(pts: Sequence[int | None], step: Fraction | None) -> list[int | None]:
    frames = []
    for number, time in enumerate(pts):
        frame = gray_frame(moment(number))
        frame.pts = time
        frames.append(frame)
    return [frame.pts for frame in each_field(iter(frames), TOP, step)]


def test_a_gap_is_no_time_between_two_fields() -> None:
    step = Fraction(40)
    assert made([0, 40, 200, 240], step) == [0, 20, 40, 60, 200, 220, 240, 260]
    assert made([0, 38, 80, 81], step) == [0, 19, 38, 59, 80, 100, 81, 101]
    assert made([None, None], step) == [None] * 4
    assert made([0, 40], None) == [0, 20, 40, 60]


@pytest.mark.parametrize("count", [1, 2])
def test_few_frames_have_all_their_fields(tmp_path: Path, count: int) -> None:
    path = encode(tmp_path / "a.mov", woven(TOP, count), "mpeg2video", {"qmax": "3"})
    video, frames = read(path)
    assert times_of(video, frames) == [Fraction(n, 50) for n in range(2 * count)]


def test_a_picture_that_cannot_be_deinterlaced_is_shown_once() -> None:
    frames = [av.VideoFrame(2, 2, "yuv420p") for _ in range(3)]
    for number, frame in enumerate(frames):
        frame.pts = 10 * number
    assert [frame.pts for frame in each_field(iter(frames), TOP, Fraction(10))] == [0, 10, 20]


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.avi"])
def test_a_job_has_twice_the_frames_and_the_same_length(tmp_path: Path, name: str) -> None:
    path = encode(tmp_path / "in.mp4", woven(TOP, FRAMES), options=x264(TOP))
    result = upscale(path, tmp_path / name, deinterlace="field", **(LOSSLESS | {"codec": ""}))
    assert not any("empty ones" in line for line in result.warnings)  # of a clock too fast
    assert result.frames_in == result.frames_out == 2 * FRAMES
    assert result.run.duration_in == FRAMES / PAL
    times = held(tmp_path / name).pts
    clock = Fraction(1, 1000)
    for number, time in enumerate(times):
        assert abs(time - times[0] - Fraction(number, 50)) <= clock


def test_segments_give_what_one_go_gives(tmp_path: Path) -> None:
    path = encode(tmp_path / "in.mp4", [*woven(TOP, 60), *progressive(60)], options=x264(TOP))
    jobs = {"whole.mkv": "never", "parts.mkv": "always"}
    for name, how in jobs.items():
        upscale(path, tmp_path / name, resume=how, deinterlace="field", **LOSSLESS)
    one, other = (read(tmp_path / name, mode="off")[1] for name in jobs)
    assert len(one) == 240
    assert [replace(frame, planes=()) for frame in one] == [
        replace(frame, planes=()) for frame in other
    ]
    assert all(a.shows_same(b) for a, b in zip(one, other, strict=True))
