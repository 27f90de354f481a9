"""A grown network begins as the smaller one ended: the same output, and more to learn with."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.random_weights import Some, drawn
from torch import Tensor, nn

from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.vespcn import Vespcn
from vsr.training.net2net import grown


def espcn(layers: int = 3, features: int = 4, scale: int = 2, size: int = 3) -> Espcn:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(4)
        return Espcn(scale, (size,) + (3,) * (layers - 1), (features,) * (layers - 1))


def vespcn(layers: int = 3, features: int = 4, **options: Any) -> Vespcn:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(5)
        return Vespcn(2, features, layers, flow_features=4, **options)


def begun(network: Some, small: Network) -> Some:
    """A network with fresh weights, and those that it takes over."""
    network.load_state_dict(grown(small.state_dict(), network.state_dict()), strict=False)
    return network.eval()


def window(frames: int) -> Tensor:
    return torch.rand(2, frames, 11, 14, generator=torch.Generator().manual_seed(7))


def assert_same(large: Network, small: Network) -> None:
    """Both make the same of a window; the smaller one sees the middle of it."""
    x = window(2 * large.context + 1)
    edge = large.context - small.context
    with torch.no_grad():
        expected = small(x[:, edge : x.shape[1] - edge])
        near = 2e-3 if small.context else 1e-5  # flows are rounded: one may differ by a step
        torch.testing.assert_close(large(x), expected, atol=near, rtol=1e-5)
        bicubic = Interpolation(2)(x[:, large.context : large.context + 1])
        assert (expected - bicubic).abs().max() > 0.1


GROWTH = [
    pytest.param(espcn(3, 4), espcn(3, 7), id="more features"),
    pytest.param(espcn(3, 4), espcn(6, 4), id="more layers"),
    pytest.param(espcn(2, 4), espcn(5, 6), id="more of both"),
    pytest.param(Espcn(2, (5, 3, 1), (6, 3)), Espcn(2, (5, 3, 3, 1), (7, 6, 6)), id="uneven"),
    pytest.param(espcn(3, 4), vespcn(3, 4), id="espcn to vespcn"),
    pytest.param(espcn(3, 4), vespcn(5, 6, context=2), id="espcn to vespcn of five frames"),
    pytest.param(vespcn(3, 4), vespcn(4, 5), id="larger vespcn"),
    pytest.param(vespcn(4, 4, fusion="slow"), vespcn(6, 7, fusion="slow"), id="larger slow fusion"),
]


@pytest.mark.parametrize(("small", "large"), GROWTH)
def test_a_grown_network_computes_the_same(small: Network, large: Network) -> None:
    assert_same(begun(drawn(large, seed=8), drawn(small)), small)


def test_further_frames_count_for_nothing_at_first() -> None:
    """1 -> 3 -> 5 frames; each frame's flow is that of the motion net, which goes along."""
    three = begun(vespcn(context=1), drawn(espcn()))
    drawn(three)
    five = begun(vespcn(context=2), three)
    assert_same(five, three)
    x, other = window(5), window(5)
    other[:, [0, 4]] = torch.rand(2, 2, 11, 14)
    with torch.no_grad():
        assert torch.equal(five(x), five(other))
        assert not torch.equal(three(x[:, 1:4]), three(x[:, [1, 2, 1]]))


@pytest.mark.parametrize("large", [espcn(3, 9), vespcn(5, 9, context=2)])
def test_what_is_new_can_learn(large: Network) -> None:
    """New features and frames are there from the start: a step lets the others hear them."""
    begun(large, drawn(espcn(3, 4)))
    large(window(2 * large.context + 1)).square().mean().backward()
    first, *others = large.get_submodule("convs").children()
    for conv in others:
        assert isinstance(conv, nn.Conv2d)
        assert conv.weight.grad is not None
        listening = conv.weight.grad[:4, 4:]  # of old features, to new ones
        assert listening.abs().max() > 0
    assert isinstance(first, nn.Conv2d)
    assert first.weight.grad is not None
    assert (first.weight.grad[:4].abs().amax((0, 2, 3)) > 0).all()


@pytest.mark.parametrize("make", [espcn, vespcn, lambda: vespcn(4, fusion="slow", context=1)])
def test_the_same_shape_takes_all(make: Any) -> None:
    small, large = drawn(make()), make()
    fitted = grown(small.state_dict(), large.state_dict())
    assert fitted.keys() == large.state_dict().keys()
    assert all(torch.equal(fitted[name], value) for name, value in small.state_dict().items())


def test_a_single_layer() -> None:
    small = drawn(Espcn(2, (3,), ()))
    assert_same(begun(Espcn(2, (3,), ()), small), small)
    assert grown(small.state_dict(), espcn(3).state_dict()) == {}  # there is no hidden layer


