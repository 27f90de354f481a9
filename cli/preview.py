"""`vsr preview`: a few seconds, before the whole video."""

from __future__ import annotations

import shlex
import webbrowser
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import click

from vsr.core.bounds import STRENGTH
from vsr.core.options import UpscaleOptions

from .nice import nice_option
from .option_table import options_of, to_argv, with_options
from .output.messages import event, plain_line, warn
from .param_types import FilePath, Number, Time
from .progress import ProgressEvents


@click.command("preview")
@click.argument("source", metavar="INPUT", type=FilePath(path_type=str))
@click.argument("target", metavar="[OUTPUT]", required=False, type=FilePath())
@click.option("-m", "--model", "models", multiple=True, metavar="NAME|FILE", help="Repeatable.")
@click.option(
    "--compare",
    "baseline",
    default="bicubic",
    show_default=True,
    metavar="NAME|FILE",
    help="What it is compared with.",
)
@click.option(
    "--strength",
    "strengths",
    multiple=True,
    type=Number(STRENGTH),
    metavar="0..100",
    help="How much of the network's detail over bicubic to keep. Repeatable.  [default: 100]",
)
@click.option("--start", type=Time(), help="Begin here.  [default: a telling moment]")
@click.option("--duration", type=Time(), default="3", show_default=True, help="Show this much.")
@click.option("--split", is_flag=True, help="Videos: all takes in one picture, side by side.")
@partial(with_options, preview=True)
@nice_option
@click.option("--open", "opened", is_flag=True, help="Show OUTPUT at once.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No words on the way.")
def preview_command(
    source: str,
    target: Path | None,
    models: tuple[str, ...],
    strengths: tuple[float, ...],
    baseline: str,
    start: Fraction | None,
    duration: Fraction,
    split: bool,
    opened: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Enlarge a few seconds of INPUT and show them beside what a player would do anyway.

    OUTPUT is a page that needs nothing but a browser (.html, INPUT_preview.html if left out), a
    video of all (.mp4, .mkv, .mov), a picture of one frame (.png), or a folder of one frame of
    each.
    """
    from vsr.previews.preview import preview

    def say(message: str) -> None:
        if not (quiet or as_json):
            click.echo(f"vsr: {plain_line(message)}", err=True)

    options = options_of(given)
    target = target or Path(source).parent / f"{Path(source).stem}_preview.html"
    shown = preview(
        source,
        target,
        # -y is for the preview: whether the whole video may replace a file is asked again
        options.but(overwrite=False),
        models=models,
        strengths=strengths,
        baseline=baseline,
        start=start,
        duration=duration,
        how="split" if split else "beside",
        overwrite=options.run.overwrite,
        begun=lambda model: say(f"enlarging with {model}"),
        tell=say,
        warn=warn,
        progress=ProgressEvents(as_json).progress,
        command_of=command_of,
    )
    if as_json:
        event("result", shown.facts())
    else:
        for made in shown.made:
            rate = made.piece.rate
            say(f"{made.take.label}: {rate.frames / rate.seconds:.1f} frames a second")
        say(f"{shown.target}: from {float(shown.moment.start):g} s on ({shown.moment.why})")
    if opened:
        webbrowser.open(shown.target.resolve().as_uri())


def command_of(source: Path, target: Path, options: UpscaleOptions) -> str:
    """The command line that does the whole video."""
    return shlex.join(["vsr", "upscale", str(source), str(target), *to_argv(options)])
