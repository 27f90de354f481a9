"""A convolution over shifted rows: the sums of a plain one, in the order that CPUs like."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vsr.networks.convolve import convolve_rows
from vsr.training.widen import widen


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
