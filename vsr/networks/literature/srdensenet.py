"""SRDenseNet: dense blocks, all of whose features are joined, and enlarged by learnt kernels.

Tong et al. 2017, "Image Super-Resolution Using Dense Skip Connections", ICCV: section 3,
SRDenseNet_All. 8 blocks of 8 layers that grow by 16 channels, a bottleneck to 256 channels, two
transposed convolutions of 3x3 for x4 and one convolution to luma: 69 layers with weights. How many
channels the first layer has is not said there; here it is the growth rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.networks.convolve import convolve, convolve_rows
from vsr.networks.literature.large_output import LargeOutput, reach_in_input
from vsr.networks.literature.options import check_depth, check_positive, check_scale
from vsr.networks.literature.tails import STAGES, PhaseTail
from vsr.networks.literature.transposed import Transposed

_KERNEL = 3


class Srdensenet(LargeOutput):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly. The paper has x4 alone; x2 and x3 have one transposed
    convolution of that factor instead of two of 2.

    Args:
        scale: 2, 3 or 4.
        blocks: dense blocks.
        layers: convolutions in each.
        growth: channels that each of them adds.
        bottleneck: channels that are enlarged.
        light: for small networks: instead of the layers at the large size one that gives all phases
            of the output at once, as a residual over the bicubic upscale.
    """

    def __init__(
        self,
        scale: int,
        blocks: int = 8,
        layers: int = 8,
        growth: int = 16,
        bottleneck: int = 256,
        light: bool = False,
    ) -> None:
        super().__init__()
        check_scale(scale)
        check_positive(blocks=blocks, layers=layers, growth=growth, bottleneck=bottleneck)
        check_depth(blocks=blocks, layers=layers)
        self.scale = scale
        self.head = nn.Conv2d(1, growth, 3, padding=1)
        dense = layers * growth
        self.body = nn.ModuleList(
            _Block(dense if number else growth, layers, growth) for number in range(blocks)
        )
        self.join = nn.Conv2d(growth + blocks * dense, bottleneck, 1)
        self.tail: PhaseTail | _Tail
        self.tail = PhaseTail(scale, bottleneck, 1) if light else _Tail(scale, bottleneck)
        for conv in (self.head, self.join):
            _start(conv)
        reach = 1 + blocks * layers + self.tail.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        features = convolve_rows(self.head, x.to(self.head.weight.dtype), relu=True)
        found = [features]
        for block in self.body:
            features = block(features)
            found.append(features)
        joined = convolve(self.join, torch.cat(found, 1), relu=True)
        if isinstance(self.tail, PhaseTail):
            return self.tail(joined, x)  # type: ignore[no-any-return]
        return self.tail(joined).float()  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Layers that each see the results of all before them; the first sees what came in."""

    def __init__(self, inputs: int, layers: int, growth: int) -> None:
        super().__init__()
        seen = [inputs, *(n * growth for n in range(1, layers))]
        self.layers = nn.ModuleList(nn.Conv2d(n, growth, 3, padding=1) for n in seen)
        for conv in self.layers:
            _start(conv)

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.layers
        seen = convolve(first, x, relu=True)
        for layer in others:
            seen = torch.cat([seen, convolve(layer, seen, relu=True)], 1)
        return seen


class _Tail(nn.Module):
    """Transposed convolutions with ReLU, and a convolution to luma."""

    def __init__(self, scale: int, features: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            Transposed(features, features, _KERNEL, factor) for factor in STAGES[scale]
        )
        self.last = nn.Conv2d(features, 1, _KERNEL, padding=_KERNEL // 2)
        _start(self.last)
        # A stage after the first sees one of its own input pixels on each side: `factor` times as
        # large as the output's, as that is where they lie.
        further = sum(scale // STAGES[scale][0] for _ in STAGES[scale][1:])
        self.reach = 1 + reach_in_input(_KERNEL // 2 + further, scale)

    def forward(self, features: Tensor) -> Tensor:
        for stage in self.stages:
            features = F.relu(stage(features))
        return convolve(self.last, features)


def _start(conv: nn.Module) -> None:
    """As He et al. 2015 (arXiv 1502.01852) for layers with ReLU."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)
