"""Convolutions, arranged so that CPU kernels run them fast. The sums are those of plain ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_RUNS = {2: torch.float64, 4: torch.complex128}  # as wide as so many float32
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
    if _has_kernels(x, weight):
        # What torch.compile makes of a convolution and a ReLU. Without one conv2d would do, but
        # for small pictures takes another kernel, which rounds otherwise: tiles would differ.
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, padding, stride, (1, 1), 1, "relu" if relu else "none", [], None
        )
        return fused
    features = F.conv2d(x, weight, bias, stride, padding)
    return F.relu_(features) if relu else features


def _has_kernels(x: Tensor, weight: Tensor) -> bool:
    return (
        not torch.compiler.is_compiling()  # it makes kernels of its own, and of this many pieces
        and torch.is_inference_mode_enabled()
        and x.device.type == "cpu"
        and x.dtype == weight.dtype
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        and (x.dtype == torch.float32 or _is_fast_bfloat16(x))
    )


def _is_fast_bfloat16(x: Tensor) -> bool:
    return x.dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _pays_in_pairs(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether the features leave half a vector empty, which two pixels' would fill.

    Not in float32, where pictures with odd sides, which have no pairs, must get the same sums.
    """
    return (
        conv.out_channels % _LANES == _LANES // 2
        and conv.kernel_size[1] == 2 * int(conv.padding[1]) + 1
        and x.shape[-1] % (2 * conv.stride[1]) == 0
        and x.dtype == torch.bfloat16
        and _has_kernels(x, conv.weight)
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
    pairs = _apply(x, weight, bias, (down, 2 * across), conv.padding, relu)
    lying = pairs.permute(0, 2, 3, 1)  # (N, H, W/2, 2*features)
    return lying.reshape(*lying.shape[:2], -1, conv.out_channels).permute(0, 3, 1, 2)


def shuffle(x: Tensor, factor: int) -> Tensor:
    """Pixel shuffle (N, C*factor**2, H, W) -> (N, C, factor*H, factor*W), by whole runs.

    In channels-last order and float32 the `factor` samples in a row that come from one pixel
    are moved as one number: several times faster. Other tensors take the plain way.
    """
    run = None if torch.compiler.is_compiling() else _RUNS.get(factor)
    lying = x.permute(0, 2, 3, 1)
    if x.requires_grad or run is None or x.dtype != torch.float32 or not lying.is_contiguous():
        return F.pixel_shuffle(x, factor)
    count, height, width, channels = lying.shape
    runs = lying.reshape(count, height, width, channels // factor**2, factor, factor).view(run)
    rows = runs[..., 0].permute(0, 3, 1, 4, 2)  # (N, C, H, factor, W)
    rows = rows.clone(memory_format=torch.contiguous_format)
    return rows.view(torch.float32).view(count, -1, height * factor, width * factor)
