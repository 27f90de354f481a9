"""The literature's networks: where they start, what training sees of them, several scales."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.random_weights import drawn
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import ModelError
from vsr.core.resample import Upsample
from vsr.networks import ARCHITECTURES, Network
from vsr.networks.literature import LITERATURE
from vsr.networks.literature.drrn import Drrn
from vsr.networks.literature.fsrcnn import Fsrcnn
from vsr.networks.literature.lapsrn import Lapsrn
from vsr.networks.literature.mdsr import Mdsr
from vsr.networks.literature.srcnn import Srcnn
from vsr.networks.literature.vdsr import Vdsr
from vsr.networks.multi_scale import MultiScale
from vsr.networks.registry import load_model, scales_of

FRESH: dict[str, Callable[[int], Network]] = {
    "srcnn": lambda scale: Srcnn(scale, (5, 3, 3), (6, 4)),
    "fsrcnn": lambda scale: Fsrcnn(scale, 6, 3, 2),
    "vdsr": lambda scale: Vdsr(scale, layers=4, features=6),
    "drrn": lambda scale: Drrn(scale, units=2, features=6),
}
SEVERAL: dict[str, Callable[[int], MultiScale]] = {
    "vdsr": lambda scale: drawn(Vdsr(scale, layers=3, features=6), last=0.2),
    "drrn": lambda scale: drawn(Drrn(scale, units=2, features=6), last=0.2),
    "mdsr": lambda scale: drawn(Mdsr(scale, blocks=1, features=6), last=0.2),
}


def picture(network: Network, *size: int) -> Tensor:
    torch.manual_seed(5)
    return torch.rand(1, 3 if network.color == "rgb" else 1, *size)


def test_the_literature_is_part_of_the_architectures() -> None:
    assert LITERATURE.items() <= ARCHITECTURES.items()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", FRESH)
def test_a_fresh_network_is_the_bicubic_upscale(name: str, scale: int) -> None:
    network = FRESH[name](scale)
    x = picture(network, 9, 11)
    with torch.no_grad():
        torch.testing.assert_close(network(x), Upsample(scale)(x), atol=0, rtol=0)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_fresh_pyramid_is_bilinear(scale: int) -> None:
    network = Lapsrn(scale, 1, 4)
    x = picture(network, 9, 11)
    expected = x
    for _ in network.levels:
        expected = F.interpolate(expected, scale_factor=2.0, mode="bilinear")
    with torch.no_grad():
        torch.testing.assert_close(network(x), expected, atol=1e-6, rtol=0)


def test_the_pyramids_picture_is_enlarged_by_a_transposed_convolution() -> None:
    """Within the border, which is repeated where the paper's sees zeros."""
    network = Lapsrn(2, 1, 4)
    level = network.levels[0]
    change = torch.randn(1, 1, 4, 4) * 0.1
    level.picture_change.data = change
    x = picture(network, 8, 9)
    with torch.no_grad():
        found = network(x)
        expected = F.conv_transpose2d(x, level.bilinear + change, None, 2, 1)
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-6, rtol=0)


def test_every_level_of_a_pyramid_is_judged() -> None:
    network = drawn(Lapsrn(4, 1, 4), last=0.1)
    x = picture(network, 6, 7)
    with torch.no_grad():
        half, whole = network.supervised(x)
        assert torch.equal(whole, network(x))
    assert (half.shape, whole.shape) == ((1, 1, 12, 14), (1, 1, 24, 28))


def test_every_recursion_is_judged_if_wanted() -> None:
    plain = drawn(Drrn(2, units=3, features=4), last=0.2)
    network = Drrn(2, units=3, features=4, supervise_all=True)
    network.load_state_dict(plain.state_dict())
    x = picture(network, 6, 7)
    with torch.no_grad():
        found = network.supervised(x)
        assert torch.equal(found[-1], network(x))
        assert torch.equal(network(x), plain(x))
        for n, each in enumerate(found, 1):
            shorter = Drrn(2, units=n, features=4)
            shorter.load_state_dict(plain.state_dict())
            assert torch.equal(each, shorter(x))
    assert len(plain.supervised(x)) == 1
    assert not torch.equal(found[0], found[1])


