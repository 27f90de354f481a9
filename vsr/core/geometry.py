"""Where each pixel of the large picture lies in the source, in exact numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from vsr.core.bounds import SCALE
from vsr.core.crop import Box, cropped
from vsr.core.errors import OutputError
from vsr.core.frame import VideoInfo
from vsr.core.picture import PictureOptions, Size, short

_ONE = Fraction(1)


@dataclass(frozen=True)
class Axis:
    """Columns or rows of the large picture, and the source's that they show.

    Attributes:
        start: where the first one begins, in pixels of the source from its border.
        scale: how many of them each of the source's becomes.
        length: how many there are.
        before, after: how many black ones are added.
    """

    start: Fraction
    scale: Fraction
    length: int
    before: int = 0
    after: int = 0

    @property
    def whole(self) -> int:
        """How many there are in all."""
        return self.before + self.length + self.after

    def place(self, pixel: Fraction | int) -> Fraction:
        """Where in the source a place of the large picture lies, both counted from borders."""
        return self.start + pixel / self.scale

    def inside(self, first: int, scale: int) -> Axis:
        """The same over a source that is a part of this one, from `first` on, enlarged."""
        return replace(self, start=(self.start - first) * scale, scale=self.scale / scale)


@dataclass(frozen=True)
class Geometry:
    """The large picture as it is stored, over the source's.

    Attributes:
        columns, rows: its axes.
        pixel_aspect: width of its pixels over their height; None where nothing says so.
    """

    columns: Axis
    rows: Axis
    pixel_aspect: Fraction | None = None

    @property
    def factor(self) -> Fraction:
        """The larger of both factors: what a network must enlarge by, at least."""
        return max(self.columns.scale, self.rows.scale)

    def large(self, info: VideoInfo) -> VideoInfo:
        """What holds for the large frames of a source, or of a part of it, of `info`."""
        return replace(
            info,
            width=self.columns.whole,
            height=self.rows.whole,
            pixel_aspect=self.pixel_aspect,
        )

    def inside(self, box: Box, scale: int) -> Geometry:
        """The same over a part of the source that has been enlarged."""
        columns = self.columns.inside(box.x, scale)
        return replace(self, columns=columns, rows=self.rows.inside(box.y, scale))

    def is_cut_of(self, scale: int, box: Box) -> bool:
        """Whether it is just what a network of `scale` makes of `box`."""
        pairs = ((self.columns, box.x, box.width), (self.rows, box.y, box.height))
        return all(axis == Axis(Fraction(at), Fraction(scale), n * scale) for axis, at, n in pairs)


@dataclass(frozen=True)
class _Side:
    """One axis of the part of the source that is taken.

    Attributes:
        start, length: in its pixels.
        stretch: what makes its pixels square, where that is wanted, 1 or above.
        step: large pixels for each of chroma.
    """

    start: int
    length: int
    stretch: Fraction
    step: int

    @property
    def square(self) -> Fraction:
        """Its length in square pixels."""
        return self.length * self.stretch

    def scaled(self, scale: Fraction) -> Axis:
        """All of it by a factor. Where that is a fraction, the end is moved to chroma's grid."""
        scale *= self.stretch
        exact = self.length * scale
        length = int(exact) if scale.denominator == 1 else self.near(exact)
        return Axis(Fraction(self.start), scale, length)

    def filling(self, length: int) -> Axis:
        """All of it in so many pixels."""
        return Axis(Fraction(self.start), Fraction(length, self.length), length)

    def near(self, length: Fraction, most: int | None = None) -> int:
        """The length on chroma's grid that is nearest, `most` at most.

        What is to be no shorter than the source, or within 16 times as long, stays so.
        """
        found = round(length / self.step) * self.step
        if most is not None and found > most:
            found = most // self.step * self.step
        longest = int(SCALE.most * self.length)
        if found < self.length <= length:
            return self.length
        return longest if found > longest >= length else found

    def covering(self, length: int, scale: Fraction) -> Axis:
        """So many pixels out of the middle."""
        scale *= self.stretch
        over = self.length - length / scale
        return Axis(self.start + max(over, Fraction(0)) / 2, scale, length)

    def padded(self, length: int, most: int) -> Axis:
        """All of it in so many pixels, in the middle of `most`."""
        before = (most - length) // 2 // self.step * self.step
        return replace(self.filling(length), before=before, after=most - length - before)


