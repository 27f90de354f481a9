"""Convolutions arranged for CPUs: the sums of plain ones, whatever kernel makes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.kernels import has_kernels, shuffle
from vsr.networks.convolve import convolve, convolve_rows
from vsr.training.reparam import widen

# Shifted rows


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (2, 1), (5, 7), (8, 8)])
def test_it_is_a_plain_convolution(channels: int, size: int, shape: tuple[int, int]) -> None:
    conv = nn.Conv2d(channels, 4, size, padding=size // 2).double()
    x = torch.rand(2, channels, *shape, dtype=torch.float64)
    torch.testing.assert_close(convolve_rows(conv, x), conv(x), atol=1e-12, rtol=0)


def test_gradients_are_those_of_a_plain_convolution() -> None:
    conv = nn.Conv2d(3, 4, 3, padding=1).double()
    x = torch.rand(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    inputs = (x, conv.weight, conv.bias)
    factors = torch.rand(2, 4, 5, 6, dtype=torch.float64)
    found = torch.autograd.grad((convolve_rows(conv, x) * factors).sum(), inputs)
    plain = torch.autograd.grad((conv(x) * factors).sum(), inputs)
    for gradient, expected in zip(found, plain, strict=True):
        torch.testing.assert_close(gradient, expected, atol=1e-12, rtol=0)


def test_a_widened_kernel_is_the_one_that_counts() -> None:
    conv = nn.Conv2d(2, 4, 3, padding=1)
    parts = nn.ModuleList([conv])
    before = conv.weight.detach().clone()
    widen(parts, 6)
    with torch.no_grad():
        parts[0].parametrizations["weight"][0].mix.normal_()
        assert not torch.equal(conv.weight, before)
        x = torch.rand(1, 2, 5, 6)
        torch.testing.assert_close(convolve_rows(conv, x), conv(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_features_come_as_the_next_layer_wants_them(dtype: torch.dtype) -> None:
    conv = nn.Conv2d(3, 8, 3, padding=1).to(dtype)
    with torch.no_grad():
        found = convolve_rows(conv, torch.rand(2, 3, 6, 7, dtype=dtype))
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=torch.channels_last)


# ReLU in the same kernel


def layer(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    """Weights as training leaves them, channels last."""
    random = torch.Generator().manual_seed(3)
    conv = nn.Conv2d(inputs, outputs, size, stride, size // 2)
    with torch.no_grad():
        conv.weight.copy_(torch.randn(conv.weight.shape, generator=random) / (3 * inputs**0.5))
        conv.bias.copy_(torch.randn(outputs, generator=random) * 0.1)  # type: ignore[union-attr]
    return conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def picture(channels: int, height: int, width: int, last: bool = True) -> Tensor:
    x = torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(4)) - 0.3
    return x.contiguous(memory_format=torch.channels_last) if last else x


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("inputs", "outputs", "size"), [(16, 16, 3), (8, 32, 5), (3, 48, 1)])
def test_it_is_a_convolution_and_then_relu(
    inputs: int, outputs: int, size: int, dtype: torch.dtype, last: bool, relu: bool
) -> None:
    conv = layer(inputs, outputs, size).to(dtype)
    x = picture(inputs, 60, 61, last).to(dtype)
    with torch.inference_mode():
        expected = conv(x).relu() if relu else conv(x)
        found = convolve(conv, x, relu)
        assert found.dtype == dtype
        assert torch.equal(found, expected)
        if dtype == torch.float32:
            torch.testing.assert_close(convolve_rows(conv, x, relu), expected)


@pytest.mark.parametrize("outputs", [8, 24, 40])
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("width", [1, 2, 4, 7, 12, 13, 14, 16])
def test_convolving_pixels_in_pairs_gives_the_same_sums(
    outputs: int, size: int, stride: int, relu: bool, width: int
) -> None:
    """Half-full vectors are filled with a neighbour's features in bfloat16: the same sums."""
    conv = layer(6, outputs, size, stride).bfloat16()
    x = picture(6, 9, width).bfloat16()
    exact = layer(6, outputs, size, stride)
    with torch.no_grad():
        exact.weight.copy_(conv.weight)
        exact.bias.copy_(conv.bias)  # type: ignore[union-attr, arg-type]
        expected = exact(x.float())
    with torch.inference_mode():
        found = convolve(conv, x, relu)
        assert found.dtype == torch.bfloat16
        assert found.shape == expected.shape
        assert found.is_contiguous(memory_format=torch.channels_last) or width <= stride
    expected = expected.relu() if relu else expected
    torch.testing.assert_close(found.float(), expected, atol=2**-9, rtol=2**-8)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("inputs", "outputs", "size"), [(1, 8, 5), (3, 8, 3), (24, 24, 3)])
