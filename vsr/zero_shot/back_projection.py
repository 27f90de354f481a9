"""ZSSR's way from a network to the picture: eight positions, their median, back-projection.

Shocher, Cohen and Irani 2018, section 3.1. Back-projection after Irani and Peleg 1991, "Improving
Resolution by Image Registration": what the result, reduced, differs by from the picture that was
given is enlarged and added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from vsr.core.frame import Frame
from vsr.core.geometry import geometry_of
from vsr.core.picture import PictureOptions
from vsr.core.resample import Upsample
from vsr.images.info import image_info
from vsr.images.metadata import Shape
from vsr.inference.engine import Engine, copies
from vsr.inference.passes import enlarge_by
from vsr.networks.zssr import Zssr
from vsr.zero_shot.kernel import Kernel

STEPS = (0, 1, 2, 4, 8)
"""How often the difference may be put back; the picture's own reduction tells which is best."""


def enlarged(network: Zssr, small: Tensor, engine: Engine) -> Tensor:
    """(1, 3, h, w) float32 RGB in [0, 1] -> (1, 3, scale*h, scale*w), in tiles as memory bears.

    Both are rounded to 16 bits.
    """
    height, width = small.shape[-2:]
    info = image_info(Shape(width, height, 3, 16))
    planes = (small[0, [1, 2, 0]] * 65535).round().clamp(0, 65535).to(torch.uint16).numpy()
    frame = Frame(tuple(np.ascontiguousarray(plane) for plane in planes), 0, 1, starts_shot=True)
    geometry = geometry_of(PictureOptions(scale=Fraction(network.scale)), info)
    (large,) = enlarge_by([copies(network, engine)], iter([frame]), info, engine, geometry)
    green, blue, red = (torch.from_numpy(plane.astype(np.float32)) for plane in large.planes)
    return torch.stack([red, green, blue])[None] / 65535


def restored(network: Zssr, small: Tensor, kernel: Kernel, engine: Engine, steps: int) -> Tensor:
    """The large picture of `small`, whose reduction was `kernel`.

    The picture is enlarged in all positions in which the kernel is the same: flipped and turned,
    eight for a round one, two for one that lies askew. Each result is back-projected `steps`
    times, and so is their median.

    (1, 3, h, w) float32 RGB in [0, 1] -> (1, 3, scale*h, scale*w), likewise, on the CPU.
    """
    found = [
        back_projected(
            position.back(enlarged(network, position.of(small), engine)), small, kernel, steps
        )
        for position in positions(kernel)
    ]
    return back_projected(_median(found), small, kernel, steps).clamp(0, 1)


def back_projected(large: Tensor, small: Tensor, kernel: Kernel, steps: int) -> Tensor:
    """`large` (1, C, H, W) so that, reduced, it is nearer to `small` (1, C, h, w)."""
    upsample = Upsample(kernel.scale)
    for _ in range(steps):
        missing = small - kernel.reduce(large)
        large = large + upsample(missing[0][:, None])[:, 0][None]
    return large


def best_steps(network: Zssr, small: Tensor, kernel: Kernel, engine: Engine) -> int:
    """Which of STEPS brings the picture's own reduction nearest to the picture (section 3.1)."""
    scale = kernel.scale
    height, width = (side // scale * scale for side in small.shape[-2:])
    truth = small[..., :height, :width]
    smaller = kernel.reduce(truth).clamp(0, 1)
    large = enlarged(network, smaller, engine)

    def error(steps: int) -> float:
        made = back_projected(large, smaller, kernel, steps)
        return torch.mean((made - truth) ** 2).item()

    return min(STEPS, key=error)


@dataclass(frozen=True)
class Position:
    """One of the eight.

    Attributes:
        turns: by a right angle.
        flipped: left for right, before it is turned.
    """

    turns: int
    flipped: bool

    def of(self, picture: Tensor) -> Tensor:
        """A picture (..., H, W), or weights, in it."""
        picture = picture.flip(-1) if self.flipped else picture
        return torch.rot90(picture, self.turns, (-2, -1)).contiguous()

    def back(self, picture: Tensor) -> Tensor:
        """The way back."""
        picture = torch.rot90(picture, -self.turns, (-2, -1))
        return (picture.flip(-1) if self.flipped else picture).contiguous()


def positions(kernel: Kernel) -> list[Position]:
    """Those in which the kernel is the same, upright first."""
    weights = torch.from_numpy(kernel.weights)
    all_ = (Position(turns, flipped) for flipped in (False, True) for turns in range(4))
    return [one for one in all_ if kernel.looks_alike(one.of(weights).numpy())]


def _median(pictures: Sequence[Tensor]) -> Tensor:
    """Of an even number the mean of the two in the middle."""
    ordered = torch.stack(list(pictures)).sort(0).values
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
