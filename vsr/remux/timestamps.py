"""Timestamps of copied packets: trimmed, monotonic; and AMR split into frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.packet import Packet
from av.stream import Stream

from vsr.remux.containers import ISO_FAMILY
from vsr.remux.metadata import codec_name
from vsr.video.discontinuities import move_by

# Bytes of an AMR frame with its header, by its type: see RFC 4867. Each lasts 20 ms.
_AMR_SIZES = {
    "amr_nb": (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1),
    "amr_wb": (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 1, 1, 1, 1, 1, 1),
}
_AMR_FRAME = Fraction(1, 50)
_FINE_ENOUGH = Fraction(1, 1000)  # seconds
_LAP = Fraction(1, 2)  # seconds
_MOST_WAITING = 32  # packets of a video: codecs hold no more back


@dataclass(frozen=True)
class TrimWindow:
    """The part of a file to take, in seconds on its clock.

    Attributes:
        output_start: when the output's clock begins.
        end: when the part ends; None is the file's end.
        sharp: whether what comes before `output_start` is left out.
    """

    output_start: Fraction = Fraction(0)
    end: Fraction | None = None
    sharp: bool = False

    def place(self, packet: Packet[Any], text: bool = False, coded: bool = False) -> bool:
        """Put a packet on the output's clock; False if it lies wholly outside the part.

        Text is cut at both edges. Sound may begin a little early. Of a video that is `coded` in
        another order than it is shown, all goes in that is decoded before the end.
        """
        if not self.output_start and not self.sharp and self.end is None:
            return True
        begins = seconds(packet)
        length = max(packet.duration or 0, 0) * packet.time_base
        if self.sharp and begins + length <= self.output_start:
            return False
        last = packet.dts * packet.time_base if coded and packet.dts is not None else begins
        if self.end is not None and last >= self.end:
            return False
        move_by(packet, -self.output_start)
        if text and packet.pts is not None:
            self._cut_text(packet)
        return True

    def _cut_text(self, packet: Packet[Any]) -> None:
        assert packet.pts is not None
        ends = packet.pts + (packet.duration or 0)
        if self.end is not None:
            ends = min(ends, round((self.end - self.output_start) / packet.time_base))
        if self.sharp and packet.pts < 0:
            packet.pts = packet.dts = 0
        if packet.duration:
            packet.duration = max(ends - packet.pts, 1)


class LeadingDts:
    """Gives a video's first packets the times of decoding that Matroska does not hold.

    libav finds them out from the packets that come, and knows them only when some have come:
    those wait here, and are put before the first that has one.
    """

    def __init__(self) -> None:
        self._waiting: list[Packet[Any]] = []
        self._known = False

    def take(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """The packets that need not wait any longer."""
        unknown = packet.dts is None and packet.pts is not None
        if unknown and not self._known and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(packet)
            return
        yield from self.rest(packet.dts)
        self._known = True
        yield packet

    def rest(self, before: int | None = None) -> Iterator[Packet[Any]]:
        """Those that wait; they are decoded before the tick `before`, if that is known."""
        count = len(self._waiting)
        for number, packet in enumerate(self._waiting):
            if before is not None:
                packet.dts = before - (count - number) * (packet.duration or step(packet.time_base))
            yield packet
        self._waiting.clear()


class MonotonicDts:
    """Gives each packet of one stream a time that muxers take; `mended` counts the wrong ones.

    Times that are missing continue the last packet, those that do not increase follow it by
    `step`. Text may stand still. Of a source of `parts`, those that go back by up to _LAP are
    right: sound laps over a little where two parts meet.
    """

    def __init__(self, text: bool, parts: bool = False) -> None:
        self._text = text
        self._lap = _LAP if parts else Fraction(0)
        self._last: int | None = None
        self._next = 0
        self.mended = 0

    @property
    def begun(self) -> bool:
        """Whether there was a packet yet."""
        return self._last is not None

    def missing(self, packet: Packet[Any]) -> None:
        """Give a packet without a usable time the one at which the last packet ends."""
        packet.pts = packet.dts = self._next
        self.mended += 1

    def steady(self, packet: Packet[Any]) -> None:
        """Let the clock run on with this packet."""
        if packet.dts is None:
            packet.dts = packet.pts
        assert packet.dts is not None
        if self._last is not None and packet.dts < self._last + (not self._text):
            back = (self._last - packet.dts) * packet.time_base
            self.mended += not self._lap or back > self._lap
            packet.dts = self._last + (0 if self._text else step(packet.time_base))
        if packet.pts is None or packet.pts < packet.dts:
            packet.pts = packet.dts
        if packet.duration is None or not 0 <= packet.duration < 2**31:
            packet.duration = 0
        self._last, self._next = packet.dts, packet.dts + max(packet.duration, 1)


def step(base: Fraction) -> int:
    """The ticks from a packet to one that was not later: as little as all containers can tell."""
    return math.ceil(_FINE_ENOUGH / base)


def seconds(packet: Packet[Any]) -> Fraction:
    """When a packet is shown, or else when it is decoded; it has one of these times."""
    when = packet.dts if packet.pts is None else packet.pts
    assert when is not None
    return when * packet.time_base


def splitter(stream: Stream, format_name: str) -> Callable[[Packet[Any]], Iterable[Packet[Any]]]:
    """What makes the packets that a container wants of a stream's: AMR one frame at a time."""
    sizes = _AMR_SIZES.get(codec_name(stream))
    if sizes is None or format_name not in ISO_FAMILY:
        return lambda packet: (packet,)
    return lambda packet: _frames(packet, sizes)


def _frames(packet: Packet[Any], sizes: tuple[int, ...]) -> Iterator[Packet[Any]]:
    data, at, number = bytes(packet), 0, 0
    start, base = (packet.dts if packet.dts is not None else packet.pts) or 0, packet.time_base
    while at < len(data):
        size = sizes[data[at] >> 3 & 15]
        frame: Packet[Any] = Packet(data[at : at + size])
        frame.stream, frame.time_base = packet.stream, base
        frame.pts = frame.dts = start + round(number * _AMR_FRAME / base)
        frame.duration = start + round((number + 1) * _AMR_FRAME / base) - frame.pts
        frame.is_keyframe = True
        yield frame
        at, number = at + size, number + 1
