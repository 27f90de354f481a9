"""A cleaner before a super-resolver: what cycle-in-cycle training teaches together.

After Yuan et al. 2018, "Unsupervised Image Super-Resolution using Cycle-in-Cycle Generative
Adversarial Networks" (CVPR workshops), section 3.2: G1 makes a recorded picture clean at its own
size, and SR enlarges that. This is a light form: theirs has six blocks of 64 features and an EDSR.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.leaky_residual import LeakyResidual
from vsr.networks.network import Network

RESTORERS: dict[str, type[Network]] = {"espcn": Espcn, "edsr": Edsr}
"""The networks that may enlarge what is clean."""

_CHANNELS = {"y": 1, "rgb": 3}


class Cleaned(Network):
    """(N, C, H, W) in [0, 1] -> (N, C, scale*H, scale*W), float32; C is 1 for luma, 3 for RGB.

    It begins as the restorer alone. The output may leave [0, 1] slightly.

    Args:
        scale: 2, 3 or 4.
        restorer: a key of RESTORERS.
        restorer_options: its arguments besides the scale.
        features, blocks: of the cleaner.
    """

    def __init__(
        self,
        scale: int,
        restorer: str = "espcn",
        restorer_options: Mapping[str, Any] | None = None,
        features: int = 16,
        blocks: int = 3,
    ) -> None:
        super().__init__()
        if restorer not in RESTORERS:
            raise ValueError(f"restorer {restorer!r}: must be {' or '.join(RESTORERS)}")
        if features < 1 or blocks < 0:
            raise ValueError(f"features {features}, blocks {blocks}: must be positive")
        self.restorer = RESTORERS[restorer](scale, **(restorer_options or {}))
        self.scale, self.color = scale, self.restorer.color
        self.cleaner = Cleaner(_CHANNELS[self.color], features, blocks)
        self.receptive_field = self.restorer.receptive_field + 2 * self.cleaner.reach

    def forward(self, x: Tensor) -> Tensor:
        restored: Tensor = self.restorer(self.cleaner(x))
        return restored

    def subpixel(self, x: Tensor) -> Tensor:
        return self.restorer.subpixel(self.cleaner(x))


class Cleaner(nn.Module):
    """(N, C, H, W) -> (N, C, H, W) float32: residual blocks, whose change is added to the picture.

    It begins by changing nothing.

    Attributes:
        reach: pixels that it sees on each side.
    """

    def __init__(self, channels: int, features: int, blocks: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(channels, features, 3, padding=1)
        self.body = nn.ModuleList(LeakyResidual(features) for _ in range(blocks))
        self.tail = nn.Conv2d(features, channels, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)
        self.reach = 2 + 2 * blocks

    def forward(self, x: Tensor) -> Tensor:
        features = F.leaky_relu(self.head(x.to(self.head.weight.dtype)), 0.2)
        for block in self.body:
            features = block(features)
        changed: Tensor = x.float() + self.tail(features).float()
        return changed
