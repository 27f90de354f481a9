"""`vsr adapt`: fit a model to the camera that took one's footage."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from tqdm import tqdm

from vsr.core.bounds import LEARNING_RATE, MINUTES, SEED, STEPS

from .options import LEARNS_ON, network_scale, upscale_option
from .output.messages import event
from .param_types import FilePath, Number
from .progress import part_bar
from .renamed_option import RenamedOption
from .zero_shot import LearningTeller, kernel_options, told_reduction

if TYPE_CHECKING:
    from vsr.adaptation.adapt import Adapted, Found
    from vsr.adaptation.finetune import Learning
    from vsr.adaptation.holdout import Verdict

_PATH = FilePath()
_EVERY = 0.02  # of the learning: how often it is told in JSON


@click.command("adapt")
@click.argument("footage", nargs=-1, required=True, type=_PATH)
@network_scale
@click.option("-o", "--output", required=True, type=_PATH, help="A .safetensors file.")
@upscale_option(
    "model", text="One of vsr's own, see `vsr models`; or a .safetensors file of `vsr train`."
)
@click.option(
    "--minutes", type=Number(MINUTES), help="To learn for.  [default: 3, unless --iterations]"
)
@click.option("--iterations", type=Number(STEPS), help="Steps to learn, instead or as well.")
@click.option(
    "--lr",
    cls=RenamedOption,
    old="--rate",
    type=Number(LEARNING_RATE),
    default=1e-4,
    show_default=True,
    help="Learning rate.",
)
@click.option("--seed", type=Number(SEED), default=1, show_default=True)
@click.option(
    "--zero-shot",
    is_flag=True,
    help="Begin from nothing, and learn for this one image or clip alone: ZSSR.",
)
@kernel_options
@click.option("--gradual", is_flag=True, help="With --zero-shot: to x3 and x4 by way of x2.")
@upscale_option("compute.device", text=LEARNS_ON)
@upscale_option("run.overwrite")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def adapt_command(
    footage: tuple[Path, ...],
    scale: int,
    output: Path,
    model: str | None,
    minutes: float | None,
    iterations: int | None,
    lr: float,
    seed: int,
    zero_shot: bool,
    kernel: Path | None,
    blur: float | None,
    gradual: bool,
    device: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Fit a model to the camera that took FOOTAGE: videos, images and folders of them.

    What the camera does to its pictures is estimated, and the model learns for some minutes to
    undo it. Frames that it has not seen tell whether it became better. If not, the model is
    written as it was, so that OUTPUT serves in any case:

    vsr upscale INPUT OUTPUT --model mycam.safetensors

    With --zero-shot no model is begun from, and FOOTAGE is one image or clip: a small network
    learns from it and its own reductions by the kernel that made it, given or estimated. OUTPUT
    is for that image or clip.
    """
    if minutes is None and iterations is None:
        minutes = 3.0
    if zero_shot:
        _check_zero_shot(footage, model)
        _adapt_zero_shot(
            footage[0],
            output,
            scale,
            (minutes, iterations, seed),
            (kernel, blur),
            gradual,
            device,
            overwrite,
            as_json,
        )
        return
    for name, given in (("kernel", kernel), ("blur", blur), ("gradual", gradual or None)):
        if given is not None:
            raise click.UsageError(f"--{name} is for --zero-shot alone")
    # Here, so that other commands need not wait for these imports.
    from vsr.adaptation.adapt import Watch, adapt
    from vsr.adaptation.finetune import Course

    course = Course(minutes, iterations, lr, seed=seed)
    teller = _Teller(as_json)
    try:
        adapted = adapt(
            footage,
            output,
            scale,
            model,
            course,
            device,
            overwrite,
            Watch(teller.found, teller.learning, teller.warn),
        )
    finally:
        teller.close()
    teller.adapted(adapted, scale)


