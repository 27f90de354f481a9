"""The options of `vsr upscale` that other commands take for each of their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import click

from .limits import limits_of, max_hours_option, max_pixels_option
from .options import (
    Command,
    Rate,
    Tile,
    Time,
    audio_option,
    device_option,
    model_option,
    precision_option,
    scale_option,
    self_ensemble_option,
    suited_option,
    threads_option,
)
from .region import crop_option

RESUME = ("auto", "always", "never")

# Of jobs on a few seconds too, and of those on whole videos alone.
_SHARED = (
    scale_option,
    suited_option,
    device_option,
    precision_option("auto"),
    crop_option,
    click.option("-c", "--codec", default="", help="h264, hevc, av1, ffv1 or an encoder's name."),
    click.option("--crf", type=float, help="Constant rate factor; lower is better and larger."),
    click.option("--preset", default="", help="The encoder's pace, such as veryfast or slow."),
    click.option("--pix-fmt", default="", help="Pixel format; the source's if left out."),
    audio_option,
    click.option("--no-audio", is_flag=True, help="Leave the audio out: --audio none."),
    click.option("--no-subs", is_flag=True, help="Leave the subtitles out."),
    click.option(
        "--tile",
        type=Tile(),
        default="auto",
        show_default=True,
        metavar="auto|0|N",
        help="Work in tiles of N pixels a side, so that frames fit the memory; 0: whole frames.",
    ),
    threads_option,
    self_ensemble_option,
    click.option("--compile", "compiled", is_flag=True, help="Let torch.compile make the kernels."),
    click.option("--hwaccel", is_flag=True, help="Decode on the GPU, where its driver can."),
    click.option(
        "--deinterlace",
        type=click.Choice(["auto", "on", "off"]),
        default="auto",
        show_default=True,
        help="Make whole pictures of fields.",
    ),
    max_pixels_option,
    max_hours_option,
    click.option("--strict", is_flag=True, help="Take any damage to INPUT for an error."),
    click.option(
        "--stall",
        type=click.FloatRange(0, min_open=True),
        default=300,
        show_default=True,
        help="Fail when INPUT has given nothing for so many seconds.",
    ),
    click.option("-y", "--overwrite", is_flag=True, help="Replace OUTPUT if it exists."),
)
_WHOLE = (
    model_option,
    click.option("--start", type=Time(), help="Begin here: seconds or HH:MM:SS.mmm."),
    click.option("--end", type=Time(), help="Stop before this time."),
    click.option("--duration", type=Time(), help="Take this much; not with --end."),
    click.option("--stills", is_flag=True, help="Take each image of a folder by itself."),
    click.option(
        "--rate", type=Rate(), default="25", help="Frames a second, from images to video."
    ),
    click.option(
        "--verify", is_flag=True, help="Decode the finished video again, check every frame."
    ),
    click.option(
        "--resume",
        type=click.Choice(RESUME),
        default="auto",
        show_default=True,
        help="Work in segments that outlast a crash; auto: where the work is long.",
    ),
    click.option(
        "--cluster",
        default="",
        metavar="auto|ADDRESS",
        help="Share the segments among the machines of a Ray cluster.",
    ),
)


def record_option(default: bool) -> Callable[[Command], Command]:
    """--record, with the command's own default."""
    return click.option(
        "--record/--no-record",
        default=default,
        show_default=True,
        help="Write what was done to OUTPUT.record.json, and in short into OUTPUT.",
    )


def upscale_options(command: Command) -> Command:
    """Give a command all of them; `upscale_arguments` takes what it gets by them."""
    return _with((*_WHOLE, *_SHARED), command)


def preview_options(command: Command) -> Command:
    """Give a command those that mean something for a few seconds."""
    return _with(_SHARED, command)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def upscale_arguments(
    *,
    scale: str,
    audio: str,
    no_audio: bool,
    no_subs: bool,
    max_pixels: int,
    max_hours: int,
    start: Fraction | None = None,
    end: Fraction | None = None,
    duration: Fraction | None = None,
    **same: Any,
) -> dict[str, Any]:
    """The keyword arguments of `vsr.upscale` that the options stand for; `same` have its names."""
    if duration is not None:
        if end is not None:
            raise click.UsageError("--end and --duration exclude each other")
        end = (start or Fraction(0)) + duration
    return {
        "scale": int(scale),
        "start": start,
        "end": end,
        "audio": "none" if no_audio else audio,
        "subtitles": not no_subs,
        "limits": limits_of(max_pixels, max_hours),
        **same,
    }
