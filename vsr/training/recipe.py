"""Training recipes: all settings of a run."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vsr.core.bounds import (
    FRACTION,
    LEARNING_RATE,
    MINUTES,
    SEED,
    STEPS,
    THREADS,
    Bounds,
    check_bounds,
)
from vsr.core.errors import TrainingError
from vsr.networks import ARCHITECTURES
from vsr.training.symmetry import SYMMETRIES

LOSSES = ("charbonnier", "l1", "l2", "relative")
OPTIMIZERS = ("adam", "sgd")
BLOCK = 8
"""Pixels from one edge to the next in the grid that encoders' blocks lie on."""
GENERATOR = "generator.safetensors"
"""What the file of a learned degradation is called."""
DEGRADATIONS = ("bicubic", "footage", "learned")

COURSE = {
    "iterations": STEPS,
    "minutes": MINUTES,
    "batch": Bounds(1, 4096, whole=True),
    "patch": Bounds(1, 4096, whole=True),
    "lr": LEARNING_RATE,
    "seed": SEED,
}
"""What the numbers of any training may be, by their names."""
BOUNDS = COURSE | {
    "reparam_width": Bounds(0, 4096, whole=True),
    "mse_fraction": FRACTION,
    "motion_fraction": FRACTION,
    "guided_fraction": FRACTION,
    "teacher_share": FRACTION,
    "gradient_clip": Bounds(0, 1000),
    "threads": THREADS,
}
"""The same for Recipe."""
STAGES = {"motion_fraction": ("vespcn", "recurrent"), "guided_fraction": ("vespcn",)}
"""The networks that have these stages, which are of motion."""
_DEGRADATION = COURSE | {"adversarial": Bounds(0, 1000, above=True), "threads": THREADS}


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run. Raises TrainingError for values out of range.

    Attributes:
        network: a key of `vsr.networks.ARCHITECTURES`.
        scale: 2, 3 or 4; the highest of several. Which those are, a network that serves several
            has among its options, as `scales`: each step is of one of them, drawn at random.
        data: images, videos and folders of them to learn from.
        validation: images and clips to choose the best weights on; never those a result is
            reported on. They are reduced, and recorded too (`validation.RECORDED`) unless
            the degradation is bicubic.
        options: the network's own arguments.
        degradation: what made the small pictures, one of DEGRADATIONS: MATLAB's bicubic alone,
            or cameras and encoders too (see `degradations`), or what a generator learnt.
        generator: a file that `learn_degradation` made, where the degradation is "learned".
        iterations: steps to take; the learning rate falls over them along a cosine. None
            where only `minutes` counts.
        minutes: the time to train, likewise. With both, whichever is further on counts.
        batch, patch: patches a step, and their side in small pixels.
        lr: the highest learning rate.
        optimizer: what takes the steps, one of OPTIMIZERS: Adam, or gradient descent with a
            momentum of 0.9.
        gradient_clip: theta of adjustable gradient clipping (Kim et al. 2016, VDSR, section 3.2):
            each number of the gradient is kept within theta divided by the rate of the step, so
            that high rates are borne. 0 keeps the whole gradient's norm within 1 instead.
        reparam_width: kernels in the bank behind each convolution (see `widen`); 0 trains plainly.
        warm_start: weights to begin from, of this network or a smaller one; what does not fit
            begins anew.
        teacher: weights of a recurrent network of the same scale whose pictures a recurrent
            network learns beside the truth: see `vsr.training.teacher`.
        teacher_share: how much of what is learnt is the teacher's.
        teacher_ensemble: whether its pictures are the mean over eight flips and turns.
        recorded_only: whether a recurrent network sees no clean takes, and its weights for
            flawless sources stay as they are.
        symmetry: how many positions of a picture a recurrent network's cell treats alike, one of
            `vsr.training.symmetry.SYMMETRIES`; 1 leaves it free.
        loss: what is minimised, one of LOSSES: see `losses.restoration`; "relative", for
            recurrent networks alone, is squared error in parts of bicubic's on the same take.
        mse_fraction: the last part of the run, in which squared error, the metric itself, is
            minimised instead.
        motion_fraction: the first part of the run, in which a network that sees neighbours, or
            carries a state, learns their motion alone.
        guided_fraction: the part after it, in which a network that sees neighbours learns to use
            those that are moved by their known flow. Networks without these stages refuse values
            other than the default and 0.
        seed: everything random follows from it and the step number.
        device: "auto", "cpu", "cuda", "cuda:N", "mps", "xpu" or "xpu:N".
        threads: for torch on the CPU; 0 leaves its choice.
    """

    network: str
    scale: int
    data: tuple[Path, ...]
    validation: tuple[Path, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    degradation: str = "bicubic"
    generator: Path | None = None
    iterations: int | None = 100_000
    minutes: float | None = None
    batch: int = 16
    patch: int = 48
    lr: float = 1e-3
    optimizer: str = "adam"
    gradient_clip: float = 0.0
    reparam_width: int = 256
    warm_start: Path | None = None
    teacher: Path | None = None
    teacher_share: float = 0.5
    teacher_ensemble: bool = False
    recorded_only: bool = False
    symmetry: int = 1
    loss: str = "charbonnier"
    mse_fraction: float = 0.15
    motion_fraction: float = 0.1
    guided_fraction: float = 0.6
    seed: int = 1
    device: str = "auto"
    threads: int = 0

    def __post_init__(self) -> None:
        if self.network not in ARCHITECTURES:
            raise TrainingError(
                f"unknown network {self.network!r}; known: {', '.join(ARCHITECTURES)}"
            )
        if self.scale not in (2, 3, 4):
            raise TrainingError(f"scale {self.scale}: must be 2, 3 or 4")
        if self.iterations is None and self.minutes is None:
            raise TrainingError("a run needs an end: iterations, minutes or both")
        check_bounds(TrainingError, self, BOUNDS)
        if self.loss not in LOSSES:
            raise TrainingError(f"loss {self.loss!r}: must be {' or '.join(LOSSES)}")
        if self.optimizer not in OPTIMIZERS:
            raise TrainingError(f"optimizer {self.optimizer!r}: must be {' or '.join(OPTIMIZERS)}")
        if len(self.scales) > 1 and self.generator:
            raise TrainingError("a learned degradation is of one scale: train for one")
        if self.loss == "relative" and self.network != "recurrent":
            raise TrainingError(f"loss 'relative': only recurrent networks know it: {self.network}")
        if self.teacher and self.network != "recurrent":
            raise TrainingError(f"teacher: only recurrent networks learn from one: {self.network}")
        if self.recorded_only and self.network != "recurrent":
            raise TrainingError(f"recorded only: is for recurrent networks: {self.network}")
        if self.symmetry != 1 and self.network != "recurrent":
            raise TrainingError(f"symmetry: is for recurrent networks: {self.network}")
        if self.symmetry != 1 and self.reparam_width:
            raise TrainingError(f"symmetry {self.symmetry}: needs a reparam_width of 0")
        check_stages(self.network, [name for name in STAGES if self._is_asked(name)])
        if self.symmetry not in SYMMETRIES:
            known = ", ".join(map(str, SYMMETRIES))
            raise TrainingError(f"symmetry {self.symmetry}: must be one of {known}")
        if self.degradation not in DEGRADATIONS:
            raise TrainingError(
                f"degradation {self.degradation!r}: must be {' or '.join(DEGRADATIONS)}"
            )
        if self.network == "recurrent" and self.degradation != "bicubic":
            raise TrainingError(
                f"degradation {self.degradation!r}: recurrent networks learn from recordings of "
                "their own making; leave --recipe out",
                python="degradation='bicubic'",
            )
        if (self.degradation == "learned") != (self.generator is not None):
            raise TrainingError(
                f"degradation {self.degradation!r}: a learned one, and no other, has a generator"
            )
        if "," in self.device:
            raise TrainingError(f"device {self.device!r}: training takes one, not several")

    def _is_asked(self, stage: str) -> bool:
        """Whether a stage has neither its default nor no length."""
        return getattr(self, stage) not in (0, getattr(Recipe, stage))

    def done(self, step: int, elapsed: float) -> float:
        """The part that is over after so many steps in `elapsed` seconds; 1 or more: all."""
        return part_done(step, elapsed, self.iterations, self.minutes)

    @property
    def scales(self) -> tuple[int, ...]:
        """All scales that the network learns."""
        return ARCHITECTURES[self.network].scales_of(self.scale, self.options)

    @property
    def facts(self) -> dict[str, Any]:
        """What a model file says of its network, in JSON's own types."""
        facts = {"network": self.network, "scale": self.scale, "options": self.options}
        plain: dict[str, Any] = json.loads(json.dumps(facts))
        return plain


