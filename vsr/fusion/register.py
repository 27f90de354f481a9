"""A region is laid upon a frame to parts of a pixel: Gauss-Newton steps, robust, in any light.

The inverse compositional way of Lucas & Kanade (Baker & Matthews 2004), with a gain and an offset
as two more unknowns (Bartoli 2008) and Tukey's weights, so that what hides a part pulls at nothing.
Both pictures are compared on the region's own grid and smoothed there alike, so that its edges
draw to no side.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.fusion.sights import Luma

Matrix3 = NDArray[np.float64]
Rows = NDArray[np.float64]

_STEPS = 15
_NEAR = 0.002  # pixels: smaller steps than these are none
_ENOUGH = 6000  # pixels of a region that are looked at
_RIM, _LEAST_SIDE = 2, 8  # pixels of a region, and of what is left of it
_FAR = 4.685  # deviations from which on a pixel does not count: Tukey's constant
_SMOOTH = 0.9  # pixels: the deviation of the Gaussian
_RIDGE = 1e-7  # of the matrix's largest entry
_LEAST_DETAIL = 1e-7  # of luma in 0..1, squared
_LEAST_NOISE = 1e-4


def registered(region: Luma, luma: Luma, begin: Matrix3, motion: str) -> tuple[Matrix3, float]:
    """Where the region lies in `luma`, from `begin` on, and the correlation of both there.

    `motion` is what may change: "translation", "euclidean", "affine" or "homography". Raises
    ValueError where nothing tells: there is no detail, or the steps lead away.
    """
    height, width = region.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    home = np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1]])
    home[:2, :2] *= max(middle)  # from -1..1 to pixels
    unit = np.linalg.inv(home)
    smooth = _smoothed(region)
    if smooth.var() < _LEAST_DETAIL:
        raise ValueError("no detail")
    looked_at = _inner(width, height)
    columns = _columns(region, motion, unit)[looked_at]
    matrix, weights = begin, np.ones(len(columns))
    for _ in range(_STEPS):
        shown = _smoothed(_warped(luma, matrix, width, height)).ravel()[looked_at]
        found, weights = _solved(columns, shown, weights)
        change = home @ _moving(found[: len(found) - 2], motion) @ unit
        stepped = matrix @ np.linalg.inv(change)
        if not np.isfinite(stepped).all():
            raise ValueError("the steps lead away")
        matrix = stepped / stepped[2, 2]
        if _largest(change, width, height) < _NEAR:
            break
    shown = _smoothed(_warped(luma, matrix, width, height))
    return matrix, _correlation(shown, smooth)


def _inner(width: int, height: int) -> NDArray[np.int64]:
    """Which pixels are compared: not the outermost, into which what is around them runs."""
    rim = min(_RIM, (min(width, height) - _LEAST_SIDE) // 2)
    places = np.arange(width * height).reshape(height, width)
    inner = places[rim : height - rim, rim : width - rim].ravel()
    return inner[:: max(1, round(len(inner) / _ENOUGH))]


def _columns(region: Luma, motion: str, unit: Matrix3) -> Rows:
    """(pixels, parameters + 2): how the region changes with each; at last by gain and offset."""
    height, width = region.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    x, y = x * unit[0, 0] + unit[0, 2], y * unit[1, 1] + unit[1, 2]
    down, across = (part / unit[0, 0] for part in np.gradient(region.astype(np.float64)))
    ways = {
        "translation": [across, down],
        "euclidean": [across, down, down * x - across * y],
        "affine": [across, down, across * x, across * y, down * x, down * y],
    }
    fields = ways.get(motion) or [
        *ways["affine"],
        across * x * x + down * x * y,
        across * x * y + down * y * y,
    ]
    fields = [*fields, region.astype(np.float64), np.ones((height, width))]
    return np.stack([_smoothed(field).ravel() for field in fields], 1)


def _moving(found: Rows, motion: str) -> Matrix3:
    """The change of place, in units of the region, for such parameters."""
    change = np.eye(3)
    change[:2, 2] = found[:2]
    if motion == "euclidean":
        cosine, sine = np.cos(found[2]), np.sin(found[2])
        change[:2, :2] = [[cosine, -sine], [sine, cosine]]
    if motion in ("affine", "homography"):
        change[:2, :2] += found[2:6].reshape(2, 2)
    if motion == "homography":
        change[2, :2] = -found[6:8]
    return change


def _solved(columns: Rows, shown: Rows, weights: Rows) -> tuple[Rows, Rows]:
    """The parameters that explain what is shown, and how much each pixel is to count next."""
    weighted = columns * weights[:, None]
    matrix = weighted.T @ columns
    matrix += np.eye(len(matrix)) * _RIDGE * matrix.max()
    found = np.linalg.solve(matrix, weighted.T @ shown)
    off = shown - columns @ found
    spread = max(1.4826 * float(np.median(np.abs(off))), _LEAST_NOISE)
    weights = np.square(1 - np.square(off / (_FAR * spread)).clip(max=1))
    gain = max(abs(float(found[-2])), 0.1)
    return np.append(found[:-2] / gain, found[-2:]), weights


def _largest(change: Matrix3, width: int, height: int) -> float:
    """By how many pixels a corner moves at most."""
    ends = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], float)
    moved = np.column_stack([ends, np.ones(4)]) @ change.T
    return float(np.abs(moved[:, :2] / moved[:, 2:] - ends).max())


def _warped(luma: Luma, matrix: Matrix3, width: int, height: int) -> Luma:
    found = cv2.warpPerspective(
        luma,
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(found, np.float32)


def _smoothed(plane: NDArray[np.floating]) -> Rows:
    found = cv2.GaussianBlur(plane, (0, 0), _SMOOTH, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float64)


def _correlation(one: Rows, other: Rows) -> float:
    spread = float(one.std() * other.std())
    if spread < _LEAST_DETAIL:
        return 0.0
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread
