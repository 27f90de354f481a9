"""The ends of networks that work at the small size: from features to the large picture."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import shuffle
from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import reach_in_input
from vsr.networks.literature.prelu import Prelu

STAGES = {2: (2,), 3: (3,), 4: (2, 2)}
"""The factors that a picture is enlarged by, one after the other."""


class ShuffleTail(nn.Module):
    """For each factor a 3x3 convolution and a pixel shuffle, then a convolution to the colours.

    (N, features, H, W) -> (N, channels, scale*H, scale*W), in the weights' dtype. Shi et al. 2016
    (ESPCN), as SRResNet, RCAN, RDN and CARN use it.

    Args:
        scale: 2, 3 or 4.
        features: channels that come in, and between the layers.
        channels: of the picture.
        kernel: side of the last convolution's kernel, odd.
        activation: after each stage: "none", "relu" before its shuffle, or "prelu" after it.
        groups: of the stages' convolutions.

    Attributes:
        reach: input pixels on each side that an output pixel can see.
    """

    def __init__(
        self,
        scale: int,
        features: int,
        channels: int,
        kernel: int = 3,
        activation: str = "none",
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.factors, self.activation = STAGES[scale], activation
        self.stages = nn.ModuleList(
            nn.Conv2d(features, features * factor**2, 3, padding=1, groups=groups)
            for factor in self.factors
        )
        slopes = self.factors if activation == "prelu" else ()
        self.slopes = nn.ModuleList(Prelu(features) for _ in slopes)
        self.last = nn.Conv2d(features, channels, kernel, padding=kernel // 2)
        large, size = kernel // 2, 1
        for factor in self.factors[:-1]:  # a pixel of the stages after the first is smaller
            size *= factor
            large += scale // size
        self.reach = 1 + reach_in_input(large, scale)

    def forward(self, features: Tensor) -> Tensor:
        relu = self.activation == "relu"
        for number, (stage, factor) in enumerate(zip(self.stages, self.factors, strict=True)):
            features = F.pixel_shuffle(convolve(stage, features, relu), factor)
            if self.slopes:
                features = self.slopes[number](features)
        return convolve(self.last, features)


class PhaseTail(nn.Module):
    """One convolution to all phases of the picture, as a residual over its bicubic upscale.

    Of light networks: layers at the large size would cost as much as all others. The residual is
    zero to begin with. (N, features, H, W) and the small (N, channels, H, W) in [0, 1] -> (N,
    channels, scale*H, scale*W) float32.

    Attributes:
        reach: input pixels on each side that an output pixel can see.
    """

    def __init__(self, scale: int, features: int, channels: int) -> None:
        super().__init__()
        self.base = Upsample(scale)
        self.to_phases = nn.Conv2d(features, channels * scale**2, 3, padding=1)
        nn.init.zeros_(self.to_phases.weight)
        assert self.to_phases.bias is not None
        nn.init.zeros_(self.to_phases.bias)
        self.reach = 1

    def phases(self, features: Tensor, x: Tensor) -> Tensor:
        """The output before its pixel shuffle: (N, channels*scale**2, H, W) float32."""
        base = self.base.subpixel(x.flatten(0, 1)[:, None])  # (N*channels, scale**2, H, W)
        change = convolve(self.to_phases, features).float()
        if x.shape[1] == 1:
            return base.add_(change)
        return base.reshape(change.shape) + change

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        return shuffle(self.phases(features, x), self.base.scale)
