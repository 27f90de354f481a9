"""Discriminator network of the degradation GAN: generated LR pictures against frames of footage.

After Bulat, Yang & Tzimiropoulos 2018 (section 3.2, 3.3): convolutions under the spectral
normalisation of Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
and the hinge loss. It judges place by place, as what cameras do is seen in each part of a picture.

It is shown detail alone, as Fritsche, Gu & Timofte 2019, "Frequency Separation for Real-World
Super-Resolution", do it (section 3.1): else the generator would learn to make photos as dark, or
as green, as the footage is, and networks would learn from it to undo that.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from vsr.training.generator import detail

_VISIBLE = 2 / 255  # of a sample: what is as small as that must still count


class Discriminator(nn.Module):
    """(N, C, H, W) in [0, 1] -> (N, 1, about H/8, about W/8): high where they seem recorded.

    No layer enlarges what it is given: that is what spectral normalisation is for.
    """

    def __init__(self, channels: int, features: int = 16) -> None:
        super().__init__()
        widths = (features, features, 2 * features, 2 * features, 3 * features)
        strides = (1, 2, 1, 2, 2)  # eight in all: the blocks of an encoder stay in place
        layers: list[nn.Module] = []
        for width, stride in zip(widths, strides, strict=True):
            side = 3 if stride == 1 else 4
            layers += [_normed(channels, width, side, stride), nn.LeakyReLU(0.2)]
            channels = width
        self.layers = nn.Sequential(*layers, _normed(channels, 1, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        judged: Tensor = self.layers(visible(x))
        return judged.float()


def visible(x: Tensor) -> Tensor:
    """Detail of (N, C, H, W) in [0, 1], faint differences as well seen as strong ones.

    Spectral normalisation keeps the discriminator from enlarging noise of a few sample values
    until it can be told from none.
    """
    return torch.asinh(detail(x) / _VISIBLE)


def told_apart(real: Tensor, made: Tensor) -> Tensor:
    """The discriminator's loss: hinges, 0 where all real is above 1 and all made below -1."""
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


def _normed(channels: int, features: int, side: int, stride: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(channels, features, side, stride, padding=1))
