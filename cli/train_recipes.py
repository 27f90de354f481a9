"""What the options of `vsr train` ask for, and which of them do not go together."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from vsr.inference.passes import scale_for
from vsr.networks import ARCHITECTURES
from vsr.networks.multi_scale import MultiScale
from vsr.networks.registry import weights_path
from vsr.training.recipe import Recipe, check_stages
from vsr.training.shapes import SHAPES

from .output.messages import warn

DEGRADATION_GAN = "degradation-gan"
CYCLE_IN_CYCLE = "cycle-in-cycle"
DEGRADATIONS = {
    "clean": "bicubic",
    "footage": "footage",
    DEGRADATION_GAN: "learned",
    CYCLE_IN_CYCLE: "bicubic",
}
"""By --recipe."""
_PLAIN = ("loss", "mse_fraction", "reparam_width", "optimizer", "gradient_clip")
"""Options that adversarial and cycle-in-cycle training have no use for."""


def check_sources(
    recipe: str,
    data: tuple[Path, ...],
    real: tuple[Path, ...],
    sharp: tuple[Path, ...],
    limits: bool,
) -> None:
    """Raise UsageError where a recipe's sources are missing, or others are given."""
    learns = recipe in (DEGRADATION_GAN, CYCLE_IN_CYCLE)
    if learns and (data or not real or not sharp):
        raise click.UsageError(
            f"--recipe {recipe} takes --real FOOTAGE and --sharp PHOTOS, and no DATA"
        )
    if not learns and (real or sharp):
        raise click.UsageError(
            f"--real and --sharp are for --recipe {DEGRADATION_GAN} or {CYCLE_IN_CYCLE}, "
            f"not {recipe}"
        )
    if recipe != DEGRADATION_GAN and limits:
        raise click.UsageError(
            f"--degradation-... are for --recipe {DEGRADATION_GAN}, not {recipe}"
        )
    if not learns and not data:
        raise click.UsageError(f"--recipe {recipe} needs DATA: images, videos or folders of them")


def check_plain(discriminator: str | None, features: Path | None) -> None:
    """Raise UsageError where options of adversarial training stand without it."""
    if discriminator or features:
        raise click.UsageError("--discriminator and --features are for --adversarial")


def check_own_losses(given: dict[str, Any], what: str) -> None:
    """Raise UsageError where an option is given that `what`, with losses of its own, ignores."""
    for name in _PLAIN:
        if name in given and (name, given[name]) != ("optimizer", "adam"):  # which is its default
            raise click.UsageError(f"--{name.replace('_', '-')} is not for {what}")


def recipe_of(
    model: str,
    scales: tuple[int, ...],
    data: tuple[Path, ...],
    degradation: str,
    given: dict[str, Any],
) -> Recipe:
    """The recipe of a model, with what was given in place of its defaults."""
    shape = SHAPES[model]
    check_stages(shape.network, given)
    chosen, options, scale = shape.defaults | given, shape.options, max(scales)
    if issubclass(ARCHITECTURES[shape.network], MultiScale):
        options = options | {"scales": scales}
    elif len(scales) > 1:
        several = [n for n, s in SHAPES.items() if issubclass(ARCHITECTURES[s.network], MultiScale)]
        raise click.UsageError(
            f"--scale {','.join(map(str, scales))}: {model} learns one scale; "
            f"several at once are for {', '.join(several)}"
        )
    if "warm_start" in given:
        name = given["warm_start"]
        is_file = Path(name).suffix == ".safetensors"
        suits = scale if is_file else scale_for(name, Fraction(scale))
        chosen["warm_start"] = weights_path(name, suits)
    if "teacher" in given:
        chosen["teacher"] = weights_path(given["teacher"], scale)
    elif "teacher_share" in given or given.get("teacher_ensemble"):
        raise click.UsageError("--teacher-share and --teacher-ensemble are for --teacher")
    if "iterations" not in given:
        chosen["iterations"] = None if "minutes" in given else 100_000
    chosen["degradation"] = degradation
    return Recipe(shape.network, scale, data, options=options, **chosen)


def limits_of(iterations: int | None, minutes: float | None) -> tuple[int | None, float | None]:
    """How long to learn a degradation."""
    return (20_000 if iterations is None and minutes is None else iterations), minutes


def warn_of_both(recipe: Recipe) -> None:
    """Warn where what the weights are chosen on is learnt from, too."""
    if not recipe.validation:
        return
    from vsr.training.validation import in_both

    if both := in_both(recipe.data, recipe.validation):
        more = f", and {len(both) - 1} more" if len(both) > 1 else ""
        warn(f"{both[0]}{more}: in DATA and in --val; what has been learnt by heart scores best")
