"""Convolutions, arranged so that CPU kernels run them fast. The sums are those of plain ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def convolve(conv: nn.Module, x: Tensor, relu: bool = False) -> Tensor:
    """`conv` of (N, C, H, W), with ReLU after it if wanted.

    On CPUs, and without gradients, both are one kernel: the result is not read and written
    again.
    """
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(conv.padding, tuple)
    return _apply(x, conv.weight, conv.bias, conv.stride, conv.padding, relu)


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
    return _apply(rows, weight, conv.bias, (1, 1), (0, size // 2), relu)


def _apply(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    relu: bool,
) -> Tensor:
    if relu and _has_kernel(x):
        # What torch.compile makes of a convolution and a ReLU.
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, padding, stride, (1, 1), 1, "relu", [], None
        )
        return fused
    features = F.conv2d(x, weight, bias, stride, padding)
    return F.relu_(features) if relu else features


def _has_kernel(x: Tensor) -> bool:
    return (
        torch.is_inference_mode_enabled()
        and x.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )
