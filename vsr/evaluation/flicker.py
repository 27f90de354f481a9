"""How a clip changes from frame to frame where nothing but motion should change it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.datasets.ground_truth import Plane

_LEAST = 16  # pixels: sides below it hold no motion that could be found
_NOTHING = np.empty(0, np.float32)  # what OpenCV is given where it needs nothing


@dataclass(frozen=True, eq=False)  # arrays cannot be compared so
class Motion:
    """Where the pixels of a frame were in the one before.

    Attributes:
        places: (H, W, 2) float32, x and y in that frame, in pixels.
        seen: (H, W) bool, whether they were to be seen there.
    """

    places: NDArray[np.float32]
    seen: NDArray[np.bool_]


def motion_between(before: Plane, after: Plane) -> Motion:
    """The motion between two frames in a row, (H, W) uint8 each.

    Flow both ways by Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search", as
    OpenCV has it. Where the two do not agree, by the threshold of Sundaram et al. 2010, "Dense
    point trajectories by GPU-accelerated large displacement optical flow", a pixel was hidden,
    or its motion was not found. The result is the same on any number of cores.
    """
    height, width = after.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    here = np.dstack([columns, rows])
    if min(height, width) < _LEAST:
        return Motion(here, np.ones((height, width), bool))
    finder = cv2.DISOpticalFlow.create(cv2.DISOpticalFlow_PRESET_MEDIUM)
    one, other = np.ascontiguousarray(before), np.ascontiguousarray(after)
    back, forth = (
        np.asarray(finder.calc(a, b, _NOTHING), np.float32) for a, b in ((other, one), (one, other))
    )
    places = here + back
    met = _at(places, forth, cv2.INTER_LINEAR)
    apart = _squared(met + back)
    agree = apart <= 0.01 * (_squared(met) + _squared(back)) + 0.5
    inside = (places >= 0) & (places <= (width - 1, height - 1))
    return Motion(places, agree & inside.all(axis=2))


def flicker(pictures: tuple[Plane, Plane], motion: Motion, border: int = 0) -> float | None:
    """How far a frame is from the one before it, moved as it should be, in sample values.

    The warping error of Lai et al. 2018, "Learning Blind Video Temporal Consistency", for one
    step in time and as a root: that of the mean square of P2 - warp(P1) over the pixels that were
    seen before. What stays where it is, or is carried along by the motion, costs nothing;
    what crawls, boils or blinks does. It needs no truth: `motion` may be that of true frames,
    which is better known, or of `pictures` themselves. But it is no quality: blur has little that
    could flicker, and light that changes, errors of the motion and of interpolation count as
    well. The same figure of the true frames says how much that is.

    `pictures` are two frames in a row, (H, W) uint8 each, and `motion` is between frames of their
    size. `border` pixels on each side are left out. None where no pixel was seen before. Raises
    ValueError for frames of other sizes.
    """
    before, after = pictures
    height, width = motion.seen.shape
    if not before.shape == after.shape == motion.seen.shape:
        raise ValueError(
            f"frames of shapes {before.shape} and {after.shape}, motion of {motion.seen.shape}"
        )
    inside = np.s_[border : height - border, border : width - border]
    seen = motion.seen[inside]
    if not seen.any():
        return None
    # Cubic: linear interpolation would take detail from the one and not from the other.
    moved = _at(motion.places, before.astype(np.float32), cv2.INTER_CUBIC)
    change = (after.astype(np.float32) - moved)[inside][seen]
    return math.sqrt(float(np.mean(np.square(change, dtype=np.float64))))


def _at(
    places: NDArray[np.float32], samples: NDArray[np.float32], interpolation: int
) -> NDArray[np.float32]:
    """Samples (H, W) or (H, W, C) at these places, (H, W, 2)."""
    nothing = np.empty(0, np.float32)  # the second map: x and y are in one
    found = cv2.remap(samples, places, nothing, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def _squared(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    squared: NDArray[np.float32] = np.square(flow).sum(axis=2)
    return squared
