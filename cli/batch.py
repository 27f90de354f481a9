"""`vsr batch`: many files."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any

import click
from tqdm import tqdm

from vsr import InputError
from vsr.batch import sources as files
from vsr.batch.joining import join
from vsr.batch.outcome import Item, Outcome
from vsr.batch.pool import run_batch
from vsr.batch.report import SUFFIXES, check_report, write_report
from vsr.batch.status import StatusFile, amiss, read_status, status_text
from vsr.batch.watch import SETTLE, arrivals
from vsr.core.bounds import SECONDS, THREADS, Bounds
from vsr.core.folders import make_folder
from vsr.core.options import UpscaleOptions
from vsr.core.picture import USUAL_SCALE, PictureOptions
from vsr.inference.passes import scale_for
from vsr.model_selection.own_scale import at_own_scale
from vsr.networks.registry import load_model
from vsr.util.signals import heard, interrupt
from vsr.util.text import counted, one_line

from .batch_reporter import Reporter
from .dry_run import dry_run
from .exit_codes import EXIT_INTERRUPTED, EXIT_SOME_FAILED
from .footage_options import Footage, footage_of, with_footage_options
from .nice import nice_option
from .option_table import options_of, with_options
from .output.messages import event, plain_line, warn
from .output.table import STATUSES, counts, table
from .param_types import FilePath, Number

_ANY = files.Found(Path("any.mp4"), Path("any.mp4"))
_SHOWN = 3  # files that a line names
_TOLD_APART = (
    "--join makes one output of a camera's consecutive files, named by its beginning; told here "
    "are the files one by one, which is the same work"
)


def _needed(ctx: click.Context, param: click.Parameter, sources: Sequence[str]) -> Sequence[str]:
    """The sources, of which --status alone needs none. Options that are given come first."""
    if not sources and not ctx.params.get("asks"):
        raise click.MissingParameter(ctx=ctx, param=param)
    return sources


@click.command("batch")
@click.argument("sources", metavar="SOURCE...", nargs=-1, callback=_needed)
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
    "--status",
    "asks",
    is_flag=True,
    help="With OUTPUT_DIR alone: how the --watch that writes there is; 1 where it is not well.",
)
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
@with_footage_options
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
    asks: bool,
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
    if asks:
        _tell_status(sources, folder, as_json)
        return
    options = at_own_scale(options_of(given))
    picture, stop = options.picture, Event()
    footage = footage_of(given, exclude, options)
    _check(options, footage, reports, watch and only_told)
    items: Iterator[Item | None]
    status: StatusFile | None = None
    if watch:
        if footage.joining is not None:
            raise click.UsageError(
                "--watch and --join exclude each other; run --join from a timer, which takes what "
                "has come to its end"
            )
        files.target_of(_ANY, folder, name, picture)  # raises where the name is no pattern
        _check_reports(reports, folder, options, [*map(Path, sources), *footage.lists])
        make_folder(folder)
        status = StatusFile(folder)
        found = arrivals(
            *(sources, patterns, footage.exclude, folder, settle, stop, footage.wanted),
            status.looked,
        )
        items, total = _arriving(found, folder, name, picture, footage, not no_sidecars), None
    else:
        proxies, unwanted = list[Path](), list[files.Found]()
        chosen = files.find(
            *(sources, patterns, footage.exclude, folder),
            *(proxies.append, footage.wanted, unwanted.append),
        )
        footage.warn_of_unknown([*chosen, *unwanted])
        if not chosen and not quiet:
            click.echo(f"vsr: {_nothing_note(sources, len(unwanted))}", err=True)
        if proxies:
            warn(_proxy_note(proxies))
        if only_told:
            if footage.joining is not None and not quiet:
                click.echo(f"vsr: {_TOLD_APART}", err=True)
            own = {each.path: footage.own_of(each) for each in chosen}
            dry_run(files.items(chosen, folder, name, picture), options, as_json, own)
            return
        taken = [*(each.path for each in chosen), *footage.lists]
        _check_reports(reports, folder, options, taken)
        todo = _all_of(chosen, folder, name, options, footage, not no_sidecars)
        items, total = iter(todo), len(todo)
        jobs = max(1, min(jobs, total))
    make_folder(folder)
    began = time.monotonic()
    if as_json:
        event("begun", {"files": total})
    with closing(Reporter(total, reports, as_json, quiet, status)) as reporter:
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
                    beat=reporter.beat,
                )
        except KeyboardInterrupt:
            outcomes = reporter.outcomes
    _close(outcomes, total, time.monotonic() - began, reports, as_json, quiet)


def _tell_status(sources: Sequence[str], folder: Path, as_json: bool) -> None:
    """Say how the watcher of an output folder is. Raises InputError where it is not well."""
    if sources:
        raise click.UsageError("--status: give OUTPUT_DIR alone")
    status = read_status(folder)
    why = amiss(status)
    if as_json:
        event("status", {**status, "healthy": not why, "reason": why})
    else:
        click.echo(plain_line(f"{folder}: {status_text(status)}"))
    if why:
        raise InputError(f"{folder}: {why}")


def _check(
    options: UpscaleOptions, footage: Footage, reports: Sequence[Path], excluding: bool
) -> None:
    """Raise ModelError or UsageError for what is no file's fault."""
    factor = options.picture.factor or USUAL_SCALE
    for model in filter(None, dict.fromkeys([options.model, *footage.cameras.models])):
        load_model(model, scale_for(model, factor))
    for report in reports:
        if report.suffix.lower() not in SUFFIXES:
            raise click.UsageError(f"--report {report}: write {' or '.join(SUFFIXES)}")
    if excluding:
        raise click.UsageError("--watch and --dry-run exclude each other")


