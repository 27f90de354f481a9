"""What a number may be: said once, for the command line, for Python and for the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import index
from typing import Any

from vsr.core.errors import VsrError
from vsr.util.text import shown


@dataclass(frozen=True)
class Bounds:
    """The numbers that a setting may have; str() names them.

    Attributes:
        least, most: both are allowed.
        above: that `least` itself is not.
        whole: that it must be a whole number.
    """

    least: float | Fraction
    most: float
    above: bool = False
    whole: bool = False

    def __contains__(self, number: Any) -> bool:
        """Of any size and type: nothing is turned into a float, which may not hold it."""
        if isinstance(number, bool):
            return False
        try:
            if self.whole:
                index(number)
            low = self.least < number if self.above else self.least <= number
            return bool(low and number <= self.most)
        except (TypeError, ValueError, ArithmeticError):
            return False

    def __str__(self) -> str:
        noun = "a whole number" if self.whole else "a number"
        least, most = _plain(self.least), _plain(self.most)
        return (
            f"{noun} above {least}, up to {most}" if self.above else f"{noun} of {least} to {most}"
        )


def check_bounds(
    error: type[VsrError], settings: object, bounds: Mapping[str, Bounds], of: str = ""
) -> None:
    """Raise `error` where an attribute, by its name, is no number within its bounds.

    None is what was left out. `of` follows the value in the message.
    """
    for name, allowed in bounds.items():
        value = getattr(settings, name)
        if value is not None and value not in allowed:
            raise error(f"{name} {shown(value)}{of}: must be {allowed}")


def _plain(number: float | Fraction) -> str:
    return str(number) if isinstance(number, int) else f"{float(number):g}"


LONGEST = 10**9
"""Seconds: what clocks and timers bear."""
SECONDS = Bounds(0, LONGEST, above=True)
MINUTES = Bounds(0, LONGEST // 60, above=True)
STEPS = Bounds(1, 10**9, whole=True)
FRACTION = Bounds(0, 1)
SEED = Bounds(0, 2**32 - 1, whole=True)
THREADS = Bounds(0, 1024, whole=True)
PART = Bounds(1e-6, 1 - 1e-6)
"""Of the cores; what is nearer to none or all of them is a slip."""
TILE = Bounds(0, 2**16, whole=True)
CRF = Bounds(-1000, 1000)
STRENGTH = Bounds(0, 100)
VIDEO_STREAM = Bounds(0, 9999, whole=True)
START_NUMBER = Bounds(0, 2**31 - 1, whole=True)
RATE = Bounds(Fraction(1, 1000), 1000)
PIXELS = Bounds(1, 2**31 - 1, whole=True)
LEARNING_RATE = Bounds(0, 100, above=True)
SCALE = Bounds(1, 16)
SIDE = Bounds(1, 2**17, whole=True)
