"""PSNR frame by frame as a line chart: one panel for each clip, one line for each model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vsr.core.errors import OutputError
from vsr.figures.canvas import Drawing, Line, Text, text_width, to_png, to_svg

FORMATS = {".png": to_png, ".svg": to_svg}

_WIDTH, _HEIGHT = 640, 220  # of the inner part of a panel, in units
_LEFT, _TOP, _BOTTOM = 56, 66, 52  # around it
_GAP = 12  # between a line's end and its label
_LABEL = 13.0
_LEAST_RANGE = 0.5  # dB; finer differences would only look large
_INK, _FAINT, _GRID, _CUT = "#222222", "#666666", "#e6e6e6", "#999999"
# Told apart by colour-blind readers too: Okabe and Ito 2008, the most unlike ones first.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


@dataclass(frozen=True)
class Curve:
    """One line: what made the frames, and the PSNR of each in dB."""

    name: str
    psnr: tuple[float, ...]

    @property
    def label(self) -> str:
        return f"{self.name}  {sum(self.psnr) / len(self.psnr):.2f}"


@dataclass(frozen=True)
class Panel:
    """One clip.

    Attributes:
        title: its name.
        curves: at least one, each with as many frames as the clip.
        cuts: the frames, counted from 0, that begin a new shot.
    """

    title: str
    curves: tuple[Curve, ...]
    cuts: tuple[int, ...] = ()


def check_plot(path: Path) -> None:
    """Raise OutputError where no chart could be written, before the work that it shows."""
    if path.suffix.lower() not in FORMATS:
        raise OutputError(f"{path}: a plot cannot be a {path.suffix!r}; allowed: .png, .svg")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist")


def write_plot(path: Path, panels: Sequence[Panel]) -> None:
    """Draw the clips below each other, in the format that the suffix says; replaces a file.

    Raises OutputError as `check_plot` does, and where the file cannot be written.
    """
    check_plot(path)
    data = FORMATS[path.suffix.lower()](draw(panels))
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None


def draw(panels: Sequence[Panel]) -> Drawing:
    """The chart of at least one clip."""
    labels = [curve.label for panel in panels for curve in panel.curves]
    right = _GAP + max(text_width(label, _LABEL) for label in labels) + _GAP
    height = _TOP + _HEIGHT + _BOTTOM
    shapes: list[Line | Text] = []
    for row, panel in enumerate(panels):
        shapes += _panel(panel, row * height + _TOP)
    return Drawing(math.ceil(_LEFT + _WIDTH + right), len(panels) * height, tuple(shapes))


def ticks(low: float, high: float, about: int, least: float = 0.0) -> list[float]:
    """Round numbers from `low` or below to `high` or above, about so many steps apart.

    A step is 1, 2 or 5 times a power of ten, and at least `least`.
    """
    wanted = max((high - low) / about, least, 1e-3)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= wanted * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _panel(panel: Panel, top: float) -> list[Line | Text]:
    frames = len(panel.curves[0].psnr)
    levels = _levels([value for curve in panel.curves for value in curve.psnr])
    low, high = levels[0], levels[-1]
    bottom = top + _HEIGHT

    def x(frame: float) -> float:
        return _LEFT + _WIDTH * (frame / (frames - 1) if frames > 1 else 0.5)

    def y(value: float) -> float:
        return bottom - _HEIGHT * (value - low) / (high - low)

    shapes: list[Line | Text] = [
        Text((_LEFT, top - 34), panel.title, _INK, 15, bold=True),
        Text((_LEFT, top - 14), "PSNR of the luma in dB", _FAINT, 12),
        Text((_LEFT + _WIDTH, bottom + 38), "frame", _FAINT, 12, "end"),
    ]
    decimals = max(0, -math.floor(math.log10(levels[1] - levels[0]) + 1e-9))
    for level in levels:
        shapes.append(Line(((_LEFT, y(level)), (_LEFT + _WIDTH, y(level))), _GRID))
        place = (_LEFT - 8, y(level) + 4)
        shapes.append(Text(place, f"{level:.{decimals}f}", _FAINT, 12, "end"))
    for frame in ticks(0, frames - 1, 10, 1):
        if frame < frames:
            shapes.append(Line(((x(frame), bottom), (x(frame), bottom + 4)), _CUT))
            shapes.append(Text((x(frame), bottom + 19), f"{frame:g}", _FAINT, 12, "middle"))
    for cut in panel.cuts:
        between = x(cut - 0.5)
        shapes.append(Line(((between, top), (between, bottom)), _CUT))
        shapes.append(Text((between, top - 5), "cut", _CUT, 11, "middle"))
    ends = _apart([y(curve.psnr[-1]) for curve in panel.curves], bottom)
    for number, (curve, end) in enumerate(zip(panel.curves, ends, strict=True)):
        color = _COLORS[number % len(_COLORS)]
        points = tuple((x(n), y(value)) for n, value in enumerate(curve.psnr))
        shapes.append(Line(points, color, 2 if frames > 1 else 6))
        shapes.append(Text((_LEFT + _WIDTH + _GAP, end + 4), curve.label, color, _LABEL))
    return shapes


def _levels(values: Sequence[float]) -> list[float]:
    """The lines of the grid, from below the lowest value to above the highest."""
    low, high = min(values), max(values)
    missing = max(0.0, _LEAST_RANGE - (high - low))
    return ticks(low - missing / 2, high + missing / 2, 5)


def _apart(places: Sequence[float], lowest: float) -> list[float]:
    """Heights for labels near `places` that do not cover each other, down to `lowest`.

    Each is pushed below the one above it, then those that stand too low back up.
    """
    least = _LABEL + 4
    moved = list(places)
    order = sorted(range(len(places)), key=lambda n: places[n])
    for above, below in pairwise(order):
        moved[below] = max(moved[below], moved[above] + least)
    for above_it, number in enumerate(reversed(order)):
        moved[number] = min(moved[number], lowest - above_it * least)
    return moved
