"""VESPCN: where it starts, how far it sees, what its parts compute, and the paper's size."""

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
from vsr.networks.cost import cost
from vsr.networks.interpolation import Interpolation
from vsr.networks.network import Network
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Motion, Vespcn, level_contrast, warp

TINY: dict[str, Any] = {"features": 4, "flow_features": 4}
KINDS: list[dict[str, Any]] = [
    {"layers": 2},
    {"layers": 3, "context": 2},
    {"layers": 3, "fusion": "slow"},
    {"layers": 5, "context": 2, "fusion": "slow"},
]

TO_PIXELS = Upsample(4, "linear")


def pictures(count: int, frames: int, height: int, width: int, seed: int = 1) -> Tensor:
    """Soft noise within [0, 1]: (count, frames, height, width)."""
    noise = torch.rand(count, frames, height, width, generator=torch.Generator().manual_seed(seed))
    return F.avg_pool2d(noise, 3, 1, 1, count_include_pad=False)


# The whole network


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (8, 12), (14, 3)])
def test_any_size(scale: int, kind: dict[str, Any], size: tuple[int, int]) -> None:
    network = drawn(Vespcn(scale, **TINY, **kind))
    x = pictures(2, 2 * network.context + 1, *size)
    height, width = size
    with torch.no_grad():
        found, phases = network(x), network.subpixel(x)
    assert found.shape == (2, 1, height * scale, width * scale)
    assert phases.shape == (2, scale**2, height, width)
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert torch.equal(found, F.pixel_shuffle(phases, scale))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_fresh_network_is_the_bicubic_upscale_of_the_centre(
    scale: int, kind: dict[str, Any]
) -> None:
    network = Vespcn(scale, **TINY, **kind)
    x = pictures(2, 2 * network.context + 1, 9, 11)
    centre = x[:, network.context : network.context + 1]
    with torch.no_grad():
        assert torch.equal(network(x), Interpolation(scale)(centre))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_it_learns_in_all_its_parts(kind: dict[str, Any]) -> None:
    network = drawn(Vespcn(2, **TINY, **kind)).train()
    network(pictures(2, 2 * network.context + 1, 13, 10)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 0}, "scale 0"),
        ({"features": 0}, "features 0"),
        ({"context": 0}, "context 0"),
        ({"flow_features": -1}, "flow_features -1"),
        ({"fusion": "late"}, "fusion 'late': must be early or slow"),
        ({"layers": 1}, "layers 1: early fusion needs more than 1"),
        ({"layers": 4, "context": 2, "fusion": "slow"}, "layers 4: slow fusion needs more than 4"),
        ({"flow_range": (12.0,)}, "flow_range .*12.0.*: must be two numbers above 0"),
        ({"flow_range": (12.0, 0.0)}, "must be two numbers above 0"),
        ({"flow_range": (math.inf, 3.0)}, "must be two numbers above 0"),
        ({"flow_range": (math.nan, 3.0)}, "must be two numbers above 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Vespcn(**({"scale": 2} | options))


# How far it sees


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_receptive_field(kind: dict[str, Any]) -> None:
    """Whatever changes beyond it changes nothing; what changes just within it does."""
    network = drawn(Vespcn(2, **TINY, **kind))
    reach = network.receptive_field // 2
    assert network.receptive_field == 2 * reach + 1
    frames, size = 2 * network.context + 1, 2 * reach + 9
    x, other = (pictures(1, frames, size, size, seed) for seed in (1, 2))
    changed = 0
    assert network.aligned(x)[1].abs().mean() > 3  # the flows are no small ones
    whole = network.subpixel(x)  # with gradients, or flows would be rounded
    for n in range(4):  # all places within the blocks of 4 x 4 that the coarse flow sees
        row, column = reach + 1 + n, reach + 1 + 3 * n % 4
        for distance, seen in ((reach, False), (reach - 9, True)):
            near = other.clone()
            rows = slice(row - distance, row + distance + 1)
            columns = slice(column - distance, column + distance + 1)
            near[..., rows, columns] = x[..., rows, columns]
            found = network.subpixel(near)[..., row, column]
            if seen:
                changed += not torch.equal(found, whole[..., row, column])
            else:
                assert torch.equal(found, whole[..., row, column])
    assert changed  # or the field said would be far too wide


def tiled(network: Network, x: Tensor, side: int, halo: int) -> Tensor:
    """The phases, computed in tiles of `side` with `halo` pixels around them."""
    height, width = x.shape[-2:]
    rows = []
    for top in range(0, height, side):
        row = []
        for left in range(0, width, side):
            above, before = max(top - halo, 0), max(left - halo, 0)
            tile = network.subpixel(x[..., above : top + side + halo, before : left + side + halo])
            row.append(tile[..., top - above :, left - before :][..., :side, :side])
        rows.append(torch.cat(row, -1))
    return torch.cat(rows, -2)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_tiles_on_multiples_of_4_give_the_whole(kind: dict[str, Any]) -> None:
    network = drawn(Vespcn(2, **TINY, **kind))
    halo = math.ceil(network.receptive_field // 2 / 4) * 4
    x = F.avg_pool2d(pictures(1, 2 * network.context + 1, 191, 174), 7, 1)  # sides of odd rests
    with torch.inference_mode():
        whole = network.subpixel(x)
        assert network.aligned(x)[1].abs().mean() > 3
        assert torch.equal(tiled(network, x, 64, halo), whole)
        assert (tiled(network, x, 64, 8) - whole).abs().max() > 0.01  # the halo is needed


# Its parts


def test_aligned_moves_each_neighbour_by_its_own_flow() -> None:
    network = Vespcn(2, **TINY, context=2)
    x = pictures(2, 5, 9, 12)
    shifts = [(1, 0), (0, 2), (-3, 1), (2, -2)]
    flow = torch.tensor(shifts, dtype=torch.float32)[None, :, :, None, None].expand(2, 4, 2, 9, 12)
    with torch.no_grad():
        aligned, same = network.aligned(x, flow)
    assert torch.equal(same, flow)
    assert torch.equal(aligned[:, 2], x[:, 2])
    for plane, (right, down) in zip((0, 1, 3, 4), shifts, strict=True):
        inside = x[:, plane, 3 + down : 6 + down, 3 + right : 9 + right]
        torch.testing.assert_close(aligned[:, plane, 3:6, 3:9], inside, atol=1e-5, rtol=0)


def test_aligned_is_what_the_motion_net_says() -> None:
    network = drawn(Vespcn(2, **TINY, context=2))
    x = pictures(2, 5, 10, 13)
    with torch.no_grad():
        aligned, flow = network.aligned(x)
        assert flow.shape == (2, 4, 2, 10, 13)
        for place, plane in enumerate((0, 1, 3, 4)):
            neighbour, centre = x[:, plane : plane + 1], x[:, 2:3]
            expected = network.motion(centre, neighbour)[:, 0]
            torch.testing.assert_close(flow[:, place], expected, atol=1e-4, rtol=0)
            moved = warp(neighbour, flow[:, place], "bicubic")
            torch.testing.assert_close(aligned[:, plane : plane + 1], moved, atol=1e-6, rtol=0)


@pytest.mark.parametrize("context", [1, 2])
@pytest.mark.parametrize("fusion", ["early", "slow"])
def test_restored_layer_by_layer(context: int, fusion: str) -> None:
    """Slow fusion joins neighbours in pairs until one is left, all pairs by the same weights."""
    network = drawn(Vespcn(3, **TINY, layers=6, context=context, fusion=fusion))
    frames = 2 * context + 1
    x, aligned = (pictures(2, frames, 7, 9, seed) - 0.2 for seed in (1, 2))
    layers = [(conv.weight, conv.bias) for conv in network.convs]  # type: ignore[union-attr]
    if fusion == "early":
        maps = [aligned]
    else:
        maps = list(aligned.split(1, 1))
        for weight, bias in layers[: frames - 1]:
            assert weight.shape == (4, 2 if len(maps) == frames else 8, 3, 3)
            pairs = [torch.cat(maps[n : n + 2], 1) for n in range(len(maps) - 1)]
            maps = [F.conv2d(pair, weight, bias, padding=1).relu() for pair in pairs]
        layers = layers[frames - 1 :]
    (features,) = maps
    *hidden, last = layers
    for weight, bias in hidden:
        features = F.conv2d(features, weight, bias, padding=1).relu()
    residual = F.conv2d(features, *last, padding=1)
    centre = Interpolation(3).subpixel(x[:, context : context + 1])
    with torch.no_grad():
        found = network.restored(x, aligned)
    torch.testing.assert_close(found, centre + residual, atol=1e-5, rtol=1e-5)


def test_motion_step_by_step() -> None:
    """Coarse flow from both frames; fine flow from them, it and the neighbour warped by it."""
    motion = drawn(Vespcn(2, **TINY)).motion
    centre, neighbour = (pictures(2, 1, 12, 16, seed) for seed in (1, 2))
    pair = torch.cat([level_contrast(centre, TO_PIXELS), level_contrast(neighbour, TO_PIXELS)], 1)
    with torch.no_grad():
        coarse = F.pixel_shuffle(through(motion.coarse, pair).tanh(), 4) * 12
        moved = warp(level_contrast(neighbour, TO_PIXELS), coarse, "bilinear")
        seen = torch.cat([pair, coarse, moved], 1)
        fine = F.pixel_shuffle(through(motion.fine, seen).tanh(), 2) * 3
        found = motion(centre, neighbour)[:, 0]
    # The last bit of a coarse flow may round it to another of the 256 steps of a pixel.
    torch.testing.assert_close(found, coarse + fine, atol=1 / 256, rtol=0)


def through(layers: nn.ModuleList, x: Tensor) -> Tensor:
    *hidden, last = layers
    for layer in hidden:
        x = layer(x).relu()
    return last(x)


@pytest.mark.parametrize("size", [(1, 1), (6, 3), (4, 8)])
def test_flow_stays_within_its_range(size: tuple[int, int]) -> None:
    motion = Motion(4, (5.0, 2.0))
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in motion.parameters():
            parameter.normal_(generator=random)
        flow = motion(*(pictures(2, 1, *size, seed) for seed in (1, 2)))
    assert flow.shape == (2, 1, 2, *size)
    assert 2 < flow.abs().max() <= 7


def test_edges_repeat_to_multiples_of_4() -> None:
    motion = drawn(Vespcn(2, **TINY)).motion
    pair = pictures(2, 1, 13, 10), pictures(2, 1, 13, 10, seed=2)
    padded = (F.pad(frame, (0, 2, 0, 3), mode="replicate") for frame in pair)
    with torch.no_grad():
        assert torch.equal(motion(*pair), motion(*padded)[..., :13, :10])


def test_at_first_there_is_hardly_any_motion() -> None:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        network = Vespcn(4)
    with torch.no_grad():
        flow = network.aligned(pictures(2, 3, 24, 24))[1]
    assert 0 < flow.abs().mean() < 0.5


def test_contrast_is_levelled() -> None:
    x = pictures(1, 1, 96, 88)
    found = level_contrast(x, TO_PIXELS)
    assert found.mean().abs() < 0.05
    assert abs(found.std() - 1) < 0.1
    torch.testing.assert_close(
        level_contrast(0.5 * x + 0.3, TO_PIXELS), found, atol=0.02, rtol=0.02
    )
    plain = torch.full((1, 2, 8, 8), 0.7)
    assert level_contrast(plain, TO_PIXELS).abs().max() < 1e-3
    faint = 0.5 + (x - 0.5) / 1000  # far below what 8 bits hold
    assert level_contrast(faint, TO_PIXELS).abs().max() < 0.1


# Warping


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_warp_fetches_from_where_the_flow_points(mode: str) -> None:
    """Whole pixels, each place its own way, and beyond the border its pixels repeat."""
    random = torch.Generator().manual_seed(5)
    x = torch.rand(2, 3, 9, 14, generator=random)
    flow = torch.randint(-20, 21, (2, 2, 9, 14), generator=random)
    found = warp(x, flow.float(), mode)
    rows = (torch.arange(9)[:, None] + flow[:, 1]).clamp(0, 8)
    columns = (torch.arange(14) + flow[:, 0]).clamp(0, 13)
    expected = torch.stack([x[n][:, rows[n], columns[n]] for n in range(2)])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_the_flow_names_x_first() -> None:
    x = torch.arange(12.0).view(1, 1, 3, 4)
    right = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 3, 4)
    torch.testing.assert_close(warp(x, right, "bilinear")[..., :3], x[..., 1:])
    down = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(1, 2, 3, 4)
    torch.testing.assert_close(warp(x, down, "bilinear")[..., :2, :], x[..., 1:, :])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (270, 480)])
def test_warp_by_nothing_changes_nothing(mode: str, size: tuple[int, int]) -> None:
    x = torch.rand(1, 1, *size)
    found = warp(x, torch.zeros(1, 2, *size), mode)
    torch.testing.assert_close(found, x, atol=2e-4, rtol=0)


def test_bilinear_warp_between_pixels() -> None:
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(12.0), indexing="ij")
    slope = (2 * columns - 3 * rows)[None, None]
    flow = torch.randint(-512, 513, (1, 2, 9, 12)) / 256
    expected = slope + 2 * flow[:, :1] - 3 * flow[:, 1:]
    inside = (..., slice(2, -2), slice(2, -2))
    found = warp(slope, flow, "bilinear")
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-4, rtol=0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_flows_count_in_256ths_of_a_pixel_but_in_training(mode: str) -> None:
    x = pictures(2, 1, 9, 13)
    flow = torch.rand(2, 2, 9, 13, generator=torch.Generator().manual_seed(2)) * 9 - 4.5
    rounded = (flow * 256).round() / 256
    before = flow.clone()
    assert torch.equal(warp(x, flow, mode), warp(x, rounded, mode))
    assert torch.equal(flow, before)
    flow.requires_grad_()
    learning = warp(x, flow, mode)
    assert not torch.equal(learning, warp(x, rounded, mode))
    # half a 512th to each side, on a slope of at most 2 (bicubic), in both directions
    torch.testing.assert_close(learning, warp(x, rounded, mode), atol=4 / 512, rtol=0)
    learning.sum().backward()
    assert flow.grad is not None
    assert flow.grad.abs().max() > 0
    assert torch.equal(flow, before)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("length", [64, 100, 121, 249, 257, 1000])
