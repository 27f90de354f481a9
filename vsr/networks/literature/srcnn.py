"""SRCNN: three convolutions on the bicubic enlargement.

Dong et al. 2016, "Image Super-Resolution Using Deep Convolutional Networks", arXiv 1501.00092,
section 3.1 and table 1: kernels 9-1-5 or 9-5-5 with 64 and 32 features.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve, convolve_rows
from vsr.networks.literature.large_output import LargeOutput, reach_in_input
from vsr.networks.stack import stack


class Srcnn(LargeOutput):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It leaves the paper in two places: it gives the residual over the enlargement that it sees,
    and begins with a residual of zero; and it pads with zeros, so that no border is lost.

    Args:
        scale: 2, 3 or 4.
        kernels: size of each convolution, odd: the paper's are (9, 5, 5) and (9, 1, 5).
        features: channels between them, one fewer than `kernels`.
    """

    large_layers = True

    def __init__(
        self,
        scale: int,
        kernels: tuple[int, ...] = (9, 5, 5),
        features: tuple[int, ...] = (64, 32),
    ) -> None:
        super().__init__()
        self.convs = stack(scale, kernels, features, 1)
        self.scale = scale
        self.base = Upsample(scale)
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")  # type: ignore[arg-type]
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.convs[-1].weight)  # type: ignore[arg-type]
        reach = reach_in_input(sum(size // 2 for size in kernels), scale) + self.base.reach
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        large: Tensor = self.base(x)
        first, *others = self.convs
        features = convolve_rows(first, large.to(next(self.parameters()).dtype), relu=bool(others))
        for conv in others:
            features = convolve(conv, features, relu=conv is not others[-1])
        return large + features
