"""When the frames of a video file are shown, from its packets, without decoding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vsr.core.damage import Tally
from vsr.video.open import open_input
from vsr.video.seek import demux


def shown_times(
    path: Path, stream_index: int, start: Fraction, end: Fraction | None
) -> NDArray[np.float64] | None:
    """Seconds after `start`, ascending, of a stream's frames from there up to `end`.

    `start` and `end` are seconds on the file's clock. None where not each packet has a time of
    its own. The whole file is read once. Raises InputError.
    """
    found = []
    with open_input(path) as container:
        stream = container.streams[stream_index]
        for packet in demux(container, [stream], Tally(path)):
            if not packet.size or packet.is_discard:
                continue
            if packet.pts is None:
                return None
            shown = packet.pts * packet.time_base
            if shown >= start and (end is None or shown < end):
                found.append(float(shown - start))
    times = np.sort(np.array(found, np.float64))
    return times if len(times) and (np.diff(times) > 0).all() else None
