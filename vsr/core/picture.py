"""How large the picture becomes: as it is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from vsr.core.bounds import SCALE, SIDE
from vsr.core.errors import OutputError
from vsr.core.option_checks import check_choice, check_types, exact, number, set_fields
from vsr.util.text import shown

Fit = Literal["inside", "cover", "stretch", "pad"]
Resolution = Literal["720p", "1080p", "1440p", "4k", "8k"]

USUAL_SCALE = Fraction(4)


@dataclass(frozen=True)
class Size:
    """Columns and rows of a picture as players show it, in pixels. Raises OutputError."""

    width: int
    height: int

    def __post_init__(self) -> None:
        for side in (self.width, self.height):
            if side not in SIDE:
                raise OutputError(f"size {self}: both sides must be {SIDE}")

    def __str__(self) -> str:
        """As `parse_size` takes it."""
        return f"{self.width}x{self.height}"

    @property
    def turned(self) -> Size:
        """The same on its side."""
        return Size(self.height, self.width)


RESOLUTIONS = MappingProxyType(
    {
        "720p": Size(1280, 720),
        "1080p": Size(1920, 1080),
        "1440p": Size(2560, 1440),
        "4k": Size(3840, 2160),
        "8k": Size(7680, 4320),
    }
)
"""The sizes that have names; on its side, a picture goes by the size on its side."""


def parse_size(text: str) -> Size:
    """The size in "1920x1080". Raises OutputError."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*[xX]\s*(\d{1,9})\s*", text, re.ASCII)
    if not match:
        raise OutputError(f"size {shown(text)}: write WIDTHxHEIGHT, such as 1920x1080")
    return Size(int(match[1]), int(match[2]))


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """How large the picture becomes. Raises OutputError for values out of range.

    One of `scale`, `width` or `height` or both, `size` and `to` may be given; without any the
    scale is 4, or what a model file is for, if that is one. Sizes are those of the picture as
    players turn it, in the pixels that are stored.

    Attributes:
        scale: the factor for both sides, 1 to 16: 1 restores without enlarging.
        width, height: of the large picture. One alone keeps the picture's shape.
        size: both, as one value or as text: "1920x1080".
        to: a size by its name.
        fit: what becomes of the picture's shape where both sides are given. "inside" keeps it, and
            one side becomes shorter; "cover" fills the size, and cuts away what is over; "pad"
            adds black borders; "stretch" fills the size with all of the picture.
        square_pixels: make the pixels of an anamorphic source square; the side along which they
            are long grows the more.
    """

    scale: Fraction | None = None
    width: int | None = None
    height: int | None = None
    size: Size | None = None
    to: Resolution | None = None
    fit: Fit = "inside"
    square_pixels: bool = False

    def __post_init__(self) -> None:
        check_types(OutputError, self)
        if self.scale is not None:
            if (factor := number(OutputError, "scale", self.scale)) not in SCALE:
                raise OutputError(f"scale {shown(factor)}: must be {SCALE}")
            set_fields(self, scale=exact(factor))
        for name in ("width", "height"):
            side = getattr(self, name)
            if side is not None and side not in SIDE:
                raise OutputError(f"{name} {shown(side)}: must be {SIDE}")
        if isinstance(self.size, str):
            set_fields(self, size=parse_size(self.size))
        if not isinstance(self.size, Size | None):
            raise OutputError(f"size {shown(self.size)}: must be text such as '1920x1080'")
        if self.to is not None:
            check_choice(OutputError, "to", self.to, Resolution)
        check_choice(OutputError, "fit", self.fit, Fit)
        sides = " and ".join(n for n in ("width", "height") if getattr(self, n) is not None)
        given = {n: n for n in ("scale", "size", "to") if getattr(self, n) is not None}
        order = (given.get("scale"), sides, given.get("size"), given.get("to"))
        asked = [name for name in order if name]
        if len(asked) > 1:
            raise OutputError(f"{asked[0]} and {asked[1]} exclude each other: give one of them")
        if self.fit != "inside" and self.box is None:
            raise OutputError(f"fit {self.fit}: needs both sides: a size, or a resolution's name")

    @property
    def factor(self) -> Fraction | None:
        """The factor, asked for or not; None where a size is asked for."""
        return None if self.asks_size else self.scale or USUAL_SCALE

    @property
    def asks_size(self) -> bool:
        """Whether pixels are asked for, and not a factor."""
        return any(s is not None for s in (self.width, self.height, self.size, self.to))

    @property
    def box(self) -> Size | None:
        """Both sides, where both are given; a resolution's as it is for a picture that is wide."""
        if self.width is not None and self.height is not None:
            return Size(self.width, self.height)
        return RESOLUTIONS[self.to] if self.to else self.size

    @property
    def label(self) -> str:
        """In the names of files: x4, x2.25, 1080p, 1920x1080, w1920, h1080."""
        if (factor := self.factor) is not None:
            return f"x{short(factor)}"
        if self.to or self.box:
            return self.to or str(self.box)
        return f"w{self.width}" if self.height is None else f"h{self.height}"


def plain(factor: Fraction) -> int | float:
    """A factor as a number of JSON."""
    return factor.numerator if factor.denominator == 1 else round(float(factor), 6)


def short(factor: Fraction) -> str:
    """A factor in at most three decimals."""
    return f"{float(factor):.3f}".rstrip("0").rstrip(".")


PICTURE_DEFAULTS = PictureOptions()
