"""Transposed convolutions between features of both sizes, without a product too many.

`Deconvolution` gives the phases of each input pixel, for which the kernels of some have zeros. Here
the grid lies between the pixels instead: there all phases see the same few of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import convolution
from vsr.networks.literature.deconvolution import padding, reach


class Transposed(nn.Module):
    """(N, C, H, W) -> (N, D, factor*H, factor*W), as torch's ConvTranspose2d.

    Its stride is `factor`, its output padding what that size takes. Where the factor does not
    divide the kernel, that is filled up with zeros.

    Args:
        channels, features: C and D.
        kernel: side of the kernel in output pixels, at least `factor`.
        factor: the stride.

    Attributes:
        weight: (C, D, kernel, kernel), as that of ConvTranspose2d.
        bias: (D,).
        padding: output pixels that are cut off at the upper and the left border: the kernel then
            lies around its input pixel, or as nearly so as the sizes allow.
        reach: input pixels on each side that an output pixel can see.
    """

    def __init__(self, channels: int, features: int, kernel: int, factor: int) -> None:
        super().__init__()
        self.factor, self.padding = factor, padding(kernel, factor)
        self.taps = -(-kernel // factor)  # input pixels in a row that an output pixel is made of
        self.weight = nn.Parameter(torch.empty(channels, features, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(features))
        nn.init.normal_(self.weight, std=(2 / channels) ** 0.5 * factor / kernel)
        self.reach = reach(kernel, factor)

    def forward(self, x: Tensor) -> Tensor:
        height, width = (side * self.factor for side in x.shape[-2:])
        around = (self.taps - 1, self.taps - 1)
        biases = self.bias.repeat_interleave(self.factor**2)
        phases = convolution(x, self._phases(), biases, (1, 1), around)
        large = F.pixel_shuffle(phases, self.factor)
        first = self.padding
        return large[..., first : first + height, first : first + width]

    def _phases(self) -> Tensor:
        """The kernels of all phases: (D*factor**2, C, taps, taps)."""
        channels, features, kernel, _ = self.weight.shape
        missing = self.taps * self.factor - kernel
        filled = F.pad(self.weight, (0, missing, 0, missing))
        split = filled.reshape(
            channels, features, self.taps, self.factor, self.taps, self.factor
        ).flip(2, 4)
        return split.permute(1, 3, 5, 0, 2, 4).reshape(-1, channels, self.taps, self.taps)