def _all_of(
    chosen: Sequence[files.Found],
    folder: Path,
    name: str,
    options: UpscaleOptions,
    footage: Footage,
    sidecars: bool,
) -> list[Item]:
    """What is to be done, with its outputs; recordings of a camera joined where that is asked."""
    picture, joined = options.picture, list[Item]()
    if footage.joining is not None:
        again = options.run.overwrite
        plan = join(chosen, footage.joining, folder, name, picture, datetime.now(UTC), again)
        for note in plan.notes:
            warn(note)
        joined = [
            Item(each.source, each.target, own=footage.cameras.own_of(each.camera))
            for each in plan.joined
        ]
        chosen = plan.single
    own = {each.path: footage.own_of(each) for each in chosen}
    pairs = files.items(chosen, folder, name, picture)
    return [*joined, *(Item(*pair, sidecars, own[pair[0]]) for pair in pairs)]


def _nothing_note(sources: Sequence[str], unwanted: int) -> str:
    """What to tell people where all files are of another time than is asked for."""
    names = ", ".join(sources[:_SHOWN]) + (", ..." if len(sources) > _SHOWN else "")
    return one_line(f"{names}: {counted(unwanted, 'file')}, none of the time that is asked for")


def _proxy_note(proxies: Sequence[Path]) -> str:
    """What to tell people of a camera's small copies and thumbnails that are left out."""
    names = ", ".join(path.name for path in proxies[:_SHOWN])
    more = ", ..." if len(proxies) > _SHOWN else ""
    what = "passed over, as a camera's small copies and thumbnails"
    return f"{counted(len(proxies), 'file')} {what}: {names}{more} (--pattern '*.LRV' takes them)"


def _check_reports(
    reports: Sequence[Path], folder: Path, options: UpscaleOptions, sources: Iterable[Path]
) -> None:
    """Raise OutputError where a report would replace a file that is none.

    One may lie in the outputs' folder, which is made for it: with the first run it is not there.
    """
    taken = list(sources)
    for report in reports:
        if report.absolute().parent == folder.absolute():
            make_folder(folder)
        check_report(report, options.run.overwrite, taken)


def _arriving(
    found: Iterator[files.Found | None],
    folder: Path,
    name: str,
    picture: PictureOptions,
    footage: Footage,
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
            yield Item(each.path, target, sidecars, footage.own_of(each))
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
