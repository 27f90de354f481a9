"""FSRCNN: shrink, map, expand at the small size, then one transposed convolution.

Dong et al. 2016, "Accelerating the Super-Resolution Convolutional Neural Network", arXiv
1608.00367, section 3.2: FSRCNN(d, s, m) with (56, 12, 4), and FSRCNN-s with (32, 5, 1).
"""

from __future__ import annotations

from torch import Tensor, nn

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.literature.deconvolution import Deconvolution
from vsr.networks.literature.prelu import Prelu
from vsr.networks.network import Network

_LARGE_KERNEL = 9  # of the transposed convolution


class Fsrcnn(Network):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It leaves the paper in one place: it gives the residual over a bicubic upscale, and begins with
    a residual of zero.

    Args:
        scale: 2, 3 or 4.
        features: channels of the first layer and the last hidden one, d in the paper.
        shrunk: channels between, s.
        layers: 3x3 convolutions there, m.
    """

    def __init__(self, scale: int, features: int = 56, shrunk: int = 12, layers: int = 4) -> None:
        super().__init__()
        if min(scale, features, shrunk) < 1 or layers < 0:
            raise ValueError(
                f"scale {scale}, features {features}, shrunk {shrunk}, layers {layers}: all must "
                "be positive"
            )
        self.scale = scale
        self.base = Upsample(scale)
        self.extract = _Layer(1, features, 5)
        self.body = nn.ModuleList(
            [
                _Layer(features, shrunk, 1),
                *(_Layer(shrunk, shrunk, 3) for _ in range(layers)),
                _Layer(shrunk, features, 1),
            ]
        )
        self.enlarge = Deconvolution(features, 1, _LARGE_KERNEL, scale)
        nn.init.zeros_(self.enlarge.weight)
        reach = 2 + layers + self.enlarge.reach
        self.receptive_field = 2 * max(reach, self.base.reach) + 1

    def subpixel(self, x: Tensor) -> Tensor:
        features = self.extract(x.to(self.enlarge.weight.dtype))
        for layer in self.body:
            features = layer(features)
        return self.base.subpixel(x) + convolve(self.enlarge, features)  # (N, scale**2, H, W)


class _Layer(nn.Module):
    """A convolution, and PReLU."""

    def __init__(self, channels: int, features: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, features, kernel, padding=kernel // 2)
        self.prelu = Prelu(features)
        nn.init.kaiming_normal_(self.conv.weight, a=0.25)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.prelu(convolve(self.conv, x))
        return activated
