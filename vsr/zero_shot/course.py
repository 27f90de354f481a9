"""How long a network may learn from one picture, and how it stands."""

from __future__ import annotations

import time
from dataclasses import dataclass

from vsr.core.bounds import check_bounds
from vsr.core.errors import TrainingError
from vsr.training.recipe import COURSE, part_done


@dataclass(frozen=True)
class Course:
    """How long to learn.

    Attributes:
        minutes: the time for it; None where only `iterations` counts.
        iterations: steps to take, likewise. With both, whichever is further on counts.
        seed: all that is random follows from it.

    Raises TrainingError for values out of range, or without an end.
    """

    minutes: float | None = None
    iterations: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.iterations is None and self.minutes is None:
            raise TrainingError("learning needs an end: minutes, iterations or both")
        bounds = {name: COURSE[name] for name in ("minutes", "iterations", "seed")}
        check_bounds(TrainingError, self, bounds)

    def done(self, step: int, began: float) -> float:
        """The part that is over after so many steps, begun at a time of `time.monotonic`."""
        return min(1.0, part_done(step, time.monotonic() - began, self.iterations, self.minutes))


@dataclass(frozen=True)
class Learning:
    """How it stands after a step.

    Attributes:
        step: steps taken.
        done: the part of the course that is over, in 0..1.
        loss: of this step.
    """

    step: int
    done: float
    loss: float
