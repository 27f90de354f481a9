"""RCAN: residual blocks in residual groups, whose channels are weighed by what they hold.

Zhang et al. 2018, "Image Super-Resolution Using Very Deep Residual Channel Attention Networks",
arXiv 1807.02758: figures 2 to 4, and section 4.1: 10 groups of 20 blocks of 64 features, reduced 16
times in the attention.

The paper weighs each channel by its mean over the whole picture, of which no part of it tells. With
a window, means are of the surroundings instead: Chu et al. 2022, "Improving Image Restoration by
Revisiting Global Information Aggregation", arXiv 2112.04491, find that better than means of
pictures that are larger than the patches in training; and tiles are exact.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import LargeOutput
from vsr.networks.literature.options import check_depth, check_positive, check_scale
from vsr.networks.literature.tails import PhaseTail, ShuffleTail

_MEAN = (0.4488, 0.4371, 0.4040)  # of DIV2K's red, green and blue, as Lim et al. 2017 have it
_BLOCK = 4  # pixels: side of the blocks that share their weights, vsr.inference's grid
_LARGEST = 30.0  # of what the sigmoid is given: beyond it nothing changes


class Rcan(LargeOutput):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        groups: residual groups.
        blocks: residual blocks in each.
        features: channels between the layers.
        reduction: how many times fewer channels the attention has within.
        window: how many blocks of 4 x 4 pixels on each side of its own a pixel's channels are
            weighed by: 2 for a window of 20 x 20 pixels. 0 for the whole picture, as in the paper.
        light: for small networks: instead of the layers at the large size one that gives all phases
            of the output at once, as a residual over the bicubic upscale.
    """

    color = "rgb"

    def __init__(
        self,
        scale: int,
        groups: int = 10,
        blocks: int = 20,
        features: int = 64,
        reduction: int = 16,
        window: int = 0,
        light: bool = False,
    ) -> None:
        super().__init__()
        check_scale(scale)
        check_positive(groups=groups, blocks=blocks, features=features, reduction=reduction)
        check_depth(groups=groups, blocks=blocks)
        if window < 0:
            raise ValueError(f"window {window}: must be at least 0")
        if reduction > features:
            raise ValueError(f"reduction {reduction}: must be at most {features}, the features")
        self.scale = scale
        self.local, self.block = window > 0, _BLOCK if window else 1
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.mean: Tensor
        self.head = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.ModuleList(
            _Group(blocks, features, reduction, window) for _ in range(groups)
        )
        self.body_end = nn.Conv2d(features, features, 3, padding=1)
        self.tail: PhaseTail | ShuffleTail
        self.tail = PhaseTail(scale, features, 3) if light else ShuffleTail(scale, features, 3)
        attention = _BLOCK * window + _BLOCK - 1 if window else 0
        reach = 1 + groups * (blocks * (2 + attention) + 1) + 1 + self.tail.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        shallow = convolve(self.head, (x - self.mean).to(self.head.weight.dtype))
        features = shallow
        for group in self.body:
            features = group(features)
        features = convolve(self.body_end, features).add_(shallow)
        if isinstance(self.tail, PhaseTail):
            return self.tail(features, x)  # type: ignore[no-any-return]
        return self.tail(features).float() + self.mean  # type: ignore[no-any-return]


class _Group(nn.Module):
    """Blocks, a convolution, and what came in: figure 2, below."""

    def __init__(self, blocks: int, features: int, reduction: int, window: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(features, reduction, window) for _ in range(blocks))
        self.end = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        features = x
        for block in self.blocks:
            features = block(features)
        return convolve(self.end, features).add_(x)


class _Block(nn.Module):
    """Convolution, ReLU, convolution, attention, and what came in: figure 4."""

    def __init__(self, features: int, reduction: int, window: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        self.squeeze = nn.Conv2d(features, features // reduction, 1)
        self.excite = nn.Conv2d(features // reduction, features, 1)
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        change = convolve(self.second, convolve(self.first, x, relu=True))
        if not self.window:
            return change * self._weights(change.float().mean((2, 3), keepdim=True)) + x
        height, width = x.shape[-2:]
        weights = self._weights(local_means(change.float(), self.window))
        fine = F.interpolate(weights, scale_factor=_BLOCK)  # each one repeated
        return change * fine[..., :height, :width] + x

    def _weights(self, means: Tensor) -> Tensor:
        """Of each channel, in (0, 1), from the means (N, C, h, w): section 3.3."""
        squeezed = convolve(self.squeeze, means.to(self.squeeze.weight.dtype), relu=True)
        logits = convolve(self.excite, squeezed)
        # torch's kernel of sigmoid rounds a tensor's last numbers otherwise: tiles would differ.
        return 1 / ((-logits.clamp(-_LARGEST, _LARGEST)).exp() + 1)


def local_means(x: Tensor, window: int) -> Tensor:
    """Means over blocks of 4 x 4 pixels and `window` blocks on each side, within the picture.

    (N, C, H, W) float32 -> (N, C, ceil(H/4), ceil(W/4)). Sums are added up in an order that the
    size of the picture does not change.
    """
    height, width = x.shape[-2:]
    missing = (0, -width % _BLOCK, 0, -height % _BLOCK)
    inside = F.pad(x.new_ones(1, 1, height, width), missing)
    sums = _around(F.avg_pool2d(F.pad(x, missing), _BLOCK), window)
    return sums / _around(F.avg_pool2d(inside, _BLOCK), window)


def _around(blocks: Tensor, window: int) -> Tensor:
    """The sum of each of the blocks and those up to `window` away: (N, C, h, w) -> the same."""
    height, width = blocks.shape[-2:]
    padded = F.pad(blocks, (window,) * 4)
    rows = sum(padded[..., n : n + height, :] for n in range(2 * window + 1))
    assert isinstance(rows, Tensor)
    total = sum(rows[..., n : n + width] for n in range(2 * window + 1))
    assert isinstance(total, Tensor)
    return total
