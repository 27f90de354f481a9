"""What a recurrent network is asked, chunk after chunk: the state it begins with, and feedback."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
import torch

from vsr.networks.recurrent import PATIENCE, Recurrent
from vsr.networks.recurrent_state import State
from vsr.training.stream_lesson import (
    _AS_CHARBONNIER,
    _GAIN,
    _HEAVIER,
    _PRESSED,
    StreamLesson,
    _amplified,
    _errors,
    _gains,
    _heavier,
    _swapped,
)
from vsr.training.streams import Streams
from vsr.training.window_pairs import WindowPairs


@pytest.fixture
def lesson() -> StreamLesson:
    random = np.random.default_rng(1)
    stills = [random.integers(0, 256, (220, 300), np.uint8) for _ in range(2)]
    streams = Streams(WindowPairs(stills, [], 2, 1), lanes=3, patch=16, future=2)
    return StreamLesson(streams, 0.0, "relative")


@pytest.fixture
def network() -> Recurrent:
    torch.manual_seed(1)
    made = Recurrent(2, features=8, pairs=1, flow_features=4)
    torch.nn.init.normal_(made.outward.weight, std=0.05)
    return made


def test_the_state_goes_on_but_for_lanes_that_begin(
    lesson: StreamLesson, network: Recurrent
) -> None:
    random = np.random.default_rng(2)
    lesson.loss(network, lesson.draw(random, 0.0), 0.0)
    held = lesson._state
    assert held is not None
    assert not held.hidden.requires_grad
    first = torch.rand(3, 1, 16, 16)
    begun = lesson._carried(network, first, torch.tensor([True, False, True]), torch.zeros(3))
    for lane, fresh in enumerate((True, False, True)):
        assert torch.equal(begun.previous[lane], first[lane] if fresh else held.previous[lane])
        for mine, old in ((begun.hidden, held.hidden), (begun.detail, held.detail)):
            wanted = torch.zeros_like(old[lane]) if fresh else old[lane]
            assert torch.equal(mine[lane].float(), wanted.float())


def test_a_lesson_moves_every_weight_but_those_of_the_motion(
    lesson: StreamLesson, network: Recurrent
) -> None:
    lesson.loss(network, lesson.draw(np.random.default_rng(2), 0.0), 0.0).backward()
    for name, parameter in network.named_parameters():
        moved = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert moved != name.startswith("motion."), name


def test_relative_errors_are_parts_of_bicubics() -> None:
    """Bicubic itself has an error of one unit in every lane, however hard its take is."""
    random = torch.Generator().manual_seed(4)
    truth = torch.rand(2, 16, 20, 20, generator=random)
    guess = truth + torch.tensor([0.05, 0.2]).view(2, 1, 1, 1)
    own = (guess - truth).square().mean((1, 2, 3))
    found = _errors(guess, truth, "relative", own)
    torch.testing.assert_close(found, torch.full((2,), _AS_CHARBONNIER), rtol=0.02, atol=0.0)
    torch.testing.assert_close(
        _errors((guess + truth) / 2, truth, "relative", own), found / 4, rtol=1e-4, atol=1e-6
    )


def test_some_lanes_have_stronger_feedback_and_keep_it_for_a_take() -> None:
    random = np.random.default_rng(3)
    fresh = torch.arange(1000) < 500
    old = _gains(None, fresh, random)
    assert old.dtype == torch.float32
    assert _PRESSED / 2 < float((old > 1).float().mean()) < 2 * _PRESSED
    assert float(old.min()) == 1
    assert 1.1 < float(old.max()) <= _GAIN
    new = _gains(old, fresh, random)
    assert torch.equal(new[~fresh], old[~fresh])
    assert not torch.equal(new[fresh], old[fresh])


def test_lanes_are_told_their_gain(lesson: StreamLesson) -> None:
    *_, gain, _, heavier = lesson.draw(np.random.default_rng(3), 0.0)
    assert gain.shape == (3,)
    assert gain is lesson._gain
    assert 1 <= heavier <= 1 + _HEAVIER


def test_heavier_weights_are_for_one_pass(lesson: StreamLesson, network: Recurrent) -> None:
    own = [*network.parameters()]
    values = [parameter.clone() for parameter in own]
    with _heavier(network, torch.tensor(1.5)):
        heavier = network.outward.weight
    assert heavier is not network.outward.weight
    torch.testing.assert_close(heavier, 1.5 * network.outward.weight)
    lesson.loss(network, lesson.draw(np.random.default_rng(2), 0.0), 0.0).backward()
    assert [*map(id, network.parameters())] == [*map(id, own)]
    assert all(torch.equal(a, b) for a, b in zip(own, values, strict=True))
    assert network.inward.weight.grad is not None


def test_a_lane_may_be_handed_anothers_state() -> None:
    """It begins to count anew how long the picture has stood still, or would keep it for good."""
    old = State(
        torch.rand(3, 1, 2, 2),
        torch.rand(3, 5, 2, 2),
        torch.rand(3, 4, 2, 2),
        torch.full((3, 1, 2, 2), PATIENCE, dtype=torch.uint8),
    )
    new = _swapped(old, torch.tensor([0.0, 2.0, 0.0])[:, None, None, None])
    for lane in (0, 2):
        assert torch.equal(new.hidden[lane], old.hidden[lane])
        assert torch.equal(new.detail[lane], old.detail[lane])
        assert torch.equal(new.still[lane], old.still[lane])
    assert torch.equal(new.hidden[1], 2 * old.hidden[0])
    assert torch.equal(new.detail[1], old.detail[0])
    assert not new.still[1].any()


def test_what_is_kept_for_good_is_not_made_stronger() -> None:
    """It would grow without end."""
    still = torch.tensor([0, 1, PATIENCE - 1, PATIENCE], dtype=torch.uint8).view(1, 1, 1, 4)
    state = State(torch.rand(1, 1, 1, 4), torch.rand(1, 5, 1, 4), torch.rand(1, 4, 1, 4), still)
    louder = _amplified(state, torch.tensor(1.05))
    for new, old in ((louder.hidden, state.hidden), (louder.detail, state.detail)):
        torch.testing.assert_close(new[..., :3], 1.05 * old[..., :3])
        assert torch.equal(new[..., 3], old[..., 3])


def test_motion_learns_alone_first_and_gets_better(network: Recurrent) -> None:
    """A net that finds no motion learns, within a few steps, to find some of it."""
    random = np.random.default_rng(1)
    smooth = [cv2.resize(random.integers(0, 256, (28, 38), np.uint8), (300, 220)) for _ in range(2)]
    streams = Streams(WindowPairs(smooth, [], 2, 1), lanes=3, patch=24, future=2)
    first = copy.deepcopy(network.motion).requires_grad_(False)
    lesson = StreamLesson(streams, 0.0, "relative", motion_fraction=0.5, first_motion=first)
    assert lesson.beginnings == (0.0, 0.5)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    examples = lesson.draw(random, 0.0)
    errors = []
    for _ in range(25):
        optimizer.zero_grad()
        error = lesson.loss(network, examples, 0.1)
        error.backward()
        taught = {
            name.partition(".")[0] for name, p in network.named_parameters() if p.grad is not None
        }
        assert taught == {"motion"}
        optimizer.step()
        errors.append(error.item())
    assert min(errors[-3:]) < 0.9 * errors[0]
    network.zero_grad()
    lesson.loss(network, examples, 0.5).backward()
    assert all(p.grad is None for p in network.motion.parameters())
    assert network.inward.weight.grad is not None
