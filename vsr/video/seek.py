"""Decode a stream, from its start or from a time on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.errors import InputError

Warn = Callable[[str], None]

# MPEG program streams: where pictures share a packet, libav misdates and loses some after a seek.
_READ_THROUGH = {"mpeg"}


def lowest_tick(stream: VideoStream) -> int:
    """Where a stream begins at the latest: seeking there finds its first frame."""
    return min(0, stream.start_time or 0)


def decode_from(
    container: InputContainer, stream: VideoStream, start: Fraction, path: Path, warn: Warn
) -> Iterator[VideoFrame]:
    """Frames from one at or before `start` on.

    Most demuxers seek by decoding time, some not even to a keyframe, so that the first frame
    to come out may lie after `start`. Then the next try begins earlier. Some cannot seek
    without harm: those are decoded from their beginning.
    """
    assert stream.time_base is not None
    lowest = lowest_tick(stream)
    back, step = 0, math.ceil(1 / stream.time_base)  # a second
    while True:
        through = container.format.name in _READ_THROUGH
        place = lowest if through else max(lowest, math.floor(start) - back)
        container.seek(place, stream=stream, backward=True)
        frames = decode(container, stream, path, warn)
        first = next(frames, None)
        early = first is not None and first.pts is not None and first.pts <= start
        if early or place == lowest:
            return frames if first is None else chain([first], frames)
        back = 2 * back or step


def decode(
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
