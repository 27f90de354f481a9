"""Training of the degradation GAN: unpaired sharp pictures and recordings.

After Bulat, Yang & Tzimiropoulos 2018, "To learn image super-resolution, use a GAN to learn how to
do image degradation first" (ECCV), its first stage: a generator makes sharp pictures small, a
discriminator tells them from frames of recordings, and each learns from the other. The generator
must stay near the pooled picture besides (section 3.3: squared error plus 0.05 times the
discriminator's verdict). The second stage is `fit`, on pairs of `learned`.

Two things depart from the paper, as its generator came to ignore its noise. The squared error is
that of what is generated on average: noise costs nothing. And the loss rewards noise by the
logarithm of its deviation, the entropy of a normal distribution but for a constant. It must, as
frames without their truth do not say what of their detail is noise: encoders leave noise where
there is texture, and a generator that passes some of the texture is not told from one that makes
noise there. Of all generators that pass as the camera, that of the most entropy assumes least
(Jaynes 1957, "Information Theory and Statistical Mechanics"). The discriminator is what bounds it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from vsr.core.errors import OutputError
from vsr.core.events import Warn, ignore
from vsr.core.paths import check_output_folder
from vsr.datasets.ground_truth import Samples
from vsr.datasets.media import list_media
from vsr.degradation.compression import as_samples
from vsr.figures.contact_sheet import Crop, Row, sheet
from vsr.figures.contact_sheet import save as save_png
from vsr.inference.engine import torch_device
from vsr.training.begun import keep_options, tell_changes
from vsr.training.checkpoint import load_parts, read_checkpoint, save_parts, write_whole
from vsr.training.discriminator import Discriminator, told_apart
from vsr.training.generator import Generator, draw_noise, generator_facts
from vsr.training.loop import run_trainer
from vsr.training.recipe import BLOCK, GENERATOR, DegradationRecipe
from vsr.training.run_folder import LOG, run_folder
from vsr.training.running_average import follow
from vsr.training.step_down import step_down
from vsr.training.unpaired import Unpaired

_BETAS = (0.0, 0.9)  # of Adam: no momentum, as the other side moves too
_TELLING = 0.25  # the discriminator's part of the rate: where it is far ahead, little is learnt
_LEAST_RATE = 0.1  # of the highest, at the end
_VARIETY = 0.06  # of the logarithm of the noise's deviation, beside the verdict
_LEAST_DEVIATION = 0.3 / 255  # that of rounding: there is no less noise
_SHOWN, _SHOWN_SIDE, _SHEET = 5, 96, 1500  # samples a row, their small pixels, the sheet's

Examples = tuple[Tensor, Tensor, Tensor]
"""Sharp patches, noise for them, and real patches."""


@dataclass(frozen=True)
class Learning:
    """How the learning stands after a step.

    Attributes:
        step: steps taken.
        done: the part that is over, in 0..1.
        changed: root mean square of what the generator changes of pooled pictures, always, in
            sample values of 0..255; like the next three, the mean since the last save.
        noise: root mean square of the noise that it adds, likewise.
        verdict: of the discriminator on what is generated, above 0 where it is taken in.
        apart: the discriminator's loss; 2 where it can tell nothing apart, 0 where all.
        saved: whether the files in the folder were written after this step.
    """

    step: int
    done: float
    changed: float
    noise: float
    verdict: float
    apart: float
    saved: bool


@dataclass
class _Run:
    """The learning between two steps.

    Attributes:
        generator, discriminator: what learns.
        average: a copy that follows the generator slowly; the one that is kept.
        generating, telling: Adam over the parameters of either.
        step: steps taken.
        elapsed: seconds spent on them.
    """

    generator: Generator
    average: Generator
    discriminator: Discriminator
    generating: torch.optim.Adam
    telling: torch.optim.Adam
    step: int = 0
    elapsed: float = 0.0


def learn_degradation(
    recipe: DegradationRecipe,
    folder: Path,
    report: Callable[[Learning], None],
    warn: Warn = ignore,
) -> Path:
    """Learn, and return the path of the generator's file, `folder`/generator.safetensors.

    `folder` also holds samples.png, log.jsonl and checkpoint.pt, written every two minutes and
    at the end; the same call continues from it, and returns at once where all is done. Learning
    that ends by `iterations` comes to the same weights on the same machine and threads, however
    often it was interrupted.

    `report` is called after each step. It may raise to stop, KeyboardInterrupt for one: a
    checkpoint of that step is written first. `warn` is that of `fit`.

    Raises TrainingError where there is nothing to learn from, the folder holds another run, or
    a loss stops being a number; InputError, DeviceError and OutputError as the reading, the
    device and the folder give cause.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    device = torch_device(recipe.device)
    check_output_folder(folder, list_media((*recipe.sharp, *recipe.real)))
    _check_beside(folder, (*recipe.sharp, *recipe.real))
    run = _begin(recipe, device)
    checkpoint, kept = folder / "checkpoint.pt", folder / GENERATOR
    if checkpoint.exists():
        saved = read_checkpoint(checkpoint, device)
        load_parts(_parts(run), run, _identity(recipe), saved, checkpoint)
        tell_changes(recipe, folder, warn)
    done = recipe.done(run.step, run.elapsed)
    if done >= 1 and kept.exists():
        return kept
    pictures = Unpaired.some(
        recipe.sharp, recipe.real, recipe.scale, recipe.patch, recipe.color, warn
    )
    with run_folder(folder):
        if not checkpoint.exists():
            keep_options(recipe, folder)
        trainer = _Learner(recipe, run, pictures, folder, device)
        run_trainer(trainer, recipe.done, folder / LOG, device, report)
        if not kept.exists():  # it was over already, and someone took its result away
            _keep(run, pictures, recipe, folder)
    return kept


def _check_beside(folder: Path, sources: Iterable[Path]) -> None:
    """Raise OutputError for a folder within a source: samples.png would be learnt from, too."""
    place = Path(os.path.realpath(folder))
    for source in sources:
        if place.is_relative_to(os.path.realpath(source)):
            raise OutputError(
                f"{folder}: lies in {source}, which is learnt from; choose a folder beside it"
            )


@dataclass
class _Learner:
    """A generator and a discriminator that learn from each other: a Trainer.

    Attributes:
        recipe, run, pictures: what learns, how far it is, and what from.
        folder, device: where its files and its numbers are.
        sums, summed: what `_step` returned since the last save, added up, and how often.
    """

    recipe: DegradationRecipe
    run: _Run
    pictures: Unpaired
    folder: Path
    device: torch.device
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    summed: int = 0

    def examples(self) -> Iterator[Examples]:
        return _examples(self.recipe, self.run, self.pictures, self.device)

    def train(self, examples: Examples, fraction: float) -> None:
        lr = self.recipe.lr * _fall(fraction)
        self.sums = self.sums + np.array(_step(self.run, self.recipe, examples, lr))
        self.summed += 1

    def save(self) -> None:
        self.save_checkpoint()
        _keep(self.run, self.pictures, self.recipe, self.folder)

    def save_checkpoint(self) -> None:
        path = self.folder / "checkpoint.pt"
        save_parts(_parts(self.run), self.run, _identity(self.recipe), path)

    def progress(self, fraction: float, saved: bool) -> Learning:
        error, power, verdict, apart = (float(value) for value in self.sums / self.summed)
        if saved:
            self.sums, self.summed = np.zeros(4), 0
        changed, noise = 255 * math.sqrt(error), 255 * math.sqrt(power)
        return Learning(self.run.step, fraction, changed, noise, verdict, apart, saved)


def _begin(recipe: DegradationRecipe, device: torch.device) -> _Run:
    """Before the first step. The caller's random numbers are left alone."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(recipe.seed)
        generator, average = (Generator(recipe.scale, recipe.color) for _ in range(2))
        discriminator = Discriminator(1 if recipe.color == "y" else 3)
    average.load_state_dict(generator.state_dict())
    generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    discriminator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average.to(device).eval().requires_grad_(False)
    generating, telling = (
        torch.optim.Adam(network.parameters(), lr=recipe.lr, betas=_BETAS)
        for network in (generator, discriminator)
    )
    return _Run(generator, average, discriminator, generating, telling)


def _examples(
    recipe: DegradationRecipe, run: _Run, pictures: Unpaired, device: torch.device
) -> Iterator[Examples]:
    """What each step from here on shows, on `device`; drawn by the step's number."""
    for step in count(run.step):
        random = np.random.default_rng((recipe.seed, step))
        sharp, real = pictures.sample(recipe.batch, recipe.patch, random)
        noise = draw_noise(sharp, recipe.scale, random)
        yield sharp.to(device), noise.to(device), real.to(device)


def _fall(done: float) -> float:
    """The part of the rate: along a cosine, but never to nothing."""
    return max(_LEAST_RATE, 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _step(
    run: _Run, recipe: DegradationRecipe, examples: Examples, rate: float
) -> tuple[float, float, float, float]:
    """One step of each; returns the squares of change and noise, the verdict, and `told_apart`."""
    sharp, noise, real = examples
    with torch.autocast(sharp.device.type, torch.bfloat16):
        parts = run.generator.parts(sharp, noise)
    rounded = _rounded(run.generator.pooled(sharp) + parts.change + parts.noise)

    judged = _judged(run.discriminator, torch.cat([real, rounded.detach()]))
    apart = told_apart(judged[: len(real)], judged[len(real) :])
    number = f"step {run.step + 1} of the degradation"
    step_down(run.telling, apart, rate * _TELLING, number)

    run.discriminator.requires_grad_(False)
    error = parts.change.square().mean()
    verdict = _judged(run.discriminator, rounded).mean()
    variety = (parts.variance + _LEAST_DEVIATION**2).log().mean() / 2
    pleasing = verdict + _VARIETY * variety
    step_down(run.generating, error - recipe.adversarial * pleasing, rate, number)
    run.discriminator.requires_grad_(True)

    run.step += 1
    follow(run.average, run.generator, run.step)
    power = parts.noise.square().mean()
    return error.item(), power.item(), verdict.item(), apart.item()


def _judged(discriminator: Discriminator, pictures: Tensor) -> Tensor:
    with torch.autocast(pictures.device.type, torch.bfloat16):
        judged: Tensor = discriminator(pictures)
    return judged


def _rounded(made: Tensor) -> Tensor:
    """As 8 bits hold it, like the real ones; the gradient passes as if nothing were done."""
    return made + ((made * 255).round().clamp(0, 255) / 255 - made).detach()


def _keep(run: _Run, pictures: Unpaired, recipe: DegradationRecipe, folder: Path) -> None:
    """Write the generator's file, and the sheet that shows what it does."""
    data = save(run.average.state_dict(), generator_facts(run.average))
    write_whole(folder / GENERATOR, data)
    save_png(folder / "samples.png", _samples(run.average, pictures, recipe), overwrite=True)


@torch.no_grad()
def _samples(generator: Generator, pictures: Unpaired, recipe: DegradationRecipe) -> Samples:
    """Sharp pictures pooled, what is generated of them, and real frames: always the same ones."""
    random = np.random.default_rng(recipe.seed)
    side = min(_SHOWN_SIDE, pictures.largest_patch) // BLOCK * BLOCK
    sharp, real = pictures.sample(_SHOWN, side, random)
    noise = draw_noise(sharp, recipe.scale, random)
    device = next(generator.parameters()).device
    made = generator(sharp.to(device), noise.to(device)).cpu()
    shown = {"sharp, reduced": generator.pooled(sharp), "generated of it": made, "recorded": real}
    rows = [
        Row(tuple(Crop("", _blue_first(one)) for one in as_samples(pictures)), title)
        for title, pictures in shown.items()
    ]
    return sheet(rows, _SHEET)


def _blue_first(samples: Samples) -> Samples:
    return samples if samples.ndim == 2 else samples[..., ::-1]


def _parts(run: _Run) -> dict[str, Any]:
    """What learns, by the names in the checkpoint."""
    names = ("generator", "average", "discriminator", "generating", "telling")
    return {name: getattr(run, name) for name in names}


def _identity(recipe: DegradationRecipe) -> dict[str, int | str]:
    """What must not change between the beginning and a continuation."""
    return {"scale": recipe.scale, "color": recipe.color}
