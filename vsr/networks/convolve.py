"""Convolutions, arranged so that CPU kernels run them fast. The sums are those of plain ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import convolution, has_kernels

_LANES = 16  # numbers that vector units work on at once


def convolve(conv: nn.Module, x: Tensor, relu: bool = False) -> Tensor:
    """`conv` of (N, C, H, W), with ReLU after it if wanted.

    On CPUs, and without gradients, both are one kernel: the result is not read and written
    again. A module that is no Conv2d is called with `x` and `relu`.
    """
    if not isinstance(conv, nn.Conv2d):
        result: Tensor = conv(x, relu)
        return result
    assert isinstance(conv.padding, tuple)
    if _pays_in_pairs(conv, x):
        return _in_pairs(conv, x, relu)
    return convolution(
        x, conv.weight, conv.bias, conv.stride, conv.padding, relu, conv.groups, conv.dilation
    )


def convolve_rows(conv: nn.Module, x: Tensor, relu: bool = False) -> Tensor:
    """A k x k convolution of few channels, done as 1 x k over k shifted copies as channels.

    (N, C, H, W) -> (N, features, H, W), zero padded, of stride 1. CPU kernels, which walk over
    channels, run it several times faster, and give features in channels-last order, which the
    next layer wants.
    """
    assert isinstance(conv, nn.Conv2d)
    size, height = conv.kernel_size[0], x.shape[-2]
    padded = F.pad(x, (0, 0, size // 2, size // 2))
    rows = torch.cat([padded[:, :, i : i + height] for i in range(size)], 1)  # (N, k*C, H, W)
    rows = rows.contiguous(memory_format=torch.channels_last)
    weight = conv.weight.transpose(1, 2).flatten(1, 2)[:, :, None]  # (features, k*C, 1, k)
    return convolution(rows, weight, conv.bias, (1, 1), (0, size // 2), relu)


def _pays_in_pairs(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether the features leave half a vector empty, which two pixels' would fill.

    Not in float32, where pictures with odd sides, which have no pairs, must get the same sums.
    """
    return (
        conv.out_channels % _LANES == _LANES // 2
        and (conv.groups, conv.dilation) == (1, (1, 1))
        and conv.kernel_size[1] == 2 * int(conv.padding[1]) + 1
        and x.shape[-1] % (2 * conv.stride[1]) == 0
        and x.dtype == torch.bfloat16
        and has_kernels(x, conv.weight)
    )


def _in_pairs(conv: nn.Conv2d, x: Tensor, relu: bool) -> Tensor:
    """A convolution with a kernel wider by its stride, that gives two neighbouring pixels at once.

    In channels-last order the features of both lie as those of the plain one do. A third more
    work for kernels of 3 x 3, but of full vectors: an eighth faster.
    """
    assert conv.bias is not None
    assert isinstance(conv.padding, tuple)
    down, across = conv.stride
    weight = torch.cat([F.pad(conv.weight, (0, across)), F.pad(conv.weight, (across, 0))])
    weight = weight.contiguous(memory_format=torch.channels_last)
    bias = torch.cat([conv.bias, conv.bias])
    pairs = convolution(x, weight, bias, (down, 2 * across), conv.padding, relu)
    lying = pairs.permute(0, 2, 3, 1)  # (N, H, W/2, 2*features)
    return lying.reshape(*lying.shape[:2], -1, conv.out_channels).permute(0, 3, 1, 2)
