"""The training loop: patches in, the best weights and a resumable checkpoint out."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vsr.core.errors import ModelError, TrainingError
from vsr.core.events import Warn, ignore, once
from vsr.datasets.media import list_media
from vsr.inference.engine import torch_device
from vsr.networks import ARCHITECTURES, Network
from vsr.networks.graded import Graded
from vsr.networks.multi_scale import MultiScale
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Motion, Vespcn
from vsr.training.begun import keep_options, tell_changes
from vsr.training.checkpoint import (
    Run,
    load_checkpoint,
    save_checkpoint,
    save_weights,
    write_whole,
)
from vsr.training.data import MixedScales, Patches, StillPairs
from vsr.training.first_motion import as_wide_as_known, take_motion
from vsr.training.footage import FootagePairs, FootageStills, degradations
from vsr.training.learned import LearnedPairs
from vsr.training.lessons import Examples, Lesson, StillLesson, WindowLesson, Windows
from vsr.training.loop import run_trainer
from vsr.training.losses import MARGIN
from vsr.training.mirror import doubled
from vsr.training.net2net import grown
from vsr.training.recipe import Recipe
from vsr.training.recurrent_validation import Gains, validate_recurrent
from vsr.training.reparam import merged_state, widen
from vsr.training.rescale import rescaled
from vsr.training.run_folder import RunFiles, run_folder
from vsr.training.step_down import step_down
from vsr.training.stream_lesson import LaneLosses, StreamLesson
from vsr.training.streams import Streams
from vsr.training.symmetry import Symmetry
from vsr.training.takes import SIDE
from vsr.training.teacher import Teacher
from vsr.training.validation import RECORDED, validate, validation_items
from vsr.training.widen import widened
from vsr.training.window_pairs import WindowPairs

WARM_UP = 500  # steps
RISE = 0.01  # of the run
EMA_EVERY = 8  # steps; averaging merged kernels at each would cost more and change nothing
EMA_DECAY = 0.995  # over EMA_EVERY steps, 0.9994 a step


@dataclass(frozen=True)
class Progress:
    """How a run stands after a step.

    Attributes:
        step: steps taken.
        done: the part of the run that is over, in 0..1.
        loss: mean since the last save.
        rate: the learning rate of this step.
        psnr: on the validation images in dB at the last save, None before the first.
        best: the highest so far, likewise.
        saved: whether the files in the folder were written after this step.
    """

    step: int
    done: float
    loss: float
    rate: float
    psnr: float | None
    best: float | None
    saved: bool


@dataclass(frozen=True)
class StreamProgress(Progress):
    """How the run of a recurrent network stands; `psnr` is its score.

    Attributes:
        pixels: small pixels restored so far.
        loss_clean, loss_recorded: means up to the last save, as LaneLosses has them.
        gain_clean, gain_recorded: the score's two halves in dB at the last save, None before.
        gains: of each validation clip, likewise.
    """

    pixels: int
    loss_clean: float | None
    loss_recorded: float | None
    gain_clean: float | None
    gain_recorded: float | None
    gains: Gains | None


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
        lesson = _lesson(recipe, run.average, warn)
        if isinstance(lesson, StreamLesson) and not run.pixels:  # early checkpoints did not count
            run.pixels = run.step * lesson.pixels
        items = validation_items(recipe.validation, recipe.scale)
        if recipe.degradation == "footage":
            _tell_recordings(recipe.seed, folder / "recordings.txt")
        trainer = _Fit(recipe, run, lesson, items, folder, device, warn)
        run_trainer(trainer, recipe.done, files.log, device, report, clock)
        if not files.best.exists():  # it was over already, and someone took its result away
            save_weights(run.average, recipe, files.best)
    return files.best


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
        self.rate = _rate(self.recipe, self.run.step, fraction, self.lesson.beginnings)
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


def begin(recipe: Recipe, device: torch.device) -> Run:
    """The run before its first step. The caller's random numbers are left alone."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(recipe.seed)
        try:
            average, network = (
                ARCHITECTURES[recipe.network](recipe.scale, **recipe.options) for _ in range(2)
            )
        except (TypeError, ValueError) as error:
            raise TrainingError(f"{recipe.network} {recipe.options}: {error}") from None
        if recipe.warm_start:
            _warm_start(network, recipe.warm_start)
        elif isinstance(network, Recurrent):
            take_motion(network)
        symmetry = _symmetry(network, recipe)
        average.load_state_dict(network.state_dict())
        if recipe.recorded_only:
            _hold_flawless(network)
        if recipe.reparam_width:
            widen(network, recipe.reparam_width)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average.to(device).eval().requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise TrainingError(f"network {recipe.network!r} has nothing to learn")
    optimizer = _optimizer(network, recipe)
    if symmetry:
        optimizer.register_step_pre_hook(lambda *_: symmetry.keep())
    return Run(network, average, optimizer)


