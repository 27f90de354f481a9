"""How coarsely a degradation's encoders quantise, on one scale."""

from __future__ import annotations

import math
from collections.abc import Iterable

from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Jpeg, Step
from vsr.degradation.video_faults import Recompression

_COARSEST = 51.0


def quantiser(steps: Iterable[Step]) -> float:
    """The coarsest of the steps' quantisers, on H.264's scale of 0 to 51; 0 without an encoder."""
    coarsest = 0.0
    for step in steps:
        step = step.compression if isinstance(step, Recompression) else step
        if isinstance(step, Compression):
            by_crf = step.codec in ("h264", "hevc")
            # MPEG's quantisers are steps of twice their number, H.264's of 2 ** ((q - 4) / 6)
            own = float(step.quality) if by_crf else 4 + 6 * math.log2(2 * step.quality)
            coarsest = max(coarsest, own)
        if isinstance(step, Jpeg):
            coarsest = max(coarsest, 4 + 6 * math.log2(max(1.0, (100 - step.quality) / 2.5)))
    return min(coarsest, _COARSEST)
