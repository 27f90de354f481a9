"""A recurrent network begins at one scale as one that was trained at another."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vsr.networks.recurrent import Recurrent
from vsr.training.rescale import _places, rescaled

SMALL = {"features": 6, "pairs": 1, "flow_features": 4, "hidden": 5, "grades": 2}


def made(scale: int) -> Recurrent:
    torch.manual_seed(scale)
    network = Recurrent(scale, **SMALL)
    torch.nn.init.normal_(network.outward.weight, std=0.1)
    torch.nn.init.normal_(network.outward.bias, std=0.1)
    return network


@pytest.mark.parametrize(("new", "old"), [(2, 4), (3, 4), (4, 2), (2, 3)])
def test_places_cover_the_pixel(new: int, old: int) -> None:
    assert torch.allclose(_places(new, old).sum(1), torch.ones(new**2))
    flat = torch.full((old**2,), 0.3)
    assert torch.allclose(_places(new, old) @ flat, torch.full((new**2,), 0.3))


@pytest.mark.parametrize("scale", [2, 3])
def test_the_cell_says_the_same_at_the_other_scale(scale: int) -> None:
    """Its detail is the mean over the places, if what went in was spread over them."""
    old, new = made(4), made(scale)
    new.load_state_dict(rescaled(old.state_dict(), new))
    planes = old.inward.in_channels - 5 - 16
    hidden, detail = torch.rand(1, 5, 8, 8), torch.rand(1, scale**2, 8, 8)
    shown = torch.rand(1, planes, 8, 8)
    spread = torch.einsum("op,npyx->noyx", _places(4, scale), detail)
    mix = torch.tensor([[0.3, 0.7]])
    with torch.inference_mode():
        mine, state = new.cell(torch.cat([hidden, detail, shown], 1), mix)
        its, same = old.cell(torch.cat([hidden, spread, shown], 1), mix)
    torch.testing.assert_close(state, same, atol=1e-5, rtol=1e-5)
    reduced = torch.einsum("po,noyx->npyx", _places(scale, 4), its)
    torch.testing.assert_close(mine, reduced, atol=1e-5, rtol=1e-5)
    if scale == 2:
        small, large = (F.pixel_shuffle(x, s) for x, s in ((mine, 2), (its, 4)))
        torch.testing.assert_close(small, F.avg_pool2d(large, 2), atol=1e-5, rtol=1e-5)


def test_what_is_of_the_same_scale_or_another_network_is_left_alone() -> None:
    one, other = made(2).state_dict(), made(2)
    assert rescaled(one, other) is one
    assert rescaled({"convs.0.weight": torch.ones(1)}, other).keys() == {"convs.0.weight"}
