"""How a camera sees a still: blurred, and at its own pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vsr.fusion.samples import Samples

Planes = NDArray[np.float32]


def blurred(still: Tensor, blur: float, width: float) -> Tensor:
    """(1, C, H, W) as pixels `width` times as wide as the still's see it: their area, and a lens.

    `blur` is the deviation of the lens's Gaussian, in such pixels.
    """
    return torch.from_numpy(through(still[0].numpy(), camera(blur, width).numpy()))[None]


def through(planes: Planes, kernel: Planes) -> Planes:
    """(C, H, W) along both axes by a symmetric kernel; the outermost pixels go on beyond."""
    found = [_filtered(plane, kernel, cv2.BORDER_REPLICATE) for plane in planes]
    return np.stack(found)


def back_through(planes: Planes, kernel: Planes) -> Planes:
    """The transpose of `through`: what fell beyond the edges comes back to the outermost pixels."""
    reach = len(kernel) // 2
    around = ((0, 0), (reach, reach), (reach, reach))
    wide = np.pad(planes, around)
    wide = np.stack([_filtered(plane, kernel, cv2.BORDER_CONSTANT) for plane in wide])
    wide[:, reach] += wide[:, :reach].sum(1)
    wide[:, -reach - 1] += wide[:, len(wide[0]) - reach :].sum(1)
    wide[:, :, reach] += wide[:, :, :reach].sum(2)
    wide[:, :, -reach - 1] += wide[:, :, wide.shape[2] - reach :].sum(2)
    return np.ascontiguousarray(
        wide[:, reach : wide.shape[1] - reach, reach : wide.shape[2] - reach]
    )


def _filtered(plane: Planes, kernel: Planes, border: int) -> Planes:
    found = cv2.sepFilter2D(plane, cv2.CV_32F, kernel, kernel, borderType=border)
    return np.asarray(found, np.float32)


def camera(blur: float, width: float) -> Tensor:
    """What a pixel sees along an axis: weights of the still's pixels, of an odd number, sum 1."""
    area = _area(width)
    if blur <= 0:
        return area
    deviation = blur * width
    reach = max(1, math.ceil(3 * deviation))
    lens = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * deviation**2))
    both = F.conv1d(area.view(1, 1, -1), lens.view(1, 1, -1), padding=2 * reach)[0, 0]
    return both / both.sum()


def _area(width: float) -> Tensor:
    """A box around the middle of a pixel, whose ends may fall within others."""
    reach = math.ceil(max(width, 1) / 2 - 0.5)
    places = torch.arange(-reach, reach + 1.0)
    inside = (places + 0.5).clamp(max=width / 2) - (places - 0.5).clamp(min=-width / 2)
    weights = inside.clamp(min=0)
    return weights / weights.sum()


def seen(still: Tensor, samples: Samples, blur: float) -> Tensor:
    """What a camera sees of a still (1, C, H, W) at the samples' places: (C, N)."""
    found = torch.empty(still.shape[1], len(samples.places))
    for kind, width in enumerate(samples.widths):
        which = (samples.kinds == kind).nonzero()[:, 0]
        shown = blurred(still, blur, width)
        found = found.index_copy(1, which, looked_up(shown, samples.places[which]))
    return found


def looked_up(picture: Tensor, places: Tensor) -> Tensor:
    """A picture (1, C, H, W) between its pixels, at places (N, 2): (C, N)."""
    height, width = picture.shape[-2:]
    grid = places * torch.tensor([2 / (width - 1), 2 / (height - 1)]) - 1
    at = F.grid_sample(picture, grid[None, None], "bilinear", "border", align_corners=True)
    return at[0, :, 0]
