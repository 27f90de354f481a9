"""A recurrent network begins as a smaller one and its mirror image: it says their mean at first."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from support.random_weights import drawn
from support.recurrent_clip import QUALITY, clip, flows, shown
from torch import Tensor

from vsr.inference.ensemble import back, moved
from vsr.networks.recurrent import Recurrent
from vsr.training.cell_shape import CellShape
from vsr.training.mirror import doubled, side_by_side
from vsr.training.symmetry import Symmetry, positions_alike

SMALL = {"features": 6, "pairs": 2, "flow_features": 4, "hidden": 4, "coming_aligned": True}
TWICE = {"features": 12, "hidden": 8}


def made(scale: int = 2, grades: int = 2, **options: Any) -> Recurrent:
    torch.manual_seed(scale)
    network = Recurrent(scale, grades=grades, **(SMALL | options))
    return drawn(network, last=0.2).eval().requires_grad_(False)


def test_two_cells_side_by_side_say_the_mean_of_both() -> None:
    """Each of them alone, given the last detail that both have made."""
    one, other, wide = made(), made(), made(**TWICE)
    other.load_state_dict(drawn(made(grades=2), last=0.1).state_dict())
    wide.load_state_dict(side_by_side(one.state_dict(), other.state_dict(), CellShape.of(one)))
    pictures, moves = clip(6), flows(6)
    states = [one.start(pictures[:1]), other.start(pictures[:1])]
    state = wide.start(pictures[:1])
    for n in range(4):
        seen = pictures[n : n + 3].transpose(0, 1)
        moved = (QUALITY, moves[n : n + 1], moves[n + 1 : n + 3][None])
        phases, state = wide.step(seen, state, *moved)
        steps = [net.step(seen, own, *moved) for net, own in zip((one, other), states, strict=True)]
        mean = (steps[0][0] + steps[1][0]) / 2
        torch.testing.assert_close(phases, mean, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(steps[0][0], steps[1][0], atol=1e-3)
        for number, (_, after) in enumerate(steps):
            hidden = state.hidden[:, 4 * number : 4 * number + 4]
            torch.testing.assert_close(hidden, after.hidden, atol=1e-5, rtol=1e-5)
        states = [replace_detail(after, state.detail) for _, after in steps]


def replace_detail(state: Any, detail: Tensor) -> Any:
    return type(state)(state.previous, state.hidden, detail, state.still)


def test_it_begins_as_the_mean_of_a_network_and_its_mirror_image() -> None:
    """In a first frame, where nothing is remembered yet."""
    old, new = made(3), made(3, **TWICE)
    new.load_state_dict(doubled(old.state_dict(), new))
    pictures, still = clip(3), torch.zeros(3, 2, 16, 20)
    straight = shown(old, pictures, still)
    turned = shown(old, pictures.flip(-1), still).flip(-1)
    expected = (straight + turned) / 2
    torch.testing.assert_close(shown(new, pictures, still), expected, atol=1e-5, rtol=1e-5)
    assert new.motion.state_dict().keys() == old.motion.state_dict().keys()
    for name, value in old.motion.state_dict().items():
        assert torch.equal(new.motion.state_dict()[name], value)


@pytest.mark.parametrize(("alike", "position"), [(1, 1), (2, 2), (4, 4)])
def test_a_symmetric_one_is_put_beside_its_image_in_a_new_position(
    alike: int, position: int
) -> None:
    old = made(3, features=16, hidden=8)
    Symmetry(old, alike).begin(anew=True)
    assert positions_alike(old.state_dict(), CellShape.of(old), old.future) == alike
    new = made(3, features=32, hidden=16)
    new.load_state_dict(doubled(old.state_dict(), new))
    pictures = clip(3)
    still = torch.zeros(3, 2, 16, 20)
    there = back(shown(old, moved(pictures, position), moved(still, position)), position)
    expected = (shown(old, pictures, still) + there) / 2
    torch.testing.assert_close(shown(new, pictures, still), expected, atol=1e-5, rtol=1e-5)
    assert positions_alike(new.state_dict(), CellShape.of(new), new.future) == 2 * alike
    before = copy.deepcopy(new.state_dict())
    Symmetry(new, 2 * alike).begin(anew=False)
    for name, value in new.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=1e-6, rtol=1e-5)


def test_what_treats_all_positions_alike_has_no_image_that_is_new() -> None:
    old, new = made(features=16, hidden=8), made(features=32, hidden=16)
    Symmetry(old, 8).begin(anew=True)
    state = old.state_dict()
    assert doubled(state, new) is state


@pytest.mark.parametrize("other", [{"features": 12}, {**TWICE, "pairs": 3}, {**TWICE, "grades": 1}])
def test_what_is_not_half_as_wide_stays_as_it_is(other: dict[str, Any]) -> None:
    state = made().state_dict()
    assert doubled(state, made(**other)) is state


def test_all_can_learn() -> None:
    new = made(**TWICE)
    new.load_state_dict(doubled(made().state_dict(), new))
    new.requires_grad_(True)
    shown(new, clip(5), flows(5)).square().sum().backward()
    cell = {name: one for name, one in new.named_parameters() if not name.startswith("motion")}
    assert all(one.grad is not None and one.grad.any() for one in cell.values())
