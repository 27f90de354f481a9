"""Values that several commands take."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

model_option = click.option("-m", "--model", metavar="NAME|FILE", help="See `vsr models`.")
scale_option = click.option(
    "-s",
    "--scale",
    type=click.Choice(["2", "3", "4"]),
    default="4",
    show_default=True,
    help="Factor.",
)
suited_option = click.option(
    "--for",
    "suited_to",
    type=click.Choice(["auto", "clean", "footage"]),
    default="auto",
    show_default=True,
    help="Without --model: weights for clean pictures, or for noisy or compressed footage.",
)
audio_option = click.option(
    "--audio",
    type=click.Choice(["copy", "transcode", "none"]),
    default="copy",
    show_default=True,
    help="Copy; or encode what OUTPUT cannot hold, and only that; or leave out.",
)
device_option = click.option(
    "-d",
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda, cuda:N or several GPUs: cuda:0,cuda:1.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, help="CPU cores to use.  [default: all]"
)
self_ensemble_option = click.option(
    "--self-ensemble", is_flag=True, help="Mean of 8 flips and turns: 8 times the work."
)


def listed(models: str) -> list[str]:
    """The names that --models holds. Raises UsageError where one is empty."""
    names = [name.strip() for name in models.split(",")]
    if not all(names):
        raise click.UsageError(f"--models {models!r}: write names or files with commas between")
    return names


def precision_option(default: str) -> Callable[[Command], Command]:
    """--precision, with the command's own default."""
    choices = click.Choice(["auto", "fp32", "bf16", "fp16", "int8"])
    return click.option("--precision", type=choices, default=default, show_default=True)


class Tile(click.ParamType[int | None]):
    """ "auto", or a side in pixels."""

    name = "tile"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value == "auto":
            return None
        try:
            pixels = int(value)
        except ValueError:
            pixels = -1
        if pixels < 0:
            self.fail(f"{value!r} is not a tile: write auto, 0 or a number of pixels", param, ctx)
        return pixels


class Time(click.ParamType[Fraction]):
    """Seconds ("12.5") or [HH:]MM:SS[.mmm], kept exact."""

    name = "time"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        if isinstance(value, Fraction):
            return value
        match = re.fullmatch(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)", value.strip())
        if match is None:
            self.fail(f"{value!r} is not a time: write seconds (12.5) or HH:MM:SS.mmm", param, ctx)
        hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
        if (match[2] is not None and seconds >= 60) or (match[1] is not None and minutes >= 60):
            self.fail(f"{value!r}: what follows a colon must be under 60", param, ctx)
        return hours * 3600 + minutes * 60 + seconds


class Rate(click.ParamType[Fraction]):
    """Frames per second: "25", "29.97" or exactly "30000/1001"."""

    name = "rate"

    def convert(
        self, value: str | Fraction, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        try:
            rate = Fraction(value)
        except (ValueError, ZeroDivisionError):
            rate = Fraction(0)
        if not 0 < rate <= 1000:
            self.fail(f"{value!r} is not a rate: write 25 or 30000/1001", param, ctx)
        return rate
