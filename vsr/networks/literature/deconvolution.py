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
        padding: so that the kernel lies around its input pixel's centre, or, where the sizes do not
            allow that, half an output pixel beside it.
        reach: input pixels on each side that an output pixel can see.
    """

    def __init__(self, channels: int, features: int, kernel: int, factor: int) -> None:
        super().__init__()
        if kernel < factor:
            raise ValueError(f"kernel {kernel}: must be at least the factor {factor}")
        self.factor, self.padding = factor, (kernel - factor + 1) // 2
        self.weight = nn.Parameter(torch.empty(channels, features, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(features))
        nn.init.normal_(self.weight, std=(2 / (channels * kernel**2 / factor**2)) ** 0.5)
        self.reach = max(abs(n) for n in _offsets(kernel, factor, self.padding))

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        return convolution(
            x, self.as_convolution(), self._biases(), (1, 1), (self.reach, self.reach), relu
        )

    def as_convolution(self) -> Tensor:
        """The weight of the plain convolution: (D*factor**2, C, k, k)."""
        channels, _, kernel, _ = self.weight.shape
        taps = 2 * self.reach + 1
        place = _places(kernel, self.factor, self.padding, self.reach).to(self.weight.device)
        padded = nn.functional.pad(self.weight, (0, 1, 0, 1))  # the last is zero, for no tap
        rows = padded[:, :, place]  # (C, D, factor, k, kernel + 1)
        both = rows[..., place]  # (C, D, factor, k, factor, k)
        return both.permute(1, 2, 4, 0, 3, 5).reshape(-1, channels, taps, taps)

    def _biases(self) -> Tensor:
        return self.bias.repeat_interleave(self.factor**2)


def _offsets(kernel: int, factor: int, padding: int) -> range:
    """The input pixels, by their distance, that some phase of an input place sees."""
    least = -((kernel - 1 - padding) // factor)
    return range(least, (factor - 1 + padding) // factor + 1)


def _places(kernel: int, factor: int, padding: int, reach: int) -> Tensor:
    """(factor, 2*reach + 1): the kernel's place for a phase and an offset; `kernel` for none."""
    phase = torch.arange(factor)[:, None]
    offset = torch.arange(-reach, reach + 1)
    place = phase + padding - factor * offset
    return torch.where((place >= 0) & (place < kernel), place, kernel)
