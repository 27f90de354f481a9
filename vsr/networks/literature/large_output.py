"""Networks whose last layer works at the size of the output: they shuffle no phases."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from vsr.networks.network import Network


class LargeOutput(Network):
    """A network that implements `forward`; `subpixel` is that, taken apart again."""

    def subpixel(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(self(x), self.scale)

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


def reach_in_input(large: int, scale: int) -> int:
    """Input pixels that `large` output pixels around all those of one input place reach."""
    return (scale - 1 + large) // scale
