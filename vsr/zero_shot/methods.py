"""The two ways to restore one picture by itself, behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from vsr.core.bounds import Bounds, check_bounds
from vsr.core.errors import InputError, TrainingError
from vsr.inference.engine import Engine
from vsr.inference.memory import free_memory
from vsr.model_selection.noise import noise
from vsr.util.text import size_text
from vsr.zero_shot import deep_image_prior
from vsr.zero_shot.back_projection import back_projected, best_steps, enlarged, restored
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.estimated import Reduction, estimated
from vsr.zero_shot.kernel import bicubic
from vsr.zero_shot.learn import Pictures, learn

FEATURES = Bounds(1, 1024, whole=True)
_NOISY = 1.0  # of 255: what back-projection puts back of a noisier picture is its noise
PUT_BACK = 4
"""How often what the prior's result differs by from the picture is put back."""
Report = Callable[[Learning], None]


class Method(Protocol):
    """A way to restore a picture."""

    name: str

    def usual_reduction(self, small: Tensor, scale: int) -> Reduction:
        """What a picture (1, 3, h, w) float32 RGB in [0, 1] is taken to have gone through."""

    def restored(
        self, small: Tensor, reduction: Reduction, engine: Engine, report: Report
    ) -> Tensor:
        """The picture before its reduction, (1, 3, scale*h, scale*w) in [0, 1] on the CPU."""


@dataclass(frozen=True)
class DeepImagePrior:
    """`vsr.zero_shot.deep_image_prior`, told of no blur: pictures are taken for bicubic ones.

    Attributes:
        course: how long; the paper takes 2000 steps.
        features: of the hourglass; the paper's has 128.
    """

    course: Course
    features: int = 64
    name = "deep image prior"

    def __post_init__(self) -> None:
        check_bounds(TrainingError, self, {"features": FEATURES})

    def usual_reduction(self, small: Tensor, scale: int) -> Reduction:
        green = (small[0, 1] * 255).round().clamp(0, 255).byte().numpy()
        return Reduction(bicubic(scale), noise(np.ascontiguousarray(green)), 0.0)

    def restored(
        self, small: Tensor, reduction: Reduction, engine: Engine, report: Report
    ) -> Tensor:
        kernel = reduction.kernel
        rows, columns = (side * kernel.scale for side in small.shape[-2:])
        needed = deep_image_prior.bytes_needed(rows, columns, self.features)
        free = free_memory(engine.device)
        if free is not None and needed > free:
            raise InputError(
                f"{columns}x{rows} pixels with {self.features} features need about "
                f"{size_text(needed)} of memory, and {size_text(free)} are free: take a smaller "
                "picture, or fewer features"
            )
        made = deep_image_prior.restored(
            small, kernel, self.course, self.features, reduction.noise, engine.device, report
        )
        # A short course ends before the picture, reduced, is the one that was given.
        steps = 0 if reduction.noise >= _NOISY else PUT_BACK
        return back_projected(made, small, kernel, steps).clamp(0, 1)


@dataclass(frozen=True)
class ZeroShot:
    """`vsr.zero_shot.learn`, with the kernel and the noise estimated unless they are told.

    Attributes:
        course: how long.
        gradual: go to x3 and x4 by way of x2.
    """

    course: Course
    gradual: bool = False
    name = "zero-shot"

    def usual_reduction(self, small: Tensor, scale: int) -> Reduction:
        return estimated([small], scale, self.course.seed)

    def restored(
        self, small: Tensor, reduction: Reduction, engine: Engine, report: Report
    ) -> Tensor:
        kernel = reduction.kernel
        pictures = Pictures((small,), kernel, reduction.noise)
        network = learn(
            pictures,
            self.course,
            engine.device,
            lambda one, picture: enlarged(one, picture, engine),
            self.gradual,
            report,
        )
        steps = 0 if reduction.noise >= _NOISY else best_steps(network, small, kernel, engine)
        return restored(network, small, kernel, engine, steps)
