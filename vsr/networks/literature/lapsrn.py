"""LapSRN: a pyramid, each level of which doubles the picture and adds what is missing.

Lai et al. 2017, "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", arXiv
1704.03915, section 3.1 and figure 1: ten convolutions of 64 features a level, then transposed ones
of 4x4 that double the features and the picture. Each level is judged (section 3.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import convolution
from vsr.networks.convolve import convolve
from vsr.networks.literature.deconvolution import as_convolution, reach
from vsr.networks.literature.large_output import LargeOutput, reach_in_input
from vsr.networks.literature.transposed import Transposed

_SLOPE = 0.2  # of the leaky ReLU
_KERNEL = 4  # of the transposed convolutions
_LEVELS = {2: 1, 4: 2}


class Lapsrn(LargeOutput):
    """Luma in, luma out: (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), float32.

    It leaves the paper in three places: residuals begin as zero; the border of the picture, not of
    the features, is repeated where its transposed convolution would see zeros; and there is no x3,
    which the paper makes by reducing the output of x4, as `vsr upscale --scale 3` does here.

    Args:
        scale: 2 or 4.
        layers: 3x3 convolutions of each level.
        features: channels of all layers.
    """

    large_layers = True

    def __init__(self, scale: int, layers: int = 10, features: int = 64) -> None:
        super().__init__()
        if scale not in _LEVELS:
            raise ValueError(f"scale {scale}: must be 2 or 4, as each level doubles the picture")
        if min(layers, features) < 1:
            raise ValueError(f"layers {layers}, features {features}: all must be positive")
        self.scale = scale
        self.begin = nn.Conv2d(1, features, 3, padding=1)
        _start(self.begin)
        self.levels = nn.ModuleList(_Level(layers, features) for _ in range(_LEVELS[scale]))
        self.receptive_field = 2 * _reach(layers, _LEVELS[scale]) + 1

    def forward(self, x: Tensor) -> Tensor:
        return self.supervised(x)[-1]

    def supervised(self, x: Tensor) -> tuple[Tensor, ...]:
        """The output of each level, the smallest first."""
        pictures = [x]
        features = _leaky(convolve(self.begin, x.to(self.begin.weight.dtype)))
        for level in self.levels:
            large, features = level(pictures[-1], features)
            pictures.append(large)
        return tuple(pictures[1:])


class _Level(nn.Module):
    """Convolutions, features and picture doubled, and the residual between them."""

    def __init__(self, layers: int, features: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(features, features, 3, padding=1) for _ in range(layers)
        )
        for layer in self.layers:
            _start(layer)
        self.enlarge = Transposed(features, features, _KERNEL, 2)
        self.residual = nn.Conv2d(features, 1, 3, padding=1)
        nn.init.zeros_(self.residual.weight)
        nn.init.zeros_(self.residual.bias)  # type: ignore[arg-type]
        side = (0.25, 0.75, 0.75, 0.25)
        # Python's product: torch's takes its compiler on the meta device, where files are checked.
        outer = [[one * other for other in side] for one in side]
        self.register_buffer("bilinear", torch.tensor(outer)[None, None], persistent=False)
        self.bilinear: Tensor
        self.picture_change = nn.Parameter(torch.zeros(1, 1, _KERNEL, _KERNEL))

    def forward(self, picture: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers:
            features = _leaky(convolve(layer, features))
        features = _leaky(self.enlarge(features))
        large = F.pixel_shuffle(self._enlarged(picture), 2)
        return large + convolve(self.residual, features), features

    def _enlarged(self, picture: Tensor) -> Tensor:
        """The picture's phases, float32 whatever the layers work in."""
        weight = as_convolution(self.bilinear.float() + self.picture_change.float(), 2)
        with torch.autocast(picture.device.type, enabled=False):
            return convolution(_repeated(picture.float()), weight, None)


def _repeated(x: Tensor) -> Tensor:
    """With its border once more around it: torch.compile fails on F.pad's "replicate" here."""
    x = torch.cat([x[..., :1, :], x, x[..., -1:, :]], -2)
    return torch.cat([x[..., :1], x, x[..., -1:]], -1)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu_(x, _SLOPE)


def _start(conv: nn.Module) -> None:
    assert isinstance(conv, nn.Conv2d)
    nn.init.kaiming_normal_(conv.weight, a=_SLOPE)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]


def _reach(layers: int, levels: int) -> int:
    """Input pixels on each side that an output pixel can see, from the last layer back."""
    seen = 0
    for _ in range(levels):
        seen = reach_in_input(seen + 1, 2)  # of this level's residual, at its larger size
        seen += layers + reach(_KERNEL, 2)
    return seen + 1
