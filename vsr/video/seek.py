"""Decode a stream, from its start or from a time on, whatever is damaged on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.core.damage import Tally
from vsr.core.errors import InputError
from vsr.core.url import Url
from vsr.video.alpha import alpha_decoder
from vsr.video.discontinuities import continued
from vsr.video.display_order import DisplayOrder, in_decoding_order
from vsr.video.quantisers import let_tell

Frames = Iterator[VideoFrame]

# MPEG program streams: where pictures share a packet, libav misdates and loses some after a seek.
_READ_THROUGH = {"mpeg"}
_JOINED = "concat"  # the demuxer of parts lists
_NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS
_MOST_STUCK = 3  # errors of a demuxer with nothing between them


def lowest_tick(stream: VideoStream) -> int:
    """Where a stream begins at the latest: seeking there finds its first frame."""
    return min(0, stream.start_time or 0)


def seeks(container: InputContainer) -> bool:
    """Whether a time is found without decoding all before it."""
    return container.format.name not in _READ_THROUGH


def has_times(container: InputContainer) -> bool:
    """Whether its format holds timestamps; raw streams of coded pictures do not."""
    return not container.format.flags & _NO_TIMESTAMPS


def seek_back(container: InputContainer, stream: VideoStream, place: int) -> None:
    """Go to what can be decoded at a tick, or earlier. Raises what libav raises."""
    assert stream.time_base is not None
    if container.format.name == _JOINED:
        # It rounds to microseconds, and refuses what it has rounded up.
        exact = (stream.time_base * 10**6).denominator
        place = place // exact * exact
    container.seek(place, stream=stream, backward=True)


def decode_from(
    container: InputContainer, stream: VideoStream, start: Fraction, tally: Tally
) -> Frames:
    """Frames from one at or before `start` on.

    Most demuxers seek by decoding time, some not even to a keyframe, so that the first frame
    to come out may lie after `start`. Then the next try begins earlier. Some cannot seek
    without harm: those are decoded from their beginning. Raises InputError where that, too, is
    not to be had.
    """
    assert stream.time_base is not None
    lowest, read = lowest_tick(stream), False
    back, step = 0, math.ceil(1 / stream.time_base)  # a second
    while True:
        place = max(lowest, math.floor(start) - back) if seeks(container) else lowest
        try:
            if read or has_times(container):  # a raw stream that fails to seek gives nothing more
                seek_back(container, stream, place)
            else:
                place = lowest
        except (av.FFmpegError, OSError):  # files whose index is broken
            if read:
                raise InputError(f"{tally.path}: cannot be read from a time on") from None
            place = lowest  # nothing has been read yet: it stands at its beginning
            if container.format.name == _JOINED:  # which has dropped what it had read ahead
                container.seek(lowest, stream=stream, backward=False)
        read = True
        tally.forget()
        frames = decode(container, stream, tally)
        first = next(frames, None)
        early = first is not None and first.pts is not None and first.pts <= start
        if early or place == lowest:
            return frames if first is None else chain([first], frames)
        back = 2 * back or step


def decode(container: InputContainer, stream: VideoStream, tally: Tally) -> Frames:
    """The frames from where the container stands to its end.

    What cannot be decoded is counted and skipped: the frames around it keep their times.
    """
    decoder = alpha_decoder(stream) or stream.codec_context
    let_tell(decoder)
    order = DisplayOrder() if in_decoding_order(container, stream) else None
    for packet in continued(demux(container, [stream], tally), stream.index, tally):
        if packet.is_corrupt:
            tally.add("gaps")
        if order:
            order.sent(packet)
        try:
            frames = decoder.decode(packet if packet.size else None)
        except (av.FFmpegError, ValueError):
            tally.add("undecodable")
            if order:
                order.lost(packet)
            continue
        for frame in order.came(frames) if order else frames:
            if frame.is_corrupt:
                tally.add("corrupt")
            yield frame
    if order:
        yield from order.rest()


def demux(
    container: InputContainer, streams: Sequence[Stream], tally: Tally
) -> Iterator[Packet[Stream]]:
    """The packets of some streams to the file's end, past places where its structure breaks.

    For each stream an empty packet comes last, which drains its decoder. Raises InputError where
    a connection breaks for good.
    """
    stuck = 0
    while stuck < _MOST_STUCK:
        try:
            for packet in container.demux(list(streams)):
                stuck = 0 if packet.size else stuck
                yield packet
            return
        except IndexError:  # PyAV's, at the end, where a stream turned up on the way
            return
        except (av.FFmpegError, OSError, ValueError):
            if isinstance(tally.path, Url) and tally.path.file is None:
                raise InputError(f"{tally.path}: the connection broke") from None
            tally.add("unreadable")
            stuck += 1
    for stream in streams:
        last: Packet[Stream] = Packet()
        last.stream = stream
        yield last


def with_times(frames: Frames, step: int) -> Frames:
    """Frames with a time each: those of raw streams have none, and are a `step` of ticks apart."""
    last = -step
    for frame in frames:
        if frame.pts is None:
            frame.pts = last + step
        last = frame.pts
        yield frame
