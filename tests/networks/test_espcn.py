"""ESPCN: where it starts, how far it sees, and the paper's shape."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation

SHAPES = [
    ((5, 3, 3), (64, 32)),
    ((3, 3, 3), (8, 8)),
    ((3,) * 5, (6,) * 4),
    ((3, 3), (6,)),
    ((3, 1), (6,)),
    ((1, 1), (6,)),
    ((3,), ()),
]


def randomised(network: Espcn, seed: int = 3) -> Espcn:
    """Every weight drawn anew, the last layer's too."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.2)
    return network.eval()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("kernels", "features"), SHAPES)
def test_a_fresh_network_is_the_bicubic_upscale(
    scale: int, kernels: tuple[int, ...], features: tuple[int, ...]
) -> None:
    x = torch.rand(2, 1, 9, 11)
    fresh = Espcn(scale, kernels, features)
    with torch.no_grad():
        assert torch.equal(fresh(x), Interpolation(scale)(x))
        fresh.convs.bfloat16()
        assert torch.equal(fresh(x), Interpolation(scale)(x))  # a residual of zero


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_phases_are_the_output_before_its_shuffle(scale: int) -> None:
    network, x = randomised(Espcn(scale, (3, 3), (6,))), torch.rand(2, 1, 7, 5)
    with torch.no_grad():
        phases, found = network.subpixel(x), network(x)
    assert phases.shape == (2, scale**2, 7, 5)
    assert found.shape == (2, 1, 7 * scale, 5 * scale)
    for row in range(scale):
        for column in range(scale):
            phase = phases[:, row * scale + column]
            assert torch.equal(found[:, 0, row::scale, column::scale], phase)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("kernels", "features"), SHAPES)
def test_receptive_field(scale: int, kernels: tuple[int, ...], features: tuple[int, ...]) -> None:
    network = randomised(Espcn(scale, kernels, features))
    reach = network.receptive_field // 2
    assert network.receptive_field == 2 * reach + 1
    size, middle = 4 * reach + 3, 2 * reach + 1
    x = torch.rand(1, 1, size, size)
    touched = x.clone()
    touched[0, 0, middle, middle] += 0.5
    with torch.no_grad():
        change = (network.subpixel(touched) - network.subpixel(x))[0].abs().amax(0)
    y, x = torch.meshgrid(*[(torch.arange(size) - middle).abs()] * 2, indexing="ij")
    distance = torch.maximum(x, y)
    assert (change[distance > reach] == 0).all()
    assert (change[distance == reach] > 0).any()


def test_an_output_depends_on_its_receptive_field_alone() -> None:
    """What tiles need: a halo of half the receptive field gives the same samples."""
    network = randomised(Espcn(2, (5, 3, 3), (8, 6)))
    reach = network.receptive_field // 2
    x = torch.rand(1, 1, 24, 26)
    with torch.inference_mode():
        whole = network.subpixel(x)[..., 9:14, 8:15]
        tile = network.subpixel(x[..., 9 - reach : 14 + reach, 8 - reach : 15 + reach])
    assert torch.equal(tile[..., reach:-reach, reach:-reach], whole)


def test_the_papers_shape() -> None:
    """Section 3.3: 5x5x64, 3x3x32, 3x3xr^2."""
    counts = {scale: sum(p.numel() for p in Espcn(scale).parameters()) for scale in (2, 3, 4)}
    assert counts == {
        # 64*25 + 64 = 1664; 32*64*9 + 32 = 18464; r^2*32*9 + r^2 = 289 r^2
        2: 1664 + 18464 + 289 * 4,
        3: 1664 + 18464 + 289 * 9,
        4: 1664 + 18464 + 289 * 16,
    }
    network = Espcn(3)
    assert network.receptive_field == 9
    assert (network.scale, network.context, network.color) == (3, 0, "y")


def test_the_tensors_of_a_model_file_are_the_convolutions_alone() -> None:
    assert sorted(Espcn(4, (3, 3), (8,)).state_dict()) == [
        "convs.0.bias",
        "convs.0.weight",
        "convs.1.bias",
        "convs.1.weight",
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_output_is_float32_whatever_the_convolutions_are(dtype: torch.dtype) -> None:
    network = randomised(Espcn(2, (3, 3), (8,)))
    network.convs.to(dtype)
    with torch.no_grad():
        assert network(torch.rand(1, 1, 6, 8)).dtype == torch.float32


def test_it_learns() -> None:
    network, x = Espcn(2, (3, 3), (6,)), torch.rand(1, 1, 6, 6)
    network(x).square().mean().backward()
    last = network.convs[-1]
    assert isinstance(last, nn.Conv2d)
    assert last.weight.grad is not None
    assert last.weight.grad.abs().max() > 0


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize(
    "options",
    [
        {"kernels": (5, 3, 3), "features": (64,)},
        {"kernels": (3,), "features": (8,)},
        {"kernels": (), "features": ()},
        {"kernels": (4, 3), "features": (8,)},  # an even kernel would change the size
        {"kernels": (3, 2), "features": (8,)},
        {"kernels": (0, 3), "features": (8,)},
        {"kernels": (3, -3), "features": (8,)},
        {"kernels": (3, 3), "features": (0,)},
        {"kernels": (3, 3), "features": (-8,)},
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Espcn(2, **options)


@pytest.mark.parametrize("scale", [0, -2])
def test_wrong_scales_are_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Espcn(scale)
