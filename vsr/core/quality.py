"""How well a source was made, as two numbers that a network can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """What coding and the camera have done to a source.

    Attributes:
        quantiser: how coarsely it was coded, on H.264's scale of 0 to 51; 0 for what was not.
        noise: the standard deviation of its noise, in steps of 8 bits.
    """

    quantiser: float = 0.0
    noise: float = 0.0

    @classmethod
    def by_hand(cls, strength: float) -> Quality:
        """As bad as `strength` says, from 0, flawless, to 100, a ruin: both grow alike."""
        return cls(_RUIN.quantiser * strength / 100, _RUIN.noise * strength / 100)


_RUIN = Quality(40.0, 12.0)

FLAWLESS = Quality()
"""Of a source that nothing has been done to."""
