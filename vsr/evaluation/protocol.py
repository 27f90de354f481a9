"""The papers' experiment on one luma plane: shrink a true picture, and enlarge it again."""

from __future__ import annotations

import numpy as np
import torch

from vsr.inference.engine import enlarge_luma
from vsr.media import Plane
from vsr.networks import Network
from vsr.resample import resize


def crop_to_multiple(plane: Plane, scale: int) -> Plane:
    """Drop rows and columns at the bottom and right until `scale` divides both sides."""
    height, width = (side - side % scale for side in plane.shape)
    return plane[:height, :width]


def shrink(plane: Plane, height: int, width: int) -> Plane:
    """Resize (H, W) uint8 to (height, width) by MATLAB's bicubic, rounded to uint8."""
    small = resize(torch.from_numpy(plane).float(), height, width)
    rounded: Plane = small.round_().clamp_(0, 255).to(torch.uint8).numpy()
    return rounded


def degrade(plane: Plane, scale: int) -> Plane:
    """Shrink (H, W) uint8, sides divisible by `scale`, to (H/scale, W/scale) uint8."""
    height, width = plane.shape
    return shrink(plane, height // scale, width // scale)


def reconstruct(network: Network, truth: Plane, device: torch.device) -> Plane:
    """What `network`, on `device`, makes of a degraded `truth`: (H, W) uint8, as `truth`.

    The sides of `truth` must be divisible by the network's scale. A network that looks at
    neighbouring frames sees the picture itself in their place.
    """
    small = [degrade(truth, network.scale)] * (2 * network.context + 1)
    return enlarge_luma(network, small, 255, device).astype(np.uint8, copy=False)
