"""Transposed convolutions as plain ones: what torch's own gives, value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vsr.networks.convolve import convolve
from vsr.networks.literature.deconvolution import Deconvolution, padding

CASES = [(9, 2), (9, 3), (9, 4), (4, 2), (2, 2), (6, 2), (7, 3), (8, 4), (3, 3)]


@pytest.mark.parametrize(("kernel", "factor"), CASES)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 5)])
def test_it_is_a_transposed_convolution(kernel: int, factor: int, size: tuple[int, int]) -> None:
    """In float64, where sums in another order do not show."""
    torch.manual_seed(kernel)
    layer = Deconvolution(3, 2, kernel, factor).double()
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    found = F.pixel_shuffle(layer(x), factor)
    cut = padding(kernel, factor)
    beyond = factor + 2 * cut - kernel
    assert beyond in (0, 1)
    expected = F.conv_transpose2d(x, layer.weight, layer.bias, factor, cut, beyond)
    assert found.shape == (2, 2, size[0] * factor, size[1] * factor)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    towards = torch.randn_like(found)
    gradients = [
        torch.autograd.grad((large * towards).sum(), [layer.weight, layer.bias])
        for large in (found, expected)
    ]
    for own, true in zip(*gradients, strict=True):
        torch.testing.assert_close(own, true, atol=1e-12, rtol=1e-12)


def test_whole_numbers_come_out_exactly() -> None:
    """To the bit, by the way that runs without gradients, too."""
    layer = Deconvolution(4, 1, 9, 3)
    layer.weight.data = torch.randint(-9, 9, layer.weight.shape).float()
    x = torch.randint(-9, 9, (1, 4, 8, 9)).float()
    with torch.inference_mode():
        found = F.pixel_shuffle(convolve(layer, x), 3)
        expected = F.conv_transpose2d(x, layer.weight, layer.bias, 3, 3)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("kernel", "factor"), CASES)
def test_it_reaches_as_far_as_it_says(kernel: int, factor: int) -> None:
    layer = Deconvolution(1, 1, kernel, factor)
    torch.nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 11, 11)
    x[..., 5, 5] = 1
    seen = layer(x)[0].amax(0) > 0
    rows = seen.any(1).nonzero().flatten() - 5
    assert max(abs(int(row)) for row in rows) == layer.reach


def test_a_kernel_with_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel 2: must be at least the factor 3"):
        Deconvolution(1, 1, 2, 3)
