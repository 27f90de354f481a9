"""Crops in labelled rows on a light sheet, enlarged so that each pixel can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError
from vsr.figures.hotspots import Place
from vsr.figures.text import lay, lettered
from vsr.images.encode import encode
from vsr.images.metadata import Metadata

Pixels = NDArray[np.uint8]
"""(H, W, 3) blue, green, red."""

WIDEST = 1600
"""Pixels between a sheet's margins, at most."""

_MARGIN, _GAP = 32, 12  # around the sheet, between crops
_ABREAST = 5  # crops, at most
_TITLE, _WORDS = 14, 12  # pixels of a capital
_INK, _FAINT, _PAPER = (34, 34, 34), (115, 115, 115), (250, 250, 250)
_BADGE, _ON_BADGE = (34, 34, 34), (255, 255, 255)


@dataclass(frozen=True)
class Crop:
    """A part of a picture.

    Attributes:
        label: what it was made by.
        pixels: (h, w, 3) blue, green, red or (h, w) grey, uint8.
        note: what is said of it besides, such as its PSNR.
    """

    label: str
    pixels: NDArray[np.uint8]
    note: str = ""


@dataclass(frozen=True)
class Row:
    """The same place in several pictures.

    Attributes:
        crops: at least one, all of one size.
        title: a line above them, or "".
        number: of the place, as in `numbered`; 0 for none.
    """

    crops: tuple[Crop, ...]
    title: str = ""
    number: int = 0


def cell_width(width: int, crops: int) -> int:
    """Pixels that each of so many crops has on a sheet of `width` between its margins."""
    abreast = _abreast(crops)
    return (width - (abreast - 1) * _GAP) // abreast


def sheet(
    rows: Sequence[Row], width: int, title: str = "", note: str = "", top: Pixels | None = None
) -> Pixels:
    """A sheet, `width` pixels wide between its margins: title, picture, rows.

    Crops are enlarged by the largest whole number for which they fit beside each other; more
    than five stand below each other. `note` follows the title. `top` is no wider than `width`.
    """
    bands = [_line(width, title, _TITLE, note)] if title or note else []
    if top is not None:
        bands += [_space(width, _GAP), _centred(top, width)]
    for number, row in enumerate(rows):
        if bands or number:
            bands.append(_space(width, 2 * _GAP))
        bands += _row(row, width)
    sides = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
    framed: Pixels = np.pad(np.concatenate(bands), sides, constant_values=_PAPER[0])
    return framed


def numbered(pixels: Pixels, places: Sequence[Place]) -> Pixels:
    """A copy of a picture with a rectangle around each place, numbered from 1."""
    marked = pixels.copy()
    for number, place in enumerate(places, 1):
        one, other = (place.left, place.top), (place.left + place.width, place.top + place.height)
        cv2.rectangle(marked, one, other, _BADGE, 4)
        cv2.rectangle(marked, one, other, _ON_BADGE, 2)
        badge = _badge(number)
        rows, columns = (min(a, b) for a, b in zip(badge.shape[:2], marked.shape[:2], strict=True))
        at_row = min(place.top, marked.shape[0] - rows)
        at_column = min(place.left, marked.shape[1] - columns)
        marked[at_row : at_row + rows, at_column : at_column + columns] = badge[:rows, :columns]
    return marked


def check_png(path: Path, what: str) -> None:
    """Raise OutputError where no sheet could be written, before the work that it shows."""
    if path.suffix.lower() != ".png":
        raise OutputError(f"{path}: {what} cannot be a {path.suffix!r}; allowed: .png")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist")


def save(path: Path, pixels: Pixels, overwrite: bool = False) -> None:
    """Write a PNG, which gets its name once it is whole; see `commit`. Raises OutputError."""
    commit_bytes(path, encode(pixels, path, Metadata()), overwrite)


def _abreast(crops: int) -> int:
    """How many crops stand beside each other: rows are filled evenly."""
    lines = -(-crops // _ABREAST)
    return -(-crops // lines)


def _row(row: Row, width: int) -> list[Pixels]:
    bands = [_line(width, row.title, _WORDS), _space(width, _GAP)] if row.title else []
    abreast, cell = _abreast(len(row.crops)), cell_width(width, len(row.crops))
    for first in range(0, len(row.crops), abreast):
        crops = row.crops[first : first + abreast]
        if first:
            bands.append(_space(width, _GAP))
        bands += _crops(crops, width, cell, abreast, 0 if first else row.number)
    return bands


def _crops(crops: Sequence[Crop], width: int, cell: int, abreast: int, number: int) -> list[Pixels]:
    """A line of labels and one of crops, the first at the left border, the last at the right."""
    factor = max(1, cell // crops[0].pixels.shape[1])
    shown = [_enlarged(crop.pixels, factor) for crop in crops]
    height, across = shown[0].shape[:2]
    labels, pictures = _space(width, _line_height(_WORDS)), _space(width, height)
    for place, (crop, large) in enumerate(zip(crops, shown, strict=True)):
        left = round(place * (width - across) / max(1, abreast - 1))
        indent = left
        if number and not place:
            badge = _badge(number)
            labels[: badge.shape[0], left : left + badge.shape[1]] = badge
            indent += badge.shape[1] + _GAP // 2
        _words(labels, crop.label, crop.note, _WORDS, indent, left + across)
        pictures[:, left : left + across] = large
    return [labels, _space(width, _GAP // 3), pictures]


def _enlarged(pixels: NDArray[np.uint8], factor: int) -> Pixels:
    colored = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    large: Pixels = colored.repeat(factor, axis=0).repeat(factor, axis=1)
    return large


def _line(width: int, text: str, capitals: int, note: str = "") -> Pixels:
    line = _space(width, _line_height(capitals))
    _words(line, text, note, capitals, 0, width)
    return line


def _line_height(capitals: int) -> int:
    return len(lettered("", capitals))


def _words(band: Pixels, text: str, note: str, capitals: int, left: int, right: int) -> None:
    """Write a text and, fainter, a note behind it, no further than `right`."""
    for words, color in ((text, _INK), (note, _FAINT)):
        if words and right - left > capitals:
            mask = lettered(words, capitals, right - left)
            lay(band, mask, left, max(0, band.shape[0] - mask.shape[0]), color)
            left += mask.shape[1] + capitals


def _badge(number: int) -> Pixels:
    """A number on a dark square, as high as a line of labels."""
    mask = lettered(str(number), _WORDS)
    side = mask.shape[0]
    badge = np.full((side, max(side, mask.shape[1] + _WORDS), 3), _BADGE, np.uint8)
    lay(badge, mask, (badge.shape[1] - mask.shape[1]) // 2, 0, _ON_BADGE)
    return badge


def _centred(picture: Pixels, width: int) -> Pixels:
    band = _space(width, picture.shape[0])
    left = (width - picture.shape[1]) // 2
    band[:, left : left + picture.shape[1]] = picture
    return band


def _space(width: int, height: int) -> Pixels:
    return np.full((height, width, 3), _PAPER, np.uint8)
