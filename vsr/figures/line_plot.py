"""PSNR frame by frame as a line chart: one panel for each clip, one line for each model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any

from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError
from vsr.util.text import printable

SUFFIXES = (".png", ".svg")

_WIDTH, _HEIGHT = 8.5, 3.2  # of a panel, in inches
_LEAST_RANGE = 0.5  # dB; finer differences would only look large
# Told apart by colour-blind readers too: Okabe and Ito 2008, the most unlike ones first.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_FAINT = "#999999"
_STYLE: Any = {
    "text.parse_math": False,  # names may hold dollars
    "svg.fonttype": "none",  # words stay words
    "svg.hashsalt": "vsr",  # the same chart is the same file
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6e6e6",
}


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
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a plot cannot be a {path.suffix!r}; allowed: .png, .svg")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist")
    if find_spec("matplotlib") is None:
        raise OutputError(f'{path}: a plot needs matplotlib: pip install "vsr-video[plot]"')


def write_plot(path: Path, panels: Sequence[Panel], overwrite: bool = False) -> None:
    """Draw at least one clip, below each other, in the format of the suffix.

    The file gets its name once it is whole; see `commit`. Raises OutputError as `check_plot` does,
    and where the chart cannot be written.
    """

    def draw(rows: Sequence[Any]) -> None:
        for axes, panel in zip(rows, panels, strict=True):
            _draw(axes, panel)

    write_figure(path, len(panels), draw, overwrite)


def write_figure(
    path: Path, panels: int, draw: Callable[[Sequence[Any]], None], overwrite: bool = False
) -> None:
    """Write what `draw` draws on so many axes of matplotlib, below each other; as `write_plot`."""
    check_plot(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    data, kind = BytesIO(), path.suffix.lower()[1:]
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # then boxes stand for letters
        figure = Figure((_WIDTH, _HEIGHT * panels), layout="constrained")
        draw(list(figure.subplots(panels, squeeze=False)[:, 0]))
        undated = {"Date": None} if kind == "svg" else {}
        figure.savefig(data, format=kind, dpi=150, metadata=undated)
    commit_bytes(path, data.getvalue(), overwrite)


def _draw(axes: Any, panel: Panel) -> None:
    frames = len(panel.curves[0].psnr)
    for curve, color in zip(panel.curves, cycle(COLORS), strict=False):
        axes.plot(curve.psnr, color=color, marker="o" if frames == 1 else None)
    for cut in panel.cuts:
        axes.axvline(cut - 0.5, color=_FAINT, linewidth=0.8)
        axes.annotate(
            "cut", (cut - 0.5, 1.01), xycoords=("data", "axes fraction"), ha="center", color=_FAINT
        )
    low, high = axes.get_ylim()
    missing = max(0.0, _LEAST_RANGE - (high - low))
    axes.set_ylim(low - missing / 2, high + missing / 2)
    if frames > 1:
        axes.set_xlim(0, frames - 1)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set_title(printable(panel.title), loc="left", weight="bold", pad=18)
    axes.set_xlabel("frame")
    axes.set_ylabel("PSNR of the luma in dB")
    labels = [printable(curve.label) for curve in panel.curves]
    lines = axes.lines[: len(labels)]
    axes.legend(lines, labels, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