def test_the_last_layer_of_another_scale_begins_anew() -> None:
    small = drawn(espcn(scale=2))
    fitted = grown(small.state_dict(), espcn(scale=3).state_dict())
    assert fitted.keys() == {f"convs.{n}.{kind}" for n in (0, 1) for kind in ("weight", "bias")}
    x = window(1)
    with torch.no_grad():
        assert torch.equal(begun(espcn(scale=3), small)(x), Interpolation(3)(x))


@pytest.mark.parametrize(
    ("small", "large", "taken"),
    [
        pytest.param(espcn(size=5), espcn(), {1, 2}, id="another kernel"),
        pytest.param(espcn(features=6), espcn(features=4), set(), id="fewer features"),
        pytest.param(espcn(3, 6), espcn(5, 4), set(), id="narrow layers hand nothing on"),
        pytest.param(espcn(5), espcn(3), {0, 1}, id="fewer layers"),
        pytest.param(vespcn(context=2), vespcn(), {1, 2}, id="fewer frames"),
        pytest.param(espcn(4), vespcn(4, fusion="slow"), {2, 3}, id="frames in pairs"),
        pytest.param(espcn(2), vespcn(4, fusion="slow"), {2, 3}, id="further frames in pairs"),
        pytest.param(vespcn(4), espcn(4), {1, 2, 3}, id="vespcn to espcn"),
        pytest.param(Interpolation(2), espcn(), set(), id="nothing learnt"),
        pytest.param(espcn(), Interpolation(2), set(), id="nothing to learn"),
    ],
)
def test_what_does_not_fit_is_left_out(small: Network, large: Network, taken: set[int]) -> None:
    fitted = grown(small.state_dict(), large.state_dict())
    names = {name for name in fitted if name.startswith("convs.")}
    assert names == {f"convs.{n}.{kind}" for n in taken for kind in ("weight", "bias")}
    large.load_state_dict(fitted, strict=False)  # shapes are those of the large one


def edsr(scale: int, light: bool, features: int = 4, blocks: int = 2) -> Edsr:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(scale)
        return Edsr(scale, blocks, features, light=light)


@pytest.mark.parametrize(
    ("light", "scale", "kept"),
    [
        (True, 3, set()),
        (True, 4, set()),
        (False, 3, {"tail.to_rgb"}),
        (False, 4, {"tail.to_rgb", "tail.stages.0"}),  # the first of two that double the size
    ],
)
def test_edsr_of_another_scale_begins_with_the_body(
    light: bool, scale: int, kept: set[str]
) -> None:
    small, large, fresh = drawn(edsr(2, light)), edsr(scale, light), edsr(scale, light)
    state, new = small.state_dict(), fresh.state_dict()
    begun(large, small)
    body = {name.rpartition(".")[0] for name in new if not name.startswith("tail.")}
    assert {"head", "body.0.first", "body.1.second", "body_end"} <= body
    for name, value in large.state_dict().items():
        taken = name.rpartition(".")[0] in body | kept
        assert torch.equal(value, state[name] if taken else new[name]), name
    x = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        features, same = (n.body_end(n.body[1](n.body[0](n.head(x)))) for n in (small, large))
        assert torch.equal(features, same)
        if light:  # its last layer is zero, so it is still bicubic
            planes = Interpolation(scale)(x.transpose(0, 1)).transpose(0, 1)
            torch.testing.assert_close(large(x), planes, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("light", [False, True])
def test_edsr_of_the_same_shape_takes_all(light: bool) -> None:
    small = drawn(edsr(2, light))
    fitted = grown(small.state_dict(), edsr(2, light).state_dict())
    assert fitted.keys() == small.state_dict().keys()
    assert all(torch.equal(fitted[name], value) for name, value in small.state_dict().items())


def test_edsr_of_another_width_begins_anew() -> None:
    fitted = grown(drawn(edsr(2, True)).state_dict(), edsr(2, True, features=6).state_dict())
    assert fitted.keys() == {"tail.to_phases.bias"}
    assert grown(drawn(edsr(2, True)).state_dict(), espcn().state_dict()) == {}


def test_a_motion_net_of_another_size_begins_anew() -> None:
    small, large = drawn(vespcn()), Vespcn(2, 4, 3, flow_features=5)
    fitted = grown(small.state_dict(), large.state_dict())
    kept = {f"motion.{part}.bias" for part in ("coarse.4", "fine.4")}
    assert {name for name in fitted if name.startswith("motion.")} == kept


@pytest.mark.parametrize(
    "state",
    [
        {"convs.0.weight": torch.ones(4, 1, 3, 3)},
        {"convs.0.weight": torch.ones(4), "convs.0.bias": torch.ones(4)},
        {
            **{"convs.0.weight": torch.ones(4, 1, 3, 3), "convs.0.bias": torch.ones(4)},
            **{"convs.1.weight": torch.ones(4, 3, 3, 3), "convs.1.bias": torch.ones(4)},
        },
        {"body.0.weight": torch.ones(4, 1, 3, 3)},
    ],
)
def test_a_file_of_another_kind_gives_nothing(state: dict[str, Tensor]) -> None:
    assert grown(state, espcn().state_dict()) == {}
