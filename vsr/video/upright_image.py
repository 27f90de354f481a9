"""Frames as players show them: upright, and in colours that images have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from vsr.core.color_codes import ColorRange
from vsr.core.frame import ColorTags, Pixels, Plane, VideoInfo, as_pixels, find_format
from vsr.core.recolor import recoloured


def as_image(planes: Sequence[Plane], info: VideoInfo, depth: int) -> Pixels:
    """What an image of a frame of `info` holds: grey or blue, green, red, and alpha.

    Upright, full range, by the frame's own matrix, `depth` bits per sample: 8 or 16.
    """
    grey = info.format.planes == 1
    layout = find_format(depth, 1, 1, info.format.planes, rgb=not grey)
    made = replace(info, format=layout, color=ColorTags(range=ColorRange.FULL))
    found = [info.orientation.shown(plane) for plane in recoloured(planes, info, made)]
    if grey:
        return as_pixels(np.ascontiguousarray(found[0]))
    green, blue, red, *alpha = found
    return as_pixels(cv2.merge([np.ascontiguousarray(p) for p in (blue, green, red, *alpha)]))
