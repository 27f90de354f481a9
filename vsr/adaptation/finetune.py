"""Fine-tuning: a few steps of training at a low rate, from good weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from vsr.adaptation.pseudo_pairs import CameraPairs
from vsr.core.bounds import check_bounds
from vsr.core.errors import TrainingError
from vsr.networks import Network
from vsr.networks.vespcn import Vespcn
from vsr.training.checkpoint import Run
from vsr.training.descent import descend
from vsr.training.footage import FootageStills
from vsr.training.lessons import Lesson, StillLesson, WindowLesson
from vsr.training.recipe import COURSE, part_done

_WARM_UP = 50  # steps
_MSE_FRACTION = 1.0  # of the run, on squared error: it is what is judged by


@dataclass(frozen=True)
class Course:
    """How to learn.

    Attributes:
        minutes: the time for it; None where only `iterations` counts.
        iterations: steps to take, likewise. With both, whichever is further on counts.
        lr: Adam's highest learning rate.
        batch, patch: windows a step, and their side in small pixels.
        seed: what each step shows follows from it and the step's number.
    """

    minutes: float | None = 3.0
    iterations: int | None = None
    lr: float = 1e-4
    batch: int = 16
    patch: int = 24
    seed: int = 1

    def __post_init__(self) -> None:
        if self.iterations is None and self.minutes is None:
            raise TrainingError("adapting needs an end: minutes, iterations or both")
        check_bounds(TrainingError, self, COURSE)


@dataclass(frozen=True)
class Learning:
    """How it stands after a step.

    Attributes:
        step: steps taken.
        done: the part that is over, in 0..1.
        loss: of this step.
    """

    step: int
    done: float
    loss: float


def learn(
    network: Network,
    pairs: CameraPairs,
    course: Course,
    device: torch.device,
    report: Callable[[Learning], None],
) -> Network:
    """A copy of `network` that has learnt from `pairs`, on `device`: the mean of its late states.

    Raises TrainingError for a network that has nothing to learn, or where the loss stops being a
    number. `report` is called after each step; what it raises ends the learning.
    """
    run = _begin(network, course, device)
    lesson = _lesson(run.network, pairs, course)
    began, done = time.monotonic(), 0.0
    while done < 1:
        random = np.random.default_rng((course.seed, run.step))
        examples = tuple(x.to(device) for x in lesson.draw(random, done))
        rate = course.lr * min(1.0, (run.step + 1) / _WARM_UP)
        rate *= max(0.5 * (1 + math.cos(math.pi * done)), 0.01)
        loss = descend(run, lesson.loss(run.network, examples, done), rate)
        done = part_done(run.step, time.monotonic() - began, course.iterations, course.minutes)
        report(Learning(run.step, min(done, 1.0), loss))
    return run.average


def _begin(network: Network, course: Course, device: torch.device) -> Run:
    learner, average = copy.deepcopy(network), copy.deepcopy(network)
    learner.train().requires_grad_(True)
    if not any(parameter.requires_grad for parameter in learner.parameters()):
        raise TrainingError("a model without weights has nothing to learn")
    learner.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average.to(device).eval().requires_grad_(False)
    adam = torch.optim.Adam(learner.parameters(), lr=course.lr, betas=(0.9, 0.99))
    return Run(learner, average, adam)


def _lesson(network: Network, pairs: CameraPairs, course: Course) -> Lesson:
    common = (course.batch, course.patch, _MSE_FRACTION, "charbonnier")
    if not network.context:
        return StillLesson(FootageStills(pairs), *common)
    if not isinstance(network, Vespcn):
        raise TrainingError("of networks that see neighbouring frames only vespcn can be adapted")
    return WindowLesson(pairs, *common, motion_fraction=0.0, guided_fraction=0.0)
