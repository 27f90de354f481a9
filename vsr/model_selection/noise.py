"""How noisy a picture is, by itself."""

from __future__ import annotations

import math

import cv2
import numpy as np

from vsr.datasets.ground_truth import Plane

_SIDE = 16  # of the blocks, in pixels
_SMOOTH = 0.2  # of all blocks: those in which least is to be seen
_DARKEST, _LIGHTEST = 20, 232  # beyond, noise may be cut off
_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise(plane: Plane) -> float:
    """The standard deviation of the noise in a picture's smooth parts, in sample values.

    Immerkaer 1996, "Fast Noise Variance Estimation": the mean strength of a mask that slopes and
    edges along the axes do not excite. It is taken over the fifth of all blocks of 16x16 in which
    the smoothed picture changes least, as texture would count as noise; blocks that are nearly
    black or white are left out, as noise is cut off there.

    `plane` is (H, W) uint8. A picture without such blocks has no noise: 0.
    """
    height, width = (side // _SIDE * _SIDE for side in plane.shape)
    if not height or not width:
        return 0.0
    inside = plane[:height, :width].astype(np.float32)
    strength = _means(np.abs(cv2.filter2D(inside, -1, _MASK)))
    light = _means(inside)
    change = _means(_slope(cv2.GaussianBlur(inside, (0, 0), 2)))
    fit = (light > _DARKEST) & (light < _LIGHTEST)
    if not fit.any():
        return 0.0
    smooth = fit & (change <= np.quantile(change[fit], _SMOOTH))
    return float(strength[smooth].mean()) * math.sqrt(math.pi / 2) / 6


def _slope(picture: np.ndarray) -> np.ndarray:
    return np.hypot(cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1))


def _means(picture: np.ndarray) -> np.ndarray:
    """Of blocks."""
    rows, columns = (side // _SIDE for side in picture.shape)
    return np.asarray(cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA))
