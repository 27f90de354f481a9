"""The papers' experiment on one picture: shrink a true one, enlarge it again, look at its luma."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch

from vsr.core.resample import resize
from vsr.datasets.ground_truth import Picture, Samples
from vsr.inference.upscaler import enlarge_planes
from vsr.networks import Network


def crop_to_multiple(samples: Samples, scale: int | Fraction) -> Samples:
    """Drop rows and columns at the bottom and right until `scale` divides both sides.

    Of a fraction that is its numerator: what is left shrinks to whole pixels.
    """
    height, width = (side - side % scale.numerator for side in samples.shape[:2])
    return samples[:height, :width]


def cropped(picture: Picture, scale: int | Fraction) -> Picture:
    """A picture whose sides `scale` divides: see `crop_to_multiple`."""
    samples, luma = (crop_to_multiple(s, scale) for s in (picture.samples, picture.luma))
    return replace(picture, samples=samples, luma=luma)


def shrink(samples: Samples, height: int, width: int) -> Samples:
    """Resize each channel to (height, width) by MATLAB's bicubic, rounded to uint8."""
    small = np.empty((height, width, *samples.shape[2:]), np.uint8)
    # One by one, so that a channel becomes, to the last bit, what it would as a plane.
    for channel in np.ndindex(samples.shape[2:]):
        plane = torch.from_numpy(samples[:, :, *channel]).float().contiguous()
        small[:, :, *channel] = resize(plane, height, width).round_().clamp_(0, 255).numpy()
    return small


def degrade(samples: Samples, scale: int | Fraction) -> Samples:
    """Shrink samples, sides divisible by `scale`, to (H/scale, W/scale)."""
    height, width = samples.shape[:2]
    return shrink(samples, int(height // scale), int(width // scale))


@torch.inference_mode()
def enlarge(network: Network, small: Sequence[Samples], device: torch.device) -> Samples:
    """What `network`, on `device`, makes of a window, rounded and clamped to uint8.

    The 2*context + 1 frames, oldest first, are (H, W), or (H, W, 3) for an RGB network; the
    result is their like, `scale` times as large.
    """
    frames = torch.from_numpy(np.stack(small)).to(device)
    if network.color == "y":
        return enlarge_planes(network, frames[None], 255)[0].cpu().numpy()
    x = frames.movedim(-1, 1).flatten(0, 1)[None] / 255  # (1, T*3, H, W)
    large = (network(x)[0] * 255).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(large.movedim(0, -1).cpu().numpy())
