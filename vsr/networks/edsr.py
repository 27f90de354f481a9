"""EDSR: residual blocks without batch normalisation, in RGB.

Lim et al. 2017, "Enhanced Deep Residual Networks for Single Image Super-Resolution", arXiv
1707.02921: section 3 and table 1. The baseline has 16 blocks of 64 features, the full network
32 of 256 with residual scaling 0.1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import shuffle
from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.network import Network

MEAN = (0.4488, 0.4371, 0.4040)
"""Of DIV2K's red, green and blue: section 4.2."""
_STAGES = {2: (2,), 3: (3,), 4: (2, 2)}


class Edsr(Network):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        blocks: residual blocks.
        features: channels between the layers.
        residual_scaling: what a block's result is multiplied with before it is added.
        light: leave out the layers at the large size, which cost as much as eight blocks, for
            small networks: the last convolution gives all phases of the output at once, as a
            residual over the bicubic upscale.
    """

    color = "rgb"

    def __init__(
        self,
        scale: int,
        blocks: int = 16,
        features: int = 64,
        residual_scaling: float = 1.0,
        light: bool = False,
    ) -> None:
        super().__init__()
        if scale not in _STAGES:
            raise ValueError(f"scale {scale}: must be 2, 3 or 4")
        if min(blocks, features) < 1 or not 0 < residual_scaling <= 1:
            raise ValueError(
                f"blocks {blocks}, features {features}, residual_scaling {residual_scaling}: "
                "all must be positive, the last at most 1"
            )
        self.scale = scale
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.mean: Tensor
        self.head = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.ModuleList(ResidualBlock(features, residual_scaling) for _ in range(blocks))
        self.body_end = nn.Conv2d(features, features, 3, padding=1)
        self.tail = _LightTail(scale, features) if light else Tail(scale, features)
        reach = 1 + 2 * blocks + 1 + self.tail.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        shallow = convolve(self.head, (x - self.mean).to(self.head.weight.dtype))
        features = shallow
        for block in self.body:
            features = block(features)
        features = convolve(self.body_end, features).add_(shallow)
        large: Tensor = self.tail(features, x)
        return large


class ResidualBlock(nn.Module):
    """Convolution, ReLU, convolution, and what came in: figure 2, right."""

    def __init__(self, features: int, scaling: float = 1.0, kernel: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, kernel, padding=kernel // 2)
        self.second = nn.Conv2d(features, features, kernel, padding=kernel // 2)
        self.scaling = scaling

    def forward(self, x: Tensor) -> Tensor:
        change = convolve(self.second, convolve(self.first, x, relu=True))
        return change.mul_(self.scaling).add_(x) if self.scaling != 1 else change.add_(x)


class Tail(nn.Module):
    """The paper's: a convolution and a pixel shuffle for each factor, then one to RGB."""

    reach = 2  # the first convolution, and a pixel beside it for all at the larger sizes

    def __init__(self, scale: int, features: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Conv2d(features, features * factor**2, 3, padding=1) for factor in _STAGES[scale]
        )
        self.factors = _STAGES[scale]
        self.to_rgb = nn.Conv2d(features, 3, 3, padding=1)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.mean: Tensor

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        for stage, factor in zip(self.stages, self.factors, strict=True):
            features = F.pixel_shuffle(convolve(stage, features), factor)
        return convolve(self.to_rgb, features).float() + self.mean


class _LightTail(nn.Module):
    """One convolution to all phases, over the bicubic upscale."""

    reach = 1  # of the convolution; the bicubic upscale sees 2, fewer than the body

    def __init__(self, scale: int, features: int) -> None:
        super().__init__()
        self.base = Upsample(scale)
        self.to_phases = nn.Conv2d(features, 3 * scale**2, 3, padding=1)
        nn.init.zeros_(self.to_phases.weight)
        nn.init.zeros_(self.to_phases.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        scale = self.base.scale
        phases = self.base.subpixel(x.flatten(0, 1)[:, None])  # (N*3, scale**2, H, W)
        change = convolve(self.to_phases, features).float()  # (N, 3*scale**2, H, W)
        large = shuffle(change, scale)
        return shuffle(phases, scale).view_as(large) + large
