"""CARN: residual blocks that cascade, within blocks and between them; CARN-M in few products.

Ahn et al. 2018, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network",
arXiv 1803.08664: section 3, figures 2 and 3: 3 cascading blocks of 3 residual blocks of 64
features. CARN-M has residual-E blocks of 4 groups, and those of a cascading block share their
weights. These begin as torch's do, uniform within 1/sqrt(inputs).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import LargeOutput
from vsr.networks.literature.options import check_positive, check_scale
from vsr.networks.literature.tails import PhaseTail, ShuffleTail

_MEAN = (0.4488, 0.4371, 0.4040)  # of DIV2K's red, green and blue, as Lim et al. 2017 have it
_CASCADE = 3  # blocks, in the network and in each of its blocks


class Carn(LargeOutput):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly. The paper's one network has a tail for each scale; here
    each scale is a network of its own.

    Args:
        scale: 2, 3 or 4.
        features: channels between the layers.
        groups: of the 3x3 convolutions but the first and the last; 1 for CARN, 4 for CARN-M.
        mobile: residual-E blocks, shared within a cascading block, as in CARN-M.
        light: for small networks: instead of the layers at the large size one that gives all phases
            of the output at once, as a residual over the bicubic upscale.
    """

    color = "rgb"

    def __init__(
        self,
        scale: int,
        features: int = 64,
        groups: int = 1,
        mobile: bool = False,
        light: bool = False,
    ) -> None:
        super().__init__()
        check_scale(scale)
        check_positive(features=features, groups=groups)
        if features % groups:
            raise ValueError(f"features {features}: must be a multiple of the {groups} groups")
        self.scale = scale
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.mean: Tensor
        self.head = nn.Conv2d(3, features, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(features, groups, mobile) for _ in range(_CASCADE))
        self.joins = _joins(features)
        self.tail: PhaseTail | ShuffleTail
        if light:
            self.tail = PhaseTail(scale, features, 3)
        else:
            self.tail = ShuffleTail(scale, features, 3, activation="relu", groups=groups)
        reach = 1 + 2 * _CASCADE**2 + self.tail.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        features = convolve(self.head, (x - self.mean).to(self.head.weight.dtype))
        features = _cascaded(features, [*self.blocks], self.joins)
        if isinstance(self.tail, PhaseTail):
            return self.tail(features, x)  # type: ignore[no-any-return]
        return self.tail(features).float() + self.mean  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Cascading block; recursive where its residual blocks are one."""

    def __init__(self, features: int, groups: int, mobile: bool) -> None:
        super().__init__()
        self.residuals = nn.ModuleList(
            _Residual(features, groups, mobile) for _ in range(1 if mobile else _CASCADE)
        )
        self.joins = _joins(features)

    def forward(self, x: Tensor) -> Tensor:
        blocks = [*self.residuals] * (_CASCADE // len(self.residuals))
        return _cascaded(x, blocks, self.joins)


class _Residual(nn.Module):
    """Two 3x3 convolutions, in a residual-E block a 1x1 after them, what came in, and ReLU."""

    def __init__(self, features: int, groups: int, mobile: bool) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Conv2d(features, features, 3, padding=1, groups=groups) for _ in range(2)
        )
        self.mix = nn.Conv2d(features, features, 1) if mobile else None

    def forward(self, x: Tensor) -> Tensor:
        change = convolve(self.first, x, relu=True)
        if self.mix is None:
            change = convolve(self.second, change)
        else:
            change = convolve(self.mix, convolve(self.second, change, relu=True))
        return F.relu_(change.add_(x))


def _joins(features: int) -> nn.ModuleList:
    """1x1 convolutions of what came in and the results of one block, two, three."""
    return nn.ModuleList(nn.Conv2d(n * features, features, 1) for n in range(2, _CASCADE + 2))


def _cascaded(x: Tensor, blocks: Sequence[nn.Module], joins: nn.ModuleList) -> Tensor:
    """Each block sees all before it, joined."""
    found = [x]
    features = x
    for block, join in zip(blocks, joins, strict=True):
        found.append(block(features))
        features = convolve(join, torch.cat(found, 1), relu=True)
    return features
