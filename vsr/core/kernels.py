"""Operations that torch has faster ways to, or ways that do not depend on a picture's size."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_RUNS = {2: torch.float64, 4: torch.complex128}  # as wide as so many float32
_WIDE = ("cpu", "cuda")  # types of device that have these


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    relu: bool = False,
    groups: int = 1,
    dilation: tuple[int, ...] = (1, 1),
    onto: Tensor | None = None,
) -> Tensor:
    """torch's conv2d, with ReLU after it if wanted, in one kernel where there is one.

    On a CPU without gradients a sum does not depend on the size of the picture. What is given as
    `onto`, without ReLU, is added, and may be overwritten: that is as fast as not to add it.
    """
    if onto is None and _is_one_column(x, weight, stride, padding, dilation):
        dense = convolution(x, weight, bias, (stride[0], 1), padding, relu, groups, dilation)
        return dense[..., :1].contiguous(memory_format=torch.channels_last)
    if has_kernels(x, weight):
        if onto is not None:
            places = (padding, stride, dilation, groups)
            added: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
                onto, x, weight, bias, *places, "add", 1.0, None, [], None
            )
            return added
        # What torch.compile makes of a convolution and a ReLU. Without one conv2d would do, but
        # for small pictures takes another kernel, which rounds otherwise: tiles would differ.
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, padding, stride, dilation, groups, "relu" if relu else "none", [], None
        )
        return fused
    features = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if onto is not None:
        return onto + features
    return F.relu_(features) if relu else features


def _is_one_column(
    x: Tensor,
    weight: Tensor,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> bool:
    """Whether bfloat16 kernels would give garbage, on CPUs with AMX at least (oneDNN 3.12).

    They do where they stride across to a single column.
    """
    if x.dtype != torch.bfloat16 or x.device.type != "cpu" or stride[1] == 1 or is_traced():
        return False
    places = x.shape[-1] + 2 * padding[1] - dilation[1] * (weight.shape[-1] - 1)
    return bool(places <= stride[1])


def has_kernels(x: Tensor, weight: Tensor) -> bool:
    """Whether `convolution` takes oneDNN's kernels for these."""
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


def is_traced() -> bool:
    """Whether operations are being recorded, as for an export: sizes are tensors then."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def chosen(mask: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """torch.where of (N, 1, H, W) bool and twice (N, C, H, W), by whole runs of channels.

    In channels-last order on a CPU numbers are chosen eight bytes at a time: up to twice as fast.
    """
    lying = [x.permute(0, 2, 3, 1) for x in (one, other)]
    if not all(_is_in_runs(x) for x in lying) or is_traced() or torch.compiler.is_compiling():
        return torch.where(mask, one, other)
    whole, part = (x.view(torch.int64) for x in lying)
    found = torch.where(mask.permute(0, 2, 3, 1), whole, part)
    return found.view(one.dtype).permute(0, 3, 1, 2)


def _is_in_runs(x: Tensor) -> bool:
    """Whether (N, H, W, C) on a CPU can be seen as int64 of fewer channels."""
    units = [x.storage_offset(), x.shape[-1], *x.stride()[:-1]]
    whole = all(number * x.element_size() % 8 == 0 for number in units)
    return x.device.type == "cpu" and not x.requires_grad and x.stride(-1) == 1 and whole


def shuffle(x: Tensor, factor: int) -> Tensor:
    """Pixel shuffle (N, C*factor**2, H, W) -> (N, C, factor*H, factor*W), by whole runs.

    In channels-last order and float32 the `factor` samples in a row that come from one pixel
    are moved as one number: several times faster. Other tensors take the plain way, and so do all
    on devices that need not have numbers so wide.
    """
    narrow = x.device.type not in _WIDE
    plain = narrow or torch.compiler.is_compiling() or is_traced() or x.requires_grad
    run = None if plain else _RUNS.get(factor)
    lying = x.permute(0, 2, 3, 1)
    if run is None or x.dtype != torch.float32 or not lying.is_contiguous():
        return F.pixel_shuffle(x, factor)
    count, height, width, channels = lying.shape
    runs = lying.reshape(count, height, width, channels // factor**2, factor, factor).view(run)
    rows = runs[..., 0].permute(0, 3, 1, 4, 2)  # (N, C, H, factor, W)
    rows = rows.clone(memory_format=torch.contiguous_format)
    return rows.view(torch.float32).view(count, -1, height * factor, width * factor)
