"""What the fusion of a region needs in memory, so that too much is refused before it begins."""

from __future__ import annotations

import torch

from vsr.core.crop import Box
from vsr.core.errors import InputError
from vsr.core.frame import VideoInfo
from vsr.fusion.samples import AROUND
from vsr.inference.memory import free_memory
from vsr.util.text import size_text

# Bytes, as measured: of each of a region's pixels in each frame, and of each of the still's.
_SAMPLE, _LARGE = 200, 650


def check_memory(info: VideoInfo, box: Box, scale: int, frames: int, held: int) -> None:
    """Raise InputError where fusing so many frames takes more memory than is free.

    `held` are those that are kept whole until the region has been followed back through them.
    """
    needed = bytes_needed(info, box, scale, frames, held)
    free = free_memory(torch.device("cpu"))
    if free is not None and needed > free:
        raise InputError(
            f"{box.width}x{box.height} pixels of {frames} frames need about {size_text(needed)} "
            f"of memory, and {size_text(free)} are free: take a smaller region, or fewer frames"
        )


def bytes_needed(info: VideoInfo, box: Box, scale: int, frames: int, held: int) -> int:
    """About how much it takes at most."""
    pixels = (box.width + 2 * AROUND) * (box.height + 2 * AROUND)
    layout = info.format
    planes = (layout.steps(number) for number in range(layout.planes))
    samples = sum(1 / (down * across) for down, across in planes)
    whole = info.width * info.height * samples * (1 if layout.depth == 8 else 2)
    return int(pixels * (frames * _SAMPLE + scale**2 * _LARGE) + held * whole)
