"""A recurrent network begins as a smaller one, and says at first what that one does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.random_weights import drawn
from torch.nn import functional as F

from vsr.networks.recurrent import Recurrent
from vsr.training.cell_shape import CellShape, shape_of
from vsr.training.rescale import rescaled
from vsr.training.widen import widened

SMALL = {"features": 6, "pairs": 1, "flow_features": 4, "hidden": 4, "grades": 2}
QUALITY = torch.tensor([0.4, 0.1]).view(1, 2, 1, 1)


def made(scale: int = 2, **options: int) -> Recurrent:
    torch.manual_seed(scale)
    return drawn(Recurrent(scale, **(SMALL | options)), last=0.2).eval().requires_grad_(False)


def shown(network: Recurrent, frames: int = 4) -> torch.Tensor:
    """What a short clip becomes: (frames, 1, H, W)."""
    torch.manual_seed(9)
    clip = torch.rand(frames + network.future, 1, 16, 20)
    state, outputs = network.start(clip[:1]), []
    for number in range(frames):
        seen = clip[number : number + 1 + network.future].transpose(0, 1)
        phases, state = network.step(seen, state, QUALITY)
        outputs.append(F.pixel_shuffle(phases, network.scale))
    return torch.cat(outputs)


@pytest.mark.parametrize(
    "larger",
    [
        {"features": 9},
        {"hidden": 6},
        {"pairs": 3},
        {"features": 11, "pairs": 2, "hidden": 11},
    ],
)
def test_it_says_the_same(larger: dict[str, Any]) -> None:
    old, new = made(), made(**larger)
    new.load_state_dict(widened(old.state_dict(), new))
    torch.testing.assert_close(shown(new), shown(old), atol=1e-5, rtol=1e-5)


def test_a_single_grade_becomes_all() -> None:
    old, new = made(grades=1), made(grades=3, features=8)
    new.load_state_dict(widened(old.state_dict(), new))
    torch.testing.assert_close(shown(new), shown(old), atol=1e-5, rtol=1e-5)


def test_all_that_is_new_can_learn() -> None:
    """After a step nothing that was added is without a gradient."""
    new = made(features=9, pairs=2, hidden=9)
    new.load_state_dict(widened(made().state_dict(), new))
    new.requires_grad_(True)
    cell = {name: one for name, one in new.named_parameters() if not name.startswith("motion")}
    for _ in range(2):
        new.zero_grad()
        shown(new).square().sum().backward()
        with torch.no_grad():
            for one in cell.values():
                assert one.grad is not None
                one -= 1e-4 * one.grad
    silent = [name for name, one in cell.items() if one.grad is not None and not one.grad.any()]
    assert silent == []


def test_another_scale_as_well() -> None:
    old, same, new = made(4), made(2), made(2, features=8, pairs=2)
    same.load_state_dict(rescaled(old.state_dict(), same))
    new.load_state_dict(widened(rescaled(old.state_dict(), new), new))
    torch.testing.assert_close(shown(new), shown(same), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"features": 5}, {"grades": 3}])
def test_what_does_not_grow_is_left_alone(options: dict[str, int]) -> None:
    state = made().state_dict()
    assert widened(state, made(**options)) is state
    assert widened({"convs.0.weight": torch.ones(1)}, made()).keys() == {"convs.0.weight"}


def test_the_shape_that_a_file_tells() -> None:
    network = made(3, features=7, pairs=2, hidden=5, grades=3)
    assert shape_of(network.state_dict(), made(2)) == CellShape.of(network)
    assert shape_of({"convs.0.weight": torch.ones(1)}, network) is None