def _symmetry(network: Network, recipe: Recipe) -> Symmetry | None:
    """What a recurrent network's cell is to bear; it is made so."""
    if recipe.symmetry == 1:
        return None
    assert isinstance(network, Recurrent)
    symmetry = Symmetry(network, recipe.symmetry)
    symmetry.begin(anew=not recipe.warm_start)
    return symmetry


def _optimizer(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=recipe.lr, momentum=0.9)
    return torch.optim.Adam(network.parameters(), lr=recipe.lr, betas=(0.9, 0.99))


def check_beginning(recipe: Recipe) -> None:
    """Raise what `fit` would for its network, warm start, data and validation, as far as is quick.

    For those who do other long work before it.
    """
    inputs(recipe)
    begin(as_wide_as_known(recipe), torch.device("cpu"))
    validation_items(recipe.validation, recipe.scale)


def inputs(recipe: Recipe) -> list[Path]:
    """The files that a run reads, as they are given and within the folders that are."""
    given = [path for path in (recipe.warm_start, recipe.teacher) if path]
    return [*given, *list_media((*recipe.data, *recipe.validation))]


def _hold_flawless(network: Network) -> None:
    """Keep the weights for flawless sources as they are, where others have sets of their own."""
    for module in network.modules():
        if isinstance(module, Graded) and module.grades > 1:
            module.held = 1


def _warm_start(network: Network, path: Path) -> None:
    """Begin as the network of a model file, as far as that one fits."""
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read as a model file ({error})") from None
    if isinstance(network, Recurrent):
        state = widened(doubled(rescaled(state, network), network), network)
    fitted = grown(state, network.state_dict())
    if not fitted:
        raise ModelError(f"{path}: no layer of it fits this network")
    network.load_state_dict(fitted, strict=False)


def _first_motion(recipe: Recipe, network: Recurrent) -> Motion:
    """The motion net that a run begins with, wherever it stands by now."""
    began = copy.deepcopy(network)
    if recipe.warm_start:
        _warm_start(began, recipe.warm_start)
    else:
        take_motion(began)
    return began.motion.eval().requires_grad_(False)


def _teacher(recipe: Recipe) -> Teacher | None:
    if recipe.teacher is None:
        return None
    how = (recipe.device, recipe.teacher_share, recipe.teacher_ensemble)
    return Teacher.load(recipe.teacher, recipe.scale, *how)


def _tell_recordings(seed: int, path: Path) -> None:
    lines = [f"{number}: {made}\n" for number, made in enumerate(degradations(seed))]
    write_whole(path, "".join(lines).encode())


def _lesson(recipe: Recipe, network: Network, warn: Warn) -> Lesson:
    common = (recipe.batch, recipe.patch, recipe.mse_fraction, recipe.loss)
    side = least_side(recipe)
    if isinstance(network, Recurrent):
        if recipe.patch > SIDE:
            raise TrainingError(f"patch {recipe.patch}: must be at most {SIDE} for recurrent")
        side = SIDE
        sizes = (1.0, 0.7, 0.5)
        pairs = WindowPairs.load(recipe.data, recipe.scale, 1, SIDE, reductions=sizes, warn=warn)
        if pairs.stills or pairs.clips:
            streams = Streams(pairs, recipe.batch, recipe.patch, network.future)
            if recipe.recorded_only:
                streams.clean = 0.0
            if teacher := _teacher(recipe):
                streams.taught = teacher.taught
            first = _first_motion(recipe, network) if recipe.motion_fraction else None
            return StreamLesson(
                streams, recipe.mse_fraction, recipe.loss, recipe.motion_fraction, first
            )
    elif network.context:
        if not isinstance(network, Vespcn):
            raise TrainingError(
                f"{recipe.network} sees neighbouring frames: of such networks only vespcn can learn"
            )
        if recipe.patch <= 2 * MARGIN:
            raise TrainingError(
                f"patch {recipe.patch}: must be above {2 * MARGIN} for {recipe.network}, whose "
                f"windows are not judged within {MARGIN} pixels of their edge"
            )
        if windows := _windows(recipe, network, warn):
            parts = (recipe.motion_fraction, recipe.guided_fraction)
            return WindowLesson(windows, *common, *parts)
    elif found := patches(recipe, network, warn):
        return StillLesson(found, *common)
    places = ", ".join(str(path) for path in recipe.data) or "no path given"
    hint = f", nor {2 * network.context + 1} such frames without a cut" if network.context else ""
    raise TrainingError(
        f"nothing to learn from ({places}): no image or video with sides of at least "
        f"{side * recipe.scale} pixels{hint}"
    )


