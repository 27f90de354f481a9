"""`vsr batch`: many files."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any

import click
from tqdm import tqdm

from vsr import OutputError
from vsr.batch import sources as files
from vsr.batch.outcome import (
    Ended,
    Happening,
    Item,
    Moved,
    Outcome,
    Paused,
    Resting,
    Started,
    Stopping,
    Warned,
)
from vsr.batch.pool import run_batch
from vsr.batch.report import SUFFIXES, check_report, row, write_report
from vsr.batch.watch import SETTLE, arrivals
from vsr.core.bounds import SECONDS, THREADS, Bounds
from vsr.core.folders import make_folder
from vsr.core.hours import resting
from vsr.core.options import UpscaleOptions
from vsr.core.picture import USUAL_SCALE, PictureOptions
from vsr.inference.passes import scale_for
from vsr.model_selection.own_scale import at_own_scale
from vsr.networks.registry import load_model
from vsr.util.signals import heard, interrupt

from .dry_run import dry_run
from .exit_codes import EXIT_INTERRUPTED, EXIT_SOME_FAILED
from .nice import nice_option
from .option_table import options_of, with_options
from .output.messages import event, warn
from .output.table import STATUSES, counts, line_of, table
from .param_types import FilePath, Number
from .progress import Bars, Lines

_ANY = files.Found(Path("any.mp4"), Path("any.mp4"))
_SHOWN = 3  # files that a line names
_REPORT_EVERY = 1.0  # seconds, where files are only passed over


@click.command("batch")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.argument("folder", metavar="OUTPUT_DIR", type=FilePath(file_okay=False))
@click.option(
    "--pattern", "patterns", multiple=True, metavar="GLOB", help="Only names like this; repeatable."
)
@click.option("--exclude", multiple=True, metavar="GLOB", help="No names like this; repeatable.")
@click.option(
    "--name",
    default="{stem}_{size}{suffix}",
    show_default=True,
    help="What outputs are called.",
)
@click.option(
    "--jobs",
    type=Number(Bounds(1, THREADS.most, whole=True)),
    default=1,
    show_default=True,
    help="Files at the same time; one takes all cores.",
)
@click.option(
    "--retries",
    type=Number(Bounds(0, 1000, whole=True)),
    default=1,
    show_default=True,
    help="Try a file again after a crash.",
)
@click.option(
    "--timeout",
    type=Number(SECONDS),
    metavar="SECONDS",
    help="Give a file up after so long.",
)
@click.option(
    "--pause-file",
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Rest while this file exists: none is begun, and those in work stop between two frames.",
)
@click.option("--watch", is_flag=True, help="Wait for more files, until Ctrl-C.")
@click.option(
    "--settle",
    type=Number(SECONDS),
    default=SETTLE,
    show_default=True,
    metavar="SECONDS",
    help="With --watch: take a file once it has not changed for so long.",
)
@click.option(
    "--no-sidecars",
    is_flag=True,
    help="Leave subtitles, lyrics and chapters beside a SOURCE where they are, uncopied.",
)
@click.option(
    "--dry-run", "only_told", is_flag=True, help="Tell what would be done, its time and its size."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Write what became of each file to a .json or .csv; repeatable.",
)
@partial(with_options, record=True)
@nice_option
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No bars, no summary.")
def batch_command(
    sources: Sequence[str],
    folder: Path,
    patterns: Sequence[str],
    exclude: Sequence[str],
    name: str,
    jobs: int,
    retries: int,
    timeout: float | None,
    pause_file: Path | None,
    watch: bool,
    settle: float,
    no_sidecars: bool,
    only_told: bool,
    reports: Sequence[Path],
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Enlarge many files: each SOURCE is a file, a folder, a glob or images such as f_%04d.png.

    OUTPUT_DIR mirrors the tree of a folder. What is done already, by its record, is skipped, so
    the same command goes on where it was interrupted.
    """
    options = at_own_scale(options_of(given))
    picture, stop = options.picture, Event()
    _check(options, reports, watch and only_told)
    items: Iterator[Item | None]
    if watch:
        files.target_of(_ANY, folder, name, picture)  # raises where the name is no pattern
        _check_reports(reports, options, map(Path, sources))
        found = arrivals(sources, patterns, exclude, folder, settle, stop)
        items, total = _arriving(found, folder, name, picture, not no_sidecars), None
    else:
        proxies: list[Path] = []
        chosen = files.find(sources, patterns, exclude, folder, proxies.append)
        pairs = files.items(chosen, folder, name, picture)
        if proxies:
            warn(_proxy_note(proxies))
        if only_told:
            dry_run(pairs, options, as_json)
            return
        _check_reports(reports, options, [source for source, _ in pairs])
        items, total = iter([Item(*pair, not no_sidecars) for pair in pairs]), len(pairs)
        jobs = min(jobs, total)
    make_folder(folder)
    began = time.monotonic()
    if as_json:
        event("begun", {"files": total})
    with closing(_Reporter(total, reports, as_json, quiet)) as reporter:
        try:
            with _stopping(stop):
                outcomes = run_batch(
                    items,
                    options,
                    jobs=jobs,
                    retries=retries,
                    timeout=timeout,
                    stop=stop,
                    pause_file=pause_file,
                    tell=reporter.tell,
                )
        except KeyboardInterrupt:
            outcomes = reporter.outcomes
    _close(outcomes, total, time.monotonic() - began, reports, as_json, quiet)


