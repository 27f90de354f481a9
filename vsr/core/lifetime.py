"""The grid of times at which the state of a recurrent network is built anew."""

from __future__ import annotations

import math
from fractions import Fraction

LIFETIME = Fraction(10)
"""Seconds. What a frame becomes depends on no frame from before its lifetime and the few that warm
the state up, so parts of a video can be made on their own, and nothing drifts for longer."""


def lifetime(pts: int, time_base: Fraction) -> int:
    """The number of the lifetime that a frame at a tick belongs to."""
    return math.floor(pts * time_base / LIFETIME)


def lifetime_start(seconds: Fraction) -> Fraction:
    """When the lifetime begins that a time, in seconds on the file's clock, belongs to."""
    return math.floor(seconds / LIFETIME) * LIFETIME
