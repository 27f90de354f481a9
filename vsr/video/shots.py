"""Find the hard cuts of a video: where one shot ends and the next begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vsr.core.frame import Frame, Plane
from vsr.core.half import displayed

# Tuned on clips joined to one another: benchmarks/cuts.py.
_WIDTH, _HEIGHT = 32, 16  # of the reduced luma
_BLOCK = 8
_REACH = 2  # columns and rows of motion from frame to frame
_DRIFT = 0.02  # of brightness from frame to frame: a slow fade is no cut, a flash is
_FLOOR = 5e-5  # variance that counts as no detail: below what a dark picture has, above noise
_CUT = 0.5


def mark_shots(frames: Iterator[Frame], peak: int, half: bool = False) -> Iterator[Frame]:
    """The frames, each that starts a shot marked so; luma samples are in 0..`peak`.

    With `half` they are light, which is seen as it is shown.

    The first one starts a shot. Otherwise a frame is compared with the one before it and no
    other, so that a part of a video has the cuts of the whole. A flash is a cut, too: there
    is little in it that its neighbours know.
    """
    before: NDArray[np.float32] | None = None
    for frame in frames:
        luma = frame.planes[0]
        small = _reduced(displayed([luma])[0] if half else luma, peak)
        starts = before is None or _novelty(small, before) > _CUT
        yield replace(frame, starts_shot=starts)
        before = small


def _reduced(luma: Plane, peak: int) -> NDArray[np.float32]:
    """(H, W) samples in 0..`peak` -> (_HEIGHT, _WIDTH) in [0, 1]."""
    small = cv2.resize(luma, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(peak)


def _novelty(picture: NDArray[np.float32], before: NDArray[np.float32]) -> float:
    """How badly moved blocks of `before` make up a picture, next to the detail it has.

    Each block of the picture is compared with every place within reach in `before`; the best
    one's squared error counts, over the variance within blocks. 0 where nothing is new, about
    1 and more where nothing is the same.
    """
    drift = np.clip(picture.mean() - before.mean(), -_DRIFT, _DRIFT)
    moved = sliding_window_view(np.pad(before + drift, _REACH, mode="edge"), picture.shape)
    errors = _block_means(np.square(moved - picture)).min(axis=(0, 1))
    detail = np.square(picture).mean() - np.square(_block_means(picture)).mean()
    return float(errors.mean() / (detail + _FLOOR))


def _block_means(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., H, W) -> (..., H / _BLOCK, W / _BLOCK)."""
    rows, columns = _HEIGHT // _BLOCK, _WIDTH // _BLOCK
    blocks = picture.reshape(*picture.shape[:-2], rows, _BLOCK, columns, _BLOCK)
    means: NDArray[np.float32] = blocks.mean(axis=(-3, -1))
    return means