def _check(options: UpscaleOptions, reports: Sequence[Path], excluding: bool) -> None:
    """Raise ModelError or UsageError for what is no file's fault."""
    if options.model:
        factor = options.picture.factor or USUAL_SCALE
        load_model(options.model, scale_for(options.model, factor))
    for report in reports:
        if report.suffix.lower() not in SUFFIXES:
            raise click.UsageError(f"--report {report}: write {' or '.join(SUFFIXES)}")
    if excluding:
        raise click.UsageError("--watch and --dry-run exclude each other")


def _proxy_note(proxies: Sequence[Path]) -> str:
    """What to tell people of a camera's small copies and thumbnails that are left out."""
    names = ", ".join(path.name for path in proxies[:_SHOWN])
    more = ", ..." if len(proxies) > _SHOWN else ""
    what = "files of a camera's small copies and thumbnails are passed over"
    return f"{len(proxies)} {what}: {names}{more} (--pattern '*.LRV' takes them)"


def _check_reports(
    reports: Sequence[Path], options: UpscaleOptions, sources: Iterable[Path]
) -> None:
    """Raise OutputError where a report would replace a file that is none."""
    taken = list(sources)
    for report in reports:
        check_report(report, options.run.overwrite, taken)


def _arriving(
    found: Iterator[files.Found | None],
    folder: Path,
    name: str,
    picture: PictureOptions,
    sidecars: bool,
) -> Iterator[Item | None]:
    """What comes, with its outputs; a file whose output is another's is passed over."""
    sources: dict[Path, Path] = {}
    for each in found:
        if each is None:
            yield None
            continue
        target = files.target_of(each, folder, name, picture)
        first = sources.setdefault(target, each.path)
        if first == each.path:
            yield Item(each.path, target, sidecars)
        else:
            said = f"vsr: warning: {each.path}: passed over, {target} is {first}'s"
            tqdm.write(said, file=sys.stderr)


