"""RDN: blocks of densely connected layers, all of whose results are joined in the end.

Zhang et al. 2018, "Residual Dense Network for Image Super-Resolution", arXiv 1802.08797: section 3,
figures 2 and 3. The published network has D = 16 blocks of C = 8 layers, each of which adds G = 64
channels to the G0 = 64 of the trunk; what joins channels again is 1x1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import LargeOutput
from vsr.networks.literature.options import check_depth, check_positive, check_scale
from vsr.networks.literature.tails import PhaseTail, ShuffleTail


class Rdn(LargeOutput):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        blocks: residual dense blocks, the paper's D.
        layers: convolutions in each before its channels are joined, C.
        growth: channels that each of them adds, G.
        features: channels between the blocks, G0.
        light: for small networks: instead of the layers at the large size one that gives all phases
            of the output at once, as a residual over the bicubic upscale.
    """

    color = "rgb"

    def __init__(
        self,
        scale: int,
        blocks: int = 16,
        layers: int = 8,
        growth: int = 64,
        features: int = 64,
        light: bool = False,
    ) -> None:
        super().__init__()
        check_scale(scale)
        check_positive(blocks=blocks, layers=layers, growth=growth, features=features)
        check_depth(blocks=blocks, layers=layers)
        self.scale = scale
        self.shallow = nn.Conv2d(3, features, 3, padding=1)
        self.head = nn.Conv2d(features, features, 3, padding=1)
        self.body = nn.ModuleList(_Block(layers, growth, features) for _ in range(blocks))
        self.join = nn.Conv2d(blocks * features, features, 1)
        self.body_end = nn.Conv2d(features, features, 3, padding=1)
        self.tail: PhaseTail | ShuffleTail
        self.tail = PhaseTail(scale, features, 3) if light else ShuffleTail(scale, features, 3)
        reach = 2 + blocks * layers + 1 + self.tail.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        shallow = convolve(self.shallow, x.to(self.shallow.weight.dtype))
        features = convolve(self.head, shallow)
        found: list[Tensor] = []
        for block in self.body:
            features = block(features)
            found.append(features)
        joined = convolve(self.join, torch.cat(found, 1))
        features = convolve(self.body_end, joined).add_(shallow)
        if isinstance(self.tail, PhaseTail):
            return self.tail(features, x)  # type: ignore[no-any-return]
        return self.tail(features).float()  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Layers that each see all before them, a 1x1 convolution, and what came in: figure 3."""

    def __init__(self, layers: int, growth: int, features: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(features + n * growth, growth, 3, padding=1) for n in range(layers)
        )
        self.join = nn.Conv2d(features + layers * growth, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for layer in self.layers:
            seen = torch.cat([seen, convolve(layer, seen, relu=True)], 1)
        return convolve(self.join, seen).add_(x)
