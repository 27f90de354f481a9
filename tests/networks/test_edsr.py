"""EDSR: the published shapes, how far it sees, where it starts, and its light kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from support.random_weights import drawn
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.errors import ModelError
from vsr.core.resample import Upsample
from vsr.inference.engine import Engine, prepared
from vsr.networks.edsr import Edsr
from vsr.networks.registry import load_model

SCALES = (2, 3, 4)
KINDS: list[dict[str, Any]] = [
    {"blocks": 1},
    {"blocks": 2, "residual_scaling": 0.5},
    {"blocks": 1, "light": True},
    {"blocks": 3, "light": True},
]


def convolution(inputs: int, outputs: int) -> int:
    """Parameters of a 3x3 convolution."""
    return outputs * inputs * 9 + outputs


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("options", "blocks", "features", "published"),
    [
        ({}, 16, 64, {2: 1369859, 3: 1554499, 4: 1517571}),
        (
            {"blocks": 32, "features": 256, "residual_scaling": 0.1},
            *(32, 256),
            {2: 40729603, 3: 43680003, 4: 43089923},
        ),
    ],
)
def test_the_published_shapes(
    scale: int, options: dict[str, Any], blocks: int, features: int, published: dict[int, int]
) -> None:
    """Table 1, with the layers of figure 3."""
    with torch.device("meta"):
        network = Edsr(scale, **options)
    hidden = convolution(features, features)
    large = {2: (4,), 3: (9,), 4: (4, 4)}[scale]
    expected = convolution(3, features) + 2 * blocks * hidden + hidden
    expected += sum(convolution(features, features * phases) for phases in large)
    expected += convolution(features, 3)
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == expected == published[scale]
    assert (network.scale, network.context, network.color) == (scale, 0, "rgb")


@pytest.mark.parametrize("scale", SCALES)
def test_the_light_shape(scale: int) -> None:
    network = Edsr(scale, 8, 32, light=True)
    expected = convolution(3, 32) + 17 * convolution(32, 32) + convolution(32, 3 * scale**2)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5)])
def test_any_size(scale: int, kind: dict[str, Any], size: tuple[int, int]) -> None:
    network = drawn(Edsr(scale, features=4, **kind))
    with torch.no_grad():
        found = network(torch.rand(2, 3, *size))
    assert found.shape == (2, 3, size[0] * scale, size[1] * scale)
    assert found.dtype == torch.float32
    assert found.isfinite().all()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_receptive_field(scale: int, kind: dict[str, Any]) -> None:
    """A pixel changes what lies so far from it, and nothing further."""
    network = drawn(Edsr(scale, features=6, **kind))
    reach = network.receptive_field // 2
    assert network.receptive_field == 2 * reach + 1
    size = 4 * reach + 3
    middle = size // 2
    x = torch.rand(1, 3, size, size)
    touched = x.clone()
    touched[..., middle, middle] += torch.tensor([0.5, -0.7, 0.9])
    with torch.no_grad():
        change = (network(touched) - network(x)).abs()
    change = F.pixel_unshuffle(change, scale)[0].amax(0)
    rows, columns = torch.meshgrid(*[(torch.arange(size) - middle).abs()] * 2, indexing="ij")
    distance = torch.maximum(rows, columns)
    assert (change[distance > reach] == 0).all()
    assert (change[distance == reach] > 0).any()


def plainly(network: Edsr, kind: dict[str, Any], x: Tensor) -> Tensor:
    """Figures 2 and 3: no normalisation, no activation but in the blocks, one long way round."""
    scaling = kind.get("residual_scaling", 1.0)
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    mean = torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None]
    shallow = features = convs.pop(0)(x - mean)
    for _ in range(kind["blocks"]):
        change = convs.pop(0)(features).relu()
        features = features + scaling * convs.pop(0)(change)
    features = convs.pop(0)(features) + shallow
    if kind.get("light"):
        base = [Upsample(network.scale)(x[:, n : n + 1]) for n in range(3)]
        return torch.cat(base, 1) + F.pixel_shuffle(convs.pop()(features), network.scale)
    for factor in (2, 2) if network.scale == 4 else (network.scale,):
        features = F.pixel_shuffle(convs.pop(0)(features), factor)
    (last,) = convs
    large: Tensor = last(features) + mean
    return large


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("scale", SCALES)
def test_layer_by_layer(scale: int, kind: dict[str, Any]) -> None:
    """Its output and its gradients, for all that is overwritten on the way."""
    network = drawn(Edsr(scale, features=4, **kind), last=0.5)
    x = torch.rand(2, 3, 6, 5)
    parameters = list(network.parameters())
    found, expected = network(x), plainly(network, kind, x)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    factors = torch.rand(found.shape)
    gradients = torch.autograd.grad((found * factors).sum(), parameters)
    plain = torch.autograd.grad((expected * factors).sum(), parameters)
    for gradient, true in zip(gradients, plain, strict=True):
        torch.testing.assert_close(gradient, true, atol=1e-3, rtol=1e-4)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_a_fresh_light_network_is_the_bicubic_upscale(scale: int) -> None:
    network = Edsr(scale, 2, 4, light=True)
    x = torch.rand(2, 3, 9, 11)
    with torch.no_grad():
        found = network(x)
        for channel in range(3):
            assert torch.equal(found[:, channel, None], Upsample(scale)(x[:, channel, None]))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_it_learns_in_all_its_parts(kind: dict[str, Any]) -> None:
    network = drawn(Edsr(2, features=4, **kind)).train()
    network(torch.rand(2, 3, 8, 8)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_bfloat16_stays_near(kind: dict[str, Any]) -> None:
    network = drawn(Edsr(2, features=8, **kind), last=0.1)
    fast = prepared(network, Engine((torch.device("cpu"),), "bf16", 1))
    x = torch.rand(1, 3, 12, 10)
    with torch.inference_mode():
        found, exact = fast(x), network(x)
    assert all(parameter.dtype == torch.bfloat16 for parameter in fast.parameters())
    assert found.dtype == torch.float32
    assert (found - exact).abs().max() < 0.05 * (exact - exact.mean()).abs().max()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 0}, "scale 0: must be 2, 3 or 4"),
        ({"scale": 1}, "scale 1: must be 2, 3 or 4"),
        ({"scale": 8}, "scale 8: must be 2, 3 or 4"),
        ({"blocks": 0}, "blocks 0, .*: all must be positive, the last at most 1"),
        ({"features": -1}, "features -1, .*: all must be positive"),
        ({"residual_scaling": 0.0}, "residual_scaling 0.0: all must be positive"),
        ({"residual_scaling": 1.5}, "residual_scaling 1.5: all must be .* at most 1"),
        ({"residual_scaling": math.nan}, "residual_scaling nan: all must be positive"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Edsr(**({"scale": 2} | options))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_model_file_brings_it_back(scale: int, kind: dict[str, Any], tmp_path: Path) -> None:
    options = {"features": 4, **kind}
    network = drawn(Edsr(scale, **options))
    facts = {"network": "edsr", "scale": scale, "options": options}
    state = network.state_dict()
    assert not any("mean" in name or "base" in name for name in state)  # learnt numbers alone
    save_file(state, tmp_path / "e.safetensors", {"vsr": json.dumps(facts)})
    loaded = load_model(str(tmp_path / "e.safetensors"), scale).network
    assert (loaded.scale, loaded.color) == (scale, "rgb")
    assert loaded.receptive_field == network.receptive_field
    x = torch.rand(1, 3, 9, 7)
    with torch.no_grad():
        assert torch.equal(loaded(x), network(x))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"features": 5}, "do not fit"),
        ({"features": 4, "light": True}, "do not fit"),
        ({"features": 4, "blocks": 3}, "do not fit"),
        ({"features": 4, "depth": 2}, "depth"),
        ({"blocks": "many"}, "option blocks 'many': must be a whole number"),
    ],
)
def test_a_model_file_with_wrong_options_is_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    facts = {"network": "edsr", "scale": 2, "options": options}
    state = Edsr(2, 2, 4).state_dict()
    save_file(state, tmp_path / "e.safetensors", {"vsr": json.dumps(facts)})
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path / "e.safetensors"), 2)
