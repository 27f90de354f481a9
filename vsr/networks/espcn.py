"""ESPCN: a few convolutions at the small size, then one pixel shuffle to the large one.

Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network", section 3.3: kernels 5-3-3 with 64 and 32 features.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve, convolve_rows
from vsr.networks.network import Network
from vsr.networks.stack import stack


class Espcn(Network):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It leaves the paper in two places. It predicts the residual over a bicubic upscale, and
    its activation is ReLU instead of tanh: both train faster, and because the residual is
    small its rounding does not show when the convolutions run in bfloat16. The output may
    leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        kernels: size of each convolution, odd. The paper's shape is (5, 3, 3).
        features: channels between them, one fewer than `kernels`. The paper's are (64, 32).
    """

    def __init__(
        self,
        scale: int,
        kernels: tuple[int, ...] = (5, 3, 3),
        features: tuple[int, ...] = (64, 32),
    ) -> None:
        super().__init__()
        self.convs = stack(scale, kernels, features, scale**2)
        self.scale = scale
        self.base = Upsample(scale)
        self.reset_parameters()
        reach = sum(size // 2 for size in kernels)
        self.receptive_field = 2 * max(reach, self.base.reach) + 1

    def reset_parameters(self) -> None:
        """Start as the bicubic upscale itself: the last layer gives a residual of zero."""
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.convs[-1].weight)  # type: ignore[arg-type]

    def subpixel(self, x: Tensor) -> Tensor:
        first, *others = self.convs
        x_rounded = x.to(next(self.convs.parameters()).dtype)
        features = convolve_rows(first, x_rounded, relu=bool(others))
        for conv in others:
            features = convolve(conv, features, relu=conv is not others[-1])
        return self.base.subpixel(x).add_(features)  # (N, scale**2, H, W)