def test_blocks_of_drrn_follow_each_other() -> None:
    """Layer by layer, as figure 3 of the paper; gradients, too."""
    network = drawn(Drrn(3, blocks=2, units=2, features=4), last=0.5)
    x = picture(network, 5, 6)
    state = dict(network.named_parameters())

    def layer(name: str, features: Tensor) -> Tensor:
        return F.conv2d(features, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    large = features = Upsample(3)(x)
    for block in range(2):
        seen = features if block == 0 else features.relu()
        begun = features = layer(f"blocks.{block}.begin", seen)
        for _ in range(2):
            hidden = layer(f"blocks.{block}.first", features.relu()).relu()
            features = layer(f"blocks.{block}.second", hidden) + begun
    expected = large + layer("reconstruct", features.relu())
    found = network(x)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    factors = torch.rand(found.shape)
    parameters = list(network.parameters())
    for own, true in zip(
        torch.autograd.grad((found * factors).sum(), parameters),
        torch.autograd.grad((expected * factors).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(own, true, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("name", [*FRESH, "lapsrn", "mdsr"])
def test_gradients_and_inference_agree(name: str) -> None:
    """What is overwritten on the way changes neither."""
    makes = {"lapsrn": lambda s: Lapsrn(s, 2, 4), "mdsr": lambda s: Mdsr(s, (s,), 1, 4)}
    network = drawn((FRESH | makes)[name](2), last=0.3)
    x = picture(network, 7, 6)
    with torch.inference_mode():
        without = network(x).clone()
    found = network.supervised(x)
    torch.testing.assert_close(found[-1], without, atol=1e-5, rtol=1e-5)
    loss = sum(each.square().mean() for each in found)
    loss.backward()  # type: ignore[union-attr]
    step = 1e-2
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None, label
        assert parameter.grad.any(), label
    # Along the gradient, the loss rises as the gradient says.
    slope = sum(p.grad.square().sum() for p in network.parameters() if p.grad is not None)
    scale = step / float(slope) ** 0.5 * 1e-1
    values = []
    for sign in (-1, 1):
        moved = copy.deepcopy(network).double()
        with torch.no_grad():
            for own, parameter in zip(moved.parameters(), network.parameters(), strict=True):
                assert parameter.grad is not None
                own += sign * scale * parameter.grad.double()
            values.append(
                sum(each.double().square().mean() for each in moved.supervised(x.double()))
            )
    rise = float(values[1] - values[0]) / (2 * scale)
    assert rise == pytest.approx(float(slope), rel=0.05)


# Several scales by one set of weights


@pytest.mark.parametrize("name", SEVERAL)
def test_one_set_of_weights_serves_each_scale(name: str, tmp_path: Path) -> None:
    network = SEVERAL[name](3)
    options = {"blocks": 1, "features": 6} if name == "mdsr" else {}
    if name == "vdsr":
        options = {"layers": 3, "features": 6}
    if name == "drrn":
        options = {"units": 2, "features": 6}
    path = tmp_path / "own.safetensors"
    facts = {"network": name, "scale": 4, "options": {**options, "scales": [2, 3, 4]}}
    save_file(network.state_dict(), path, {"vsr": json.dumps(facts)})
    assert scales_of(str(path)) == (2, 3, 4)
    for scale in (4, 2, 3):
        network.use(scale)
        loaded = load_model(path, scale)
        assert (loaded.scale, loaded.network.scale) == (scale, scale)
        assert loaded.network.receptive_field == network.receptive_field
        x = picture(network, 7, 8)
        with torch.no_grad():
            assert network(x).shape[-2:] == (7 * scale, 8 * scale)
            assert torch.equal(loaded.network(x), network(x))
    with pytest.raises(ValueError, match="scale 5: must be one of 2, 3, 4"):
        network.use(5)
    assert network.scale == 3


def test_a_file_serves_the_scales_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    network = Vdsr(2, (2, 3), 3, 4)

    def written(scale: int, scales: object) -> None:
        options = {"layers": 3, "features": 4, "scales": scales}
        facts = {"network": "vdsr", "scale": scale, "options": options}
        save_file(network.state_dict(), path, {"vsr": json.dumps(facts)})

    written(3, [3, 2])
    assert scales_of(str(path)) == (2, 3)
    with pytest.raises(ModelError, match="is for scale 2, 3, not 4"):
        load_model(path, 4)
    for scale, scales in ((4, [2, 3]), (2, [2, 5]), (2, [])):
        written(scale, scales)
        with pytest.raises(ModelError, match=r"scales \[.*\]: must be some of 2, 3, 4"):
            load_model(path, 2)
