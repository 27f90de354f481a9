"""IDN: blocks that keep a part of their features as they are, and work on with the rest.

Hui et al. 2018, "Fast and Accurate Single Image Super-Resolution via Information Distillation
Network", arXiv 1803.09454: sections 3.1 to 3.3, figures 2 and 3, and section 4.2: 4 blocks with
D3 = 64, d = 16, s = 4, the second layer of each half in 4 groups, LReLU of slope 0.05, a transposed
convolution of 17x17 over the bicubic upscale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve, convolve_rows
from vsr.networks.literature.deconvolution import Deconvolution
from vsr.networks.literature.options import check_positive, check_scale
from vsr.networks.network import Network

_SLOPE = 0.05
_KERNEL = 17


class Idn(Network):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly. It begins as the bicubic upscale.

    Args:
        scale: 2, 3 or 4.
        blocks: distillation blocks.
        features: channels between them, the paper's D3.
        kept: channels that a block keeps as they are, D3/s, which is also the step d from one width
            to the next.
        groups: of the second layer in each half of a block.
    """

    def __init__(
        self, scale: int, blocks: int = 4, features: int = 64, kept: int = 16, groups: int = 4
    ) -> None:
        super().__init__()
        check_scale(scale)
        check_positive(blocks=blocks, features=features, kept=kept, groups=groups)
        if features <= 2 * kept:
            raise ValueError(f"features {features}: must be more than twice the {kept} kept")
        if features % groups or kept % groups:
            raise ValueError(
                f"features {features}, kept {kept}: must be multiples of the {groups} groups"
            )
        self.scale = scale
        self.base = Upsample(scale)
        self.head = nn.Conv2d(1, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        self.body = nn.ModuleList(_Block(features, kept, groups) for _ in range(blocks))
        self.last = Deconvolution(features, 1, _KERNEL, scale)
        for conv in (self.head, self.second):
            _start(conv)
        nn.init.zeros_(self.last.weight)
        reach = 2 + 6 * blocks + self.last.reach
        self.receptive_field = 2 * max(reach, self.base.reach) + 1

    def subpixel(self, x: Tensor) -> Tensor:
        features = _bent(convolve_rows(self.head, x.to(self.head.weight.dtype)))
        features = _bent(convolve(self.second, features))
        for block in self.body:
            features = block(features)
        return self.base.subpixel(x).add_(self.last(features))


class _Block(nn.Module):
    """Enhancement unit and compression unit: figure 3."""

    def __init__(self, features: int, kept: int, groups: int) -> None:
        super().__init__()
        self.kept = kept
        d3, step = features, kept
        self.short = nn.ModuleList(
            [
                nn.Conv2d(d3, d3 - step, 3, padding=1),
                nn.Conv2d(d3 - step, d3 - 2 * step, 3, padding=1, groups=groups),
                nn.Conv2d(d3 - 2 * step, d3, 3, padding=1),
            ]
        )
        self.long = nn.ModuleList(
            [
                nn.Conv2d(d3 - kept, d3, 3, padding=1),
                nn.Conv2d(d3, d3 - step, 3, padding=1, groups=groups),
                nn.Conv2d(d3 - step, d3 + step, 3, padding=1),
            ]
        )
        self.compress = nn.Conv2d(d3 + step, d3, 1)
        for conv in (*self.short, *self.long, self.compress):
            _start(conv)

    def forward(self, x: Tensor) -> Tensor:
        features = x
        for conv in self.short:
            features = _bent(convolve(conv, features))
        kept, rest = features[:, : self.kept], features[:, self.kept :]
        for conv in self.long:
            rest = _bent(convolve(conv, rest))
        return _bent(convolve(self.compress, rest + torch.cat([x, kept], 1)))


def _bent(x: Tensor) -> Tensor:
    return F.leaky_relu_(x, _SLOPE)


def _start(conv: nn.Module) -> None:
    """As He et al. 2015 (arXiv 1502.01852)."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    nn.init.kaiming_normal_(conv.weight, a=_SLOPE)
    nn.init.zeros_(conv.bias)
