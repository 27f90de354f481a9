"""Read the frames of a video file, one by one, with exact timestamps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.errors import InputError
from vsr.video.frame import Frame, VideoInfo
from vsr.video.open import open_input, reason
from vsr.video.planes import PlaneReader, describe
from vsr.video.siting import read_siting
from vsr.video.span import Span
from vsr.video.truncation import check_whole

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Video:
    """A video opened for reading.

    Attributes:
        path: the file.
        info: what holds for all its frames.
        span: the part that is read.
        stream_index: which of the file's streams this is.
        origin: when the file starts, in seconds on its own clock; span times count from it.
        _end: the tick at which the last frame stops being shown, where that is known.
    """

    path: Path
    info: VideoInfo
    span: Span
    stream_index: int
    origin: Fraction
    _end: int | None
    _decoded: Iterator[VideoFrame]
    _warn: Warn

    @property
    def expected_frames(self) -> int | None:
        """How many frames the header lets one expect in the span. A hint for progress."""
        rate, total = self.info.frame_rate, self.info.expected_frames
        if self.span.whole or not rate:
            return total
        length = self.span.length(Fraction(total) / rate if total else None)
        return None if length is None else math.ceil(length * rate)

    def frames(self) -> Iterator[Frame]:
        """Every frame of the span in presentation order, pts strictly increasing.

        A missing pts becomes the last one plus a nominal frame, one that does not increase
        becomes the last one plus a tick; both are counted in a warning. A duration is the gap
        to the next frame: what containers say of it follows the order of decoding. Raises
        InputError where decoding cannot go on.
        """
        read_planes = PlaneReader(self.info, self._warn)
        step, repaired = self._nominal_step(), 0
        held: Frame | None = None
        shown = 0
        for decoded in self._decoded:
            pts = decoded.pts
            if pts is None:
                pts, repaired = (0 if held is None else held.pts + step), repaired + 1
            elif held is not None and pts <= held.pts:
                pts, repaired = held.pts + 1, repaired + 1
            if held is not None:
                yield replace(held, duration=pts - held.pts)
            held, shown = Frame(read_planes(decoded), pts), decoded.duration or step
        if held is not None:
            ends = held.pts + shown if self._end is None else self._end
            yield replace(held, duration=ends - held.pts if ends > held.pts else shown)
        if repaired:
            self._warn(f"{repaired} timestamps were missing or did not increase, and were mended")

    def _nominal_step(self) -> int:
        rate = self.info.frame_rate
        return max(1, round(1 / (rate * self.info.time_base))) if rate else 1


@contextmanager
def open_video(path: Path, span: Span, warn: Warn) -> Iterator[Video]:
    """Open `path` at `span`, with its first frame decoded: what opens can be read.

    Raises InputError, in one line, for anything that is not a readable video.
    """
    with open_input(path) as container:
        check_whole(path, container.format.name)
        stream = main_video(container, path)
        siting = read_siting(path, stream.index)
        stream.thread_type = "AUTO"
        origin = Fraction(container.start_time or 0, av.time_base)
        decoded = _decode(container, stream, span, origin, path, warn)
        first = next(decoded, None)
        if first is None:
            where = "" if span.start is None else f" from {float(span.start):g} s on"
            raise InputError(f"{path}: no frame can be decoded{where}")
        info = describe(container, stream, first, siting)
        end = _end(container, stream, span, origin)
        yield Video(path, info, span, stream.index, origin, end, chain([first], decoded), warn)


def _end(
    container: InputContainer, stream: VideoStream, span: Span, origin: Fraction
) -> int | None:
    """The tick at which the picture ends: the span's end, or what an mp4's index says."""
    ends = []
    if "mp4" in container.format.name and stream.duration:
        ends.append((stream.start_time or 0) + stream.duration)
    if span.end is not None and stream.time_base:
        ends.append(math.floor((origin + span.end) / stream.time_base))
    return min(ends, default=None)


def main_video(container: InputContainer, path: Path) -> VideoStream:
    """The stream to enlarge: libav's best one that is not cover art. Raises InputError."""
    moving = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None
    ]
    if not moving:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        held = "cover art" if container.streams.video else kinds
        raise InputError(f"{path}: no video stream (it holds only {held})")
    best = container.streams.best("video")
    return next((stream for stream in moving if stream is best), moving[0])


def _from(
    container: InputContainer, stream: VideoStream, start: Fraction, path: Path, warn: Warn
) -> Iterator[VideoFrame]:
    """Frames from one at or before `start` on.

    Most demuxers seek by decoding time, some not even to a keyframe, so that the first frame
    to come out may lie after `start`. Then the next try begins earlier.
    """
    assert stream.time_base is not None
    lowest = min(0, stream.start_time or 0)
    back, step = 0, math.ceil(1 / stream.time_base)  # a second
    while True:
        place = max(lowest, math.floor(start) - back)
        container.seek(place, stream=stream, backward=True)
        frames = _all(container, stream, path, warn)
        first = next(frames, None)
        early = first is not None and first.pts is not None and first.pts <= start
        if early or place == lowest:
            return frames if first is None else chain([first], frames)
        back = 2 * back or step


def _all(
    container: InputContainer, stream: VideoStream, path: Path, warn: Warn
) -> Iterator[VideoFrame]:
    """The frames from where the container stands to its end."""
    corrupt = 0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            if container.format.name != "mpegts":
                raise InputError(f"{path}: a packet is cut short; the file is truncated or damaged")
            corrupt += 1  # broadcasts lose packets, and joined recordings count anew
        for frame in packet.decode():
            assert isinstance(frame, VideoFrame)
            yield frame
    if corrupt:
        warn(f"{corrupt} packets of the video are marked as damaged by gaps in the stream")


def _decode(
    container: InputContainer,
    stream: VideoStream,
    span: Span,
    origin: Fraction,
    path: Path,
    warn: Warn,
) -> Iterator[VideoFrame]:
    """The decoded frames of the span. The decoder is drained: the last frames come too."""
    base = stream.time_base
    if base is None:
        raise InputError(f"{path}: the video stream has no time base")
    start, end = (None if t is None else (origin + t) / base for t in (span.start, span.end))
    try:
        frames = (
            _all(container, stream, path, warn)
            if start is None
            else _from(container, stream, start, path, warn)
        )
        for frame in frames:
            if start is not None and (frame.pts is None or frame.pts < start):
                continue
            if end is not None and frame.pts is not None and frame.pts >= end:
                return
            yield frame
    except (av.FFmpegError, EOFError, OSError) as error:
        raise InputError(f"{path}: the video cannot be decoded ({reason(error)})") from None
