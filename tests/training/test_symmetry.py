"""Cells that treat flips and turns alike: what symmetric weights do, and that they stay so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.random_weights import drawn
from support.recurrent_clip import clip, flows, shown
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.inference.ensemble import POSITIONS, back, moved
from vsr.networks.recurrent import Recurrent
from vsr.training.beginning import begin
from vsr.training.cell_shape import CellShape
from vsr.training.checkpoint import load_checkpoint, save_checkpoint
from vsr.training.mirror import doubled
from vsr.training.recipe import Recipe
from vsr.training.symmetry import SYMMETRIES, Symmetry, turned

SMALL = {"pairs": 2, "flow_features": 4, "coming_aligned": True, "grades": 2}


def made(scale: int = 2, **options: Any) -> Recurrent:
    torch.manual_seed(scale)
    network = Recurrent(scale, **({"features": 16, "hidden": 8} | SMALL | options))
    return drawn(network, last=0.2).eval().requires_grad_(False)


def moved_flows(moves: Tensor, position: int) -> Tensor:
    """Where things move in a picture that lies in another position."""
    is_turned, flips = POSITIONS[position]
    there = moved(moves, position).clone()
    if is_turned:
        there = there.flip(1)
    return there * torch.tensor([-1.0 if axis in flips else 1.0 for axis in (-1, -2)]).view(2, 1, 1)


def answered(network: Recurrent, position: int) -> Tensor:
    """What a network says of a clip in a position, as the clip lies."""
    pictures, moves = clip(5), flows(5)
    told = shown(network, moved(pictures, position), moved_flows(moves, position))
    return back(told, position)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("future", [0, 2])
@pytest.mark.parametrize("position", range(8))
def test_turned_weights_say_of_a_picture_what_they_said_of_the_turned_one(
    scale: int, future: int, position: int
) -> None:
    one, other = made(scale, future=future), made(scale, future=future)
    state = one.state_dict()
    other.load_state_dict(turned(state, CellShape.of(one), future, position))
    given = moved(clip(5), position), moved_flows(flows(5), position)
    expected = moved(shown(one, clip(5), flows(5)), position)
    torch.testing.assert_close(shown(other, *given), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", SYMMETRIES)
def test_a_symmetric_cell_answers_a_turned_picture_with_the_turned_answer(positions: int) -> None:
    network = made(3)
    Symmetry(network, positions).begin(anew=True)
    straight = answered(network, 0)
    for position in range(8):
        same = torch.allclose(answered(network, position), straight, atol=1e-5)
        assert same == (position < positions)


@pytest.mark.parametrize("positions", SYMMETRIES)
def test_random_weights_keep_their_size(positions: int) -> None:
    network = made(features=32, hidden=16)
    before = float(network.blocks[0][0].weight.std())  # type: ignore[index]
    Symmetry(network, positions).begin(anew=True)
    after = float(network.blocks[0][0].weight.std())  # type: ignore[index]
    assert after == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize("positions", [2, 4, 8])
def test_what_is_symmetric_stays_so_as_it_learns(positions: int) -> None:
    network = made()
    symmetry = Symmetry(network, positions)
    symmetry.begin(anew=True)
    network.requires_grad_(True)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    optimizer.register_step_pre_hook(lambda *_: symmetry.keep())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(3):
        optimizer.zero_grad()
        shown(network, clip(5), flows(5)).diff(dim=-1).square().sum().backward()
        optimizer.step()
    network.requires_grad_(False)
    assert not torch.allclose(network.state_dict()["inward.weight"], before["inward.weight"])
    straight = answered(network, 0)
    for position in range(1, positions):
        torch.testing.assert_close(answered(network, position), straight, atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_all_positions() -> None:
    """Of a symmetric network: the mean of what it would have learnt from each of them."""
    network, positions = made(), 4
    symmetry = Symmetry(network, positions)
    symmetry.begin(anew=True)
    network.requires_grad_(True)
    total = torch.zeros_like(network.outward.weight)
    for position in range(positions):
        network.zero_grad()
        answered(network, position).diff(dim=-1).square().sum().backward()
        assert network.outward.weight.grad is not None
        total += network.outward.weight.grad / positions
    network.zero_grad()
    answered(network, 0).diff(dim=-1).square().sum().backward()
    symmetry.keep()
    assert network.outward.weight.grad is not None
    torch.testing.assert_close(network.outward.weight.grad, total, atol=1e-4, rtol=1e-3)


def test_without_gradients_of_the_cell_nothing_is_kept() -> None:
    """As while the motion net learns alone."""
    network = made().requires_grad_(True)
    network.motion(clip(2)[:1], clip(2)[1:]).sum().backward()
    before = [one.grad.clone() for one in network.motion.parameters() if one.grad is not None]
    Symmetry(network, 2).keep()
    after = [one.grad for one in network.motion.parameters() if one.grad is not None]
    assert len(before) == len(after) > 0
    assert all(map(torch.equal, before, after))  # type: ignore[arg-type]


def test_a_doubled_cell_is_symmetric() -> None:
    network = made(features=32, hidden=16)
    network.load_state_dict(doubled(made().state_dict(), network))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    Symmetry(network, 2).begin(anew=False)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_weights_without_symmetry_are_refused() -> None:
    with pytest.raises(TrainingError, match="symmetry 2: the weights to begin from have 1;"):
        Symmetry(made(), 2).begin(anew=False)


def test_features_must_make_blocks() -> None:
    with pytest.raises(TrainingError, match="symmetry 8: hidden 12 must be a multiple"):
        Symmetry(made(hidden=12), 8)


def test_a_run_keeps_the_symmetry_that_it_began_with(tmp_path: Path) -> None:
    options = {"features": 4, "hidden": 2, **SMALL}
    recipe = Recipe("recurrent", 2, (), options=options, reparam_width=0, symmetry=2)
    free, path = replace(recipe, symmetry=1), tmp_path / "checkpoint.pt"
    cpu = torch.device("cpu")
    save_checkpoint(begin(recipe, cpu), recipe, path)
    load_checkpoint(begin(recipe, cpu), recipe, path, cpu)
    with pytest.raises(TrainingError, match="symmetry 2 there, 1 here"):
        load_checkpoint(begin(free, cpu), free, path, cpu)


@pytest.mark.parametrize(
    ("network", "settings", "words"),
    [
        ("espcn", {"symmetry": 2}, "symmetry: is for recurrent networks"),
        ("recurrent", {"symmetry": 3, "reparam_width": 0}, "symmetry 3: must be one of 1, 2, 4, 8"),
        ("recurrent", {"symmetry": 2, "reparam_width": 64}, "symmetry 2: needs a reparam_width"),
    ],
)
def test_recipes_that_cannot_be(network: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        Recipe(network, 2, (), **settings)
