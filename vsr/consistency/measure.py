"""What an enlarged picture says of its source, once it is reduced again. No truth is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vsr.core.frame import PixelFormat, Plane
from vsr.core.half import displayed
from vsr.core.resample import resize

Luma = NDArray[np.float32]
"""(H, W), in levels of 255."""

_BLOCK = 8  # source pixels
_TOLERANCE = 2.0  # levels that rounding and coding may leave a neighbourhood's range by


@dataclass(frozen=True)
class Agreement:
    """How far a picture agrees with its source.

    Attributes:
        error: (h, w) float32, the size of the difference at each source pixel, in levels of 255.
        reduced: (h, w) uint8, the picture at the source's size.
        largest: the largest mean difference of a block of 8x8, in levels.
        overshoot: the share of the picture's pixels that leave the range of the 3x3 source pixels
            around them, in 0..1.
    """

    error: Luma
    reduced: NDArray[np.uint8]
    largest: float
    overshoot: float

    @property
    def squared(self) -> float:
        """The mean squared difference, in levels."""
        return float(np.square(self.error, dtype=np.float64).mean())


def levels(plane: Plane, format_: PixelFormat) -> Luma:
    """Luma, or green, in levels of 255, whatever its depth."""
    if format_.half:
        (plane,) = displayed([plane])
    found: Luma = plane.astype(np.float32) / np.float32(2 ** (format_.depth - 8))
    return found


def agreement(large: Luma, source: Luma) -> Agreement:
    """Of a picture (H, W) with its source (h, w), which shows the same.

    It is reduced by MATLAB's bicubic, as the small pictures were made that networks learn from.
    """
    height, width = source.shape
    reduced = resize(torch.from_numpy(large), height, width).numpy()
    difference = reduced - source
    return Agreement(
        np.abs(difference),
        np.clip(np.rint(reduced), 0, 255).astype(np.uint8),
        _largest(difference),
        _overshoot(large, source),
    )


def _largest(difference: Luma) -> float:
    """The largest mean of a block; those at the borders may be smaller."""
    height, width = difference.shape
    rows, columns = (np.arange(0, length, _BLOCK) for length in (height, width))
    sums = np.add.reduceat(np.add.reduceat(difference, rows, 0), columns, 1)
    sizes = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    return float(np.abs(sums / sizes).max())


def _overshoot(large: Luma, source: Luma) -> float:
    around = np.ones((3, 3), np.uint8)
    size = large.shape[::-1]
    low, high = (
        cv2.resize(found, size, interpolation=cv2.INTER_NEAREST)
        for found in (cv2.erode(source, around), cv2.dilate(source, around))
    )
    return float(((large < low - _TOLERANCE) | (large > high + _TOLERANCE)).mean())


def psnr(squared: float) -> float:
    """In dB, of a mean squared difference in levels of 255; infinite for none."""
    return math.inf if squared <= 0 else 10 * math.log10(255**2 / squared)
