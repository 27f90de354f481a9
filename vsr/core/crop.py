"""A part of the picture: as it is asked for, and in the pixels of the decoded frames."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from vsr.core.errors import InputError
from vsr.core.frame import VideoInfo
from vsr.core.orientation import Orientation
from vsr.core.stereo import cut
from vsr.core.untagged import shown_alike
from vsr.util.text import shown

_NUMBER = r"\s*([+-]?\d{1,20}(?:\.\d{1,20}|/[1-9]\d{0,19})?)\s*"
_PIXELS, _PERCENT = (",".join([_NUMBER + sign] * 4) for sign in ("", r"%\s*"))
_Range = tuple[int, int]
"""Where pixels begin and end along an axis."""


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture as it is decoded, in its pixels.

    It begins on chroma's grid, and ends there or at the picture's border.

    Attributes:
        x, y: its upper left corner.
        width, height: its sides.
    """

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class CropRegion:
    """A rectangle of the picture as players show it, in pixels or in percent of its sides.

    Pixels are those that are stored, whatever their aspect: of a video of 720x576 that is shown
    16:9 the right border is 720. Raises InputError for what is no part of any picture.

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

    def __post_init__(self) -> None:
        if min(self.width, self.height) <= 0:
            raise InputError(f"crop {self}: width and height must be above 0")
        if min(self.x, self.y) < 0:
            raise InputError(f"crop {self}: begins outside the picture")
        if self.percent and max(self.x + self.width, self.y + self.height) > 100:
            raise InputError(f"crop {self}: reaches beyond 100%")

    def __str__(self) -> str:
        """As `parse_crop` takes it."""
        sign = "%" if self.percent else ""
        return ",".join(f"{_short(n)}{sign}" for n in (self.x, self.y, self.width, self.height))

    def inside(self, info: VideoInfo) -> Box:
        """Where the region lies in the decoded frames of `info`.

        Its sides are rounded outward, to whole pixels and to chroma's grid. Raises InputError
        where a part of it lies outside the picture, or where players show the picture turned
        by another angle than 90, 180 or 270 degrees.
        """
        orientation = self._orientation(info)
        shown = orientation.pair(info.width, info.height)
        columns = self._range(self.x, self.width, shown[0])
        rows = self._range(self.y, self.height, shown[1])
        if columns[1] > shown[0] or rows[1] > shown[1]:
            raise InputError(
                f"crop {self}: reaches beyond the picture of {shown[0]}x{shown[1]} pixels"
            )
        columns, rows = orientation.pair(columns, rows)
        backwards, upwards = orientation.pair(orientation.flip_x, orientation.flip_y)
        layout = info.format
        left, right = _stored(columns, backwards, layout.chroma_width, info.width)
        top, bottom = _stored(rows, upwards, layout.chroma_height, info.height)
        return Box(left, top, right - left, bottom - top)

    def _range(self, first: Fraction, length: Fraction, side: int) -> _Range:
        """Along one axis of the shown picture, which has so many pixels."""
        unit = Fraction(side, 100) if self.percent else Fraction(1)
        return math.floor(first * unit), math.ceil((first + length) * unit)

    def _orientation(self, info: VideoInfo) -> Orientation:
        orientation = Orientation.exact(info.display_matrix)
        if orientation is None:
            a, b, _, c, d, *_ = info.display_matrix or ()
            raise InputError(
                f"crop {self}: cannot be placed: the picture is shown turned by another angle than "
                f"90, 180 or 270 degrees (display matrix {a}, {b}, {c}, {d})"
            )
        return orientation


def parse_crop(text: str) -> CropRegion:
    """The region in "X,Y,W,H": pixels, or all four in percent, as in "25%,25%,50%,12.5%".

    Raises InputError.
    """
    for pattern, percent in ((_PIXELS, False), (_PERCENT, True)):
        match = re.fullmatch(pattern, text, re.ASCII)
        if match:
            x, y, width, height = (Fraction(number) for number in match.groups())
            return CropRegion(x, y, width, height, percent)
    raise InputError(
        f"crop {shown(text)}: write X,Y,W,H in pixels, or all four in percent: 25%,25%,50%,50%"
    )


def cropped(info: VideoInfo, box: Box) -> VideoInfo:
    """What holds for the part of each frame of `info` that lies in `box`.

    Untagged colours keep their look: see `shown_alike`.
    """
    size = (box.width, box.height)
    stereo = info.stereo if size == (info.width, info.height) else cut(info.stereo)
    return shown_alike(info, replace(info, width=box.width, height=box.height, stereo=stereo))


def _stored(shown: _Range, backwards: bool, step: int, length: int) -> _Range:
    """A range of shown pixels in those stored along that axis, outward to multiples of `step`."""
    first, last = (length - shown[1], length - shown[0]) if backwards else shown
    return first // step * step, min(-(-last // step) * step, length)


def _short(number: Fraction) -> str:
    """In decimals where these are exact, else as a fraction."""
    decimals = f"{float(number):.9f}".rstrip("0").rstrip(".")
    return decimals if Fraction(decimals) == number else str(number)
