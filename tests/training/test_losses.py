"""What training makes small: zero at perfection, blind to margins and to what nobody knows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vsr.training.losses import MARGIN, known_flow, motion, restoration

NAN = float("nan")
LEAST = {"charbonnier": 1e-3, "l1": 0, "l2": 0}  # what each error is at zero


def rand(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def inside(height: int, width: int, edge: int) -> Tensor:
    """Which places are judged."""
    judged = torch.zeros(height, width, dtype=torch.bool)
    judged[edge : height - edge, edge : width - edge] = True
    return judged


# Restoration


@pytest.mark.parametrize("edge", [0, 3])
@pytest.mark.parametrize("kind", LEAST)
def test_restoration_is_least_at_the_truth(kind: str, edge: int) -> None:
    truth = rand(2, 3, 12, 14)
    least = restoration(truth, truth, kind, edge)
    assert float(least) == pytest.approx(LEAST[kind])
    assert restoration(truth + 0.01, truth, kind, edge) > least


def test_restoration_in_figures() -> None:
    truth, guess = torch.zeros(1, 1, 2, 2), torch.tensor([[[[0.3, -0.3], [0.3, -0.3]]]])
    assert float(restoration(guess, truth, "l2")) == pytest.approx(0.09)
    assert float(restoration(guess, truth, "l1")) == pytest.approx(0.3)
    assert float(restoration(guess, truth, "charbonnier")) == pytest.approx(0.3, abs=1e-5)
    assert float(restoration(guess, truth, "charbonnier")) > 0.3


@pytest.mark.parametrize("edge", [0, 1, 4])
@pytest.mark.parametrize("kind", LEAST)
def test_restoration_leaves_the_edge_alone(kind: str, edge: int) -> None:
    guess = rand(2, 3, 10, 12, seed=1).requires_grad_()
    restoration(guess, rand(2, 3, 10, 12, seed=2), kind, edge).backward()
    assert guess.grad is not None
    for channel in guess.grad[0]:
        assert torch.equal(channel != 0, inside(10, 12, edge))


# Flow


def test_known_flow_is_a_distance_in_pixels() -> None:
    known = rand(2, 2, 2, 16, 16)
    right = known + torch.tensor([3.0, 4.0])[:, None, None]
    assert float(known_flow(right, known)) == pytest.approx(5, abs=1e-4)
    assert float(known_flow(known, known)) == pytest.approx(0.01)


def test_flow_that_nobody_knows_is_not_judged() -> None:
    """Nor does it weaken what is known: the mean is over the known windows."""
    known, flow = rand(3, 2, 2, 16, 16, seed=1), rand(3, 2, 2, 16, 16, seed=2)
    part = known.clone()
    part[1], part[2, 0] = NAN, NAN
    flow.requires_grad_()
    loss = known_flow(flow, part)
    loss.backward()
    judged = torch.stack([flow[0, 0], flow[0, 1], flow[2, 1]])[:, None]
    truth = torch.stack([known[0, 0], known[0, 1], known[2, 1]])[:, None]
    torch.testing.assert_close(loss, known_flow(judged, truth))
    assert flow.grad is not None
    assert flow.grad.isfinite().all()
    assert (flow.grad[1] == 0).all()
    assert (flow.grad[2, 0] == 0).all()
    assert (flow.grad[0].abs().sum((0, 1)) > 0)[inside(16, 16, MARGIN)].all()


def test_nothing_known_at_all() -> None:
    flow = rand(2, 2, 2, 12, 12).requires_grad_()
    loss = known_flow(flow, torch.full((2, 2, 2, 12, 12), NAN))
    loss.backward()
    assert loss == 0
    assert flow.grad is not None
    assert (flow.grad == 0).all()


@pytest.mark.parametrize("known", [True, False])
def test_motion_is_least_where_frames_lie_on_each_other(known: bool) -> None:
    small = rand(2, 1, 16, 16).expand(2, 3, 16, 16)
    flow = torch.ones(2, 2, 2, 16, 16)  # as smooth as can be
    truth = flow if known else torch.full_like(flow, NAN)
    least = motion(small, small, flow, truth)
    assert least.isfinite()
    assert 0 < least < 1e-3  # the floors of its roots
    moved = small.clone()
    moved[:, 0] += 0.1
    assert motion(small, moved, flow, truth) > least
    rough = flow + rand(2, 2, 2, 16, 16)
    assert motion(small, small, rough, truth) > least
    if known:
        assert motion(small, small, flow + 1, truth) > least + 0.005
    else:
        assert motion(small, small, flow + 1, truth) == least


def test_a_slope_costs_the_same_in_all_directions() -> None:
    small = torch.zeros(1, 3, 16, 16)
    unknown = torch.full((1, 2, 2, 16, 16), NAN)
    ramp = torch.arange(16.0).expand(16, 16)
    costs = set()
    for slope in (ramp, ramp.T, -ramp):
        for axis in (0, 1):
            flow = torch.zeros(1, 2, 2, 16, 16)
            flow[:, :, axis] = slope
            costs.add(round(float(motion(small, small, flow, unknown)), 7))
    assert len(costs) == 1


def test_motion_is_not_judged_at_the_margin() -> None:
    """But for its smoothness, which needs no surroundings."""
    small, aligned = rand(1, 3, 14, 14, seed=1), rand(1, 3, 14, 14, seed=2).requires_grad_()
    flow = torch.zeros(1, 2, 2, 14, 14, requires_grad=True)
    motion(small, aligned, flow, rand(1, 2, 2, 14, 14, seed=3)).backward()
    for tensor in (aligned, flow):
        assert tensor.grad is not None
        touched = (tensor.grad != 0).flatten(0, -3).any(0)
        assert torch.equal(touched, inside(14, 14, MARGIN))


def test_unknown_flow_reaches_no_gradient() -> None:
    small, aligned = rand(2, 3, 14, 14, seed=1), rand(2, 3, 14, 14, seed=2).requires_grad_()
    flow = rand(2, 2, 2, 14, 14, seed=3).requires_grad_()
    known = rand(2, 2, 2, 14, 14, seed=4)
    known[0] = NAN
    loss = motion(small, aligned, flow, known)
    loss.backward()
    assert loss.isfinite()
    assert aligned.grad is not None
    assert flow.grad is not None
    assert aligned.grad.isfinite().all()
    assert flow.grad.isfinite().all()
