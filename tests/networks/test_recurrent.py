"""The recurrent cell: what it fetches from where, what it starts as, how it bears a long life."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vsr.core.errors import ModelError
from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine, prepared
from vsr.networks.recurrent import Recurrent, State, pick, pick_detail


@pytest.fixture(scope="module")
def network() -> Recurrent:
    torch.manual_seed(3)
    made = Recurrent(4, features=8, pairs=2, flow_features=8).eval()
    torch.nn.init.normal_(made.outward.weight, std=0.02)
    return made.requires_grad_(False)


QUALITY = torch.tensor([0.3, 0.1]).view(1, 2, 1, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_an_untrained_network_gives_bicubic(scale: int) -> None:
    network = Recurrent(scale, features=8, pairs=1, flow_features=8)
    frames = torch.rand(2, 3, 20, 24)
    phases, state = network.step(frames, network.start(frames[:, :1]), QUALITY)
    assert torch.equal(phases, network.base.subpixel(frames[:, :1]))
    assert phases.shape == (2, scale**2, 20, 24)
    assert torch.equal(state.previous, frames[:, :1])


def test_pick_moves_by_whole_pixels_and_repeats_the_border() -> None:
    planes = torch.arange(2 * 3 * 5 * 7, dtype=torch.float32).view(2, 3, 5, 7)
    shift = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(2, 2, 5, 7)
    picked = pick(planes, shift)
    for y in range(5):
        for x in range(7):
            there = planes[:, :, max(y - 1, 0), min(x + 2, 6)]
            assert torch.equal(picked[:, :, y, x], there)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_detail_moves_by_large_pixels(scale: int) -> None:
    """As its shuffled picture does where the whole moves one way."""
    detail = torch.rand(2, scale**2, 6, 9)
    flow = torch.tensor([3 / scale, -1 / scale]).view(1, 2, 1, 1).expand(2, 2, 6, 9)
    large = F.pixel_shuffle(detail, scale)
    rows = (torch.arange(6 * scale) - 1).clamp(0, 6 * scale - 1)
    columns = (torch.arange(9 * scale) + 3).clamp(0, 9 * scale - 1)
    moved = large[:, :, rows][:, :, :, columns]
    assert torch.equal(F.pixel_shuffle(pick_detail(detail, flow, scale), scale), moved)


def test_each_lane_is_for_itself(network: Recurrent) -> None:
    frames = torch.rand(3, 3, 16, 16)
    quality = torch.rand(3, 2, 1, 1)
    together, _ = network.step(frames, network.start(frames[:, :1]), quality)
    for n in range(3):
        alone, _ = network.step(
            frames[n : n + 1], network.start(frames[n : n + 1, :1]), quality[n : n + 1]
        )
        torch.testing.assert_close(together[n : n + 1], alone, atol=1e-5, rtol=0)


def test_the_state_makes_a_difference(network: Recurrent) -> None:
    frames = torch.rand(1, 3, 16, 16)
    empty = network.start(frames[:, :1])
    first, state = network.step(frames, empty, QUALITY)
    again, _ = network.step(frames, state, QUALITY)
    assert not torch.equal(first, again)


def test_the_hidden_state_is_bounded_whatever_comes(network: Recurrent) -> None:
    state = network.start(torch.rand(1, 1, 16, 16))
    wild = State(state.previous, torch.full_like(state.hidden, 1e4), state.detail + 1e3)
    frames = torch.rand(1, 3, 16, 16)
    for _ in range(5):
        _, wild = network.step(frames, wild, QUALITY)
        assert 0 <= wild.hidden.min() <= wild.hidden.max() <= 16


def test_what_is_far_makes_no_difference(network: Recurrent) -> None:
    """With the flow given, `receptive_field` is the whole truth."""
    frames = torch.rand(1, 3, 48, 48)
    flow = torch.zeros(1, 2, 48, 48)
    state = network.start(frames[:, :1])
    state = network.step(frames, state, QUALITY, flow)[1]
    before, _ = network.step(frames, state, QUALITY, flow)
    reach = (network.receptive_field - 1) // 2
    changed = frames.clone()
    changed[..., 24 + reach + 1 :, :] = 0
    after, _ = network.step(changed, state, QUALITY, flow)
    torch.testing.assert_close(after[..., :24, :], before[..., :24, :], atol=1e-6, rtol=0)
    assert not torch.equal(after[..., 30:, :], before[..., 30:, :])


def test_the_engine_says_that_it_runs_none_yet(network: Recurrent) -> None:
    with pytest.raises(ModelError, match="recurrent networks can be trained"):
        prepared(network, choose_engine(ComputeOptions(device="cpu")))


@pytest.mark.parametrize("options", [{"features": 0}, {"pairs": 0}, {"future": -1}, {"scale": 0}])
def test_impossible_shapes_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Recurrent(**{"scale": 4, **options})
