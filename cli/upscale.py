"""`vsr upscale`: the main job."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from vsr import Progress, Result, upscale

from .options import SCALES, Time

_EVENT_EVERY = 0.5  # seconds between progress events on stdout


@click.command("upscale")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("-s", "--scale", type=SCALES, default="4", show_default=True, help="Factor.")
@click.option("-m", "--model", metavar="NAME|FILE", help="See `vsr models`.")
@click.option("-d", "--device", default="auto", show_default=True, help="auto, cpu, cuda[:N].")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
    default="auto",
    show_default=True,
)
@click.option("--start", type=Time(), help="Begin here: seconds or HH:MM:SS.mmm.")
@click.option("--end", type=Time(), help="Stop before this time.")
@click.option("--duration", type=Time(), help="Take this much; not with --end.")
@click.option("-c", "--codec", default="", help="h264, hevc, av1, ffv1 or an encoder's name.")
@click.option("--crf", type=float, help="Constant rate factor; lower is better and larger.")
@click.option("--preset", default="", help="The encoder's pace, such as veryfast or slow.")
@click.option("--pix-fmt", default="", help="Pixel format; the source's if left out.")
@click.option("--no-audio", is_flag=True, help="Leave the audio out.")
@click.option("--no-subs", is_flag=True, help="Leave the subtitles out.")
@click.option("-y", "--overwrite", is_flag=True, help="Replace OUTPUT if it exists.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar, no summary.")
def upscale_command(
    source: Path,
    target: Path,
    scale: str,
    start: Fraction | None,
    end: Fraction | None,
    duration: Fraction | None,
    no_audio: bool,
    no_subs: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Enlarge the video INPUT to OUTPUT; all else in it is copied."""
    if duration is not None:
        if end is not None:
            raise click.UsageError("--end and --duration exclude each other")
        end = (start or 0) + duration
    with _reporting(as_json, quiet) as (progress, warn):
        result = upscale(
            source,
            target,
            scale=int(scale),
            start=start,
            end=end,
            audio=not no_audio,
            subtitles=not no_subs,
            progress=progress,
            warn=warn,
            **settings,
        )
    if as_json:
        facts = {**asdict(result), "fps": round(result.fps, 3)}
        click.echo(json.dumps({"event": "result", **facts}, default=str))
    elif not quiet:
        click.echo(_summary(result), err=True)


@contextmanager
def _reporting(as_json: bool, quiet: bool) -> Iterator[tuple[Any, Any]]:
    """Give what to call for progress and for warnings."""
    bar = tqdm(unit=" frames", disable=quiet or as_json, file=sys.stderr, dynamic_ncols=True)
    last = [0.0]

    def progress(now: Progress) -> None:
        if bar.total is None and now.expected:
            bar.total = now.expected
            bar.set_description("about")  # the total is the header's promise
        bar.update(now.frames - bar.n)
        if as_json and bar._time() - last[0] >= _EVENT_EVERY:
            last[0] = bar._time()
            event = {"event": "progress", "frames": now.frames, "expected": now.expected}
            click.echo(json.dumps(event))

    def warn(message: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            click.echo(f"vsr: warning: {message}", err=True)

    with bar:
        yield progress, warn


def _summary(result: Result) -> str:
    return (
        f"{result.target}: {result.frames_out} frames, x{result.scale} {result.model} on "
        f"{result.device} ({result.precision}), {result.seconds:.1f} s, {result.fps:.1f} fps; "
        f"{len(result.copied)} other streams copied"
    )
