"""DBPN: features go to the large size and back again and again, and each time make good the error.

Haris et al. 2018, "Deep Back-Projection Networks for Super-Resolution", arXiv 1803.02735: the units
of figures 3 and 4, the sizes of section 4.2. DBPN-S, -M and -L see luma and have 2, 4 and 6 stages,
conv(3,128) and conv(1,32) before, conv(1,1) after them; DBPN-SS has conv(3,64) and conv(1,18).
D-DBPN, in RGB, has 7 stages of dense units (figure 4), conv(3,256), conv(1,64) and conv(3,3).
Kernels between the sizes (section 4.1): 6x6, stride 2, padding 2 for x2; 8x8, 4, 2 for x4. For x3,
which the paper has not, 7x7, 3, 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsr.networks.convolve import convolve, convolve_rows
from vsr.networks.literature.large_output import LargeOutput, reach_in_input
from vsr.networks.literature.options import check_positive, check_scale
from vsr.networks.literature.prelu import Prelu
from vsr.networks.literature.transposed import Transposed

_KERNELS = {2: 6, 3: 7, 4: 8}
_PADDING = 2
_REACHES = {2: 2, 3: 2, 4: 1}  # small pixels around that an enlargement and a reduction see


class BackProjection(LargeOutput):
    """What the networks with and without dense units have in common; `dense` says which it is."""

    large_layers = True

    def __init__(
        self, scale: int, stages: int, features: int, projected: int, dense: bool, last: int
    ) -> None:
        """`last` is the side of the last layer's kernel."""
        super().__init__()
        check_scale(scale)
        check_positive(stages=stages, features=features, projected=projected)
        self.scale, self.dense = scale, dense
        channels = 3 if self.color == "rgb" else 1
        self.head = nn.Conv2d(channels, features, 3, padding=1)
        self.head_slope = Prelu(1)
        self.reduce = nn.Conv2d(features, projected, 1)
        self.reduce_slope = Prelu(1)
        joined = [max(n, 1) if dense else 1 for n in range(stages)]
        self.ups = nn.ModuleList(_Up(scale, projected, n) for n in joined)
        self.downs = nn.ModuleList(
            _Down(scale, projected, n + 1 if dense else 1) for n in range(stages - 1)
        )
        self.last = nn.Conv2d(stages * projected, channels, last, padding=last // 2)
        for conv in (self.head, self.reduce, self.last):
            _start(conv)
        there_and_back = _REACHES[scale]
        units = 3 * (stages - 1) * there_and_back + there_and_back + 1
        reach = 1 + units + reach_in_input(last // 2, scale)
        self.receptive_field = 2 * reach + 1

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.head.weight.dtype)
        shallow = convolve_rows(self.head, x) if x.shape[1] == 1 else convolve(self.head, x)
        low = self.reduce_slope(convolve(self.reduce, self.head_slope(shallow)))
        lows: list[Tensor] = []
        highs: list[Tensor] = []
        for number, up in enumerate(self.ups):
            highs.append(up(torch.cat(lows, 1) if self.dense and lows else low))
            if number < len(self.downs):
                low = self.downs[number](torch.cat(highs, 1) if self.dense else highs[-1])
                lows.append(low)
        return convolve(self.last, torch.cat(highs, 1)).float()


class Dbpn(BackProjection):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        stages: up-projections, the paper's T; there is a down-projection between two of them.
        features: channels of the first layer, n0.
        projected: channels of the projection units, nR.
    """

    def __init__(
        self, scale: int, stages: int = 2, features: int = 128, projected: int = 32
    ) -> None:
        super().__init__(scale, stages, features, projected, dense=False, last=1)


class Ddbpn(BackProjection):
    """D-DBPN, in RGB: (N, 3, H, W) in [0, 1] -> (N, 3, scale*H, scale*W), float32.

    A unit sees the results of all units of the other kind before it, joined by a 1x1 convolution.
    The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        stages, features, projected: as Dbpn has them.
    """

    color = "rgb"

    def __init__(
        self, scale: int, stages: int = 7, features: int = 256, projected: int = 64
    ) -> None:
        super().__init__(scale, stages, features, projected, dense=True, last=3)


class _Up(nn.Module):
    """Up-projection: the enlargement of features, and that of what is lost on the way back."""

    def __init__(self, scale: int, features: int, joined: int) -> None:
        super().__init__()
        self.join = _join(features, joined)
        self.first, self.again = (_enlarging(scale, features) for _ in range(2))
        self.back = _reducing(scale, features)
        self.slopes = nn.ModuleList(Prelu(1) for _ in range(4 if joined > 1 else 3))

    def forward(self, low: Tensor) -> Tensor:
        first, back, again, *joining = self.slopes
        if self.join is not None:
            low = joining[0](convolve(self.join, low))
        high = first(self.first(low))
        lost = back(convolve(self.back, high)) - low
        return again(self.again(lost)) + high  # type: ignore[no-any-return]


class _Down(nn.Module):
    """Down-projection: the reduction of features, and that of what is lost on the way back."""

    def __init__(self, scale: int, features: int, joined: int) -> None:
        super().__init__()
        self.join = _join(features, joined)
        self.first, self.again = (_reducing(scale, features) for _ in range(2))
        self.back = _enlarging(scale, features)
        self.slopes = nn.ModuleList(Prelu(1) for _ in range(4 if joined > 1 else 3))

    def forward(self, high: Tensor) -> Tensor:
        first, back, again, *joining = self.slopes
        if self.join is not None:
            high = joining[0](convolve(self.join, high))
        low = first(convolve(self.first, high))
        lost = back(self.back(low)) - high
        return again(convolve(self.again, lost)) + low  # type: ignore[no-any-return]


def _join(features: int, joined: int) -> nn.Conv2d | None:
    if joined == 1:
        return None
    conv = nn.Conv2d(joined * features, features, 1)
    _start(conv)
    return conv


def _enlarging(scale: int, features: int) -> Transposed:
    return Transposed(features, features, _KERNELS[scale], scale)


def _reducing(scale: int, features: int) -> nn.Conv2d:
    conv = nn.Conv2d(features, features, _KERNELS[scale], scale, _PADDING)
    _start(conv)
    return conv


def _start(conv: nn.Conv2d) -> None:
    """As He et al. 2015 (arXiv 1502.01852) for layers with ReLU: section 4.1."""
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
