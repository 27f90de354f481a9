"""Cycle-in-cycle training: a super-resolver learns from recordings that nobody has the truth of.

Yuan et al. 2018, "Unsupervised Image Super-Resolution using Cycle-in-Cycle Generative Adversarial
Networks" (CVPR workshops). G1 makes recordings clean, SR enlarges them; G2 and G3 make both
recorded again, and two discriminators tell what is made from true pictures, small and large. The
inner cycle learns alone for the first half of the run, then both together (section 3.4).

This is a light form: the networks are small, and the discriminators are those of the degradation
GAN, which see detail alone, with the paper's losses. Recordings and photos differ by what they show
too, and that must not be learnt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.events import Warn, ignore
from vsr.core.resample import resize
from vsr.datasets.media import list_media
from vsr.inference.engine import torch_device
from vsr.networks.cleaned import Cleaned, Cleaner
from vsr.training.beginning import begin
from vsr.training.begun import keep_options, tell_changes
from vsr.training.checkpoint import (
    Run,
    load_parts,
    read_checkpoint,
    save_parts,
    save_weights,
)
from vsr.training.cycle_losses import inner_loss, outer_loss, told_apart
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.discriminator import Discriminator
from vsr.training.loop import run_trainer
from vsr.training.material import inputs
from vsr.training.run_folder import RunFiles, run_folder
from vsr.training.running_average import follow
from vsr.training.step_down import step_down
from vsr.training.unpaired import Unpaired

_ALONE = 0.5  # of the run: the inner cycle
_BETAS = (0.5, 0.999)  # of Adam, section 4.1
_FEATURES, _BLOCKS = 16, 3  # of each small network
_LEAST_RATE = 0.1  # of the highest, at the end

Examples = tuple[Tensor, Tensor]
"""Sharp patches (N, C, s*p, s*p), and recorded ones (N, C, p, p), in [0, 1]."""


@dataclass(frozen=True)
class CycleProgress:
    """How a cycle-in-cycle run stands after a step.

    Attributes:
        step: steps taken.
        done: the part of the run that is over, in 0..1.
        inner: the inner cycle's loss; like the next two, the mean since the last save.
        outer: the outer cycle's; 0 before it begins.
        apart: the discriminators' losses together; 0 where they tell all apart.
        rate: the learning rate of this step.
        saved: whether the files in the folder were written after this step.
    """

    step: int
    done: float
    inner: float
    outer: float
    apart: float
    rate: float
    saved: bool


class Reducer(nn.Module):
    """G3: (N, C, scale*H, scale*W) -> (N, C, H, W), as it would be recorded.

    It begins as the mean over squares.
    """

    def __init__(self, scale: int, channels: int) -> None:
        super().__init__()
        self.scale = scale
        self.soiler = Cleaner(channels, _FEATURES, _BLOCKS)

    def forward(self, large: Tensor) -> Tensor:
        soiled: Tensor = self.soiler(F.avg_pool2d(large, self.scale))
        return soiled


@dataclass
class CycleRun:
    """A cycle-in-cycle run between two steps.

    Attributes:
        kept: G1 and SR as one network, its average, and Adam over its parameters and those of
            `soiler` and `reducer`.
        soiler: G2, which makes clean pictures recorded.
        reducer: G3, which makes large ones so.
        small, large: the discriminators, D1 and D2.
        telling: Adam over the parameters of both.
    """

    kept: Run
    soiler: Cleaner
    reducer: Reducer
    small: Discriminator
    large: Discriminator
    telling: torch.optim.Adam

    @property
    def network(self) -> Cleaned:
        """What learns and is kept."""
        assert isinstance(self.kept.network, Cleaned)
        return self.kept.network


def fit_in_cycles(
    recipe: CycleRecipe,
    folder: Path,
    report: Callable[[CycleProgress], None],
    warn: Warn = ignore,
) -> Path:
    """Train, and return the path of the last weights, `folder`/best.safetensors.

    They are of a `Cleaned` network. `folder` also holds log.jsonl and checkpoint.pt, as that of
    `fit`, and the same call goes on from there, to the same weights on the same machine and
    threads. `report` and `warn` are those of `fit`, and so are the errors.
    """
    plain = recipe.restorer
    if plain.threads:
        torch.set_num_threads(plain.threads)
    device = torch_device(plain.device)
    files = RunFiles.of(folder, [*inputs(plain), *list_media(recipe.real)])
    run = begin_cycles(recipe, device)
    plain = recipe.restorer
    pictures = Unpaired.some(
        plain.data, recipe.real, plain.scale, plain.patch, run.network.color, warn
    )
    with run_folder(folder):
        if files.checkpoint.exists():
            saved = read_checkpoint(files.checkpoint, device)
            load_parts(_parts(run), run.kept, recipe.whole.facts, saved, files.checkpoint)
            tell_changes(recipe, folder, warn)
        else:
            keep_options(recipe, folder)
        trainer = _Cycles(recipe, run, pictures, folder, device)
        run_trainer(trainer, plain.done, files.log, device, report)
        if not files.best.exists():  # it was over already, and someone took its result away
            save_weights(run.kept.average, recipe.whole, files.best)
    return files.best


@dataclass
class _Cycles:
    """Two cycles that learn together: a Trainer.

    Attributes:
        recipe, sides, pictures: what learns, all of its networks, and what from.
        folder, device: where its files and its numbers are.
        rate: the learning rate of the last step.
        sums, summed: the losses since the last save, added up, and how often.
    """

    recipe: CycleRecipe
    sides: CycleRun
    pictures: Unpaired
    folder: Path
    device: torch.device
    rate: float = 0.0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    summed: int = 0

    @property
    def run(self) -> Run:
        """How far it is."""
        return self.sides.kept

    def examples(self) -> Iterator[Examples]:
        """What each step from here on shows, drawn by the step's number."""
        plain = self.recipe.restorer
        for step in count(self.run.step):
            random = np.random.default_rng((plain.seed, step))
            sharp, real = self.pictures.sample(plain.batch, plain.patch, random)
            yield sharp.to(self.device), real.to(self.device)

    def train(self, examples: Examples, fraction: float) -> None:
        cosine = 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0)))
        self.rate = self.recipe.restorer.lr * max(_LEAST_RATE, cosine)
        losses = take_step(self.sides, examples, fraction >= _ALONE, self.rate)
        self.sums = self.sums + np.array(losses)
        self.summed += 1

    def save(self) -> None:
        save_weights(self.run.average, self.recipe.whole, self.folder / "best.safetensors")
        self.save_checkpoint()

    def save_checkpoint(self) -> None:
        path = self.folder / "checkpoint.pt"
        save_parts(_parts(self.sides), self.run, self.recipe.whole.facts, path)

    def progress(self, fraction: float, saved: bool) -> CycleProgress:
        inner, outer, apart = (float(value) for value in self.sums / self.summed)
        if saved:
            self.sums, self.summed = np.zeros(3), 0
        return CycleProgress(self.run.step, fraction, inner, outer, apart, self.rate, saved)


