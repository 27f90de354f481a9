"""The tiles that a picture of which only parts are active is computed by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vsr.inference.tiles import GRID, Tile

_BAND = 32  # rows that are looked at together
_GAP = 32  # pixels: a shorter gap between two tiles costs less to compute than its borders


def active_tiles(active: NDArray[np.bool_], halo: int) -> list[Tile]:
    """Tiles that hold every active pixel of (H, W).

    They do not overlap. Each is seen with `halo` pixels around it, on the grid of tiles.
    """
    height, width = active.shape
    found = []
    for top in range(0, height, _BAND):
        rows = slice(top, min(top + _BAND, height))
        for columns in _runs(np.asarray(active[rows].any(0))):
            seen = (_around(rows, halo, height), _around(columns, halo, width))
            found.append(Tile(rows, columns, *seen))
    return found


def _runs(columns: NDArray[np.bool_]) -> list[slice]:
    """From where to where True lies; with short gaps, runs are one."""
    runs: list[slice] = []
    for column in map(int, np.flatnonzero(columns)):
        if runs and column <= runs[-1].stop + _GAP:
            runs[-1] = slice(runs[-1].start, column + 1)
        else:
            runs.append(slice(column, column + 1))
    return runs


def _around(pixels: slice, halo: int, length: int) -> slice:
    begin, end = max(0, pixels.start - halo), pixels.stop + halo
    return slice(begin // GRID * GRID, min(-(-end // GRID) * GRID, length))
