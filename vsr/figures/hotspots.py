"""Where in a picture something is largest: rectangles of one size, apart from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_STEP = 4  # pixels from one rectangle to the next


@dataclass(frozen=True)
class Place:
    """A rectangle of a picture, in its pixels.

    Attributes:
        left, top: its upper left corner.
        width, height: its sides.
    """

    left: int
    top: int
    width: int
    height: int

    def of(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """What a picture (H, W) or (H, W, C) holds there; a view of it."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]

    def overlaps(self, other: Place) -> bool:
        """Whether both hold some pixel."""
        across = self.left < other.left + other.width and other.left < self.left + self.width
        down = self.top < other.top + other.height and other.top < self.top + self.height
        return across and down


def window_means(plane: NDArray[Any], width: int, height: int) -> NDArray[np.float64]:
    """The mean of a plane (H, W) over each rectangle of a size, a step of 4 pixels apart.

    (rows, columns); the rectangles lie inside the plane, which is at least so large.
    """
    sums = cv2.integral(plane.astype(np.float32), sdepth=cv2.CV_64F)
    total = sums[height:, width:] - sums[:-height, width:]
    total += sums[:-height, :-width] - sums[height:, :-width]
    means: NDArray[np.float64] = total[::_STEP, ::_STEP] / (width * height)
    return means


def best_places(
    means: NDArray[np.float64], width: int, height: int, count: int
) -> list[tuple[float, Place]]:
    """The rectangles of `window_means` with the largest means, largest first, and those means.

    At most `count`, and half a rectangle or more apart. Of equal ones the upper left is taken.
    """
    left = np.where(np.isfinite(means), means, -np.inf)
    found: list[tuple[float, Place]] = []
    while len(found) < count and left.max() > -np.inf:
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        place = Place(int(column) * _STEP, int(row) * _STEP, width, height)
        found.append((float(left[row, column]), place))
        down, across = (-(-3 * side // (2 * _STEP)) - 1 for side in (height, width))
        above, before = max(0, row - down), max(0, column - across)
        left[above : row + down + 1, before : column + across + 1] = -np.inf
    return found
