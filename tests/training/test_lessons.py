"""Lessons: which parts of a network each phase teaches, and that it learns by them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.clips import picture
from support.rgb_networks import colours
from torch import Tensor

from vsr.evaluation.protocol import degrade
from vsr.networks import Network
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.vespcn import Vespcn
from vsr.training.data import StillPairs
from vsr.training.lessons import Lesson, StillLesson, WindowLesson
from vsr.training.losses import MARGIN, known_flow, motion, restoration
from vsr.training.window_pairs import WindowPairs

STILLS = [picture(n, 80, 90) for n in range(3)]
CLIPS = [[picture(n, 60, 50) for n in range(7)]]


def random(seed: int = 2) -> np.random.Generator:
    return np.random.default_rng(seed)


def lesson(stills: Any = STILLS, clips: Any = CLIPS, **changes: Any) -> WindowLesson:
    pairs = WindowPairs(stills, clips, 2, 1)
    parts = {"mse_fraction": 0.2, "motion_fraction": 0.25, "guided_fraction": 0.25}
    given = {"batch": 4, "patch": 12, "loss_kind": "charbonnier"} | parts | changes
    return WindowLesson(pairs, **given)


def loss(lesson: Lesson, network: Network, done: float, seed: int = 2) -> Tensor:
    return lesson.loss(network, lesson.draw(random(seed), done), done)


def network(seed: int = 1) -> Vespcn:
    """One whose parts all count: a fresh one's last layer hides what lies before it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = Vespcn(2, features=8, layers=3, flow_features=8)
        torch.nn.init.normal_(made.convs[-1].weight, std=0.1)  # type: ignore[arg-type]
    return made


def taught(lesson: WindowLesson, done: float) -> set[str]:
    """The parts of a network that get a gradient."""
    learner = network()
    error = loss(lesson, learner, done)
    assert error.isfinite()
    error.backward()  # type: ignore[no-untyped-call]
    for name, parameter in learner.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name
    names = {name: parameter.grad for name, parameter in learner.named_parameters()}
    parts = {name.split(".")[0] for name in names}
    for part in parts:  # wholly or not at all
        assert len({names[name] is None for name in names if name.startswith(part)}) == 1
    return {name.split(".")[0] for name, gradient in names.items() if gradient is not None}


@pytest.mark.parametrize(
    ("done", "parts"),
    [
        (0.0, {"motion"}),
        (0.24, {"motion"}),
        (0.25, {"convs"}),
        (0.49, {"convs"}),
        (0.5, {"motion", "convs"}),
        (0.99, {"motion", "convs"}),
    ],
)
@pytest.mark.parametrize("sources", [(STILLS, CLIPS), (STILLS, []), ([], CLIPS)], ids=range(3))
def test_each_phase_teaches_its_part(done: float, parts: set[str], sources: Any) -> None:
    assert taught(lesson(*sources), done) == parts


def test_phases_can_be_left_out() -> None:
    assert taught(lesson(motion_fraction=0), 0) == {"convs"}
    assert taught(lesson(guided_fraction=0), 0.25) == {"motion", "convs"}
    assert taught(lesson(motion_fraction=0, guided_fraction=0), 0) == {"motion", "convs"}
    assert taught(lesson(motion_fraction=1), 0.999) == {"motion"}


def test_the_first_phase_is_the_error_of_the_flow() -> None:
    learner, one = network(), lesson()
    batch = one.pairs.sample(4, 12, random(), known_flow=True)
    with torch.no_grad():
        found = loss(one, learner, 0)
        with torch.autocast("cpu", torch.bfloat16):
            flow = learner.aligned(batch.small)[1]
    torch.testing.assert_close(found, known_flow(flow, batch.flow))


@pytest.mark.parametrize("loss_kind", ["charbonnier", "l1"])
def test_the_second_phase_sees_neighbours_as_the_known_flow_moves_them(loss_kind: str) -> None:
    learner, one = network(), lesson(loss_kind=loss_kind)
    batch = one.pairs.sample(4, 12, random(), known_flow=True)
    with torch.no_grad():
        found = loss(one, learner, 0.3)
        with torch.autocast("cpu", torch.bfloat16):
            aligned = learner.aligned(batch.small, batch.flow)[0]
            phases = learner.restored(batch.small, aligned)
    guess = torch.nn.functional.pixel_shuffle(phases, 2)
    expected = restoration(guess, batch.large, one.loss_kind, edge=2 * MARGIN)
    torch.testing.assert_close(found, expected)


