"""A part of the picture, by its place and size."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Region:
    """A rectangle of the picture as players show it, in pixels or in percent of its sides.

    Attributes:
        x, y: its upper left corner, from the picture's own.
        width, height: its sides.
        percent: whether all four are percent of the picture's width and height.
    """

    x: Fraction
    y: Fraction
    width: Fraction
    height: Fraction
    percent: bool = False
