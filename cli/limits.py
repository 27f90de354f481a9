"""Options that raise the limits on what an input may ask for."""

from __future__ import annotations

import re

import click

from vsr.core.limits import Limits

_HOUR = 3600  # seconds
_USUAL = Limits()


class Pixels(click.ParamType[int]):
    """A number of pixels, or of millions of them with an M behind."""

    name = "pixels"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        match = re.fullmatch(r"(\d{1,15})([Mm]?)", str(value).strip())
        pixels = int(match[1]) * (10**6 if match[2] else 1) if match else 0
        if pixels < 1:
            self.fail(f"{value!r} is no number of pixels: write 100000000 or 100M", param, ctx)
        return pixels


max_pixels_option = click.option(
    "--max-pixels",
    type=Pixels(),
    default=_USUAL.pixels,
    show_default=True,
    metavar="N[M]",
    help="Refuse an INPUT with larger pictures; M is millions.",
)
max_hours_option = click.option(
    "--max-hours",
    type=click.IntRange(1),
    default=_USUAL.seconds // _HOUR,
    show_default=True,
    help="Refuse an INPUT whose header says it lasts longer.",
)


def limits_of(max_pixels: int, max_hours: int) -> Limits:
    """The limits that these options ask for."""
    return Limits(max_pixels, max_hours * _HOUR)