def test_the_size_of_a_picture_changes_no_sum(
    inputs: int, outputs: int, size: int, relu: bool
) -> None:
    """In float32, so that tiles are the whole: torch by itself takes two kernels, by size."""
    conv = layer(inputs, outputs, size)
    x = picture(inputs, 120, 130)[:1]  # with more, torch too has but one
    with torch.inference_mode():
        for run in (convolve, convolve_rows):
            whole = run(conv, x, relu)
            for height, width in ((5, 5), (6, 40), (33, 17), (64, 64), (100, 129)):
                part = run(conv, x[..., 7 : 7 + height, 1 : 1 + width], relu)
                inside = slice(2, height - 2), slice(2, width - 2)
                place = slice(9, 5 + height), slice(3, width - 1)
                assert torch.equal(part[(..., *inside)], whole[(..., *place)])


@pytest.mark.parametrize(
    ("missing", "dtype"),
    [
        ("kernel", torch.float32),
        ("kernel", torch.bfloat16),
        ("library", torch.float32),
        ("bfloat16", torch.bfloat16),
    ],
)
def test_without_such_a_kernel(
    missing: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object) -> None:
        raise AssertionError("there is none")

    kernels = SimpleNamespace(_is_mkldnn_bf16_supported=lambda: missing != "bfloat16")
    if missing != "kernel":
        kernels._convolution_pointwise = forbidden
    conv, x = layer(4, 24).to(dtype), picture(4, 6, 8).to(dtype)
    with torch.inference_mode():
        expected = [conv(x), conv(x).relu()]
        monkeypatch.setattr(torch.ops, "mkldnn", kernels)
        if missing == "library":
            monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        found = [convolve(conv, x, relu) for relu in (False, True)]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_numbers_that_no_such_kernel_takes(dtype: torch.dtype) -> None:
    conv, x = layer(4, 24).to(dtype), picture(4, 6, 8).to(dtype)
    with torch.inference_mode():
        torch.testing.assert_close(convolve(conv, x, relu=True), conv(x).relu())
        torch.testing.assert_close(convolve_rows(conv, x, relu=True), conv(x).relu())


@pytest.mark.parametrize("relu", [False, True])
def test_gradients_flow(relu: bool) -> None:
    conv = layer(3, 24).double()
    x = picture(3, 6, 8).double().requires_grad_()
    inputs = (x, conv.weight, conv.bias)
    factors = torch.rand(2, 24, 6, 8, dtype=torch.float64)
    found = torch.autograd.grad((convolve(conv, x, relu) * factors).sum(), inputs)
    plain = conv(x).relu() if relu else conv(x)
    expected = torch.autograd.grad((plain * factors).sum(), inputs)
    for gradient, true in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, true, atol=1e-12, rtol=0)


def test_no_kernel_of_inference_under_gradients() -> None:
    conv, x = layer(3, 8), picture(3, 6, 8)
    for context in (torch.enable_grad, torch.no_grad):
        with context():
            assert not has_kernels(x, conv.weight)
    with torch.inference_mode():
        assert not has_kernels(x.double(), conv.weight)


def test_what_is_no_convolution_is_asked_itself() -> None:
    class Own(nn.Module):
        def forward(self, x: Tensor, relu: bool) -> Tensor:
            return x + relu

    x = torch.zeros(1, 1, 2, 2)
    assert torch.equal(convolve(Own(), x), x)
    assert torch.equal(convolve(Own(), x, relu=True), x + 1)


# The pixel shuffle


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("last", [False, True])
def test_shuffle_is_torchs_pixel_shuffle(
    factor: int, channels: int, dtype: torch.dtype, last: bool
) -> None:
    for height, width in ((1, 1), (1, 7), (5, 1), (4, 6)):
        x = torch.rand(2, channels * factor**2, height, width, dtype=dtype)
        x = x.contiguous(memory_format=torch.channels_last) if last else x
        before = x.clone()
        for some in (x, x.clone().requires_grad_()):
            found = shuffle(some, factor)
            assert torch.equal(found, F.pixel_shuffle(before, factor))
            assert found.requires_grad == some.requires_grad
        assert torch.equal(x, before)