@contextmanager
def _stopping(stop: Event) -> Iterator[None]:
    """The first Ctrl-C, or signal to end, sets `stop`, the next one interrupts."""

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            interrupt(number, frame)
            return
        Thread(target=stop.set).start()  # this one may be about to wait for it, lock in hand

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, *heard())}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _close(
    outcomes: Sequence[Outcome],
    total: int | None,
    seconds: float,
    reports: Sequence[Path],
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the reports, tell how it went, and exit where not all is done."""
    for report in reports:
        write_report(report, outcomes)
    ends = counts(outcomes)
    if as_json:
        facts: dict[str, object] = {"files": total}
        facts |= {status: ends.get(status, 0) for status in STATUSES}
        facts["frames"] = sum(outcome.frames for outcome in outcomes)
        event("summary", facts | {"seconds": round(seconds, 3)})
    elif not quiet:
        click.echo(table(outcomes, seconds), err=True)
    if total is None or len(outcomes) < total or "stopped" in ends:
        click.echo("vsr: interrupted: the same command goes on from here", err=True)
        sys.exit(EXIT_INTERRUPTED)
    if "failed" in ends:
        sys.exit(EXIT_SOME_FAILED)


class _Reporter:
    """Shows what happens, as bars and lines on stderr or as JSON on stdout, and keeps reports."""

    def __init__(
        self, total: int | None, reports: Sequence[Path], as_json: bool, quiet: bool
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._reports, self._as_json, self._quiet = reports, as_json, quiet
        self._frames, self._written = 0, 0.0
        for report in reports:
            write_report(report, [])  # where that cannot be, no work is begun
        wanted = not (as_json or quiet)
        self._bars, self._lines = Bars(total, wanted), Lines(wanted)

    def tell(self, happening: Happening) -> None:
        """Show it."""
        if self._as_json:
            _tell_programs(happening)
        else:
            self._tell_people(happening)
        if isinstance(happening, Ended):
            self.outcomes.append(happening.outcome)
            self._report(happening.outcome)

    def close(self) -> None:
        """Take the bars away."""
        self._bars.close()

    def _tell_people(self, happening: Happening) -> None:
        match happening:
            case Started(item, slot):
                self._bars.start(slot, item.source.name)
                self._lines.start(str(item.source))
            case Moved(item, slot, progress):
                self._bars.move(slot, progress)
                self._lines.progress(progress, str(item.source))
            case Warned(item, message):
                self._bars.write(f"vsr: {item.source}: warning: {message}")
            case Ended(outcome, slot):
                self._frames += outcome.frames
                self._bars.end(slot, self._frames)
                said = ("failed",) if self._quiet else ("done", "failed", "stopped")
                if outcome.status in said:
                    self._bars.write(f"vsr: {line_of(outcome)}")
            case Resting(hours, until):
                self._bars.write(f"vsr: {resting(hours, until)}")
            case Paused(file):
                self._bars.write(f"vsr: paused as long as {file} exists")
            case Stopping(running):
                rest = f"; {running} in work come to a good end, or at once by another Ctrl-C"
                self._bars.write(
                    f"vsr: stopping: no further file is begun{rest if running else ''}"
                )

    def _report(self, outcome: Outcome) -> None:
        """Bring the reports up to date. At the end they are written in any case."""
        if outcome.status == "skipped" and time.monotonic() - self._written < _REPORT_EVERY:
            return
        for report in self._reports:
            try:
                write_report(report, self.outcomes)
            except OutputError as error:
                self._bars.write(f"vsr: warning: {error}")
        self._written = time.monotonic()


def _tell_programs(happening: Happening) -> None:
    match happening:
        case Started(item, slot, attempt):
            event("started", _paths(item) | {"slot": slot, "attempt": attempt})
        case Moved(item, _, progress):
            frames = {"frames": progress.frames, "expected": progress.expected}
            event("progress", {"source": item.source, **frames})
        case Warned(item, message):
            event("warning", {"source": item.source, "message": message})
        case Ended(outcome):
            event("ended", row(outcome))
        case Resting(_, until):
            event("resting", {"until": until.isoformat(timespec="minutes")})
        case Paused(file):
            event("paused", {"file": file})
        case Stopping(running):
            event("stopping", {"running": running})


def _paths(item: Item) -> dict[str, object]:
    return {"source": item.source, "target": item.target}
