"""A light trunk for kinds of blocks that the literature has elsewhere, to compare them.

A convolution from luma, a body, and a convolution to all phases of a residual over the bicubic
upscale.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsr.networks.convolve import convolve_rows
from vsr.networks.literature.options import check_positive, check_scale
from vsr.networks.literature.tails import PhaseTail
from vsr.networks.network import Network


class Trunk(Network):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly. It begins as the bicubic upscale. A subclass gives `build`
    its body: (N, features, H, W) -> the same, and how many pixels on each side that sees.
    """

    def build(self, scale: int, features: int, body: nn.Module, reach: int) -> None:
        """Make the layers. Raises ValueError for a scale or a number of features that is none."""
        check_scale(scale)
        check_positive(features=features)
        self.scale = scale
        self.head = nn.Conv2d(1, features, 3, padding=1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        self.body = body
        self.tail = PhaseTail(scale, features, 1)
        self.receptive_field = 2 * max(1 + reach + self.tail.reach, self.tail.base.reach) + 1

    def subpixel(self, x: Tensor) -> Tensor:
        features = convolve_rows(self.head, x.to(self.head.weight.dtype), relu=True)
        return self.tail.phases(self.body(features), x)
