"""`vsr upscale`: the main job."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click
from tqdm import tqdm

from vsr import Progress, upscale
from vsr.video.url import Url, as_source

from .limits import limits_of, max_hours_option, max_pixels_option
from .options import (
    Rate,
    Tile,
    Time,
    audio_option,
    device_option,
    model_option,
    precision_option,
    scale_option,
    self_ensemble_option,
    threads_option,
)
from .summary import summary

_EVENT_EVERY = 0.5  # seconds between progress events on stdout


@click.command("upscale")
@click.argument("source", metavar="INPUT")
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@scale_option
@model_option
@device_option
@precision_option("auto")
@click.option("--start", type=Time(), help="Begin here: seconds or HH:MM:SS.mmm.")
@click.option("--end", type=Time(), help="Stop before this time.")
@click.option("--duration", type=Time(), help="Take this much; not with --end.")
@click.option("-c", "--codec", default="", help="h264, hevc, av1, ffv1 or an encoder's name.")
@click.option("--crf", type=float, help="Constant rate factor; lower is better and larger.")
@click.option("--preset", default="", help="The encoder's pace, such as veryfast or slow.")
@click.option("--pix-fmt", default="", help="Pixel format; the source's if left out.")
@audio_option
@click.option("--no-audio", is_flag=True, help="Leave the audio out: --audio none.")
@click.option("--no-subs", is_flag=True, help="Leave the subtitles out.")
@click.option("--stills", is_flag=True, help="Take each image of a folder by itself.")
@click.option("--rate", type=Rate(), default="25", help="Frames a second, from images to video.")
@click.option(
    "--tile",
    type=Tile(),
    default="auto",
    show_default=True,
    metavar="auto|0|N",
    help="Work in tiles of N pixels a side, so that frames fit the memory; 0: whole frames.",
)
@threads_option
@self_ensemble_option
@click.option("--compile", "compiled", is_flag=True, help="Let torch.compile make the kernels.")
@click.option("--hwaccel", is_flag=True, help="Decode on the GPU, where its driver can.")
@click.option(
    "--deinterlace",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Make whole pictures of fields.",
)
@max_pixels_option
@max_hours_option
@click.option("--strict", is_flag=True, help="Take any damage to INPUT for an error.")
@click.option(
    "--stall",
    type=click.FloatRange(0, min_open=True),
    default=300,
    show_default=True,
    help="Fail when INPUT has given nothing for so many seconds.",
)
@click.option("--verify", is_flag=True, help="Decode the finished video again, check every frame.")
@click.option("-y", "--overwrite", is_flag=True, help="Replace OUTPUT if it exists.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar, no summary.")
def upscale_command(
    source: str,
    target: Path,
    scale: str,
    start: Fraction | None,
    end: Fraction | None,
    duration: Fraction | None,
    audio: str,
    no_audio: bool,
    no_subs: bool,
    as_json: bool,
    quiet: bool,
    max_pixels: int,
    max_hours: int,
    **settings: Any,
) -> None:
    """Enlarge the video INPUT to OUTPUT; all else in it is copied.

    INPUT may also be an image, a folder of images, or an address such as rtsp://camera/stream;
    OUTPUT an image or a folder.
    """
    if duration is not None:
        if end is not None:
            raise click.UsageError("--end and --duration exclude each other")
        end = (start or 0) + duration
    with closing(_Reporter(as_json, quiet)) as reporter, _stopping(source) as stop:
        result = upscale(
            source,
            target,
            scale=int(scale),
            start=start,
            end=end,
            audio="none" if no_audio else audio,
            subtitles=not no_subs,
            limits=limits_of(max_pixels, max_hours),
            stop=stop,
            progress=reporter.progress,
            warn=reporter.warn,
            **settings,
        )
    if as_json:
        click.echo(json.dumps({"event": "result", **result.facts()}))
    elif not quiet:
        click.echo(summary(result), err=True)


@contextmanager
def _stopping(source: str) -> Iterator[Event | None]:
    """An event for an address that Ctrl-C sets, so that what has come of it is kept.

    A second Ctrl-C interrupts, as it does at once with files.
    """
    if not isinstance(as_source(source), Url):
        yield None
        return
    stop = Event()

    def first(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class _Reporter:
    """Shows progress as a bar on stderr or as JSON on stdout, and warnings on stderr."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self._as_json = as_json
        self._bar_wanted = not (as_json or quiet)
        self._bar: tqdm[None] | None = None  # made with the first frame: errors stand alone
        self._last_event = 0.0

    def progress(self, now: Progress) -> None:
        if self._as_json and time.monotonic() - self._last_event >= _EVENT_EVERY:
            self._last_event = time.monotonic()
            event = {"event": "progress", "frames": now.frames, "expected": now.expected}
            click.echo(json.dumps(event))
        if self._bar_wanted:
            if self._bar is None:
                self._bar = tqdm(
                    total=now.expected,
                    unit=" frames",
                    desc="about" if now.expected else None,  # the total is the header's promise
                    dynamic_ncols=True,
                    disable=None,  # where stderr is no terminal
                    file=sys.stderr,
                )
            self._bar.update(now.frames - self._bar.n)

    def warn(self, message: str) -> None:
        tqdm.write(f"vsr: warning: {message}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
