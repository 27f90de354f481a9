"""`vsr fuse`: what many frames know of a region, as one still."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from vsr.core.bounds import THREADS
from vsr.core.crop import CropRegion
from vsr.core.options import ReadOptions
from vsr.fusion.options import FRAMES, FUSED_SCALE, PRIOR, FuseOptions
from vsr.util.text import one_line

from .options import upscale_option
from .output.messages import warn
from .param_types import FilePath, Number, Time
from .progress import ProgressEvents


@click.command("fuse")
@click.argument("source", metavar="INPUT", type=FilePath())
@click.argument("target", metavar="OUTPUT.png", type=FilePath())
@upscale_option("read.crop")
@click.option(
    "--at", type=Time(), help="When the region is where --crop says.  [default: the first frame]"
)
@upscale_option("read.start")
@upscale_option("read.end")
@click.option(
    "-s",
    "--scale",
    type=Number(FUSED_SCALE),
    default=4,
    show_default=True,
    metavar="1..8",
    help="Factor for both sides.",
)
@click.option(
    "--frames",
    type=Number(FRAMES),
    default=100,
    show_default=True,
    metavar="N",
    help="Take at most so many.",
)
@click.option(
    "--prior",
    type=Number(PRIOR),
    default=1.0,
    show_default=True,
    metavar="0..100",
    help="How much smoothness counts: 1 is what explains the frames best.",
)
@click.option(
    "-m",
    "--model",
    metavar="NAME|FILE",
    help="What enlarges the best frame beside the still; '' for none.",
)
@upscale_option("read.video_stream")
@upscale_option("read.deinterlace")
@click.option("--threads", type=Number(THREADS), default=0, metavar="N", help="For the network.")
@click.option("-y", "--overwrite", is_flag=True, help="Replace files that are there.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
def fuse_command(source: Path, target: Path, as_json: bool, **asked: Any) -> None:
    """Make one still of what many frames of INPUT know of a region.

    The region is followed through the shot, both ways in time. Frames that do not show it well are
    left out, each for a reason that is told. The still is what explains the samples of all others
    best; no network takes part in it. Beside it come the best single frame, enlarged bicubically
    and by a network, the mean of the frames, how sure each pixel is, and a record of it all.
    """
    from vsr.fusion.fuse import fuse

    result = fuse(
        source, target, _options(**asked), warn=warn, progress=ProgressEvents(as_json).progress
    )
    if as_json:
        click.echo(json.dumps({"event": "result", **result.facts()}))
        return
    facts = result.facts()
    frames = f"of {facts['used']} of {facts['frames']} frames ({facts['motion']})"
    click.echo(f"{one_line(target)}: {frames}")
    click.echo(facts["knowledge"])
    for reason, numbers in _left_out(facts["left_out"]).items():
        click.echo(f"left out: {reason}: {_listed(numbers)}")
    for name, path in result.files.items():
        if name != "still":
            click.echo(f"{name}: {one_line(path)}")


def _options(
    crop: CropRegion | None,
    at: Fraction | None,
    start: Fraction | None,
    end: Fraction | None,
    video_stream: int | None,
    deinterlace: str,
    **others: Any,
) -> FuseOptions:
    if crop is None:
        raise click.UsageError("--crop X,Y,W,H is missing: the region, in the frame at --at")
    read = ReadOptions(
        start=start,
        end=end,
        video_stream=video_stream,
        deinterlace=deinterlace,  # type: ignore[arg-type]
    )
    return FuseOptions(crop=crop, at=at, read=read, **others)


def _left_out(reasons: dict[int, str]) -> dict[str, list[int]]:
    """The frames by their reasons, without the figures in these."""
    found: dict[str, list[int]] = {}
    for number, reason in reasons.items():
        found.setdefault(reason.partition(" (")[0], []).append(number)
    return found


def _listed(numbers: list[int], most: int = 10) -> str:
    words = ", ".join(map(str, numbers[:most]))
    return f"frame {words}" if len(numbers) == 1 else f"frames {words}{_more(numbers, most)}"


def _more(numbers: list[int], most: int) -> str:
    return f" and {len(numbers) - most} more" if len(numbers) > most else ""
