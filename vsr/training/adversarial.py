"""Adversarial training of a super-resolver, as SRGAN is trained from SRResNet.

Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network" (CVPR): the generator minimises the content loss plus 0.001 times the adversarial one
(equation 3), in turns with a discriminator, from the weights of a run on squared error. The rate is
1e-4 for the first half of the run and a tenth of it for the second (section 3.2).

Two things that retellings of it often get wrong. The discriminator's loss is taken on detached
pictures: through attached ones its gradient would be added to the generator's, and teach that to be
found out. And while the generator takes its step, the discriminator's parameters are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.core.events import Warn, ignore, once
from vsr.inference.engine import torch_device
from vsr.training.adversarial_recipe import AdversarialRecipe
from vsr.training.beginning import begin
from vsr.training.begun import keep_options, tell_changes
from vsr.training.checkpoint import (
    Run,
    load_parts,
    read_checkpoint,
    save_parts,
    save_weights,
)
from vsr.training.content import Content, load_content
from vsr.training.data import Patches
from vsr.training.descent import descend
from vsr.training.loop import run_trainer
from vsr.training.material import inputs, least_side, patches
from vsr.training.run_folder import RunFiles, run_folder
from vsr.training.srgan_discriminator import SrganDiscriminator, taken_in, told_apart
from vsr.training.step_down import step_down
from vsr.training.validation import RECORDED, validate, validation_items

_LIGHT = 16  # kernels of the light discriminator's first layer
_HALF, _LATER = 0.5, 0.1  # of the run at the full rate, and the part of it from there on

Examples = tuple[Tensor, Tensor]
"""Small patches (N, 3, p, p) and the true ones (N, 3, s*p, s*p), in [0, 1]."""


@dataclass(frozen=True)
class AdversarialProgress:
    """How an adversarial run stands after a step.

    Attributes:
        step: steps taken.
        done: the part of the run that is over, in 0..1.
        content: the content loss; like the next two, the mean since the last save.
        adversarial: the generator's adversarial loss, before its weight; log 2 is 0.69 where the
            discriminator cannot tell, more where it can.
        apart: the discriminator's loss; 1.39 where it can tell nothing apart, 0 where all.
        rate: the learning rate of this step.
        psnr: on the validation images in dB at the last save, None before the first. The weights
            are not chosen by it, as what this training gains is paid for in it.
        saved: whether the files in the folder were written after this step.
    """

    step: int
    done: float
    content: float
    adversarial: float
    apart: float
    rate: float
    psnr: float | None
    saved: bool


@dataclass
class AdversarialRun:
    """Both sides of an adversarial run between two steps.

    Attributes:
        generator: the super-resolver's, which counts the steps.
        discriminator, telling: the other side, and Adam over its parameters.
        content: the content loss.
    """

    generator: Run
    discriminator: SrganDiscriminator
    telling: torch.optim.Adam
    content: Content


def fit_adversarially(
    recipe: AdversarialRecipe,
    folder: Path,
    report: Callable[[AdversarialProgress], None],
    warn: Warn = ignore,
) -> Path:
    """Train, and return the path of the last weights, `folder`/best.safetensors.

    `folder` also holds log.jsonl and checkpoint.pt, as that of `fit`, and the same call goes on
    from there, to the same weights on the same machine and threads.

    `report` is called after each step. It may raise to stop the run, KeyboardInterrupt for
    one: a checkpoint of that step is written first. `warn` is that of `fit`.

    Raises what `fit` raises, and ModelError where the features are not to be had.
    """
    plain = recipe.generator
    if plain.threads:
        torch.set_num_threads(plain.threads)
    device = torch_device(plain.device)
    read = [recipe.features] if recipe.features else []
    files = RunFiles.of(folder, [*read, *inputs(plain)])
    run = _begin(recipe, device)
    warn = once(warn)
    pairs = _pairs(recipe, run, warn)
    with run_folder(folder):
        if files.checkpoint.exists():
            saved = read_checkpoint(files.checkpoint, device)
            load_parts(_parts(run), run.generator, recipe.identity, saved, files.checkpoint)
            tell_changes(recipe, folder, warn)
        else:
            keep_options(recipe, folder)
        items = validation_items(plain.validation, plain.scale)
        trainer = _Adversaries(recipe, run, pairs, items, folder, device, warn)
        run_trainer(trainer, plain.done, files.log, device, report)
        if not files.best.exists():  # it was over already, and someone took its result away
            save_weights(run.generator.average, plain, files.best)
    return files.best


@dataclass
class _Adversaries:
    """A super-resolver and a discriminator that learn from each other: a Trainer.

    Attributes:
        recipe, sides, pairs: what learns, both sides of it, and what from.
        items: what PSNR is measured on.
        folder, device: where its files and its numbers are.
        warn: takes what of the validation is damaged.
        psnr: at the last save in dB.
        rate: the learning rate of the last step.
        sums, summed: the losses since the last save, added up, and how often.
    """

    recipe: AdversarialRecipe
    sides: AdversarialRun
    pairs: Patches
    items: Sequence[Path]
    folder: Path
    device: torch.device
    warn: Warn
    psnr: float | None = None
    rate: float = 0.0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    summed: int = 0

    @property
    def run(self) -> Run:
        """How far the super-resolver is."""
        return self.sides.generator

    def examples(self) -> Iterator[Examples]:
        """What each step from here on shows, drawn by the step's number."""
        plain = self.recipe.generator
        for step in count(self.run.step):
            random = np.random.default_rng((plain.seed, step))
            small, large = self.pairs.sample(plain.batch, plain.patch, random)
            yield small.to(self.device), large.to(self.device)

    def train(self, examples: Examples, fraction: float) -> None:
        self.rate = self.recipe.generator.lr * (1.0 if fraction < _HALF else _LATER)
        weight = self.recipe.adversarial
        self.sums = self.sums + np.array(take_step(self.sides, examples, weight, self.rate))
        self.summed += 1

    def save(self) -> None:
        plain, average = self.recipe.generator, self.run.average
        recording = None if plain.degradation == "bicubic" else RECORDED
        self.psnr = validate(average, self.items, self.device, recording, self.warn)
        save_weights(average, plain, self.folder / "best.safetensors")
        self.save_checkpoint()

    def save_checkpoint(self) -> None:
        path = self.folder / "checkpoint.pt"
        save_parts(_parts(self.sides), self.run, self.recipe.identity, path)

    def progress(self, fraction: float, saved: bool) -> AdversarialProgress:
        content, fooled, apart = (float(value) for value in self.sums / self.summed)
        if saved:
            self.sums, self.summed = np.zeros(3), 0
        losses = (content, fooled, apart)
        return AdversarialProgress(self.run.step, fraction, *losses, self.rate, self.psnr, saved)


