"""Transposed convolutions, done as plain ones that give all phases of the output at once.

Each output pixel of a transposed convolution is a sum over the few input pixels that its kernel
covers there. Which ones depends on its phase alone, so a plain convolution with a kernel for each
phase, and a pixel shuffle, give the same: Shi et al. 2016, "Is the deconvolution layer the same as
a convolutional layer?", arXiv 1609.07009.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vsr.core.kernels import convolution


class Deconvolution(nn.Module):
    """(N, C, H, W) -> the phases of its enlargement by `factor`: (N, D*factor**2, H, W).

    A pixel shuffle after it makes them what torch's ConvTranspose2d gives with the same weight and
    bias, stride `factor`, padding `padding` and the output padding for `factor` times the size.
    Where the factor does not divide the kernel, some sums have zeros in them.

    Args:
        channels, features: C and D.
        kernel: side of the kernel in output pixels, at least `factor`.
        factor: the stride.

    Attributes:
        weight: (C, D, kernel, kernel), as that of ConvTranspose2d.
        bias: (D,).
        reach: input pixels on each side that an output pixel can see.
    """

    def __init__(self, channels: int, features: int, kernel: int, factor: int) -> None:
        super().__init__()
        if kernel < factor:
            raise ValueError(f"kernel {kernel}: must be at least the factor {factor}")
        self.factor, self.reach = factor, reach(kernel, factor)
        self.weight = nn.Parameter(torch.empty(channels, features, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(features))
        nn.init.normal_(self.weight, std=factor / kernel * (2 / channels) ** 0.5)

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        weight = as_convolution(self.weight, self.factor)
        bias = self.bias.repeat_interleave(self.factor**2)
        return convolution(x, weight, bias, (1, 1), (self.reach, self.reach), relu)


def padding(kernel: int, factor: int) -> int:
    """ConvTranspose2d's, so that a kernel lies around its input pixel's centre, or, where the sizes
    do not allow that, half an output pixel beside it."""
    return (kernel - factor + 1) // 2


def reach(kernel: int, factor: int) -> int:
    """Input pixels on each side that an output pixel can see."""
    cut = padding(kernel, factor)
    return max((factor - 1 + cut) // factor, (kernel - 1 - cut) // factor)


def as_convolution(weight: Tensor, factor: int) -> Tensor:
    """(C, D, kernel, kernel) -> the plain convolution's weight (D*factor**2, C, k, k).

    k is 2 * reach + 1.
    """
    channels, features, kernel, _ = map(int, weight.shape)  # numbers, for what traces it, too
    far = reach(kernel, factor)
    phase = torch.arange(factor, device=weight.device)[:, None]
    offset = torch.arange(-far, far + 1, device=weight.device)
    place = phase + padding(kernel, factor) - factor * offset  # in the kernel, (factor, k)
    place = torch.where((place >= 0) & (place < kernel), place, kernel)
    padded = nn.functional.pad(weight, (0, 1, 0, 1))  # the last row and column are zero: no tap
    rows = padded[:, :, place]  # (C, D, factor, k, kernel + 1)
    both = rows[..., place]  # (C, D, factor, k, factor, k)
    taps = 2 * far + 1
    return both.permute(1, 2, 4, 0, 3, 5).reshape(features * factor**2, channels, taps, taps)
