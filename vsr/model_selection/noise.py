"""How noisy a picture is, by itself."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.datasets.ground_truth import Plane

_SIDE, _SMALL_SIDE = 16, 8  # of blocks, in pixels
_SMOOTH = 0.2  # of all blocks: those in which least is to be seen
_QUIET = 0.1  # of all small blocks: those in which the mask finds least
_OF_EVEN = 0.73  # of the mean, what it finds there in even noise
_DARKEST, _LIGHTEST = 20, 232  # beyond, noise may be cut off

Samples = NDArray[np.float32]

_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise(plane: Plane) -> float:
    """The standard deviation of the noise in a picture's smooth parts, in sample values.

    Immerkaer 1996, "Fast Noise Variance Estimation": the mean strength of a mask that slopes and
    edges along the axes do not excite. As texture would count as noise, it is taken over few
    blocks, in two ways, of which the lower one counts: over the fifth of all of 16x16 in which the
    smoothed picture changes least, and over the quietest tenth of all of 8x8. The first finds too
    much where nothing is smooth, as in small pictures; the second, which would find too little in
    even noise, is corrected for that. Blocks that are nearly black or white are left out, as noise
    is cut off there.

    `plane` is (H, W) uint8. A picture without such blocks has no noise: 0.
    """
    if min(plane.shape) < _SIDE:
        return 0.0
    samples = plane.astype(np.float32)
    strength = np.abs(cv2.filter2D(samples, -1, _MASK))
    change = _slope(np.asarray(cv2.GaussianBlur(samples, (0, 0), 2), np.float32))
    found = [_over_smooth(samples, strength, change), _over_quiet(samples, strength)]
    return min(found) * math.sqrt(math.pi / 2) / 6


def _over_smooth(samples: Samples, strength: Samples, change: Samples) -> float:
    strengths, changes = (_means(each, _SIDE) for each in (strength, change))
    fit = _is_fit(samples, _SIDE)
    if not fit.any():
        return 0.0
    smooth = fit & (changes <= np.quantile(changes[fit], _SMOOTH))
    return float(strengths[smooth].mean())


def _over_quiet(samples: Samples, strength: Samples) -> float:
    strengths = np.sort(_means(strength, _SMALL_SIDE)[_is_fit(samples, _SMALL_SIDE)])
    if not len(strengths):
        return 0.0
    return float(strengths[: max(1, round(_QUIET * len(strengths)))].mean()) / _OF_EVEN


def _is_fit(samples: Samples, side: int) -> NDArray[np.bool_]:
    """Of blocks: whether noise is not cut off."""
    light = _means(samples, side)
    return (light > _DARKEST) & (light < _LIGHTEST)


def _slope(picture: Samples) -> Samples:
    return np.hypot(cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1))


def _means(picture: Samples, side: int) -> Samples:
    """Of blocks with such sides; what is left of the picture beside them is not seen."""
    height, width = (length // side * side for length in picture.shape)
    size = (width // side, height // side)
    found = cv2.resize(picture[:height, :width], size, interpolation=cv2.INTER_AREA)
    return np.asarray(found)
