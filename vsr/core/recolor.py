"""Planes of one format, matrix and range as those of another: exact but for rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from vsr.core.color import from_rgb, known_matrix, to_rgb
from vsr.core.frame import PixelFormat, Plane, VideoInfo


def recoloured(planes: Sequence[Plane], source: VideoInfo, made: VideoInfo) -> list[Plane]:
    """Planes of a frame of `source` in the format, matrix and range of `made`, of the same size.

    Between RGB, YUV and grey, at any depth, exact but for rounding. Alpha that `made` has and
    the source has not is opaque.
    """
    colours = [torch.from_numpy(plane)[None] for plane in planes[:3]]
    with torch.inference_mode():
        found = from_rgb(to_rgb(colours, known_matrix(source)), known_matrix(made))
    changed: list[Plane] = [plane[0].numpy() for plane in found]
    return changed + alpha_of(planes, source.format, made.format)


def alpha_of(planes: Sequence[Plane], have: PixelFormat, want: PixelFormat) -> list[Plane]:
    """The alpha plane for a frame of `want`, if it has one: opaque where the source has none."""
    if not want.has_alpha:
        return []
    plane = planes[3] if have.has_alpha else np.full_like(planes[0], have.peak)
    return [_scaled(plane, have, want)]


def _scaled(plane: Plane, have: PixelFormat, want: PixelFormat) -> Plane:
    """Samples of full range at another depth: black and white stay what they are."""
    if have.depth == want.depth:
        return plane
    wide: Any = plane.astype(np.uint64) * want.peak + have.peak // 2
    scaled: Plane = (wide // have.peak).astype(want.dtype)
    return scaled
