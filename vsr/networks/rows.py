"""A convolution of few channels, arranged so that CPU kernels run it fast."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def convolve_rows(conv: nn.Module, x: Tensor) -> Tensor:
    """A k x k convolution of few channels, done as 1 x k over k shifted copies as channels.

    (N, C, H, W) -> (N, features, H, W), zero padded, of stride 1. The sums are the same. CPU
    kernels, which walk over channels, run it several times faster, and give features in
    channels-last order, which the next layer wants.
    """
    assert isinstance(conv, nn.Conv2d)
    size, height = conv.kernel_size[0], x.shape[-2]
    padded = F.pad(x, (0, 0, size // 2, size // 2))
    rows = torch.cat([padded[:, :, i : i + height] for i in range(size)], 1)  # (N, k*C, H, W)
    rows = rows.contiguous(memory_format=torch.channels_last)
    weight = conv.weight.transpose(1, 2).flatten(1, 2)[:, :, None]  # (features, k*C, 1, k)
    return F.conv2d(rows, weight, conv.bias, padding=(0, size // 2))
