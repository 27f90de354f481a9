"""`vsr restore-image`: restore one image by itself, without any training data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vsr.core.bounds import MINUTES, SEED, STEPS, Bounds
from vsr.util.text import duration_text

from .options import LEARNS_ON, network_scale, upscale_option
from .output.messages import event, plain_line
from .param_types import FilePath, Number
from .zero_shot import LearningTeller, kernel_options, told_reduction

if TYPE_CHECKING:
    from vsr.zero_shot.methods import Method

_MINUTES = 5.0  # of --zero-shot


@click.command("restore-image")
@click.argument("source", metavar="INPUT", type=FilePath())
@click.argument("target", metavar="OUTPUT", type=FilePath())
@click.option("--prior", is_flag=True, help="Deep Image Prior: a network that fits INPUT alone.")
@click.option("--zero-shot", is_flag=True, help="ZSSR: learn from INPUT and its own reductions.")
@network_scale
@kernel_options
@click.option("--gradual", is_flag=True, help="With --zero-shot: to x3 and x4 by way of x2.")
@click.option(
    "--features",
    type=Number(Bounds(1, 1024, whole=True)),
    metavar="N",
    help="With --prior: channels of its network; the paper's has 128.  [default: 64]",
)
@click.option(
    "--iterations",
    type=Number(STEPS),
    help="Steps to learn.  [default: 2000 with --prior, unless --minutes]",
)
@click.option(
    "--minutes",
    type=Number(MINUTES),
    help="To learn for, instead or as well.  [default: 5 with --zero-shot, unless --iterations]",
)
@click.option("--seed", type=Number(SEED), default=1, show_default=True)
@upscale_option("compute.device", text=LEARNS_ON)
@upscale_option("run.overwrite")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar, no summary.")
def restore_image_command(
    source: Path,
    target: Path,
    prior: bool,
    zero_shot: bool,
    scale: int,
    kernel: Path | None,
    blur: float | None,
    gradual: bool,
    features: int | None,
    iterations: int | None,
    minutes: float | None,
    seed: int,
    device: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Enlarge the image INPUT by what it holds itself, without any weights.

    It takes minutes for each image. --zero-shot is for images that were not reduced by bicubic:
    told their kernel by --kernel or --blur, or estimating it, it undoes just that. --prior is
    for research.

    With neither --kernel nor --blur, --prior takes INPUT for a bicubic reduction. It ends early
    once its result, reduced, is as near to INPUT as noise and rounding allow.
    """
    if prior == zero_shot:
        raise click.UsageError("choose one of --prior and --zero-shot")
    if gradual and not zero_shot:
        raise click.UsageError("--gradual is for --zero-shot alone")
    if features is not None and not prior:
        raise click.UsageError("--features is for --prior alone")
    if prior:
        method = _prior(iterations, minutes, seed, features)
    else:
        method = _zero_shot(iterations, minutes, seed, gradual)
    from vsr.zero_shot.restore_image import restore_image  # other commands need not wait for it

    teller = LearningTeller(as_json, quiet)
    reduction = told_reduction(kernel, blur, scale)
    try:
        made = restore_image(
            *(source, target, method, scale, reduction, device, overwrite, teller.watch),
            inputs=[] if kernel is None else [kernel],
        )
    finally:
        teller.close()
    if as_json:
        event("result", asdict(made) | {"method": method.name})
    elif not quiet:
        click.echo(
            f"{plain_line(made.target)}: {made.width}x{made.height}, {made.steps} steps "
            f"in {duration_text(made.seconds)}",
            err=True,
        )


def _prior(
    iterations: int | None, minutes: float | None, seed: int, features: int | None
) -> Method:
    from vsr.zero_shot.course import Course
    from vsr.zero_shot.deep_image_prior import ITERATIONS
    from vsr.zero_shot.methods import DeepImagePrior

    if iterations is None and minutes is None:
        iterations = ITERATIONS
    course = Course(minutes, iterations, seed)
    return DeepImagePrior(course) if features is None else DeepImagePrior(course, features)


def _zero_shot(iterations: int | None, minutes: float | None, seed: int, gradual: bool) -> Method:
    from vsr.zero_shot.course import Course
    from vsr.zero_shot.methods import ZeroShot

    if iterations is None and minutes is None:
        minutes = _MINUTES
    return ZeroShot(Course(minutes, iterations, seed), gradual)
