"""`vsr check`: whether an output agrees with its source."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import click

from vsr.core.bounds import Bounds
from vsr.core.crop import CropRegion
from vsr.core.options import ReadOptions

from .options import upscale_option
from .output.messages import warn
from .param_types import FilePath, Number
from .progress import ProgressEvents


@click.command("check")
@click.argument("output", metavar="OUTPUT", type=FilePath())
@click.option("--source", required=True, type=FilePath(), help="What OUTPUT was made from.")
@upscale_option("read.start")
@upscale_option("read.end")
@upscale_option("read.crop")
@upscale_option("read.video_stream")
@upscale_option("read.deinterlace")
@click.option(
    "--frames",
    type=Number(Bounds(1, 10**9, whole=True)),
    metavar="N",
    help="Compare no more than so many.",
)
@click.option("--heat-map", type=FilePath(), metavar="FILE.png", help="Show where the two differ.")
@click.option("--record", is_flag=True, help="Add the figures to the record beside OUTPUT.")
@click.option("-y", "--overwrite", is_flag=True, help="Replace FILE.png.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
def check_command(
    output: Path,
    source: Path,
    start: Fraction | None,
    end: Fraction | None,
    crop: CropRegion | None,
    video_stream: int | None,
    deinterlace: str,
    frames: int | None,
    heat_map: Path | None,
    record: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Reduce OUTPUT to the size of its source, and tell how far the two agree.

    No truth is needed: what an enlargement shows must be, once reduced, what its source shows. The
    part of the source that was taken is read from the record beside OUTPUT, or given here.
    """
    from vsr.consistency.check import check
    from vsr.consistency.report import add_to_record, check_targets, write_map

    read = ReadOptions(
        start=start,
        end=end,
        crop=crop,
        video_stream=video_stream,
        deinterlace=deinterlace,  # type: ignore[arg-type]
    )
    check_targets(output, source, heat_map, record, overwrite)
    told = ProgressEvents(as_json).progress
    found = check(output, source, read=read, frames=frames, warn=warn, progress=told)
    if heat_map:
        write_map(found, heat_map, overwrite)
    if record:
        add_to_record(found)
    facts = found.facts()
    if as_json:
        click.echo(json.dumps({"event": "result", **facts}))
        return
    equal = facts["psnr"] is None
    click.echo(f"frames           {facts['frames']}")
    click.echo(f"PSNR             {'equal' if equal else format(facts['psnr'], '.2f') + ' dB'}")
    click.echo(f"largest block    {facts['largest']:.2f} of 255, at {facts['largest_at']:.2f} s")
    if facts["flicker"] is not None:
        click.echo(
            f"flicker          {facts['flicker']:.2f}, of the source {facts['source_flicker']:.2f}"
        )
    click.echo(f"overshoot        {facts['overshoot']:.2%} of the pixels")