def take_step(
    run: CycleRun, examples: Examples, outer: bool, rate: float
) -> tuple[float, float, float]:
    """One step of all; returns the inner loss, the outer one and that of the discriminators.

    Without `outer` the inner cycle takes it alone: SR, G3 and D2 stand still.
    """
    sharp, recorded = examples
    reduced = resize(sharp, *recorded.shape[-2:]).clamp(0, 1)
    network = run.network
    with torch.autocast(sharp.device.type, torch.bfloat16):
        clean = network.cleaner(recorded)
        large = network.restorer(clean) if outer else None

    apart = told_apart(_judged(run.small, reduced), _judged(run.small, clean.detach()))
    if large is not None:
        apart = apart + told_apart(_judged(run.large, sharp), _judged(run.large, large.detach()))
    number = f"step {run.kept.step + 1}"
    step_down(run.telling, apart, rate, number)

    run.small.requires_grad_(False)
    run.large.requires_grad_(False)
    with torch.autocast(sharp.device.type, torch.bfloat16):
        again, kept = run.soiler(clean), network.cleaner(reduced)
    loss = inner_loss(_judged(run.small, clean), clean, again, recorded, kept, reduced)
    inside, outside = loss.item(), 0.0
    if large is not None:
        with torch.autocast(sharp.device.type, torch.bfloat16):
            back, enlarged = run.reducer(large), network.restorer(reduced)
        beyond = outer_loss(
            _judged(run.large, large), large.float(), back, recorded, enlarged.float(), sharp
        )
        loss, outside = loss + beyond, beyond.item()
    step_down(run.kept.optimizer, loss, rate, number)
    run.small.requires_grad_(True)
    run.large.requires_grad_(True)
    run.kept.step += 1
    follow(run.kept.average, run.kept.network, run.kept.step)
    return inside, outside, apart.item()


def begin_cycles(recipe: CycleRecipe, device: torch.device) -> CycleRun:
    """Before the first step. The caller's random numbers are left alone."""
    plain = recipe.restorer
    restorer = begin(plain, torch.device("cpu")).network
    kept = begin(recipe.whole, device)
    for network in (kept.network, kept.average):
        assert isinstance(network, Cleaned)
        network.restorer.load_state_dict(restorer.state_dict())
    channels = 1 if restorer.color == "y" else 3
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(plain.seed)
        soiler = Cleaner(channels, _FEATURES, _BLOCKS).to(device)
        reducer = Reducer(plain.scale, channels).to(device)
        small, large = (Discriminator(channels).to(device) for _ in range(2))
    making = [p for part in (kept.network, soiler, reducer) for p in part.parameters()]
    judging = [p for part in (small, large) for p in part.parameters()]
    kept.optimizer = torch.optim.Adam(making, lr=plain.lr, betas=_BETAS)
    telling = torch.optim.Adam(judging, lr=plain.lr, betas=_BETAS)
    return CycleRun(kept, soiler, reducer, small, large, telling)


def _judged(discriminator: Discriminator, pictures: Tensor) -> Tensor:
    with torch.autocast(pictures.device.type, torch.bfloat16):
        judged: Tensor = discriminator(pictures.float())
    return judged


def _parts(run: CycleRun) -> dict[str, Any]:
    """What learns, by the names in the checkpoint: others than those of `fit`."""
    return {
        "cleaned": run.kept.network,
        "average_cleaned": run.kept.average,
        "soiler": run.soiler,
        "reducer": run.reducer,
        "small_discriminator": run.small,
        "large_discriminator": run.large,
        "making": run.kept.optimizer,
        "telling": run.telling,
    }
