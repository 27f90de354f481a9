"""Verification: a finished output is read again and its frames are counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vsr.core.errors import InputError, OutputError
from vsr.video.choose import written_video
from vsr.video.open import open_input, reason


@dataclass(frozen=True)
class OutputCheck:
    """What a finished video holds.

    Attributes:
        frames: packets of the picture; each is a frame.
        duration: seconds from the first frame's beginning to the last one's end.
        sound_offset: seconds by which the first audio track begins after the picture, less
            than 0 where it begins before; None without sound.
        size: columns and rows, which an encoder may have made even.
    """

    frames: int
    duration: Fraction
    sound_offset: Fraction | None
    size: tuple[int, int]


def check_output(part: Path, target: Path, frames: int, video: int = 0) -> OutputCheck:
    """Check that `part` opens, and its video of a number, as it was written, holds so many frames.

    Raises OutputError, naming `target`.
    """
    with _one_line(target), open_input(part) as container:
        stream = written_video(container, part, video)
        size = stream.width, stream.height
        found, duration, sound_offset = _packets(container, stream)
    if found != frames:
        raise OutputError(f"{target}: {found} of {frames} frames arrived in the file")
    return OutputCheck(found, duration, sound_offset, size)


def verify(
    part: Path,
    target: Path,
    times: Sequence[int],
    base: Fraction,
    timed: bool = True,
    video: int = 0,
) -> None:
    """Decode a video of `part` again: each frame must come, without an error, at its time.

    `video` is its number among those that were written.
    `times` are ticks of `base`, compared to the tick of the file's clock, but for a start that
    the container has moved as a whole; not `timed`, the container keeps none. Raises
    OutputError, naming `target`.
    """
    number, moved = 0, Fraction(0)
    with _one_line(target), open_input(part) as container:
        stream = written_video(container, part, video)
        stream.thread_type = "NONE"
        for number, frame in enumerate(container.decode(stream), 1):
            if frame.is_corrupt:
                raise OutputError(f"{target}: frame {number} cannot be decoded wholly")
            if not timed or number > len(times) or frame.pts is None or frame.time_base is None:
                continue
            late = frame.pts * frame.time_base - times[number - 1] * base
            moved = late if number == 1 else moved
            if abs(late - moved) > frame.time_base:
                off = f"{float(late - moved):+.6f} s off its time"
                raise OutputError(f"{target}: frame {number} is {off}")
    if number != len(times):
        raise OutputError(f"{target}: {number} of {len(times)} frames can be decoded again")


@contextmanager
def _one_line(target: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, InputError) as error:
        raise OutputError(f"{target}: cannot be read again ({reason(error)})") from None


def _packets(
    container: InputContainer, stream: VideoStream
) -> tuple[int, Fraction, Fraction | None]:
    """How many the picture has, how long they last, and when the sound begins after them."""
    sound = container.streams.audio[0].index if container.streams.audio else None
    found, first, last = 0, None, Fraction(0)
    heard: Fraction | None = None
    for packet in container.demux():
        if not packet.size or packet.pts is None:
            found += packet.size > 0 and packet.stream_index == stream.index
            continue
        begins = packet.pts * packet.time_base
        if packet.stream_index == stream.index:
            found += 1
            first = begins if first is None else min(first, begins)
            last = max(last, begins + (packet.duration or 0) * packet.time_base)
        elif packet.stream_index == sound:
            heard = begins if heard is None else min(heard, begins)
    if first is None:  # a raw stream, which players show at its rate
        rate = stream.average_rate or stream.guessed_rate
        return found, found / rate if rate else Fraction(0), None
    return found, last - first, None if heard is None else heard - first
