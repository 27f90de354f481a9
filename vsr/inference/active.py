"""The tiles that a picture of which only parts are active is computed by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vsr.inference.area import GRID
from vsr.inference.tiles import Tile

_BAND = 16  # rows that are looked at together
CALL = 2000
"""Pixels that could be computed in the time that a tile takes besides its own."""


def active_tiles(active: NDArray[np.bool_], halo: int) -> list[Tile]:
    """Tiles that hold every active pixel of (H, W); some pixels may lie in several.

    Each is seen with `halo` pixels around it, on the grid of tiles. Neighbours are joined where
    that costs less than to compute the borders of both.
    """
    height, width = active.shape
    done: list[_Part] = []
    growing: list[_Part] = []  # that end with the band before
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        band = np.asarray(active[top:bottom].any(0))
        for left, right in _runs(band):
            part = _Part(top, bottom, left, right)
            growing = _with(growing, part, halo)
        done += [part for part in growing if part.bottom < bottom]
        growing = [part for part in growing if part.bottom == bottom]
    return [
        Tile(
            slice(part.top, part.bottom),
            slice(part.left, part.right),
            _around(part.top, part.bottom, halo, height),
            _around(part.left, part.right, halo, width),
        )
        for part in done + growing
    ]


@dataclass(frozen=True)
class _Part:
    """A rectangle: rows from `top` to `bottom`, columns from `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int

    def joined(self, other: _Part) -> _Part:
        """The smallest that holds both."""
        return _Part(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )

    def cost(self, halo: int) -> int:
        """What it takes to compute, in pixels."""
        return (self.bottom - self.top + 2 * halo) * (self.right - self.left + 2 * halo) + CALL


def _with(parts: list[_Part], part: _Part, halo: int) -> list[_Part]:
    """The parts and one more: joined to that with which it saves most, and so on."""
    while parts:
        saved = [p.cost(halo) + part.cost(halo) - p.joined(part).cost(halo) for p in parts]
        best = max(range(len(parts)), key=saved.__getitem__)
        if saved[best] < 0:
            break
        part = part.joined(parts[best])
        parts = parts[:best] + parts[best + 1 :]
    return [*parts, part]


def _runs(columns: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """From where to where True lies."""
    edges = np.flatnonzero(np.diff(columns, prepend=False, append=False))
    return [(int(left), int(right)) for left, right in edges.reshape(-1, 2)]


def _around(begin: int, end: int, halo: int, length: int) -> slice:
    return slice(max(0, begin - halo) // GRID * GRID, min(-(-(end + halo) // GRID) * GRID, length))
