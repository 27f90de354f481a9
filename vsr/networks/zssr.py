"""ZSSR: eight convolutions on the bicubic enlargement, small enough to learn from one picture.

Shocher, Cohen and Irani 2018, "'Zero-Shot' Super-Resolution using Deep Internal Learning" (CVPR),
section 3.1: 8 layers of 64 features, 3x3, ReLU, learning the residual over the interpolated
picture. What it learns from is `vsr.zero_shot.learn`'s matter.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.network import Network


class Zssr(Network):
    """RGB in, RGB out: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    It begins as the bicubic upscale. The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4. The layers are the same for all.
        layers: convolutions.
        features: channels between them.
    """

    color = "rgb"

    def __init__(self, scale: int, layers: int = 8, features: int = 64) -> None:
        super().__init__()
        if scale < 1 or layers < 2 or features < 1:
            raise ValueError(
                f"scale {scale}, layers {layers}, features {features}: all must be positive, and "
                "layers 2 at least"
            )
        self.scale = scale
        self.base = Upsample(scale)
        channels = (3, *[features] * (layers - 1), 3)
        self.convs = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, padding=1) for i in range(layers)
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.convs[-1].weight)  # type: ignore[arg-type]
        # A large pixel sees `layers` others on each side, each made of small ones.
        self.receptive_field = 2 * (math.ceil(layers / scale) + self.base.reach) + 1

    def forward(self, x: Tensor) -> Tensor:
        large = self.base(x.flatten(0, 1)[:, None]).unflatten(0, (len(x), 3))[:, :, 0]
        features = large.to(next(self.convs.parameters()).dtype)
        for conv in self.convs:
            features = convolve(conv, features, relu=conv is not self.convs[-1])
        restored: Tensor = large + features.float()
        return restored
