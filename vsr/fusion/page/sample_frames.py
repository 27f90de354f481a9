"""A few whole frames of a source, as pictures for a page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vsr.core.crop import Box
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.fusion.page.pictures import small_uri
from vsr.fusion.sights import colours_of
from vsr.images.images import Images
from vsr.pipeline.routes import open_file
from vsr.video.reader import Video

_COUNT = 24
_SIDE = 1920  # pixels
_THROUGH = 600  # frames: longer videos are sought in
_MOST = 3000  # frames that are read where nothing can be sought
_MILLI, _DIGITS = 3, 9  # after the point


@dataclass(frozen=True)
class SampleFrame:
    """A frame to look at.

    Attributes:
        at: seconds from the file's start, at which it is shown, as --at takes it.
        picture: a JPEG as a data URI, its longer side _SIDE pixels at most.
    """

    at: str
    picture: str


@dataclass(frozen=True)
class SampleFrames:
    """Frames spread evenly over a span, in order.

    Attributes:
        frames: at least one, _COUNT at most.
        info: of all of them.
        cut: whether the span goes on where none was looked at.
    """

    frames: tuple[SampleFrame, ...]
    info: VideoInfo
    cut: bool


def sample_frames(path: Path, read: ReadOptions, warn: Warn) -> SampleFrames:
    """Some frames of a video, or of images. Raises InputError where there are none."""
    with open_file(path, read.span, read.clip_rate, warn, read) as source:
        expected = source.expected_frames
        long = expected is None or expected > _THROUGH
        times = _times(source, expected) if long and isinstance(source, Video) else []
        if not times:
            found, cut = _read_through(source)
            return SampleFrames(found, source.info, cut)
    found = tuple(one for time in times for one in _first(path, Span(time, read.end), read))
    if found:
        return SampleFrames(_apart(found), source.info, False)
    with open_file(path, read.span, read.clip_rate, ignore, read) as source:
        found, cut = _read_through(source)
        return SampleFrames(found, source.info, cut)


def _times(source: Video, expected: int | None) -> list[Fraction]:
    """When to look, in seconds from the file's start; none where its length is not known."""
    rate = source.info.frame_rate
    if expected is None or not rate:
        return []
    length, start = Fraction(expected) / rate, source.span.start or Fraction(0)
    return [start + length * number / _COUNT for number in range(_COUNT)]


def _first(path: Path, span: Span, read: ReadOptions) -> Iterator[SampleFrame]:
    """The first frame of a span; none behind the end of the video."""
    with open_file(path, span, read.clip_rate, ignore, read) as source:
        for frame in source.frames():
            yield _sample(frame, source)
            return


def _apart(found: tuple[SampleFrame, ...]) -> tuple[SampleFrame, ...]:
    return tuple({one.at: one for one in found}.values())


def _read_through(source: Video | Images) -> tuple[tuple[SampleFrame, ...], bool]:
    """Every n-th frame, n doubled whenever there are too many; and whether more would follow."""
    kept: list[SampleFrame] = []
    step = max(1, math.ceil((source.expected_frames or 0) / _COUNT))
    for number, frame in enumerate(source.frames()):
        if number >= _MOST:
            return tuple(kept), True
        if number % step:
            continue
        kept.append(_sample(frame, source))
        if len(kept) > _COUNT:
            kept, step = kept[::2], 2 * step
    return tuple(kept), False


def _sample(frame: Frame, source: Video | Images) -> SampleFrame:
    origin = source.origin if isinstance(source, Video) else Fraction(0)
    begin = frame.pts * source.info.time_base - origin
    end = begin + max(frame.duration, 1) * source.info.time_base
    return SampleFrame(typed(begin, end), frame_uri(frame, source.info, _SIDE))


def typed(begin: Fraction, end: Fraction) -> str:
    """A number from `begin` up to, not including, `end`: of whole milliseconds if there is one."""
    begin = max(begin, Fraction(0))
    for digits in range(_MILLI, _DIGITS):
        found = Fraction(math.ceil(begin * 10**digits), 10**digits)
        if found < end:
            return f"{float(found):.{digits}f}".rstrip("0").rstrip(".")
    return str(begin)


def frame_uri(frame: Frame, info: VideoInfo, side: int) -> str:
    """A whole frame as a JPEG."""
    return small_uri(colours_of(frame, info, Box(0, 0, info.width, info.height)), info, side)
