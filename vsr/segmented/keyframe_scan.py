"""Look through a video's packets, without decoding: where it may be cut."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.stream import VideoStream

from vsr.core.damage import NO_DAMAGE, Tally
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
    order; that order is another one than that of showing where a codec has such frames. Clocks
    that begin anew, raw streams, files with broken places, and AVIs with B-frames do not.
    """
    times, keyframes = array("q"), array("q")
    tally, plain, packets, decoded = Tally(path), True, 0, None
    with open_input(path) as container:
        plain, stream = seeks(container), container.streams[stream_index]
        reordered = isinstance(stream, VideoStream) and stream.codec_context.has_b_frames
        for packet in demux(container, [stream], tally):
            if not packet.size or packet.is_discard:
                continue
            packets += 1
            # In Matroska only the first ones have no time of decoding.
            in_order = decoded is None or (packet.dts is not None and packet.dts > decoded)
            if packet.pts is None or not in_order or packet.is_corrupt:
                plain = False
                continue
            decoded = packet.dts
            times.append(packet.pts)
            if packet.is_keyframe:
                keyframes.append(packet.pts)
    as_decoded = np.array(times, np.int64)
    ordered = np.sort(as_decoded)
    undescribed = reordered and np.array_equal(as_decoded, ordered)
    if not plain or undescribed or tally.damage != NO_DAMAGE or (np.diff(ordered) <= 0).any():
        return Scan(array("q"), array("q"), packets)
    return Scan(array("q", ordered.tobytes()), keyframes, packets)
