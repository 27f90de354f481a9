"""MDSR: one body of residual blocks for all scales, with a way in and a way out for each.

Lim et al. 2017, "Enhanced Deep Residual Networks for Single Image Super-Resolution", arXiv
1707.02921, section 3.3, figure 5 and table 1: 64 features, 16 blocks in the baseline and 80 in the
final network; before them two residual blocks of 5x5 kernels for each scale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsr.networks.convolve import convolve
from vsr.networks.edsr import MEAN, ResidualBlock, Tail
from vsr.networks.multi_scale import SCALES, MultiScale, check_scales

_KERNEL = 5  # of the blocks that are a scale's own: a large receptive field, early
_OWN_BLOCKS = 2


class Mdsr(MultiScale):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly.

    Args:
        scale: one of `scales`.
        scales: those that it is made for.
        blocks: residual blocks that all scales share.
        features: channels between the layers.
    """

    color = "rgb"

    def __init__(
        self,
        scale: int,
        scales: tuple[int, ...] = SCALES,
        blocks: int = 16,
        features: int = 64,
    ) -> None:
        super().__init__()
        if min(blocks, features) < 1:
            raise ValueError(f"blocks {blocks}, features {features}: all must be positive")
        check_scales(scale, tuple(scales))
        self.scales = tuple(scales)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.mean: Tensor
        self.head = nn.Conv2d(3, features, 3, padding=1)
        self.own = nn.ModuleDict({str(each): _own_blocks(features) for each in self.scales})
        self.body = nn.ModuleList(ResidualBlock(features) for _ in range(blocks))
        self.body_end = nn.Conv2d(features, features, 3, padding=1)
        self.tails = nn.ModuleDict({str(each): Tail(each, features) for each in self.scales})
        self.use(scale)

    def _receptive_field_at(self, scale: int) -> int:
        own = 2 * _OWN_BLOCKS * (_KERNEL // 2)
        return 2 * (1 + own + 2 * len(self.body) + 1 + Tail.reach) + 1

    def forward(self, x: Tensor) -> Tensor:
        features = convolve(self.head, (x - self.mean).to(self.head.weight.dtype))
        own = self.own[str(self.scale)]
        assert isinstance(own, nn.ModuleList)
        for block in own:
            features = block(features)
        prepared = features
        for block in self.body:
            features = block(features)
        features = convolve(self.body_end, features).add_(prepared)
        large: Tensor = self.tails[str(self.scale)](features, x)
        return large


def _own_blocks(features: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(features, kernel=_KERNEL) for _ in range(_OWN_BLOCKS))
