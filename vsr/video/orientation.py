"""Frames as players show them: upright, and in colours that images have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.frame import ColorTags, Pixels, Plane, VideoInfo, as_pixels, find_format
from vsr.core.recolor import recoloured

_FULL_RANGE = 2  # as in ColorTags


def upright(plane: NDArray[Any], matrix: Sequence[int] | None) -> NDArray[Any]:
    """A view of a plane (rows, columns) as a display matrix of libav's has it shown.

    It is turned by quarters and mirrored; another angle counts as the nearest quarter.
    """
    if matrix is None:
        return plane
    a, b, _, c, d, *_ = matrix  # the pixel x, y is shown at a * x + c * y, b * x + d * y
    across, down = a, d
    if abs(b) > abs(a):
        plane, across, down = plane.T, c, b
    return plane[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]


def is_turned(matrix: Sequence[int] | None) -> bool:
    """Whether columns are shown as rows."""
    return matrix is not None and abs(matrix[1]) > abs(matrix[0])


def as_image(planes: Sequence[Plane], info: VideoInfo, depth: int) -> Pixels:
    """What an image of a frame of `info` holds: grey or blue, green, red, and alpha.

    Upright, full range, by the frame's own matrix, `depth` bits per sample: 8 or 16.
    """
    grey = info.format.planes == 1
    layout = find_format(depth, 1, 1, info.format.planes, rgb=not grey)
    made = replace(info, format=layout, color=ColorTags(range=_FULL_RANGE))
    found = [upright(plane, info.display_matrix) for plane in recoloured(planes, info, made)]
    if grey:
        return as_pixels(np.ascontiguousarray(found[0]))
    green, blue, red, *alpha = found
    return as_pixels(cv2.merge([np.ascontiguousarray(p) for p in (blue, green, red, *alpha)]))
