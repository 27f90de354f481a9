"""A light network of wavelets: features taken apart into bands of half the size, and put together.

After Liu et al. 2018, "Multi-level Wavelet-CNN for Image Restoration" (MWCNN), arXiv 1805.07071,
section 3.2 and figure 3: Haar analysis in place of pooling, synthesis in place of upsampling, sums
between the two, convolutions at every level. Guo et al. 2017, "Deep Wavelet Prediction for Image
Super-Resolution" (DWSR), did so with one level and the picture itself. Here on the trunk of
these networks, with two levels: blocks of 4 pixels, the grid that tiles lie on.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.networks.convolve import convolve
from vsr.networks.literature.options import check_positive
from vsr.networks.literature.trunk import Trunk

_LEVELS = 2


class Wavelet(Trunk):
    """Luma in, luma out, as Trunk says.

    Args:
        scale: 2, 3 or 4.
        features: channels at the small picture's size.
        widths: channels at each level, that of half the size first; one or two.
        layers: convolutions at a level before the next one is entered, and as many behind it.
    """

    def __init__(
        self,
        scale: int,
        features: int = 32,
        widths: tuple[int, ...] = (64, 128),
        layers: int = 2,
    ) -> None:
        super().__init__()
        check_positive(features=features, layers=layers)
        if not 1 <= len(widths) <= _LEVELS or min(widths) < 1:
            raise ValueError(f"widths {widths}: must be one or {_LEVELS} numbers above 0")
        level = _Level(features, widths, layers)
        self.block = 2 ** len(widths)
        self.build(scale, features, _Body(level, self.block), level.reach)


class _Body(nn.Module):
    """The levels, over whole blocks: the picture is filled up with its last rows and columns."""

    def __init__(self, level: _Level, block: int) -> None:
        super().__init__()
        self.level, self.block = level, block

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        missing = (0, -width % self.block, 0, -height % self.block)
        if torch.jit.is_tracing() or any(missing):  # type: ignore[attr-defined,no-untyped-call]
            x = F.pad(x, missing, mode="replicate")  # what is traced is for all sizes
        made: Tensor = self.level(x)
        return made[..., :height, :width]


class _Level(nn.Module):
    """Analysis, convolutions with a further level amid them, synthesis, and what came in.

    (N, channels, H, W) with even sides -> the same.

    Attributes:
        reach: pixels on each side that it sees, wherever its blocks lie.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], layers: int) -> None:
        super().__init__()
        width, *further = widths
        self.before = _stack([4 * channels, *[width] * layers])
        self.deeper = _Level(width, tuple(further), layers) if further else None
        self.after = _stack([*[width] * layers, 4 * channels])
        inside = 2 * layers + (self.deeper.reach if self.deeper is not None else 0)
        self.reach: int = 2 * inside + 1

    def forward(self, x: Tensor) -> Tensor:
        features = analyzed(x)
        for conv in self.before:
            features = convolve(conv, features, relu=True)
        if self.deeper is not None:
            features = self.deeper(features)
        *others, last = self.after
        for conv in others:
            features = convolve(conv, features, relu=True)
        return x + synthesized(convolve(last, features))


def _stack(channels: list[int]) -> nn.ModuleList:
    """3x3 convolutions from each of these numbers of channels to the next."""
    layers = nn.ModuleList()
    for inputs, outputs in pairwise(channels):
        conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)
        layers.append(conv)
    return layers


def analyzed(x: Tensor) -> Tensor:
    """Haar's four bands: (N, C, H, W) with even sides -> (N, 4*C, H/2, W/2).

    The means first, then what differs across, down and on the diagonals. The transform is
    orthonormal and its own inverse.
    """
    return torch.cat(
        _crossed(x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]),
        1,
    )


def synthesized(bands: Tensor) -> Tensor:
    """What `analyzed` made these bands of: (N, 4*C, H, W) -> (N, C, 2*H, 2*W)."""
    corners = _crossed(*bands.chunk(4, 1))
    return F.pixel_shuffle(torch.stack(corners, 2).flatten(1, 2), 2)


def _crossed(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> list[Tensor]:
    above, below = a + b, c + d
    left, right = a - b, c - d
    return [
        (above + below) * 0.5,
        (left + right) * 0.5,
        (above - below) * 0.5,
        (left - right) * 0.5,
    ]
