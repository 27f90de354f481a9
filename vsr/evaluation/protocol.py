"""The papers' experiment on one luma plane: shrink a true picture, and enlarge it again."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vsr.inference.enlarge import enlarge_planes
from vsr.media import Plane
from vsr.networks import Network
from vsr.resample import resize

Samples = NDArray[np.uint8]
"""A plane (H, W) or an RGB picture (H, W, 3)."""


def crop_to_multiple(samples: Samples, scale: int) -> Samples:
    """Drop rows and columns at the bottom and right until `scale` divides both sides."""
    height, width = (side - side % scale for side in samples.shape[:2])
    return samples[:height, :width]


def shrink(samples: Samples, height: int, width: int) -> Samples:
    """Resize samples to (height, width) by MATLAB's bicubic, rounded to uint8."""
    planes = torch.from_numpy(np.atleast_3d(samples)).float().movedim(-1, 0)
    small = resize(planes, height, width).round_().clamp_(0, 255).to(torch.uint8)
    return small.movedim(0, -1).contiguous().numpy().reshape(height, width, *samples.shape[2:])


def degrade(samples: Samples, scale: int) -> Samples:
    """Shrink samples, sides divisible by `scale`, to (H/scale, W/scale)."""
    height, width = samples.shape[:2]
    return shrink(samples, height // scale, width // scale)


def reconstruct(network: Network, truth: Plane, device: torch.device) -> Plane:
    """What `network`, on `device`, makes of a degraded `truth`: (H, W) uint8, as `truth`.

    The sides of `truth` must be divisible by the network's scale. A network that looks at
    neighbouring frames sees the picture itself in their place.
    """
    small = [degrade(truth, network.scale)] * (2 * network.context + 1)
    return enlarge_luma(network, small, 255, device).astype(np.uint8, copy=False)
