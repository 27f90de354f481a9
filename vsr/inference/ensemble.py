"""Self-ensemble: a picture enlarged in its eight positions, and the mean of all.

Lim et al. 2017 (EDSR), section 3.4; Timofte et al. 2016, "Seven ways to improve example-based
single image super resolution", section 3.4.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from vsr.networks import Network

_FLIPS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
POSITIONS = tuple((turned, flips) for turned in (False, True) for flips in _FLIPS)
"""Whether rows and columns change places, and the axes that are reversed after it."""


def moved(x: Tensor, position: int) -> Tensor:
    """(..., H, W) from where the picture lies to one of POSITIONS."""
    turned, flips = POSITIONS[position]
    return (x.transpose(-1, -2) if turned else x).flip(flips).contiguous()


def back(x: Tensor, position: int) -> Tensor:
    """The reverse."""
    turned, flips = POSITIONS[position]
    unflipped = x.flip(flips)
    return unflipped.transpose(-1, -2) if turned else unflipped


class SelfEnsemble(Network):
    """The mean of `network` over the four flips of a picture and of the turned picture.

    Eight times the work for a little quality. It states what `network` states.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.scale, self.context = network.scale, network.context
        self.color, self.receptive_field = network.color, network.receptive_field
        self.local, self.block, self.grid = network.local, network.block, network.grid
        self.chroma_kernel, self.large_layers = network.chroma_kernel, network.large_layers
        self.tile_error, self.precisions = network.tile_error, network.precisions
        self.runtime = network.runtime

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if self.block > 1:  # blocks must lie alike in all positions, as in all tiles
            missing = (0, -width % self.block, 0, -height % self.block)
            x = F.pad(x, missing, mode="replicate")
        total: Tensor | None = None
        for position in range(len(POSITIONS)):
            large = back(self.network(moved(x, position)), position)
            total = large if total is None else total + large
        assert total is not None
        return total[..., : height * self.scale, : width * self.scale] / len(POSITIONS)

    def subpixel(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(self(x), self.scale)
