"""How well a source was made, as two numbers that a network can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from vsr.core.frame import Frame


@dataclass(frozen=True)
class Quality:
    """What coding and the camera have done to a source.

    Attributes:
        quantiser: how coarsely it was coded, on H.264's scale of 0 to 51; 0 for what was not.
        noise: the standard deviation of its noise, in steps of 8 bits.
        beyond: what `quantiser` is more than the decoder's mean; None where what frames tell of
            themselves does not count.
    """

    quantiser: float = 0.0
    noise: float = 0.0
    beyond: float | None = None

    @classmethod
    def by_hand(cls, strength: float) -> Quality:
        """As bad as `strength` says, from 0, flawless, to 100, a ruin: both grow alike."""
        return cls(_RUIN.quantiser * strength / 100, _RUIN.noise * strength / 100)

    @property
    def text(self) -> str:
        """In words, for people."""
        if not self.quantiser and not self.noise:
            return "that the source is flawless"
        return f"how the source was made: quantiser {self.quantiser:.0f}, noise {self.noise:.1f}"

    def of(self, frames: Sequence[Frame]) -> Quality:
        """That of a picture by what decoders tell of it and those to come; else the source's."""
        told = [frame.quantiser for frame in frames if frame.quantiser is not None]
        if self.beyond is None or not told:
            return self
        return replace(self, quantiser=min(max(0.0, fmean(told) + self.beyond), COARSEST))


COARSEST = 40.0
"""The largest quantiser that a network is told of its own accord."""

_RUIN = Quality(COARSEST, 12.0)

FLAWLESS = Quality()
"""Of a source that nothing has been done to."""
