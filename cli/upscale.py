"""`vsr upscale`: the main job."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click
from tqdm import tqdm

from vsr import DoneError, Progress, upscale
from vsr.core.errors import OutputError, StoppedError
from vsr.core.outlet import leads_out
from vsr.core.url import Url, as_source
from vsr.images.animated import is_still
from vsr.images.listing import is_image
from vsr.output.image_files import names_folder
from vsr.util.signals import interrupt, is_interrupted

from .nice import nice_option
from .option_table import options_of, with_options
from .output.messages import event, plain_line
from .output.summary import summary
from .param_types import FilePath
from .progress import Lines, ProgressEvents, Stops


@click.command("upscale")
@click.argument("source", metavar="INPUT")
@click.argument("target", metavar="OUTPUT", type=FilePath())
@partial(with_options, record=False)
@nice_option
@click.option(
    "--progress-preview",
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Keep a picture of the last finished frame here: .jpg, .png or .webp.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar, no summary.")
def upscale_command(
    source: str,
    target: Path,
    progress_preview: Path | None,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Enlarge the video INPUT to OUTPUT; all else in it is copied.

    INPUT may also be an image, a folder of images, numbered images such as in/f_%04d.png, or an
    address such as rtsp://camera/stream; OUTPUT an image, a folder or numbered images. Either
    may be a pipe: - is standard input or output.
    """
    options = options_of(given)
    if as_json and leads_out(target):
        raise OutputError(f"{target}: --json goes to stdout, as the video does; leave it out")
    try:
        with (
            closing(_Reporter(as_source(source), as_json, quiet)) as reporter,
            _stopping(source, target, reporter) as stop,
        ):
            result = upscale(
                source,
                target,
                options,
                progress_preview=progress_preview,
                stop=stop,
                progress=reporter.progress,
                warn=reporter.warn,
                tell=reporter.tell,
            )
    except DoneError as done:
        if as_json:
            event("done", {"target": target})
        elif not quiet:
            click.echo(str(done), err=True)
        return
    if as_json:
        event("result", result.facts())
    elif not quiet:
        click.echo(plain_line(summary(result)), err=True)


@contextmanager
def _stopping(source: str, target: Path, reporter: _Reporter) -> Iterator[Event]:
    """An event that the first Ctrl-C sets where what has been done is kept by that.

    That is so with live streams and with work in segments. A second Ctrl-C interrupts, as the
    first does at once with all else.
    """
    stop, live = Event(), isinstance(as_source(source), Url)

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        if not (live or reporter.resumable):
            interrupt(number, frame)
        stop.set()
        what = "with what has come" if live else "after the segment at work"
        reporter.say(f"stopping {what}; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, first)
    try:
        yield stop
    except (KeyboardInterrupt, Exception) as error:
        if not (isinstance(error, KeyboardInterrupt) or is_interrupted()):
            raise
        path = Path(source)
        images = (
            leads_out(target)
            or path.is_dir()
            or is_still(path)
            or names_folder(target)
            or is_image(target)
        )
        in_parts = not (live or images)
        left = _after_interrupt(reporter.resumable, in_parts)
        raise StoppedError(f"interrupted: {left}") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _after_interrupt(resumable: bool, in_parts: bool) -> str:
    """What to tell people of what is left of a run that was stopped at once."""
    if resumable:
        return "finished segments are kept: the same command goes on from there"
    hint = "; with --resume always, the same command goes on where it was stopped"
    return f"nothing is kept{hint if in_parts else ''}"


class _Reporter:
    """Shows progress as a bar on stderr or as JSON on stdout, and warnings on stderr.

    Attributes:
        resumable: whether what has been done would outlast a stop.
    """

    def __init__(self, source: Path | Url, as_json: bool, quiet: bool) -> None:
        self._as_json, self._quiet = as_json, quiet
        self._bar_wanted = not (as_json or quiet)
        self._bar: tqdm[None] | None = None  # made with the first frame: errors stand alone
        self._lines, self._events = Lines(self._bar_wanted), ProgressEvents(as_json)
        self._stops = Stops()
        self._loses = isinstance(source, Url) and not source.is_pipe
        self.resumable = False

    def progress(self, now: Progress) -> None:
        self.resumable = now.resumable
        if self._stops.since_last():
            if self._bar is not None:
                self._bar.unpause()
            if self._loses:
                self.warn("went on after a stop: what the live source gave meanwhile may be lost")
        self._events.progress(now)
        if self._bar_wanted:
            if self._bar is None:
                self._bar = tqdm(
                    total=now.expected,
                    unit=" frames",
                    desc="about" if now.expected else None,  # the total is the header's promise
                    initial=now.frames - 1,  # done by an earlier run
                    dynamic_ncols=True,
                    disable=None,  # where stderr is no terminal
                    file=sys.stderr,
                )
            self._bar.update(now.frames - self._bar.n)
        self._lines.progress(now)

    def warn(self, message: str) -> None:
        self.say(f"warning: {message}")

    def tell(self, message: str) -> None:
        if not (self._as_json or self._quiet):
            self.say(message)

    def say(self, message: str) -> None:
        tqdm.write(f"vsr: {message}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
