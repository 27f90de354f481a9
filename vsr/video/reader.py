"""Read the frames of a video file, one by one, with exact timestamps."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
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
from vsr.video.lead_in import lead_in
from vsr.video.open import open_input, open_on_gpu, reason
from vsr.video.planes import PlaneReader, describe
from vsr.video.seek import decode, decode_from
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
        _decoded: from the first frame of the span to the last of the file.
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

    def frames(self, context: int = 0) -> Iterator[Frame]:
        """Every frame of the span in presentation order, pts strictly increasing.

        A missing pts becomes the last one plus a nominal frame, one that does not increase
        becomes the last one plus a tick; both are counted in a warning. A duration is the gap
        to the next frame: what containers say of it follows the order of decoding. Raises
        InputError where decoding cannot go on.

        For a network that looks at `context` distinct pictures on each side, frames outside
        the span come too: before it as many as it needs, behind it as many as are drawn. Out
        there, what cannot be decoded is left out.
        """
        read_planes = PlaneReader(self.info, self._warn)
        start = self._tick(self.span.start)
        if context and start is not None:  # one more: the span may begin amid a still picture
            yield from lead_in(self.path, self.stream_index, start, context + 1, read_planes)
        behind = yield from self._inside(read_planes)
        if context and behind is not None:
            with suppress(InputError):
                for decoded in chain([behind], self._decoded):
                    yield Frame(read_planes(decoded), decoded.pts or 0, outside=True)

    def _inside(self, read_planes: PlaneReader) -> Generator[Frame, None, VideoFrame | None]:
        """The frames of the span; gives the first one behind it."""
        step, repaired = self._nominal_step(), 0
        held: Frame | None = None
        shown = 0
        behind: VideoFrame | None = None
        for decoded in self._decoded:
            if self._is_behind(decoded):
                behind = decoded
                break
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
        return behind

    def _is_behind(self, frame: VideoFrame) -> bool:
        """Whether a frame is the first that the span no longer holds."""
        end = self._tick(self.span.end)
        return end is not None and frame.pts is not None and frame.pts >= end

    def _tick(self, seconds: Fraction | None) -> Fraction | None:
        """A time of the span in ticks of the stream."""
        return None if seconds is None else (self.origin + seconds) / self.info.time_base

    def _nominal_step(self) -> int:
        rate = self.info.frame_rate
        return max(1, round(1 / (rate * self.info.time_base))) if rate else 1


@contextmanager
def open_video(path: Path, span: Span, warn: Warn, hwaccel: bool = False) -> Iterator[Video]:
    """Open `path` at `span`, with its first frame decoded: what opens can be read.

    With `hwaccel` a GPU decodes, where there is one that can.

    Raises InputError, in one line, for anything that is not a readable video.
    """
    with open_on_gpu(path, warn) if hwaccel else open_input(path) as container:
        check_whole(path, container.format.name)
        stream = main_video(container, path)
        siting = read_siting(path, stream.index)
        stream.thread_type = "AUTO"
        origin = Fraction(container.start_time or 0, av.time_base)
        frames = _decode(container, stream, span, origin, path, warn)
        first = next(frames, None)
        if first is not None:
            info = describe(container, stream, first, siting)
            end = _end(container, stream, span, origin)
            video = Video(path, info, span, stream.index, origin, end, chain([first], frames), warn)
        if first is None or video._is_behind(first):
            where = "" if span.start is None else f" from {float(span.start):g} s on"
            raise InputError(f"{path}: no frame can be decoded{where}")
        yield video


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


def _decode(
    container: InputContainer,
    stream: VideoStream,
    span: Span,
    origin: Fraction,
    path: Path,
    warn: Warn,
) -> Iterator[VideoFrame]:
    """The decoded frames from the span's start on. The decoder is drained: the last come too."""
    base = stream.time_base
    if base is None:
        raise InputError(f"{path}: the video stream has no time base")
    try:
        if span.start is None:
            yield from decode(container, stream, path, warn)
            return
        start = (origin + span.start) / base
        for frame in decode_from(container, stream, start, path, warn):
            if frame.pts is not None and frame.pts >= start:
                yield frame
    except (av.FFmpegError, EOFError, OSError) as error:
        raise InputError(f"{path}: the video cannot be decoded ({reason(error)})") from None