def test_the_third_phase_is_restoration_and_motion() -> None:
    learner, one = network(), lesson()
    batch = one.pairs.sample(4, 12, random())
    with torch.no_grad():
        found = loss(one, learner, 0.7)
        with torch.autocast("cpu", torch.bfloat16):
            aligned, flow = learner.aligned(batch.small)
            phases = learner.restored(batch.small, aligned)
    guess = torch.nn.functional.pixel_shuffle(phases, 2)
    expected = restoration(guess, batch.large, one.loss_kind, edge=2 * MARGIN)
    expected = expected + motion(batch.small, aligned, flow, batch.flow)
    torch.testing.assert_close(found, expected)


def test_the_end_is_on_squared_error() -> None:
    learner = network()
    one = lesson(motion_fraction=0, guided_fraction=1, mse_fraction=0.2)
    with torch.no_grad():
        before, after = (float(loss(one, learner, done)) for done in (0.8, 0.81))
    assert after < before**1.5  # of errors far below 1
    still = still_lesson(STILLS)
    single = Espcn(2, (3, 3), (4,))
    with torch.no_grad():
        before, after = (float(loss(still, single, done)) for done in (0.8, 0.81))
    assert after < before**1.5


def still_lesson(stills: list[NDArray[np.uint8]], loss_kind: str = "charbonnier") -> StillLesson:
    pairs = StillPairs(stills, [degrade(samples, 2) for samples in stills], 2)
    return StillLesson(pairs, batch=4, patch=12, mse_fraction=0.2, loss_kind=loss_kind)


@pytest.mark.parametrize("loss_kind", ["charbonnier", "l1"])
@pytest.mark.parametrize("color", ["y", "rgb"])
def test_a_still_lesson_is_restoration(color: str, loss_kind: str) -> None:
    stills = STILLS if color == "y" else [colours(n, 80, 90) for n in range(3)]
    single = Espcn(2, (3, 3), (4,)) if color == "y" else Edsr(2, blocks=1, features=4)
    one = still_lesson(stills, loss_kind)
    small, large = one.pairs.sample(4, 12, random())
    with torch.no_grad():
        for done, kind in ((0.1, loss_kind), (0.9, "l2")):
            with torch.autocast("cpu", torch.bfloat16):
                guess = single(small)
            expected = restoration(guess, large, kind)
            torch.testing.assert_close(loss(one, single, done), expected, rtol=1e-3, atol=1e-5)
    assert one.beginnings == (0.0,)


def test_examples_drawn_ahead_serve_in_a_later_phase() -> None:
    learner, one = network(), lesson()
    for drawn, done in ((0.24, 0.25), (0.49, 0.5)):
        early = one.draw(random(), drawn)
        assert one.loss(learner, early, done).isfinite()
        assert not early[2].isnan().any()  # their flow is known


def test_the_generator_decides_the_loss() -> None:
    learner, one = network(), lesson()
    with torch.no_grad():
        for done in (0, 0.3, 0.9):
            first, same, other = (loss(one, learner, done, seed) for seed in (3, 3, 4))
            assert first == same != other


def soft_noise(side: int) -> NDArray[np.uint8]:
    """A picture with detail of some pixels everywhere, which tells its motion."""
    grain = np.random.default_rng(1).normal(size=(side, side))
    soft = cv2.GaussianBlur(grain, (0, 0), 3)
    return (soft / soft.std() * 45 + 128).clip(0, 255).astype(np.uint8)


@pytest.mark.slow
def test_the_motion_net_learns_the_flow() -> None:
    one = lesson([soft_noise(160)], [], batch=8, patch=24, motion_fraction=1)
    torch.manual_seed(1)
    learner = Vespcn(2, features=4, layers=2, flow_features=16)
    optimizer = torch.optim.Adam(learner.motion.parameters(), lr=3e-3)
    for step in range(150):
        optimizer.zero_grad()
        loss(one, learner, 0, step).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    batch = one.pairs.sample(64, 24, random(1_000_000), known_flow=True)
    with torch.no_grad():
        flow = learner.aligned(batch.small)[1]
    error, without = (float(known_flow(guess, batch.flow)) for guess in (flow, flow * 0))
    assert without > 1
    assert error < 0.7 * without
