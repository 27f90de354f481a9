"""Follow folders that files keep coming to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias

from vsr.batch.sources import (
    Candidate,
    Found,
    Wanted,
    candidates,
    check_sources,
    everything,
    fixed_part,
    holds_picture,
)
from vsr.core.errors import InputError

SETTLE = 10.0
"""Seconds for which a file must stay as it is: what writers pause for at most."""

Looked: TypeAlias = Callable[[int, float], None]


def ignore_looks(found: int, seconds: float) -> None:
    """Nobody wants to know of looks at the folders."""


_TICK = 1.0  # seconds between looks, at most, where nothing else keeps them apart
_SHORTEST_TICK = 0.05
_REST = 10  # times as long as a look took until the next one


def arrivals(
    sources: Sequence[str],
    patterns: Sequence[str],
    exclude: Sequence[str],
    skip: Path | None,
    settle: float,
    stop: Event,
    wanted: Wanted = everything,
    looked: Looked = ignore_looks,
) -> Iterator[Found | None]:
    """What `find` would find, and then what comes, until `stop` is set.

    A file is given once it has kept its size and its time of change for `settle` seconds, by
    this machine's clock, and is not empty. It is given again whenever it has changed since, or
    was gone in between. At least about once a second None is given, so that the caller can see
    to other things. A folder that is away for a while is waited for.

    `looked` is told of each look at the folders: how many files are given next, and how many
    seconds it took.

    Changes are told by the system where it can, but the folders are looked through all the same,
    as network shares tell nothing: once a second, more seldom where that takes long.

    Raises InputError, at once, for an address or a source that does not exist, and without the
    package watchfiles.
    """
    try:
        from watchfiles import watch
    except ImportError:
        raise InputError(
            "following a folder needs the package watchfiles: pip install 'vsr-video[watch]'"
        ) from None
    check_sources(sources, patient=True)
    files = partial(candidates, sources, patterns, exclude, skip, _wait, wanted=wanted)
    tick = min(_TICK, max(_SHORTEST_TICK, settle / 2))
    alarm = _alarm(watch, _folders(sources), tick, stop)
    return _arrivals(files, settle, alarm, stop, looked)


def _arrivals(
    files: Callable[[], Iterator[Candidate]],
    settle: float,
    alarm: Iterator[None],
    stop: Event,
    looked: Looked,
) -> Iterator[Found | None]:
    known: dict[Path, _Version] = {}
    rested = time.monotonic()
    for _ in alarm:
        began = time.monotonic()
        if began >= rested:
            settled = _settled(files(), known, settle)
            now = time.monotonic()
            took = now - began
            rested = now + _REST * took
            looked(len(settled), took)
            for found in settled:
                if stop.is_set():
                    return
                # The one before may have been hours of work; a file that changed has to settle.
                if _facts(found.path) == known[found.path].facts:
                    yield found
        yield None


@dataclass
class _Version:
    """A file as it was last seen.

    Attributes:
        facts: its size in bytes, and when it was changed last.
        since: from when on it has been so, in time.monotonic's seconds.
        judged: whether it was given, or found to hold no picture.
    """

    facts: tuple[int, int]
    since: float
    judged: bool = False


def _settled(files: Iterator[Candidate], known: dict[Path, _Version], settle: float) -> list[Found]:
    """The files to be given now. `known` is brought up to date."""
    now = time.monotonic()
    there: set[Path] = set()
    found: list[Found] = []
    for candidate in files:
        path = candidate.found.path
        facts = _facts(path)
        if facts is None:
            continue
        there.add(path)
        version = known.get(path)
        if version is None or version.facts != facts:
            known[path] = version = _Version(facts, now)
        size, _ = facts
        if version.judged or not size or now - version.since < settle:
            continue
        version.judged = True
        if candidate.sure or holds_picture(path):
            found.append(candidate.found)
    for path in known.keys() - there:
        del known[path]
    return found


def _facts(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _alarm(watch: Any, folders: Sequence[Path], tick: float, stop: Event) -> Iterator[None]:
    """Now, and then whenever something may have changed: after `tick` seconds at the latest."""
    yield
    milliseconds = round(tick * 1000)
    try:
        changes = watch(
            *folders,
            watch_filter=None,
            debounce=milliseconds,
            rust_timeout=milliseconds,
            yield_on_timeout=True,
            stop_event=stop,
            ignore_permission_denied=True,
        )
        for _ in changes:
            yield
    except (OSError, RuntimeError):  # the system watches no more folders, or one has gone
        pass
    while not stop.wait(tick):
        yield


def _folders(sources: Sequence[str]) -> list[Path]:
    """The folders in which files can appear."""
    paths = [Path(source) for source in sources]
    return [path if path.exists() else fixed_part(str(path)) for path in paths]


def _wait(error: OSError, each: Found | None) -> None:
    """What cannot be looked at is waited for: a share may be away."""