def take_step(
    run: AdversarialRun, examples: Examples, adversarial: float, rate: float
) -> tuple[float, float, float]:
    """One step of each; returns the content loss, `taken_in`, and `told_apart`."""
    small, large = (x.to(memory_format=torch.channels_last) for x in examples)
    with torch.autocast(small.device.type, torch.bfloat16):
        restored = run.generator.network(small).float()

    apart = discriminator_loss(run.discriminator, large, restored)
    step_down(run.telling, apart, rate, f"step {run.generator.step + 1}", longest=math.inf)

    run.discriminator.requires_grad_(False)
    content, fooled = generator_losses(run, large, restored)
    descend(run.generator, content + adversarial * fooled, rate)
    run.discriminator.requires_grad_(True)
    return content.item(), fooled.item(), apart.item()


def discriminator_loss(discriminator: SrganDiscriminator, true: Tensor, restored: Tensor) -> Tensor:
    """`told_apart` of (N, 3, H, W) each. No gradient of it reaches what made `restored`."""
    return told_apart(_judged(discriminator, true), _judged(discriminator, restored.detach()))


def generator_losses(run: AdversarialRun, true: Tensor, restored: Tensor) -> tuple[Tensor, Tensor]:
    """The content loss and `taken_in` of (N, 3, H, W), whose gradients reach what made it."""
    with torch.autocast(true.device.type, torch.bfloat16):
        content = run.content(restored, true)
    return content.float(), taken_in(_judged(run.discriminator, restored))


def _judged(discriminator: SrganDiscriminator, pictures: Tensor) -> Tensor:
    with torch.autocast(pictures.device.type, torch.bfloat16):
        judged: Tensor = discriminator(pictures)
    return judged


def _begin(recipe: AdversarialRecipe, device: torch.device) -> AdversarialRun:
    """Before the first step. The caller's random numbers are left alone."""
    plain = recipe.generator
    content = load_content(recipe.features)
    generator = begin(plain, device)
    network = generator.network
    if network.color != "rgb" or network.context or len(plain.scales) > 1:
        raise TrainingError(
            f"network {plain.network!r}: adversarial training takes networks that see one frame "
            "in RGB at one scale, such as srresnet and edsr"
        )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(plain.seed)
        if recipe.discriminator == "srgan":
            discriminator = SrganDiscriminator(side=plain.patch * plain.scale)
        else:
            discriminator = SrganDiscriminator(_LIGHT, side=None)
    for beside in (discriminator, content):
        beside.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    telling = torch.optim.Adam(discriminator.parameters(), lr=plain.lr, betas=(0.9, 0.999))
    return AdversarialRun(generator, discriminator, telling, content)


def _pairs(recipe: AdversarialRecipe, run: AdversarialRun, warn: Warn) -> Patches:
    plain = recipe.generator
    pairs = patches(plain, run.generator.network, warn)
    if pairs is None:
        places = ", ".join(str(path) for path in plain.data) or "no path given"
        raise TrainingError(
            f"nothing to learn from ({places}): no image or video with sides of at least "
            f"{least_side(plain) * plain.scale} pixels"
        )
    return pairs


def _parts(run: AdversarialRun) -> dict[str, Any]:
    """What learns, by the names in the checkpoint: others than those of `fit`."""
    return {
        "generator": run.generator.network,
        "average_generator": run.generator.average,
        "generating": run.generator.optimizer,
        "discriminator": run.discriminator,
        "telling": run.telling,
    }