def least_side(recipe: Recipe) -> int:
    """Small pixels a side that a picture must have, so that other networks learn from it."""
    if recipe.degradation == "footage":
        return FootagePairs.least(recipe.scale, recipe.patch)
    return LearnedPairs.least(recipe.patch) if recipe.generator else recipe.patch


def _windows(recipe: Recipe, network: Network, warn: Warn) -> Windows | None:
    """What to learn from with neighbours, None where there is nothing."""
    if recipe.degradation == "footage":
        return _footage(recipe, network, warn)
    if recipe.generator:
        return _learned(recipe, recipe.generator, network, warn)
    pairs = WindowPairs.load(recipe.data, recipe.scale, network.context, recipe.patch, warn=warn)
    return pairs if pairs.stills or pairs.clips else None


def patches(recipe: Recipe, network: Network, warn: Warn) -> Patches | None:
    """What to learn from without them, likewise; of each scale that is learnt."""
    found = [
        _patches_of(replace(recipe, scale=scale), network, warn) for scale in sorted(recipe.scales)
    ]
    pairs = tuple(each for each in found if each)
    if len(pairs) < len(found):
        return None
    return pairs[0] if len(pairs) == 1 else MixedScales(pairs)


def _patches_of(recipe: Recipe, network: Network, warn: Warn) -> Patches | None:
    """The same of the recipe's scale."""
    if recipe.degradation == "footage":
        recordings = _footage(recipe, network, warn)
        return FootageStills(recordings) if recordings else None
    if recipe.generator:
        scenes = _learned(recipe, recipe.generator, network, warn)
        return FootageStills(scenes) if scenes else None
    pairs = StillPairs.load(recipe.data, recipe.scale, recipe.patch, network.color, warn=warn)
    return pairs if pairs.large else None


def _footage(recipe: Recipe, network: Network, warn: Warn) -> FootagePairs | None:
    pairs = FootagePairs.load(
        recipe.data, recipe.scale, network.context, recipe.patch, network.color, recipe.seed, warn
    )
    return pairs if pairs.source.stills or pairs.source.clips else None


def _learned(recipe: Recipe, generator: Path, network: Network, warn: Warn) -> LearnedPairs | None:
    pairs = LearnedPairs.load(
        recipe.data,
        generator,
        recipe.scale,
        network.context,
        recipe.patch,
        network.color,
        recipe.seed,
        warn,
    )
    return pairs if pairs.source.stills or pairs.source.clips else None


def _examples(recipe: Recipe, run: Run, lesson: Lesson, device: torch.device) -> Iterator[Examples]:
    """What each step from here on shows, on `device`.

    Drawn by the step's number, so that a run that continues sees the same.
    """
    for step in count(run.step):
        random = np.random.default_rng((recipe.seed, step))
        examples = lesson.draw(random, recipe.done(step, run.elapsed))
        yield tuple(x.to(device) for x in examples)


def _rate(recipe: Recipe, step: int, done: float, beginnings: tuple[float, ...]) -> float:
    """Along a cosine, but gently at first and wherever further layers begin to learn."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    rise = (step + 1) / WARM_UP
    latest = max(part for part in beginnings if part <= done)
    if latest > 0:
        rise = min(rise, (done - latest) / RISE + 0.01)
    return recipe.lr * min(1.0, rise) * max(cosine, 0.002)


def descend(run: Run, loss: Tensor, rate: float, theta: float = 0.0) -> float:
    """One step down the gradient of `loss`; returns its value.

    The gradient's norm is kept within 1 or, with `theta`, each of its numbers within theta / rate.
    """
    bounds = (math.inf, theta / rate) if theta else (1.0, math.inf)
    value = step_down(run.optimizer, loss, rate, f"step {run.step + 1}", *bounds)
    run.step += 1
    if run.step % EMA_EVERY == 0:
        _follow(run)
    return value


@torch.no_grad()
def _follow(run: Run) -> None:
    """Move the average towards the network: faster at first, when it still averages little."""
    count = run.step // EMA_EVERY
    decay = min(EMA_DECAY, count / (count + 9))
    state = merged_state(run.network)
    for name, value in run.average.state_dict().items():
        value.lerp_(state[name], 1 - decay)
