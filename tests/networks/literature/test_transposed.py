"""Transposed convolutions by phases are torch's, and see as far as they say."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vsr.networks.literature.transposed import Transposed

SIZES = [(8, 4), (6, 2), (7, 3), (3, 2), (3, 3), (2, 2), (9, 2), (17, 4), (4, 3)]


def made(kernel: int, factor: int) -> Transposed:
    torch.manual_seed(kernel + factor)
    layer = Transposed(3, 5, kernel, factor)
    torch.nn.init.normal_(layer.bias)
    return layer


@pytest.mark.parametrize(("kernel", "factor"), SIZES)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (6, 7)])
def test_it_is_torchs(kernel: int, factor: int, height: int, width: int) -> None:
    layer = made(kernel, factor)
    x = torch.rand(2, 3, height, width)
    further = factor - kernel + 2 * layer.padding  # output padding
    expected = F.conv_transpose2d(x, layer.weight, layer.bias, factor, layer.padding, further)
    found = layer(x)
    assert found.shape == (2, 5, factor * height, factor * width)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)
    of = torch.rand(found.shape)
    gradients = [torch.autograd.grad((y * of).sum(), layer.weight)[0] for y in (found, expected)]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("kernel", "factor"), SIZES)
def test_its_reach(kernel: int, factor: int) -> None:
    layer = made(kernel, factor)
    x = torch.zeros(1, 3, 15, 15)
    with torch.no_grad():
        before = layer(x)
        x[..., 7, 7] = 1
        changed = (layer(x) - before).abs().amax((0, 1)) > 0
    rows = changed.any(1).nonzero().flatten() // factor - 7  # of small pixels around the one
    assert layer.reach == rows.abs().max()


def test_no_product_is_too_many() -> None:
    """Of one output pixel: as many as the kernel has for each phase."""
    for kernel, factor in ((8, 4), (6, 2)):
        assert made(kernel, factor).taps == kernel // factor
