"""DRRN: residual units that share their weights, again and again, on the bicubic enlargement.

Tai et al. 2017, "Image Super-Resolution via Deep Recursive Residual Network", CVPR, section 3 and
figure 3: a recursive block is a convolution and U units of the same two convolutions, each of which
adds what the block's first convolution gave. B1U9 has one block and 9 recursions, B1U25 has 25.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.resample import Upsample
from vsr.networks.convolve import convolve
from vsr.networks.literature.large_output import LargeOutput, reach_in_input
from vsr.networks.multi_scale import SCALES, MultiScale, check_scales


class Drrn(MultiScale, LargeOutput):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It leaves the paper in two places: there is no batch normalisation, whose weights the paper's
    count of parameters has not either, and it begins with a residual of zero.

    Args:
        scale: one of `scales`.
        scales: those that it is made for.
        blocks: recursive blocks, B.
        units: recursions in each, U.
        features: channels of all layers.
        supervise_all: whether training judges what each recursion of the last block would give as
            the last one, as Kim et al. 2016, "Deeply-Recursive Convolutional Network for Image
            Super-Resolution" (DRCN, arXiv 1511.04491, section 3.2) do. The output stays the last.
    """

    large_layers = True

    def __init__(
        self,
        scale: int,
        scales: tuple[int, ...] = SCALES,
        blocks: int = 1,
        units: int = 9,
        features: int = 128,
        supervise_all: bool = False,
    ) -> None:
        super().__init__()
        if min(blocks, units, features) < 1:
            raise ValueError(
                f"blocks {blocks}, units {units}, features {features}: all must be positive"
            )
        check_scales(scale, tuple(scales))
        self.scales, self.supervise_all = tuple(scales), supervise_all
        self.bases = nn.ModuleDict({str(each): Upsample(each) for each in self.scales})
        self.blocks = nn.ModuleList(
            _RecursiveBlock(1 if n == 0 else features, features, units) for n in range(blocks)
        )
        self.reconstruct = nn.Conv2d(features, 1, 3, padding=1)
        nn.init.zeros_(self.reconstruct.weight)
        nn.init.zeros_(self.reconstruct.bias)  # type: ignore[arg-type]
        self._reach = blocks * (1 + 2 * units) + 1
        self.use(scale)

    def _receptive_field_at(self, scale: int) -> int:
        base = self.bases[str(scale)]
        assert isinstance(base, Upsample)
        return 2 * (reach_in_input(self._reach, scale) + base.reach) + 1

    def forward(self, x: Tensor) -> Tensor:
        large, features = self._before_the_last(x)
        features = self.blocks[-1](features)
        return large + convolve(self.reconstruct, F.relu(features))

    def supervised(self, x: Tensor) -> tuple[Tensor, ...]:
        if not self.supervise_all:
            return (self(x),)
        large, features = self._before_the_last(x)
        last = self.blocks[-1]
        assert isinstance(last, _RecursiveBlock)
        return tuple(
            large + convolve(self.reconstruct, F.relu(each)) for each in last.recursions(features)
        )

    def _before_the_last(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The bicubic enlargement, and what the last block sees."""
        large: Tensor = self.bases[str(self.scale)](x)
        features = large.to(self.reconstruct.weight.dtype)
        for block in self.blocks[:-1]:
            features = block(features)
        return large, features


class _RecursiveBlock(nn.Module):
    """A convolution, and units that share their weights: section 3.2."""

    def __init__(self, channels: int, features: int, units: int) -> None:
        super().__init__()
        self.units, self.activated = units, channels > 1  # the picture itself is taken as it is
        self.begin = nn.Conv2d(channels, features, 3, padding=1)
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        for conv in (self.begin, self.first, self.second):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.second.weight, std=0.1 * (features * 9 / 2) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        *_, last = deque(self.recursions(x), maxlen=1)  # the others, which are large, are let go
        return last

    def recursions(self, x: Tensor) -> Iterator[Tensor]:
        """What each of the units gives, one after the other."""
        begun = features = convolve(self.begin, F.relu(x) if self.activated else x)
        for _ in range(self.units):
            hidden = convolve(self.first, F.relu(features), relu=True)
            features = convolve(self.second, hidden) + begun
            yield features
