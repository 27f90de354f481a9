"""Where a region lies in a frame, and how that is found to parts of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.fusion.register import registered
from vsr.fusion.sights import Luma

Matrix3 = NDArray[np.float64]

MOTIONS = ("translation", "euclidean", "affine", "homography")
"""How a region may move, from the plainest on."""
PARAMETERS = {"translation": 2, "euclidean": 3, "affine": 6, "homography": 8}

_LEAST_LIKENESS = 0.3  # of a coarse match
_NONE = 1e-6  # of a matrix's part that is not there
_MARGIN = 16  # pixels around a region that it may be moved into


@dataclass(frozen=True)
class Placement:
    """Where the region's pixels lie in a frame.

    Attributes:
        matrix: (3, 3), from the region's pixels (x, y, 1), 0 at the centre of its first, to the
            frame's.
        likeness: correlation of the two, -1..1.
    """

    matrix: Matrix3
    likeness: float

    def corners(self, width: int, height: int) -> NDArray[np.float64]:
        """(4, 2): where the region's outermost samples lie in the frame, x and y."""
        ends = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
        return moved(self.matrix, ends)


def moved(matrix: Matrix3, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (N, 2) by a homography."""
    found = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    places: NDArray[np.float64] = found[:, :2] / found[:, 2:]
    return places


def motion_of(matrices: Sequence[Matrix3]) -> str:
    """The plainest of MOTIONS that all of these are."""
    off = np.array([matrix / matrix[2, 2] for matrix in matrices])
    if np.abs(off[:, 2, :2]).max() > _NONE:
        return "homography"
    linear = off[:, :2, :2]
    if np.abs(linear - np.eye(2)).max() <= _NONE:
        return "translation"
    turned = linear @ np.swapaxes(linear, 1, 2)
    return "euclidean" if np.abs(turned - np.eye(2)).max() <= _NONE else "affine"


def shift(x: float, y: float) -> Matrix3:
    """A translation."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


def inverse(matrix: Matrix3) -> Matrix3:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def seen_at(luma: Luma, matrix: Matrix3, width: int, height: int) -> Luma:
    """The region as a frame shows it there, on the region's own grid."""
    found = cv2.warpPerspective(
        luma,
        matrix.astype(np.float64),
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(found, np.float32)


def nearby(region: Luma, luma: Luma, before: Placement, reach: int) -> Placement | None:
    """To whole pixels, within `reach` of where the region was before.

    None where nothing there is like it.
    """
    height, width = region.shape
    corners = before.corners(width, height)
    centre = corners.mean(0)
    left = round(float(centre[0]) - (width - 1) / 2) - reach
    top = round(float(centre[1]) - (height - 1) / 2) - reach
    x0, y0 = max(0, left), max(0, top)
    x1 = min(luma.shape[1], left + width + 2 * reach)
    y1 = min(luma.shape[0], top + height + 2 * reach)
    if x1 - x0 < width or y1 - y0 < height:
        return None
    likeness = cv2.matchTemplate(luma[y0:y1, x0:x1], _turned(region, before), cv2.TM_CCOEFF_NORMED)
    _, most, _, (x, y) = cv2.minMaxLoc(np.nan_to_num(likeness))
    if most < _LEAST_LIKENESS:
        return None
    offset = np.array([x0 + x + (width - 1) / 2, y0 + y + (height - 1) / 2]) - centre
    return Placement(shift(*offset) @ before.matrix, float(most))


def _turned(region: Luma, before: Placement) -> Luma:
    """The region as it was turned and stretched before, about its own centre."""
    height, width = region.shape
    centre = before.corners(width, height).mean(0)
    home = shift(*((np.array([width, height]) - 1) / 2 - centre)) @ before.matrix
    if np.allclose(home, np.eye(3), atol=1e-6):
        return region
    return seen_at(region, inverse(home), width, height)


def refined(region: Luma, luma: Luma, near: Placement, motion: str) -> Placement | None:
    """To parts of a pixel, from `near` on: see `registered`.

    None where the two cannot be brought together.
    """
    x, y, part = _around(luma, near.corners(region.shape[1], region.shape[0]))
    try:
        found, likeness = registered(region, part, shift(-x, -y) @ near.matrix, motion)
    except (ValueError, np.linalg.LinAlgError, cv2.error):
        return None
    return Placement(shift(x, y) @ found, likeness)


def _around(luma: Luma, corners: NDArray[np.float64]) -> tuple[int, int, Luma]:
    """The part of a frame with these corners in it, and where it begins."""
    x, y = (max(0, int(first) - _MARGIN) for first in corners.min(0))
    x1, y1 = (int(last) + _MARGIN for last in corners.max(0))
    return x, y, np.ascontiguousarray(luma[y:y1, x:x1])


def simplified(placement: Placement, motion: str, width: int, height: int) -> Placement:
    """The nearest placement of a region of so many pixels that is no more than such a motion."""
    matrix = placement.matrix / placement.matrix[2, 2]
    if motion == "homography":
        return placement
    middle = (np.array([[width, height]], float) - 1) / 2
    linear = {"translation": np.eye(2), "euclidean": _rotation(matrix[:2, :2])}
    plain = np.eye(3)
    plain[:2, :2] = linear.get(motion, matrix[:2, :2])
    plain[:2, 2] = (moved(matrix, middle) - moved(plain, middle))[0]
    return Placement(plain, placement.likeness)


def _rotation(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation that a linear map is nearest to."""
    left, _, right = np.linalg.svd(linear)
    turned: NDArray[np.float64] = left @ right
    return turned


def is_inside(placement: Placement, width: int, height: int, frame: Sequence[int]) -> bool:
    """Whether a frame (rows, columns) shows all of a region of so many pixels."""
    corners = placement.corners(width, height)
    rows, columns = frame[:2]
    return bool((corners >= 0).all() and (corners <= [columns - 1, rows - 1]).all())
