"""A light network of dilated convolutions: a wide view for few layers.

After the denoiser of Zhang et al. 2017, "Learning Deep CNN Denoiser Prior for Image Restoration"
(IRCNN), arXiv 1704.03264: seven 3x3 layers of 64 features with dilations 1, 2, 3, 4, 3, 2, 1. Here
on the trunk of these networks, whose ends are the two of dilation 1, without batch normalisation.
"""

from __future__ import annotations

from torch import Tensor, nn

from vsr.networks.convolve import convolve
from vsr.networks.literature.trunk import Trunk

_MOST = 64  # pixels between the taps of a kernel


class Dilated(Trunk):
    """Luma in, luma out, as Trunk says.

    Args:
        scale: 2, 3 or 4.
        features: channels between the layers.
        dilations: pixels from one tap of the kernel to the next, for each layer but the first and
            the last, which have 1.
    """

    def __init__(
        self, scale: int, features: int = 64, dilations: tuple[int, ...] = (2, 3, 4, 3, 2)
    ) -> None:
        super().__init__()
        if not dilations or not all(1 <= pixels <= _MOST for pixels in dilations):
            raise ValueError(f"dilations {dilations}: must be numbers of 1 to {_MOST}")
        self.build(scale, features, _Body(features, dilations), sum(dilations))


class _Body(nn.Module):
    def __init__(self, features: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(features, features, 3, padding=pixels, dilation=pixels)
            for pixels in dilations
        )
        for conv in self.layers:
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)

    def forward(self, features: Tensor) -> Tensor:
        for conv in self.layers:
            features = convolve(conv, features, relu=True)
        return features
