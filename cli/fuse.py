"""`vsr fuse`: what many frames know of a region, as one still."""

from __future__ import annotations

import json
import shlex
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from vsr.core.bounds import THREADS
from vsr.core.crop import CropRegion
from vsr.core.options import ReadOptions, UpscaleOptions
from vsr.fusion.options import FRAMES, FUSED_SCALE, PRIOR, FuseOptions
from vsr.fusion.page.command import CHOICES, CommandLine, default_of
from vsr.fusion.progress import Fusing
from vsr.util.text import counted

from .option_table import to_argv
from .options import upscale_option
from .output.messages import plain_line, warn
from .param_types import FilePath, Number, Time
from .progress import ProgressEvents, part_bar

_FLAGS = {
    "scale": "--scale",
    "frames": "--frames",
    "prior": "--prior",
    "model": "--model",
    "polish": "--polish",
    "page": "--page",
    "threads": "--threads",
    "overwrite": "-y",
}
"""The options that a page's command line has as they were, by their fields."""


@click.command("fuse")
@click.argument("source", metavar="INPUT", type=FilePath())
@click.argument("target", metavar="OUTPUT.png|OUTPUT.html", type=FilePath())
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
    "--keep",
    default="",
    metavar="N,N-N",
    help="Frames that take part, whatever is said of them.",
)
@click.option("--drop", default="", metavar="N,N-N", help="Frames that do not.")
@click.option(
    "-m",
    "--model",
    metavar="NAME|FILE",
    help="What enlarges the best frame beside the still; '' for none.",
)
@click.option(
    "--polish",
    is_flag=True,
    help="Let that network into the still too: it guesses what the frames leave open.",
)
@upscale_option("read.video_stream")
@upscale_option("read.deinterlace")
@click.option("--page", is_flag=True, help="Beside OUTPUT.png, a page of it: OUTPUT.html.")
@click.option("--threads", type=Number(THREADS), default=0, metavar="N", help="For the network.")
@click.option("-y", "--overwrite", is_flag=True, help="Replace files that are there.")
@click.option("--open", "opened", is_flag=True, help="Show the page at once, or else the still.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON lines on stdout: progress, and the result."
)
def fuse_command(
    source: Path,
    target: Path,
    crop: CropRegion | None,
    opened: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Make one still of what many frames of INPUT know of a region.

    The region is followed through the shot, both ways in time. Frames that do not show it well are
    left out, each for a reason that is told. The still is what explains the samples of all others
    best; no network takes part in it without --polish. Beside it come the best single frame,
    enlarged bicubically and by a network, the mean of the frames, how sure each pixel is, and a
    record of it all.

    OUTPUT.html is a page of all this, which needs nothing but a browser. Without --crop it shows
    frames to draw the region on.
    """
    if crop is None:
        _pick(source, target, opened, as_json, **asked)
        return
    from vsr.fusion.fuse import fuse

    options = FuseOptions(crop=crop, **_fields(**asked))
    with _progress(as_json) as progress:
        result = fuse(source, target, options, warn=warn, progress=progress, line_of=line_of)
    if as_json:
        click.echo(json.dumps({"event": "result", **result.facts()}))
    else:
        _tell(result.facts(), target)
    if opened:
        _open(result.files.get("page", target))


@contextmanager
def _progress(as_json: bool) -> Iterator[Callable[[Fusing], None]]:
    """A bar on stderr, or a line of JSON twice a second at most."""
    if not as_json:
        with part_bar() as bar:

            def move(now: Fusing) -> None:
                bar.set_postfix_str(now.work, refresh=False)
                bar.update(max(0.0, now.done - bar.n))

            yield move
        return
    events = ProgressEvents(as_json)
    yield lambda now: events.tell(asdict(now))


def _tell(facts: dict[str, Any], target: Path) -> None:
    frames = f"of {facts['used']} of {facts['frames']} frames ({facts['motion']})"
    click.echo(f"{plain_line(target)}: {frames}")
    click.echo(facts["knowledge"])
    if facts["polished_by"]:
        click.echo(f"polished: {facts['polished_by']}, a network, took part in the still")
    for reason, numbers in _left_out(facts["left_out"]).items():
        click.echo(f"left out: {reason}: {_listed(numbers)}")
    for name, path in facts["files"].items():
        if Path(path) != target:
            click.echo(f"{name}: {plain_line(path)}")


def _open(file: Path) -> None:
    webbrowser.open(file.resolve().as_uri())


def _pick(
    source: Path,
    target: Path,
    opened: bool,
    as_json: bool,
    keep: str,
    drop: str,
    page: bool,
    **asked: Any,
) -> None:
    """Without a region: the page to draw one on."""
    if target.suffix.lower() in (".htm", ".xhtml"):
        raise click.UsageError(
            plain_line(f"{target}: name it {target.with_suffix('.html').name}: a page to draw the ")
            + "region on; or give --crop X,Y,W,H"
        )
    if target.suffix.lower() != ".html":
        raise click.UsageError(
            "--crop X,Y,W,H is missing: the region, in the frame at --at; OUTPUT.html without it "
            "shows frames to draw it on"
        )
    if keep or drop or page:
        raise click.UsageError("--keep, --drop and --page need --crop X,Y,W,H: the region")
    from vsr.fusion.page.pick_page import pick_region

    made = pick_region(source, target, warn=warn, line_of=line_of, **_fields(**asked))
    if as_json:
        click.echo(json.dumps({"event": "result", **made.facts()}))
    else:
        click.echo(f"{plain_line(target)}: {counted(made.frames, 'frame')} to draw the region on")
    if opened:
        _open(target)


def _fields(
    start: Fraction | None,
    end: Fraction | None,
    video_stream: int | None,
    deinterlace: str,
    **others: Any,
) -> dict[str, Any]:
    """Fields of FuseOptions."""
    read = ReadOptions(
        start=start,
        end=end,
        video_stream=video_stream,
        deinterlace=deinterlace,  # type: ignore[arg-type]
    )
    return {"read": read, **others}


def line_of(source: Path, target: Path, options: FuseOptions) -> CommandLine:
    """The command that fuses so, with places for what is chosen on a page."""
    files = [f"./{path}" if str(path).startswith("-") else str(path) for path in (source, target)]
    words = ["vsr", "fuse", *files, *to_argv(UpscaleOptions(read=options.read))]
    for name, flag in _FLAGS.items():
        value = getattr(options, name)
        if value != default_of(name):
            words += [flag] if value is True else [flag, str(value)]
    return CommandLine(shlex.join(words), {name: f" --{name} {{}}" for name in CHOICES})


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