def _check_zero_shot(footage: tuple[Path, ...], model: str | None) -> None:
    """Raise UsageError for what --zero-shot has no use for."""
    if len(footage) != 1:
        raise click.UsageError("--zero-shot learns from one image or clip")
    if model is not None:
        raise click.UsageError("--zero-shot and --model exclude each other: it begins from nothing")
    if click.get_current_context().get_parameter_source("lr") is not ParameterSource.DEFAULT:
        raise click.UsageError("--zero-shot and --lr exclude each other: the rate falls by itself")


def _adapt_zero_shot(
    footage: Path,
    output: Path,
    scale: int,
    course: tuple[float | None, int | None, int],
    reduction: tuple[Path | None, float | None],
    gradual: bool,
    device: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """`course` is minutes, iterations and seed, `reduction` --kernel and --blur."""
    from vsr.zero_shot.adapt_zero_shot import adapt_zero_shot
    from vsr.zero_shot.course import Course

    teller = LearningTeller(as_json)
    try:
        learnt = adapt_zero_shot(
            footage,
            output,
            scale,
            Course(*course),
            told_reduction(*reduction, scale),
            gradual,
            device,
            overwrite,
            teller.watch,
        )
    finally:
        teller.close()
    if as_json:
        event("result", asdict(learnt))
        return
    file = shlex.quote(str(learnt.output))
    click.echo(
        f"its own reductions: bicubic {learnt.bicubic:.2f} dB, after {learnt.steps} steps "
        f"{learnt.after:.2f} dB; what it has learnt from, so no forecast"
    )
    click.echo(f"use it: vsr upscale INPUT OUTPUT --scale {scale} --model {file}")


class _Teller:
    """Tells how it goes: in lines and with a bar, or as JSON."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._bar: tqdm[None] | None = None
        self._told = 0.0

    def found(self, found: Found) -> None:
        if self._as_json:
            event("found", asdict(found))
            return
        for line in _lines(found):
            click.echo(line)
        self._bar = part_bar()

    def learning(self, now: Learning) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"step {now.step}, loss {now.loss:.5f}", refresh=False)
            self._bar.update(now.done - self._bar.n)
        elif now.done - self._told >= _EVERY or now.done >= 1:
            self._told = now.done
            event("progress", asdict(now))

    def warn(self, message: str) -> None:
        tqdm.write(f"vsr: warning: {message}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def adapted(self, adapted: Adapted, scale: int) -> None:
        verdict = adapted.verdict
        if self._as_json:
            facts = asdict(adapted) | {"output": str(adapted.output), "better": verdict.is_better}
            event("result", facts)
            return
        click.echo(_measured(verdict, adapted))
        click.echo(
            "measured on the footage made smaller, as the camera is estimated to have done: there "
            "is no truth at the large size"
        )
        file = shlex.quote(str(adapted.output))
        if verdict.is_better:
            click.echo(f"adapted weights: {file}")
        else:
            click.echo(f"no clear gain: {file} holds the weights of {adapted.model} as they were")
        click.echo(f"use them: vsr upscale INPUT OUTPUT --scale {scale} --model {file}")


def _lines(found: Found) -> list[str]:
    camera, look = found.camera, found.look
    compression = str(camera.compression) if camera.compression else "none"
    if look is not None and camera.compression and look.codec != camera.compression.codec:
        compression += f" in place of {look.codec}"
    if look is not None and look.quantiser is not None:
        compression += f" (quantiser {look.quantiser:.0f}, {look.bits:.2g} bits a pixel)"
    return [
        f"model: {found.model}; {found.learnt} pieces of footage to learn from, "
        f"{found.held_back} held back",
        f"blur: {camera.blur:.2f} pixels, by the edges' slopes" if camera.blur else "blur: none",
        f"noise: {camera.noise:.1f} of 255, by the smooth parts",
        f"compression: {compression}",
    ]


def _measured(verdict: Verdict, adapted: Adapted) -> str:
    gain = f"{verdict.gain:+.3f} +- {verdict.error:.3f} dB"
    return (
        f"held-back frames: bicubic {verdict.bicubic:.2f}, {adapted.model} {verdict.before:.2f}, "
        f"adapted {verdict.after:.2f} dB: {gain}, better in {verdict.wins} of {verdict.parts} parts"
    )
