"""A part of a video, in exact seconds from its start."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vsr.errors import InputError


@dataclass(frozen=True)
class Span:
    """From `start` up to, not including, `end`: seconds from the file's start; None is open."""

    start: Fraction | None = None
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.start < 0:
            raise InputError(f"start {float(self.start):g} s: must not be negative")
        if self.end is not None and self.end <= (self.start or 0):
            raise InputError(
                f"end {float(self.end):g} s: must come after the start "
                f"({float(self.start or 0):g} s)"
            )

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.start is None and self.end is None

    def length(self, total: Fraction | None) -> Fraction | None:
        """Seconds covered of a video `total` seconds long; None where that is unknown."""
        ends = [t for t in (self.end, total) if t is not None]
        return max(Fraction(0), min(ends) - (self.start or 0)) if ends else None
