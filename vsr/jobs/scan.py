"""Look through a video's packets, without decoding: where it may be cut."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vsr.video.damage import NO_DAMAGE, Tally
from vsr.video.open import open_input
from vsr.video.seek import demux, seeks


@dataclass(frozen=True)
class Scan:
    """The packets of a video.

    Attributes:
        times: when each is shown, in ticks of the stream, ascending; empty where they make no
            sense everywhere.
        keyframes: those of them from which one can decode.
        packets: how many there are.
    """

    times: array[int]
    keyframes: array[int]
    packets: int

    @property
    def plain(self) -> bool:
        """Whether any frame may be sought by its time."""
        return bool(self.times)


def scan(path: Path, stream_index: int) -> Scan:
    """The packets of one stream of a file. Raises InputError.

    Times make sense where each packet has one, none is another's, and all are decoded in
    order. Clocks that begin anew, raw streams and files with broken places do not.
    """
    times, keyframes = array("q"), array("q")
    tally, plain, packets, decoded = Tally(path), True, 0, None
    with open_input(path) as container:
        plain = seeks(container)
        for packet in demux(container, [container.streams[stream_index]], tally):
            if not packet.size or packet.is_discard:
                continue
            packets += 1
            in_order = packet.dts is not None and (decoded is None or packet.dts > decoded)
            if packet.pts is None or not in_order or packet.is_corrupt:
                plain = False
                continue
            decoded = packet.dts
            times.append(packet.pts)
            if packet.is_keyframe:
                keyframes.append(packet.pts)
    ordered = np.sort(np.frombuffer(times, np.int64)) if times else np.zeros(0, np.int64)
    if not plain or tally.damage != NO_DAMAGE or (np.diff(ordered) <= 0).any():
        return Scan(array("q"), array("q"), packets)
    return Scan(array("q", ordered.tobytes()), keyframes, packets)
