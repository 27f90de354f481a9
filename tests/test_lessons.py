"""Lessons: which parts of a network each phase teaches, and that it learns by them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from clips import picture
from numpy.typing import NDArray

from vsr.evaluation.protocol import degrade
from vsr.networks.espcn import Espcn
from vsr.networks.vespcn import Vespcn
from vsr.training.data import StillPairs
from vsr.training.lessons import StillLesson, WindowLesson
from vsr.training.losses import MARGIN, known_flow, motion, restoration
from vsr.training.window_pairs import WindowPairs

CPU = torch.device("cpu")
STILLS = [picture(n, 80, 90) for n in range(3)]
CLIPS = [[picture(n, 60, 50) for n in range(7)]]


def random(seed: int = 2) -> np.random.Generator:
    return np.random.default_rng(seed)


def lesson(stills: Any = STILLS, clips: Any = CLIPS, **changes: Any) -> WindowLesson:
    pairs = WindowPairs(stills, clips, 2, 1)
    parts = {"mse_part": 0.2, "motion_part": 0.25, "guided_part": 0.25}
    return WindowLesson(pairs, **({"batch": 4, "patch": 12, "device": CPU} | parts | changes))


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
    loss = lesson.loss(learner, random(), done)
    assert loss.isfinite()
    loss.backward()  # type: ignore[no-untyped-call]
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
    assert taught(lesson(motion_part=0), 0) == {"convs"}
    assert taught(lesson(guided_part=0), 0.25) == {"motion", "convs"}
    assert taught(lesson(motion_part=0, guided_part=0), 0) == {"motion", "convs"}
    assert taught(lesson(motion_part=1), 0.999) == {"motion"}


def test_the_first_phase_is_the_error_of_the_flow() -> None:
    learner, one = network(), lesson()
    batch = one.pairs.sample(4, 12, random(), known_flow=True)
    with torch.no_grad():
        found = one.loss(learner, random(), 0)
        with torch.autocast("cpu", torch.bfloat16):
            flow = learner.aligned(batch.small)[1]
    torch.testing.assert_close(found, known_flow(flow, batch.flow))


def test_the_second_phase_sees_neighbours_as_the_known_flow_moves_them() -> None:
    learner, one = network(), lesson()
    batch = one.pairs.sample(4, 12, random(), known_flow=True)
    with torch.no_grad():
        found = one.loss(learner, random(), 0.3)
        with torch.autocast("cpu", torch.bfloat16):
            aligned = learner.aligned(batch.small, batch.flow)[0]
            phases = learner.restored(batch.small, aligned)
    guess = torch.nn.functional.pixel_shuffle(phases, 2)
    expected = restoration(guess, batch.large, squared=False, edge=2 * MARGIN)
    torch.testing.assert_close(found, expected)


def test_the_third_phase_is_restoration_and_motion() -> None:
    learner, one = network(), lesson()
    batch = one.pairs.sample(4, 12, random())
    with torch.no_grad():
        found = one.loss(learner, random(), 0.7)
        with torch.autocast("cpu", torch.bfloat16):
            aligned, flow = learner.aligned(batch.small)
            phases = learner.restored(batch.small, aligned)
    guess = torch.nn.functional.pixel_shuffle(phases, 2)
    expected = restoration(guess, batch.large, squared=False, edge=2 * MARGIN)
    expected = expected + motion(batch.small, aligned, flow, batch.flow)
    torch.testing.assert_close(found, expected)


def test_the_end_is_on_squared_error() -> None:
    learner = network()
    one = lesson(motion_part=0, guided_part=1, mse_part=0.2)
    with torch.no_grad():
        before, after = (float(one.loss(learner, random(), done)) for done in (0.8, 0.81))
    assert after < before**1.5  # of errors far below 1
    pairs = StillPairs(STILLS, [degrade(plane, 2) for plane in STILLS], 2)
    still = StillLesson(pairs, 4, 12, 0.2, CPU)
    single = Espcn(2, (3, 3), (4,))
    with torch.no_grad():
        before, after = (float(still.loss(single, random(), done)) for done in (0.8, 0.81))
    assert after < before**1.5


def test_the_generator_decides_the_loss() -> None:
    learner, one = network(), lesson()
    with torch.no_grad():
        for done in (0, 0.3, 0.9):
            first, same, other = (one.loss(learner, random(n), done) for n in (3, 3, 4))
            assert first == same != other


def soft_noise(side: int) -> NDArray[np.uint8]:
    """A picture with detail of some pixels everywhere, which tells its motion."""
    grain = np.random.default_rng(1).normal(size=(side, side))
    soft = cv2.GaussianBlur(grain, (0, 0), 3)
    return (soft / soft.std() * 45 + 128).clip(0, 255).astype(np.uint8)


def test_the_motion_net_learns_the_flow() -> None:
    one = lesson([soft_noise(160)], [], batch=8, patch=24, motion_part=1)
    torch.manual_seed(1)
    learner = Vespcn(2, features=4, layers=2, flow_features=16)
    optimizer = torch.optim.Adam(learner.motion.parameters(), lr=3e-3)
    for step in range(150):
        optimizer.zero_grad()
        one.loss(learner, random(step), 0).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    batch = one.pairs.sample(64, 24, random(1_000_000), known_flow=True)
    with torch.no_grad():
        flow = learner.aligned(batch.small)[1]
    error, without = (float(known_flow(guess, batch.flow)) for guess in (flow, flow * 0))
    assert without > 1
    assert error < 0.7 * without
