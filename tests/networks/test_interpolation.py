"""Interpolation behind the networks' interface."""

from __future__ import annotations

import pytest
import torch

from vsr.networks import Network
from vsr.networks.interpolation import Interpolation

KERNELS = ("cubic", "lanczos", "linear", "nearest")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nearest_repeats_pixels(scale: int) -> None:
    x = torch.rand(2, 1, 5, 7)
    found = Interpolation(scale, "nearest")(x)
    assert torch.equal(found, x.repeat_interleave(scale, 2).repeat_interleave(scale, 3))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("value", [0.0, 1.0, 128 / 255, 16 / 255])
def test_a_constant_stays_one_up_to_the_borders(scale: int, kernel: str, value: float) -> None:
    found = Interpolation(scale, kernel)(torch.full((1, 1, 4, 9), value))
    assert found.shape == (1, 1, 4 * scale, 9 * scale)
    torch.testing.assert_close(found, torch.full_like(found, value), atol=1e-6, rtol=0)
    assert ((found * 255).round() == round(value * 255)).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_it_says_of_itself(kernel: str) -> None:
    network = Interpolation(3, kernel)
    assert isinstance(network, Network)
    assert (network.scale, network.context, network.color) == (3, 0, "y")
    assert list(network.parameters()) == []
    assert network.state_dict() == {}  # a model file of it would hold nothing
    assert network(torch.rand(1, 1, 6, 6).double()).dtype == torch.float32


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", KERNELS)
def test_phases_are_the_output_before_its_shuffle(scale: int, kernel: str) -> None:
    network, x = Interpolation(scale, kernel), torch.rand(2, 1, 5, 6)
    phases, found = network.subpixel(x), network(x)
    assert phases.shape == (2, scale**2, 5, 6)
    for row in range(scale):
        for column in range(scale):
            phase = phases[:, row * scale + column]
            assert torch.equal(found[:, 0, row::scale, column::scale], phase)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", KERNELS)
def test_receptive_field(scale: int, kernel: str) -> None:
    network = Interpolation(scale, kernel)
    impulse = torch.zeros(1, 1, 15, 15)
    impulse[0, 0, 7, 7] = 1
    touched = (network.subpixel(impulse)[0].abs().amax(0).nonzero() - 7).abs().max()
    assert touched <= network.receptive_field // 2
    expected = {"cubic": 5, "lanczos": 7, "linear": 3, "nearest": 1}
    assert network.receptive_field == expected[kernel]


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 1)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_pictures_smaller_than_the_kernel(size: tuple[int, int], kernel: str) -> None:
    found = Interpolation(4, kernel)(torch.rand(1, 1, *size))
    assert found.shape == (1, 1, size[0] * 4, size[1] * 4)
    assert found.isfinite().all()


def test_an_unknown_kernel_is_refused() -> None:
    known = "known: cubic, lanczos, linear, nearest"
    with pytest.raises(ValueError, match=f"unknown kernel 'sinc'; {known}"):
        Interpolation(2, "sinc")
