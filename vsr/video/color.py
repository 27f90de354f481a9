"""Chroma at a larger size, without leaving the source's colour space.

Luma networks read Y alone. U and V are resampled bicubically by the same factor on the
stream's own siting, so matrix, range, primaries and transfer pass through untouched.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from vsr.resample import Upsample, to_samples
from vsr.video.frame import Plane, VideoInfo

# Chroma's offset from the centre of its block of luma, in luma samples (x, y), by siting.
SITINGS = {
    "left": (-0.5, 0.0),
    "center": (0.0, 0.0),
    "topleft": (-0.5, -0.5),
    "top": (0.0, -0.5),
    "bottomleft": (-0.5, 0.5),
    "bottom": (0.0, 0.5),
}


@lru_cache(maxsize=16)
def chroma_upsampler(scale: int, chroma_width: int, chroma_height: int, siting: str) -> Upsample:
    """The resampler that keeps chroma where it belongs over the larger luma.

    A chroma sample that lies d luma samples off the centre of its block must do so again
    in the output, where luma samples are 1/scale as large: the grid moves by
    d * (1/scale - 1) luma samples.
    """
    offset_x, offset_y = SITINGS.get(siting, SITINGS["left"])
    move = 1 / scale - 1
    shift_x = offset_x * move / chroma_width if chroma_width == 2 else 0.0
    shift_y = offset_y * move / chroma_height if chroma_height == 2 else 0.0
    return Upsample(scale, "cubic", shift_x, shift_y)


@torch.inference_mode()
def enlarge_chroma(planes: tuple[Plane, ...], info: VideoInfo, scale: int) -> tuple[Plane, ...]:
    """U and V of a frame -> U and V of the `scale` times larger frame, same dtype."""
    if not planes:
        return ()
    upsampler = chroma_upsampler(
        scale, info.format.chroma_width, info.format.chroma_height, info.color.siting
    )
    both = torch.from_numpy(np.stack(planes))[:, None].to(torch.float32)
    large = to_samples(upsampler.phases(both), scale, info.format.peak)
    rows, columns = info.format.plane_size(1, info.width * scale, info.height * scale)
    return tuple(plane[:rows, :columns] for plane in large)
