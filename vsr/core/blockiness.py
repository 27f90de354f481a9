"""How far a picture shows the blocks of an encoder, without a true one to compare it to."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

CELL = 8
"""Pixels from one block edge to the next, as JPEG, MPEG-2 and H.264 make them."""
LEAST_CELLS = 4
"""How many such blocks both sides of a plane need for `blockiness`."""

_UNSEEN = 1.0  # sample values: steps well below it make no edge


def blockiness(plane: NDArray[np.uint8], period: int = CELL) -> float:
    """How far the steps of a plane (H, W) uint8 gather on a grid of blocks, no truth needed.

    1 where they do not, as in natural pictures and in noise; larger the more of all change lies
    at block edges, up to nearly 8 in a picture of flat blocks. As in Wang, Sheikh & Bovik 2002,
    "No-reference perceptual quality assessment of JPEG compressed images", steps at the edges
    are set against steps elsewhere; as in Liu & Heynderickx 2009, "A perceptually relevant
    no-reference blockiness metric based on local image characteristics", against those nearby,
    so that rough and smooth parts count alike. The grid lies wherever most is found, across and
    down on its own, as pictures get cropped.

    `period` is the distance of block edges in pixels, a multiple of 8. In a picture that was
    enlarged by 4 it is 32; an edge is then spread over some pixels, so steps are taken between
    means of 4 pixels, and are compared at the same place within such a pixel.

    Raises ValueError for another period, and for a plane whose sides are not LEAST_CELLS of it.
    """
    if period < CELL or period % CELL:
        raise ValueError(f"blocks of {period} pixels: must be a multiple of {CELL}")
    height, width = plane.shape
    if min(height, width) < LEAST_CELLS * period:
        raise ValueError(
            f"{width}x{height} pixels are too few for blocks of {period}: "
            f"both sides need {LEAST_CELLS * period}"
        )
    step = period // CELL
    across, down = (_gathered(np.ascontiguousarray(p), step) for p in (plane, plane.T))
    return (across + down) / 2


def _gathered(plane: NDArray[np.uint8], step: int) -> float:
    """`blockiness` across: how large steps are at the most prominent of all places of a grid."""
    means = cv2.blur(plane.astype(np.float32), (step, step))
    steps = np.abs(means[:, step:] - means[:, :-step])
    period = CELL * step
    strips = len(steps) // period
    steps = steps[: strips * period].reshape(strips, period, -1).mean(1)  # (strips, W - step)
    # Over the mean of one period around, in which each place of the grid counts the same.
    weights = np.zeros(period + 1, np.float32)
    weights[::step] = 1 / CELL
    weights[[0, -1]] /= 2
    around = sliding_window_view(steps, period + 1, axis=1) @ weights
    here = steps[:, period // 2 : period // 2 + around.shape[1]]
    prominence = ((here + _UNSEEN) / (around + _UNSEEN)).mean(0)
    return max(_trimmed(prominence[place::period]) for place in range(period))


def _trimmed(values: NDArray[np.float32]) -> float:
    """The mean without the eighth at either end: a pole or a black bar is no grid."""
    aside = len(values) // 8
    return float(np.sort(values)[aside : len(values) - aside].mean())
