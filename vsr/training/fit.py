"""The training loop: patches in, the best weights and a resumable checkpoint out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from vsr.core.events import Warn, ignore, once
from vsr.inference.engine import torch_device
from vsr.networks.multi_scale import MultiScale
from vsr.networks.recurrent import Recurrent
from vsr.training.beginning import begin
from vsr.training.begun import keep_options, tell_changes
from vsr.training.checkpoint import Run, load_checkpoint, save_checkpoint, save_weights
from vsr.training.descent import descend, rate_at
from vsr.training.first_motion import as_wide_as_known
from vsr.training.lesson_choice import lesson_of
from vsr.training.lessons import Examples, Lesson
from vsr.training.loop import run_trainer
from vsr.training.material import inputs, tell_recordings
from vsr.training.progress import Progress, StreamProgress
from vsr.training.recipe import Recipe
from vsr.training.recurrent_validation import Gains, validate_recurrent
from vsr.training.run_folder import RunFiles, run_folder
from vsr.training.stream_lesson import LaneLosses, StreamLesson
from vsr.training.validation import RECORDED, validate, validation_items


def fit(
    recipe: Recipe,
    folder: Path,
    report: Callable[[Progress], None],
    clock: Callable[[], float] = time.monotonic,
    warn: Warn = ignore,
) -> Path:
    """Train, and return the path of the best weights, `folder`/best.safetensors.

    `folder` also holds recipe.json, what the run began with; log.jsonl; and checkpoint.pt, written
    every two minutes, less often where measuring takes long, and at the end; the same call
    continues from it. Where recordings are learnt from, recordings.txt says what became of each. A
    run that ends by `iterations` comes to the same weights on the same machine and threads, however
    often it was interrupted; but for recurrent networks, whose lanes begin takes anew.

    `report` is called after each step. It may raise to stop the run, KeyboardInterrupt for
    one: a checkpoint of that step is written first. `clock` is what the recipe's minutes are
    told by: with time.process_time they are those that the CPU works, whatever else it does.
    `warn` takes which options are others than those that the run began with, and which files of
    the data and the validation are damaged.

    Raises TrainingError where there is nothing to learn from, the folder holds another run,
    or the loss stops being a number; InputError, ModelError, DeviceError and OutputError as
    the reading, the warm start, the device and the folder give cause.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    warn = once(warn)
    device = torch_device(recipe.device)
    files = RunFiles.of(folder, inputs(recipe))
    recipe = as_wide_as_known(recipe)
    run = begin(recipe, device)
    with run_folder(folder):
        if files.checkpoint.exists():
            load_checkpoint(run, recipe, files.checkpoint, device)
            tell_changes(recipe, folder, warn)
        else:
            keep_options(recipe, folder)
        lesson = lesson_of(recipe, run.average, warn)
        if isinstance(lesson, StreamLesson) and not run.pixels:  # early checkpoints did not count
            run.pixels = run.step * lesson.pixels
        items = validation_items(recipe.validation, recipe.scale)
        if recipe.degradation == "footage":
            tell_recordings(recipe.seed, folder / "recordings.txt")
        trainer = _Fit(recipe, run, lesson, items, folder, device, warn)
        run_trainer(trainer, recipe.done, files.log, device, report, clock)
        if not files.best.exists():  # it was over already, and someone took its result away
            save_weights(run.average, recipe, files.best)
    return files.best


def check_beginning(recipe: Recipe) -> None:
    """Raise what `fit` would for its network, warm start, data and validation, as far as is quick.

    For those who do other long work before it.
    """
    inputs(recipe)
    begin(as_wide_as_known(recipe), torch.device("cpu"))
    validation_items(recipe.validation, recipe.scale)


@dataclass
class _Fit:
    """A network that learns by its lesson: a Trainer.

    Attributes:
        recipe, run, lesson: what learns, how far it is, and what it is asked.
        items: what it is measured on.
        folder, device: where its files and its numbers are.
        warn: takes what of the validation is damaged.
        score: at the last save in dB.
        rate: the learning rate of the last step.
        loss_sum, summed: of the losses since the last save, and how many they are.
        gains, lane_losses: of a recurrent network at the last save, None before.
    """

    recipe: Recipe
    run: Run
    lesson: Lesson
    items: Sequence[Path]
    folder: Path
    device: torch.device
    warn: Warn
    score: float | None = None
    rate: float = 0.0
    loss_sum: float = 0.0
    summed: int = 0
    gains: Gains | None = None
    lane_losses: LaneLosses | None = None

    def examples(self) -> Iterator[Examples]:
        return _examples(self.recipe, self.run, self.lesson, self.device)

    def train(self, examples: Examples, fraction: float) -> None:
        self.rate = rate_at(self.recipe, self.run.step, fraction, self.lesson.beginnings)
        loss = self.lesson.loss(self.run.network, examples, fraction)
        self.loss_sum += descend(self.run, loss, self.rate, self.recipe.gradient_clip)
        self.summed += 1
        if isinstance(self.lesson, StreamLesson):
            self.run.pixels += self.lesson.pixels

    def save(self) -> None:
        """Keep the weights where none have scored higher."""
        run, best = self.run, self.folder / "best.safetensors"
        score = self.score = self._measured()
        if score is None or run.best is None or score > run.best or not best.exists():
            save_weights(run.average, self.recipe, best)
            run.best = score
        self.save_checkpoint()

    def _measured(self) -> float | None:
        """What the weights are chosen by; None where there is nothing to measure on."""
        network, items = self.run.average, self.items
        if isinstance(network, Recurrent):
            if not items:
                return None
            self.gains = validate_recurrent(network, items, self.device, RECORDED, self.warn)
            return self.gains.score
        recording = None if self.recipe.degradation == "bicubic" else RECORDED
        if not isinstance(network, MultiScale):
            return validate(network, items, self.device, recording, self.warn)
        if not items:
            return None
        scores = []
        for scale in sorted(network.scales):
            network.use(scale)
            score = validate(network, items, self.device, recording, self.warn)
            scores.append(score or 0.0)
        return fmean(scores)

    def save_checkpoint(self) -> None:
        save_checkpoint(self.run, self.recipe, self.folder / "checkpoint.pt")

    def progress(self, fraction: float, saved: bool) -> Progress:
        loss = self.loss_sum / self.summed
        if saved:
            self.loss_sum, self.summed = 0.0, 0
        run = self.run
        stand = (run.step, fraction, loss, self.rate, self.score, run.best, saved)
        if not isinstance(self.lesson, StreamLesson):
            return Progress(*stand)
        if saved:
            self.lane_losses = self.lesson.lane_losses()
        losses, gains = self.lane_losses or LaneLosses(), self.gains
        clean, recorded = gains.means if gains else (None, None)
        return StreamProgress(
            *stand, run.pixels, losses.clean, losses.recorded, clean, recorded, gains
        )


def _examples(recipe: Recipe, run: Run, lesson: Lesson, device: torch.device) -> Iterator[Examples]:
    """What each step from here on shows, on `device`.

    Drawn by the step's number, so that a run that continues sees the same.
    """
    for step in count(run.step):
        random = np.random.default_rng((recipe.seed, step))
        examples = lesson.draw(random, recipe.done(step, run.elapsed))
        yield tuple(x.to(device) for x in examples)
