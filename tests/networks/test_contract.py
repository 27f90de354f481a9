"""What every network must do: add yours to SMALL, and these tests say what is missing."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load, save
from support.random_weights import drawn
from support.small_networks import SMALL, of_scales
from torch import Tensor

from vsr.networks import ARCHITECTURES, Network
from vsr.networks.literature.rcan import Rcan
from vsr.networks.recurrent import Recurrent


@pytest.fixture(params=of_scales(SMALL), ids=lambda case: f"{case[0]} x{case[1]}")
def network(request: pytest.FixtureRequest) -> Network:
    name, scale = request.param
    torch.manual_seed(scale)
    return SMALL[name](scale).eval().requires_grad_(False)


def channels(network: Network) -> int:
    """Of what a network sees at once."""
    colors = 3 if network.color == "rgb" else 1
    if isinstance(network, Recurrent):
        return 1 + network.future
    return colors * (2 * network.context + 1)


def restored(network: Network, x: Tensor) -> Tensor:
    """What a network makes of frames; a recurrent one of a shot's first, without motion."""
    if not isinstance(network, Recurrent):
        return network(x)
    still = torch.zeros(len(x), 2, *x.shape[-2:])
    quality = torch.zeros(1, 2, 1, 1)
    coming = torch.zeros(len(x), network.future, 2, *x.shape[-2:])
    phases, _ = network.step(x, network.start(x[:, :1]), quality, still, coming)
    return torch.nn.functional.pixel_shuffle(phases, network.scale)


def test_every_architecture_is_held_to_it() -> None:
    assert SMALL.keys() == ARCHITECTURES.keys()
    for name, make in SMALL.items():
        assert type(make(2)) is ARCHITECTURES[name]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 64), (23, 17), (32, 32)])
def test_any_size(network: Network, height: int, width: int) -> None:
    out = restored(network, torch.rand(2, channels(network), height, width))
    colors = 3 if network.color == "rgb" else 1
    assert out.shape == (2, colors, network.scale * height, network.scale * width)
    assert out.dtype == torch.float32
    assert out.isfinite().all()


WHOLE: dict[str, Callable[[], Network]] = {"rcan": lambda: drawn(Rcan(2, 1, 1, 6, 2))}
"""Those that take means over the whole picture: exact in tiles they cannot be, and must say so."""


def test_the_others_are_local(network: Network) -> None:
    """So tests/end_to_end/test_crop.py holds them to tiles that equal the whole."""
    assert network.local
    assert network.block in (1, 2, 4)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_not_local_sees_further(name: str) -> None:
    network = WHOLE[name]().requires_grad_(False)
    assert not network.local
    x = torch.rand(1, channels(network), 8, 3 * network.receptive_field)
    changed = x.clone()
    changed[..., -1] = 1 - changed[..., -1]
    beyond = (
        network(changed)[..., : network.receptive_field]
        - network(x)[..., : network.receptive_field]
    )
    assert beyond.abs().max() > 0


def test_frames_of_a_batch_know_nothing_of_each_other(network: Network) -> None:
    x = torch.rand(3, channels(network), 20, 24)
    alone = torch.cat([restored(network, one) for one in x.split(1)])
    torch.testing.assert_close(restored(network, x), alone, atol=1e-5, rtol=0)


def test_the_receptive_field_is_honest(network: Network) -> None:
    """What lies beyond it changes nothing; for all that, it is not wildly too large."""
    radius = (network.receptive_field - 1) // 2
    side = 4 * (-(-(2 * radius + 12) // 4))
    x = torch.rand(1, channels(network), 24, side)
    changed = x.clone()
    middle = side // 2
    changed[..., middle + radius + 1 :] = 1 - changed[..., middle + radius + 1 :]
    before, after = restored(network, x), restored(network, changed)
    kept = (middle + 1) * network.scale
    torch.testing.assert_close(after[..., :kept], before[..., :kept], atol=2e-6, rtol=0)
    assert not torch.equal(after, before)


def test_weights_survive_a_file(network: Network) -> None:
    other = copy.deepcopy(network)
    for parameter in other.parameters():
        parameter.zero_()
    other.load_state_dict(load(save(network.state_dict())))
    x = torch.rand(1, channels(network), 16, 16)
    assert torch.equal(restored(other, x), restored(network, x))


def test_half_precision_is_near(network: Network) -> None:
    half = copy.deepcopy(network)
    for parameter in half.parameters():
        parameter.data = parameter.data.bfloat16()
    x = torch.rand(1, channels(network), 24, 24)
    difference = (restored(half, x) - restored(network, x)).abs()
    assert difference.mean() < 0.02


def test_the_same_input_gives_the_same(network: Network) -> None:
    x = torch.rand(1, channels(network), 16, 20)
    assert torch.equal(restored(network, x), restored(network, x.clone()))
