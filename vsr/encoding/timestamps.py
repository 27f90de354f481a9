"""Frames' times, as encoders and containers with coarser clocks can hold them."""

from __future__ import annotations

import math
from array import array
from fractions import Fraction
from typing import Any

from av.packet import Packet

from vsr.remux.containers import Y4M
from vsr.video.timeline import nominal_step

IN_ORDER = {"avi", "asf", "asf_stream", "rm", "swf"}
"""Containers that keep one time a packet: frames must be encoded in the order they are shown."""
ONE_RATE = {"avi", Y4M}
"""Containers whose clock had best be slow: each tick between two frames is written, too."""
_MOST_LATE = 0.5  # seconds by which a frame may come after its time where there is one rate


class Counted:
    """For an encoder that only counts frames: their numbers go in, their times come out.

    Packets get the very times back. Times of decoding before the first frame lie as many nominal
    frames before it.
    """

    def __init__(self, base: Fraction, rate: Fraction) -> None:
        self._base = base
        self._step = nominal_step(rate, base)
        self._times, self._durations = array("q"), array("q")

    def number(self, pts: int, duration: int) -> int:
        """The number of the next frame, shown at `pts` for so many ticks."""
        self._times.append(pts)
        self._durations.append(duration)
        return len(self._times) - 1

    def restore(self, packet: Packet[Any]) -> None:
        """Put a frame's own times into its packet."""
        assert packet.pts is not None
        number, decoded = packet.pts, packet.dts
        packet.pts, packet.duration = self._times[number], self._durations[number]
        if decoded is not None:
            packet.dts = self._times[max(0, decoded)] + min(0, decoded) * self._step
        packet.time_base = self._base


class Ticks:
    """Keeps frames apart where a container's clock ticks more slowly than the video's.

    Attributes:
        moved: frames that would have shared a tick with the one before, and got the next.
        latest: seconds by which one of them is late, at most.
    """

    def __init__(self, base: Fraction) -> None:
        self._base = base
        self._last: int | None = None
        self.moved = 0
        self.latest = 0.0

    def free_until(self, pts: int, clock: Fraction) -> range:
        """The ticks after the last frame's that lie before `pts`; they are taken."""
        assert self._last is not None
        end = math.floor(pts * self._base / clock + Fraction(1, 2))
        ticks = range(self._last + 1, max(end, self._last + 1))
        self._last = ticks.stop - 1
        return ticks

    @property
    def last(self) -> int:
        """The last frame's tick."""
        assert self._last is not None
        return self._last

    @property
    def too_late(self) -> bool:
        """Whether frames come so much faster than the clock that it cannot be theirs."""
        return self.latest > _MOST_LATE

    def free(self, pts: int, clock: Fraction) -> int:
        """`pts`, or the first time after it that is on a tick of `clock` of its own."""
        ticks = pts * self._base / clock
        tick = math.floor(ticks + Fraction(1, 2))
        if self._last is not None and tick <= self._last:
            tick = self._last + 1
            late = float((tick - ticks) * clock)
            pts = round(tick * clock / self._base)
            self.moved += 1
            self.latest = max(self.latest, late)
        self._last = tick
        return pts
