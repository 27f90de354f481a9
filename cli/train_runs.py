"""What `vsr train` sets going, each kind of run until it is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vsr.training.adversarial_recipe import AdversarialRecipe
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.recipe import DegradationRecipe, Recipe

from .output.messages import warn
from .train_told import (
    described,
    described_adversarial,
    described_cycles,
    described_learning,
    tell_result,
    told,
)

# What trains is imported where it is called, so that other commands need not wait for it.
if TYPE_CHECKING:
    from vsr.training.adversarial import AdversarialProgress
    from vsr.training.progress import Progress


def train(recipe: Recipe, folder: Path, as_json: bool) -> None:
    """Train, and tell where the weights are."""
    from vsr.training.fit import fit

    best: float | None = None
    with told("progress", "", as_json) as tell:

        def report(progress: Progress) -> None:
            nonlocal best
            best = progress.best
            tell(progress, described(progress))

        weights = fit(recipe, folder, report, warn=warn)
    tell_result(recipe, weights, best, as_json)


def train_adversarially(recipe: AdversarialRecipe, folder: Path, as_json: bool) -> None:
    """Train against a discriminator, and tell where the weights are."""
    from vsr.training.adversarial import fit_adversarially

    last: float | None = None
    with told("progress", "", as_json) as tell:

        def report(progress: AdversarialProgress) -> None:
            nonlocal last
            last = progress.psnr
            tell(progress, described_adversarial(progress))

        weights = fit_adversarially(recipe, folder, report, warn)
    tell_result(recipe.generator, weights, last, as_json)


def train_in_cycles(recipe: CycleRecipe, folder: Path, as_json: bool) -> None:
    """Train on recordings in two cycles, and tell where the weights are."""
    from vsr.training.cycle import fit_in_cycles

    with told("progress", "", as_json) as tell:
        weights = fit_in_cycles(recipe, folder, lambda now: tell(now, described_cycles(now)), warn)
    tell_result(recipe.whole, weights, None, as_json)


def learn(recipe: DegradationRecipe, after: Recipe, folder: Path, as_json: bool) -> None:
    """Learn a degradation, or find it learnt.

    Raises what would end the run `after` it as that begins, before hours go into this one.
    """
    from vsr.training.fit import check_beginning
    from vsr.training.learn_degradation import learn_degradation

    check_beginning(after)
    with told("degradation", " of the degradation", as_json) as tell:
        learn_degradation(recipe, folder, lambda now: tell(now, described_learning(now)), warn)
