"""What a worker process does: one file after the other, until its parent has no more."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Literal, TypeAlias

from vsr.batch.outcome import Item, Status
from vsr.batch.sidecars import copy_sidecars
from vsr.core.errors import DoneError, OutputError, StalledError, StoppedError, VsrError
from vsr.core.events import Progress, Reporter
from vsr.core.folders import make_folder
from vsr.core.options import UpscaleOptions
from vsr.util.atomic import followed
from vsr.util.signals import ENDING
from vsr.util.text import one_line

_PROGRESS_EVERY = 0.25  # seconds; the parent draws bars with it
_TICK = 0.1  # seconds between looks at whether a rest is over
STOP: Literal["stop"] = "stop"  # what the parent sends besides items
PAUSE: Literal["pause"] = "pause"
GO_ON: Literal["go on"] = "go on"


@dataclass(frozen=True)
class Begun:
    """The worker has taken up the file; it may have needed seconds to start."""


@dataclass(frozen=True)
class Told:
    """A warning about the file.

    Attributes:
        message: one line.
    """

    message: str


@dataclass(frozen=True)
class Finished:
    """The worker is through with the file.

    Attributes:
        status, reason, facts: see `vsr.batch.outcome.Outcome`.
        retry: whether another attempt, by another process, may do better.
    """

    status: Status
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    retry: bool = False


Work: TypeAlias = Callable[[Item, UpscaleOptions, Reporter], Finished]
"""Once the reporter's `stop` is set, work that can go on later should end with StoppedError."""
Message: TypeAlias = Begun | Progress | Told | Finished


def upscale_file(item: Item, options: UpscaleOptions, reporter: Reporter) -> Finished:
    """Enlarge one file, unless its record says that it is done. Raises VsrError."""
    from vsr.api import upscale  # takes seconds, and only a worker needs it
    from vsr.provenance.sidecar import result_facts

    make_folder(item.target.parent)
    try:
        result = upscale(
            item.source,
            item.target,
            options,
            progress=reporter.progress,
            warn=reporter.warn,
            stop=reporter.stop,
        )
    except DoneError as done:
        record = _record_of(followed(item.target))
        facts = {**result_facts(record), **_hashes(record)} if record else {}
        return Finished("skipped", str(done), facts=facts | _sidecars(item, options, reporter))
    record = _record_of(result.target)
    facts = {**result.facts(), **_hashes(record)}
    return Finished("done", facts=facts | _sidecars(item, options, reporter))


def _sidecars(item: Item, options: UpscaleOptions, reporter: Reporter) -> dict[str, Any]:
    """Copy what lies beside the source; the copies, as a fact."""
    if not item.sidecars:
        return {}
    overwrite = options.run.overwrite
    made = copy_sidecars(item.source, item.target, overwrite, reporter.warn)
    return {"sidecars": [str(path) for path in made]}


def _record_of(target: Path) -> dict[str, Any] | None:
    """An output's record. One that cannot be read is none: what is done stays done."""
    from vsr.provenance.sidecar import read_record, record_path

    try:
        return read_record(record_path(target))
    except OutputError:
        return None


def _hashes(record: Mapping[str, Any] | None) -> dict[str, Any]:
    if record is None:
        return {}
    return {f"{file}_sha256": record[file]["sha256"] for file in ("source", "output")}


def serve(connection: Connection, work: Work, options: UpscaleOptions) -> None:
    """Do the files that come through `connection`, and tell how it goes, until it is closed.

    This is all that a worker process runs. It ends with its parent, however that ends.
    """
    for number in (signal.SIGINT, *ENDING):  # terminals and systemd send them to workers, too
        signal.signal(number, signal.SIG_IGN)
    os.dup2(2, 1)  # what a codec prints must not come between the parent's lines
    items: SimpleQueue[Item] = SimpleQueue()
    stop, paused = Event(), Event()
    Thread(target=_listen, args=(connection, items, stop, paused), daemon=True).start()
    lock = Lock()

    def send(message: Message) -> None:
        try:
            with lock:
                connection.send(message)
        except OSError:
            os._exit(1)  # the parent is gone

    while True:
        item = items.get()
        send(Begun())
        reporter = Reporter(
            warn=lambda message: send(Told(message)),
            progress=_resting(_now_and_then(send), paused, stop),
            stop=stop,
        )
        send(_attempt(work, item, options, reporter))


def _listen(connection: Connection, items: SimpleQueue[Item], stop: Event, paused: Event) -> None:
    """Take what the parent sends; end the process when it has closed the connection, or died."""
    try:
        while True:
            message = connection.recv()
            if message == STOP:
                stop.set()
            elif message == PAUSE:
                paused.set()
            elif message == GO_ON:
                paused.clear()
            else:
                items.put(message)
    except (EOFError, OSError):
        os._exit(0)


def _attempt(work: Work, item: Item, options: UpscaleOptions, reporter: Reporter) -> Finished:
    """What came of the file. After an error that was not foreseen, others may do better."""
    try:
        return work(item, options.but(**dict(item.own)), reporter)
    except StoppedError as error:
        return Finished("stopped", one_line(error))
    except VsrError as error:
        return Finished("failed", one_line(error), retry=isinstance(error, StalledError))
    except MemoryError:
        return Finished("failed", "the memory is full", retry=True)
    except Exception as error:
        return Finished(
            "failed", f"unexpected {type(error).__name__}: {one_line(error)}", retry=True
        )


def _resting(
    send: Callable[[Progress], None], paused: Event, stop: Event
) -> Callable[[Progress], None]:
    """`send`, and after each frame a rest for as long as there is a pause, or until `stop` is set.

    Nothing waits with a patience for what draws the frames, so that one may rest.
    """

    def progress(now: Progress) -> None:
        send(now)
        while paused.is_set() and not stop.is_set():
            time.sleep(_TICK)

    return progress


def _now_and_then(send: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """`send`, a few times a second at most."""
    last = 0.0

    def progress(now: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _PROGRESS_EVERY:
            last = time.monotonic()
            send(now)

    return progress
