"""What a recurrent network hands from frame to frame, and what it is shown of each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vsr.core.quality import Quality

Area = tuple[slice, slice]
"""Rows and columns of a picture."""

QUALITY_PLANES = 2
QUANTISER_SCALE = 51.0
NOISE_SCALE = 25.0  # deviation, of 0..255


def quality_planes(quality: Quality) -> Tensor:
    """(1, 2, 1, 1) float32 in 0..1, as `Recurrent.observe` takes them."""
    values = (quality.quantiser / QUANTISER_SCALE, quality.noise / NOISE_SCALE)
    return torch.tensor(values).clamp(0, 1).view(1, QUALITY_PLANES, 1, 1)


@dataclass(frozen=True)
class State:
    """What one frame hands to the next, at the small size.

    Attributes:
        previous: (N, 1, H, W) float32 in [0, 1], the frame itself.
        hidden: (N, C, H, W), of the trunk's output, or its first channels.
        detail: (N, scale**2, H, W), the residual over bicubic before its pixel shuffle.
        still: (N, 1, H, W) uint8, for how many frames the picture has stood still; PATIENCE at
            most.
    """

    previous: Tensor
    hidden: Tensor
    detail: Tensor
    still: Tensor


@dataclass(frozen=True)
class Observation:
    """What the network sees of a frame besides its state: it can be made ahead of time.

    Attributes:
        frame: (N, 1, H, W) float32 in [0, 1].
        planes: (N, 6 + future, H, W), what the cell is shown, in its own dtype.
        flow: (N, 2, H, W) float32 in pixels, x and y, from the frame to the one before.
        coming: (N, K, 2, H, W) float32, from each coming frame to the one before it; K is 0 in a
            network that takes them as they lie.
        still: (N, 1, H, W) uint8, as State has it. Where it is not 0, flow is.
        mix: (N or 1, grades) float32, how much of each set of weights sees it.
    """

    frame: Tensor
    planes: Tensor
    flow: Tensor
    coming: Tensor
    still: Tensor
    mix: Tensor

    def part(self, area: Area) -> Observation:
        """What lies in some rows and columns."""
        rows, columns = area
        frame, planes, flow, still = (
            each[:, :, rows, columns] for each in (self.frame, self.planes, self.flow, self.still)
        )
        return Observation(frame, planes, flow, self.coming, still, self.mix)
