"""VDSR: twenty 3x3 convolutions on the bicubic enlargement, and what it lacks as their output.

Kim et al. 2016, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", arXiv
1511.04587, section 3.1: 20 layers of 64 features; section 3.3: one network for all scales.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import LargeOutput, reach_in_input
from vsr.networks.multi_scale import SCALES, MultiScale, check_scales


class Vdsr(MultiScale, LargeOutput):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It begins with a residual of zero, as the paper's does not.

    Args:
        scale: one of `scales`.
        scales: those that it is made for.
        layers: 3x3 convolutions, the first and the last one included.
        features: channels between them.
    """

    large_layers = True

    def __init__(
        self,
        scale: int,
        scales: tuple[int, ...] = SCALES,
        layers: int = 20,
        features: int = 64,
    ) -> None:
        super().__init__()
        if layers < 2 or features < 1:
            raise ValueError(
                f"layers {layers}, features {features}: must be at least 2, and positive"
            )
        check_scales(scale, tuple(scales))
        self.scales = tuple(scales)
        self.bases = nn.ModuleDict({str(each): Upsample(each) for each in self.scales})
        channels = [1, *[features] * (layers - 1), 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, padding=1) for i in range(layers)
        )
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")  # type: ignore[arg-type]
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.convs[-1].weight)  # type: ignore[arg-type]
        self.use(scale)

    def _receptive_field_at(self, scale: int) -> int:
        base = self.bases[str(scale)]
        assert isinstance(base, Upsample)
        return 2 * (reach_in_input(len(self.convs), scale) + base.reach) + 1

    def forward(self, x: Tensor) -> Tensor:
        large: Tensor = self.bases[str(self.scale)](x)
        features = large.to(next(self.parameters()).dtype)
        for conv in self.convs:
            features = convolve(conv, features, relu=conv is not self.convs[-1])
        return large + features
