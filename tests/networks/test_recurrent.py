"""The recurrent cell: what it fetches from where, what it starts as, how it bears a long life."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from vsr.networks.pick import pick, pick_detail
from vsr.networks.recurrent import Recurrent


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


def test_coming_frames_are_moved_onto_the_one_before_them() -> None:
    """Where all moves one way, each shows what the frame does, but at the border."""
    first = torch.rand(2, 1, 12, 16)
    frames = torch.cat([first.roll((n, 2 * n), (2, 3)) for n in range(3)], 1)
    coming = torch.tensor([-2.0, -1.0]).view(1, 1, 2, 1, 1).expand(2, 2, 2, 12, 16)
    still = torch.zeros(2, 2, 12, 16)
    options = {"features": 8, "pairs": 1, "flow_features": 4}
    for aligned in (False, True):
        network = Recurrent(2, coming_aligned=aligned, **options)
        state = network.start(first)
        seen = network.observe(
            frames, first, state.still, QUALITY, still, coming if aligned else coming[:, :0]
        )
        change = seen.planes[:, 2:4, 4:-4, 4:-4].abs().amax((0, 2, 3))
        assert (change < 1e-5).all() == aligned


def test_known_flows_are_as_those_found() -> None:
    network = Recurrent(2, features=8, pairs=1, flow_features=4, coming_aligned=True).eval()
    frames = torch.rand(1, 4, 20, 24)
    first, second = network.coming_flows(frames[:, :3]), network.coming_flows(frames[:, 1:])
    assert torch.equal(first[:, 1], second[:, 0])
    assert torch.equal(network.coming_flows(frames[:, 1:], first[:, 1:]), second)
    plain = Recurrent(2, features=8, pairs=1, flow_features=4)
    assert plain.coming_flows(frames[:, :3]).shape == (1, 0, 2, 20, 24)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_detail_moves_by_large_pixels(scale: int) -> None:
    """As its shuffled picture does where the whole moves one way."""
    detail = torch.rand(2, scale**2, 6, 9)
    flow = torch.tensor([3 / scale, -1 / scale]).view(1, 2, 1, 1).expand(2, 2, 6, 9)
    large = F.pixel_shuffle(detail, scale)
    rows = (torch.arange(6 * scale) - 1).clamp(0, 6 * scale - 1)
    columns = (torch.arange(9 * scale) + 3).clamp(0, 9 * scale - 1)
    moved = large[:, :, rows][:, :, :, columns]
    picked = pick_detail(detail, flow, scale)
    inside = (slice(None), slice(None), slice(scale, None), slice(8 * scale - 3))
    assert torch.equal(F.pixel_shuffle(picked, scale)[inside], moved[inside])
    beyond = pick_detail(detail, 100 * torch.ones_like(flow), scale)
    assert torch.equal(beyond, detail[..., -1:, -1:].expand_as(beyond))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_part_is_fetched_as_in_the_whole(scale: int) -> None:
    torch.manual_seed(scale)
    hidden, detail = torch.rand(2, 5, 14, 17), torch.rand(2, scale**2, 14, 17)
    flow = 4 * torch.randn(2, 2, 14, 17)
    rows, columns = slice(3, 11), slice(6, 15)
    part = flow[:, :, rows, columns]
    whole = pick(hidden, flow)[:, :, rows, columns]
    assert torch.equal(pick(hidden, part, (3, 6)), whole)
    whole = pick_detail(detail, flow, scale)[:, :, rows, columns]
    assert torch.equal(pick_detail(detail, part, scale, (3, 6)), whole)


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
    wild = replace(state, hidden=torch.full_like(state.hidden, 1e4), detail=state.detail + 1e3)
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


def test_called_as_others_are_it_restores_the_first_frame_of_a_shot(network: Recurrent) -> None:
    frames = torch.rand(2, 3, 12, 16)
    phases, _ = network.step(frames, network.start(frames[:, :1]), torch.zeros(1, 2, 1, 1))
    assert torch.equal(network(frames), F.pixel_shuffle(phases, 4))


def test_a_part_of_the_trunk_is_handed_on() -> None:
    """What is not handed on makes no difference: with weights of 0 it makes none either."""
    torch.manual_seed(5)
    whole = Recurrent(2, features=8, pairs=1, flow_features=4).eval()
    torch.nn.init.normal_(whole.outward.weight, std=0.05)
    part = Recurrent(2, features=8, pairs=1, flow_features=4, hidden=5).eval()
    weights = whole.state_dict()
    weights["inward.weight"][:, 5:8] = 0
    kept = [n for n in range(weights["inward.weight"].shape[1]) if n not in (5, 6, 7)]
    part.load_state_dict(weights | {"inward.weight": weights["inward.weight"][:, kept]})
    states, frames = [network.start(torch.rand(1, 1, 12, 16)) for network in (whole, part)], []
    states[1] = replace(states[1], previous=states[0].previous)
    assert states[1].hidden.shape == (1, 5, 12, 16)
    with torch.inference_mode():
        for _ in range(4):
            seen = torch.rand(1, 3, 12, 16)
            frames = []
            for n, network in enumerate((whole, part)):
                large, states[n] = network.step(seen, states[n], QUALITY)
                frames.append(large)
            torch.testing.assert_close(*frames, atol=1e-5, rtol=0)
    assert states[1].hidden.shape == (1, 5, 12, 16)


@pytest.mark.parametrize(
    "options",
    [{"features": 0}, {"pairs": 0}, {"future": -1}, {"scale": 0}, {"hidden": 0}, {"hidden": 33}],
)
def test_impossible_shapes_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Recurrent(**{"scale": 4, **options})
