"""The option that takes a part of the picture."""

from __future__ import annotations

import click

from vsr.core.crop import Region, parse_region
from vsr.core.errors import InputError


class RegionType(click.ParamType[Region]):
    """ "X,Y,W,H", in pixels or all four in percent."""

    name = "region"

    def convert(
        self, value: str | Region, param: click.Parameter | None, ctx: click.Context | None
    ) -> Region:
        if isinstance(value, Region):
            return value
        try:
            return parse_region(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


crop_option = click.option(
    "--crop",
    type=RegionType(),
    metavar="X,Y,W,H",
    help="Take this part of the picture: pixels as shown, or percent: 25%,25%,50%,50%.",
)