def check_stages(network: str, names: Container[str]) -> None:
    """Raise TrainingError where a network has none of a stage that is asked for."""
    for name, networks in STAGES.items():
        if name in names and network not in networks:
            raise TrainingError(
                f"{name}: is for networks with motion, {' and '.join(networks)}: {network}"
            )


@dataclass(frozen=True)
class DegradationRecipe:
    """All that decides how a degradation is learnt. Raises TrainingError for values out of range.

    Attributes:
        scale: 2, 3 or 4.
        color: "y" or "rgb", as of the network that is to learn from it.
        sharp: images, videos and folders of them as networks should make them.
        real: recordings, likewise, as networks will get them. They need show nothing of `sharp`.
        iterations: steps to take. None where only `minutes` counts.
        minutes: the time to learn, likewise. With both, whichever is further on counts.
        batch, patch: patches a step, and their side in small pixels, whole blocks.
        lr: Adam's highest learning rate.
        adversarial: the weight of the discriminator's verdict beside the squared distance from
            the pooled picture.
        seed: everything random follows from it and the step number.
        device: "auto", "cpu", "cuda", "cuda:N", "mps", "xpu" or "xpu:N".
        threads: for torch on the CPU; 0 leaves its choice.
    """

    scale: int
    color: str
    sharp: tuple[Path, ...]
    real: tuple[Path, ...]
    iterations: int | None = 20_000
    minutes: float | None = None
    batch: int = 8
    patch: int = 32
    lr: float = 1e-3
    adversarial: float = 0.05  # Bulat et al. 2018, 3.3
    seed: int = 1
    device: str = "auto"
    threads: int = 0

    def __post_init__(self) -> None:
        if self.scale not in (2, 3, 4):
            raise TrainingError(f"scale {self.scale}: must be 2, 3 or 4")
        if self.color not in ("y", "rgb"):
            raise TrainingError(f"color {self.color!r}: must be y or rgb")
        if self.iterations is None and self.minutes is None:
            raise TrainingError("learning a degradation needs an end: iterations, minutes or both")
        check_bounds(TrainingError, self, _DEGRADATION, " of the degradation")
        if self.patch % BLOCK:
            raise TrainingError(f"patch {self.patch}: must be a multiple of {BLOCK}")
        if "," in self.device:
            raise TrainingError(f"device {self.device!r}: training takes one, not several")

    def done(self, step: int, elapsed: float) -> float:
        """The part that is over after so many steps in `elapsed` seconds; 1 or more: all."""
        return part_done(step, elapsed, self.iterations, self.minutes)


def part_done(step: int, elapsed: float, iterations: int | None, minutes: float | None) -> float:
    """How far `step` steps in `elapsed` seconds are on the way; whichever is further on counts."""
    by_steps = step / iterations if iterations else 0.0
    by_time = elapsed / (60 * minutes) if minutes else 0.0
    return max(by_steps, by_time)