def geometry_of(asked: PictureOptions, info: VideoInfo, box: Box | None = None) -> Geometry:
    """The large picture of a source of `info`, or of the part of it in `box`, as it was asked for.

    A side that follows from the other is rounded to chroma's grid. Raises OutputError, in one
    line, where a side would become smaller, or more than 16 times as long.
    """
    box = box or Box(0, 0, info.width, info.height)
    part = cropped(info, box)
    aspect = info.pixel_aspect or _ONE
    wide, tall = (max(aspect, _ONE), max(1 / aspect, _ONE)) if asked.square_pixels else (_ONE, _ONE)
    columns = _Side(box.x, box.width, wide, info.format.chroma_width)
    rows = _Side(box.y, box.height, tall, info.format.chroma_height)
    pixel_aspect = info.pixel_aspect
    if pixel_aspect and (asked.square_pixels or asked.fit == "stretch"):
        pixel_aspect = _ONE
    if asked.factor is not None:
        found = Geometry(columns.scaled(asked.factor), rows.scaled(asked.factor), pixel_aspect)
    else:
        size = _stored_box(asked, part, aspect)
        if size is not None:
            found = Geometry(*_FITS[asked.fit](columns, rows, size), pixel_aspect)
        else:
            across = (asked.width is None) == info.orientation.transposed
            found = Geometry(*_by_one(columns, rows, asked, across), pixel_aspect)
    for axis, side in ((found.columns, columns), (found.rows, rows)):
        if axis.scale not in SCALE:
            raise OutputError(_refusal(asked, part, axis, side, found))
    return found


def _stored_box(asked: PictureOptions, part: VideoInfo, aspect: Fraction) -> Size | None:
    """Both sides, as stored; None where one follows from the other."""
    box = asked.box
    if box is None:
        return None
    orientation = part.orientation
    if asked.to:
        across, down = orientation.pair(part.width * aspect, part.height)
        box = box.turned if down > across else box
    return Size(*orientation.pair(box.width, box.height))


def _by_one(columns: _Side, rows: _Side, asked: PictureOptions, across: bool) -> tuple[Axis, Axis]:
    """The axes by the length of one of them: of the columns or of the rows as stored."""
    length = asked.height if asked.width is None else asked.width
    assert length is not None
    if across:
        other = rows.near(rows.square * length / columns.square)
        return columns.filling(length), rows.filling(other)
    other = columns.near(columns.square * length / rows.square)
    return columns.filling(other), rows.filling(length)


def _lengths_inside(columns: _Side, rows: _Side, size: Size) -> tuple[int, int]:
    """The lengths of the largest picture of this shape in `size`."""
    by_width, by_height = size.width / columns.square, size.height / rows.square
    if by_width <= by_height:
        return size.width, rows.near(rows.square * by_width, size.height)
    return columns.near(columns.square * by_height, size.width), size.height


def _inside(columns: _Side, rows: _Side, size: Size) -> tuple[Axis, Axis]:
    width, height = _lengths_inside(columns, rows, size)
    return columns.filling(width), rows.filling(height)


def _pad(columns: _Side, rows: _Side, size: Size) -> tuple[Axis, Axis]:
    width, height = _lengths_inside(columns, rows, size)
    return columns.padded(width, size.width), rows.padded(height, size.height)


def _cover(columns: _Side, rows: _Side, size: Size) -> tuple[Axis, Axis]:
    scale = max(size.width / columns.square, size.height / rows.square)
    return columns.covering(size.width, scale), rows.covering(size.height, scale)


def _stretch(columns: _Side, rows: _Side, size: Size) -> tuple[Axis, Axis]:
    return columns.filling(size.width), rows.filling(size.height)


_FITS: dict[str, Callable[[_Side, _Side, Size], tuple[Axis, Axis]]] = {
    "inside": _inside,
    "pad": _pad,
    "cover": _cover,
    "stretch": _stretch,
}


def _refusal(
    asked: PictureOptions, part: VideoInfo, axis: Axis, side: _Side, found: Geometry
) -> str:
    """Why a factor cannot be had, and what can be asked for."""
    given = asked.label if asked.factor is None else f"scale {short(asked.factor)}"
    is_column = axis is found.columns
    what = "columns" if is_column != part.orientation.transposed else "rows"
    width, height = part.orientation.pair(part.width, part.height)
    return (
        f"{given}: would make {axis.length} {what} of {side.length}; a picture of "
        f"{width}x{height} can become 1 to {SCALE.most} times as large"
    )
