"""The hourglass of Deep Image Prior: an encoder-decoder whose shape alone favours pictures.

Ulyanov, Vedaldi and Lempitsky 2018, "Deep Image Prior" (CVPR), supplementary material: the
default architecture, figure 21, with its settings for super-resolution. Five levels of 128
features on the way down and up, 4 on the skips, reflected borders, strided convolutions down,
bilinear up, batch normalisation, leaky ReLU, a sigmoid at the end.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUTS = 32
"""Channels of noise that it is shown."""
LEVELS = 5
"""How often the paper's halves the size."""
_LEAK = 0.2


class Hourglass(nn.Module):
    """(1, INPUTS, H, W) -> (1, 3, H, W) in [0, 1], float32; `step` must divide both sides.

    Args:
        features: of each level, on both ways. The paper's are 128.
        levels: how often the size is halved. The paper's are 5.
        skips: channels that each level hands across. The paper's are 4.
    """

    def __init__(self, features: int = 128, levels: int = LEVELS, skips: int = 4) -> None:
        super().__init__()
        if min(features, levels, skips) < 1:
            raise ValueError(
                f"features {features}, levels {levels}, skips {skips}: all must be positive"
            )
        self.step = 2**levels
        inputs = [INPUTS, *[features] * (levels - 1)]
        self.downs = nn.ModuleList(_Down(count, features) for count in inputs)
        self.skips = nn.ModuleList(_layer(count, skips, 1) for count in inputs)
        self.ups = nn.ModuleList(_Up(features + skips, features) for _ in inputs)
        self.to_rgb = nn.Conv2d(features, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        across: list[Tensor] = []
        for down, skip in zip(self.downs, self.skips, strict=True):
            across.append(skip(x))
            x = down(x)
        for up in reversed(list(self.ups)):
            x = up(x, across.pop())
        return torch.sigmoid(self.to_rgb(x).float())


class _Down(nn.Sequential):
    """Half the size."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__(_layer(inputs, features, 3, 2), _layer(features, features, 3))


class _Up(nn.Module):
    """Twice the size, with what the skip hands across."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.first = _layer(inputs, features, 3)
        self.second = _layer(features, features, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        large = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        made: Tensor = self.second(self.first(self.norm(torch.cat([skip, large], 1))))
        return made


def _layer(inputs: int, features: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution with reflected borders, its normalisation and its activation."""
    reach = size // 2
    conv = nn.Conv2d(inputs, features, size, stride, reach, padding_mode="reflect")
    return nn.Sequential(conv, nn.BatchNorm2d(features), nn.LeakyReLU(_LEAK, inplace=True))
