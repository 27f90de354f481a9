"""How much of a network's detail is kept: between the bicubic upscale and what it gives."""

from __future__ import annotations

from itertools import chain

from torch import Tensor
from torch.nn.functional import pixel_shuffle

from vsr.core.resample import Upsample
from vsr.networks import Network


class PartialDetail(Network):
    """`network`, with a share of what it adds to a bicubic upscale. It states what that states.

    Args:
        network: one without a state.
        share: 0 for the bicubic upscale itself, 1 for all that the network gives.
    """

    def __init__(self, network: Network, share: float) -> None:
        super().__init__()
        self.network, self.share = network, share
        own = next(chain(network.parameters(), network.buffers()))
        self.base = Upsample(network.scale).to(own.device)
        self.scale, self.context = network.scale, network.context
        self.color, self.chroma_kernel = network.color, network.chroma_kernel
        self.local, self.block, self.grid = network.local, network.block, network.grid
        self.large_layers, self.tile_error = network.large_layers, network.tile_error
        self.precisions, self.runtime = network.precisions, network.runtime
        self.receptive_field = max(network.receptive_field, 2 * self.base.reach + 1)

    def subpixel(self, x: Tensor) -> Tensor:
        return self._bicubic(x).lerp(self.network.subpixel(x), self.share)

    def forward(self, x: Tensor) -> Tensor:  # networks of RGB have no subpixel
        large: Tensor = self.network(x)
        return pixel_shuffle(self._bicubic(x), self.scale).lerp(large, self.share)

    def _bicubic(self, x: Tensor) -> Tensor:
        """(N, C*scale**2, H, W) of the frame in the middle, before its pixel shuffle."""
        colors = 3 if self.color == "rgb" else 1
        first = colors * self.context
        centre = x[:, first : first + colors]
        base = self.base.subpixel(centre.flatten(0, 1)[:, None])  # (N*C, scale**2, H, W)
        return base.reshape(len(x), -1, *base.shape[2:])