def test_where_a_pixel_lies_changes_nothing_of_its_warp(mode: str, length: int) -> None:
    x = pictures(1, 1, 3, 37)
    flow = torch.randint(-1024, 1025, (1, 2, 3, 37)) / 256
    inside = (..., slice(6, -6))  # from where no flow leads over the border
    expected = warp(x, flow, mode)[inside]
    for place in (1, 14, length - 37):
        around = (place, length - 37 - place, 0, 0)
        wide = F.pad(x, around, mode="replicate")
        moved = warp(wide, F.pad(flow, around), mode)[..., place : place + 37]
        assert torch.equal(moved[inside], expected)


def test_bicubic_keeps_detail_that_bilinear_blurs() -> None:
    places = torch.arange(64.0)
    wave = torch.sin(places * 1.3).expand(1, 1, 64, 64)
    moved = torch.sin((places + 0.5) * 1.3)
    flow = torch.tensor([0.5, 0.0]).view(1, 2, 1, 1).expand(1, 2, 64, 64)
    errors = [
        (warp(wave, flow, mode)[..., 4:-4] - moved[4:-4]).abs().mean()
        for mode in ("bilinear", "bicubic")
    ]
    assert errors[1] < errors[0] / 2


# The paper's size, model files, precision


def test_the_papers_size() -> None:
    """Table 1 for the motion net; nine layers of 24 over three frames, x4."""
    network = Vespcn(4)
    trunk = {(24, 3): 1, (24, 24): 7, (16, 24): 1}
    coarse = {(24, 2, 5, 4): 1, (24, 24, 3, 4): 1, (24, 24, 5, 16): 1, (24, 24, 3, 16): 1}
    fine = {(24, 5, 5, 4): 1, (24, 24, 3, 4): 3, (8, 24, 3, 4): 1}
    motion = {**coarse, (32, 24, 3, 16): 1}
    parameters = sum(n * (o * i * 9 + o) for (o, i), n in trunk.items())
    for layers in (motion, fine):
        parameters += sum(n * (o * i * k * k + o) for (o, i, k, _), n in layers.items())
    assert cost(network).parameters == parameters
    macs = sum(n * o * i * 9 for (o, i), n in trunk.items())
    for layers in (motion, fine):  # once for each neighbour, at a 4th or a 16th of the pixels
        macs += 2 * sum(n * o * i * k * k // area for (o, i, k, area), n in layers.items())
    macs += 2 * 3 * 9  # means and squares of three frames, from blocks to pixels by 3x3 taps
    found = cost(network).macs - cost(Interpolation(4)).macs
    assert found == macs * 480 * 270
    assert 2 * found / 1e9 == pytest.approx(14.8, abs=0.05)
    assert (network.scale, network.context, network.color) == (4, 1, "y")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_model_file_brings_it_back(kind: dict[str, Any], tmp_path: Path) -> None:
    options = {**TINY, "flow_range": (7.5, 2.0), **kind}
    network = drawn(Vespcn(3, **options))
    facts = {"network": "vespcn", "scale": 3, "options": options}
    save_file(network.state_dict(), tmp_path / "v.safetensors", {"vsr": json.dumps(facts)})
    loaded = load_model(str(tmp_path / "v.safetensors"), 3).network
    assert (loaded.scale, loaded.context) == (3, network.context)
    assert loaded.receptive_field == network.receptive_field
    x = pictures(1, 2 * network.context + 1, 13, 10)
    with torch.no_grad():
        assert torch.equal(loaded(x), network(x))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fusion": "late"}, "fusion 'late': must be early or slow"),
        ({"flow_range": [3]}, "must be a list of 2 values"),
        ({"flow_range": 3}, "must be a list of 2 values"),
        ({"flow_range": ["a", "b"]}, "must be a list, each a number"),
        ({"features": 5}, "do not fit"),
        ({"depth": 5}, "depth"),
    ],
)
def test_a_model_file_with_wrong_options_is_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    facts = {"network": "vespcn", "scale": 2, "options": options}
    state = Vespcn(2, **TINY).state_dict()
    save_file(state, tmp_path / "v.safetensors", {"vsr": json.dumps(facts)})
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path / "v.safetensors"), 2)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_bfloat16_stays_near(kind: dict[str, Any]) -> None:
    network = drawn(Vespcn(2, **TINY, **kind))
    with torch.no_grad():
        for layers in (network.motion.coarse, network.motion.fine):
            layers[-1].weight.mul_(0.05)  # type: ignore[union-attr, operator]
        network.convs[-1].weight.mul_(0.1)  # type: ignore[union-attr, operator]
        fast = prepared(network, Engine((torch.device("cpu"),), "bf16", 1))
        x = F.avg_pool2d(pictures(1, 2 * network.context + 1, 46, 46), 7, 1)
        assert all(parameter.dtype == torch.bfloat16 for parameter in fast.parameters())
        found, exact = fast(x), network(x)
        residual = exact - Interpolation(2)(x[:, network.context : network.context + 1])
    assert found.dtype == torch.float32
    assert residual.abs().max() > 0.02
    assert (found - exact).abs().max() < 0.1 * residual.abs().max()
