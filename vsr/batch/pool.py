"""Many files, each in a worker process, so that a crash in a codec costs one file."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Event
from typing import Any

from vsr.batch.outcome import (
    Ended,
    Happening,
    Item,
    Moved,
    Outcome,
    Paused,
    Resting,
    Started,
    Status,
    Stopping,
    Warned,
)
from vsr.batch.worker import GO_ON, PAUSE, STOP, Begun, Finished, Told, Work, serve, upscale_file
from vsr.core.events import Progress, ignore
from vsr.core.hours import SYSTEM_CLOCK, Clock
from vsr.core.options import UpscaleOptions
from vsr.core.threads import cores_of
from vsr.util.atomic import remove_abandoned
from vsr.util.signals import ENDING

_TICK = 0.1  # seconds between looks at what else there is to do
_PATIENCE = 5.0  # seconds for an idle worker to end
_STOPPED = 1.0  # seconds from one look to the next after which this process was stopped meanwhile
_SPAWN = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork


def run_batch(
    items: Iterator[Item | None],
    options: UpscaleOptions,
    *,
    jobs: int = 1,
    retries: int = 1,
    timeout: float | None = None,
    stop: Event | None = None,
    pause_file: Path | None = None,
    tell: Callable[[Happening], None] | None = None,
    beat: Callable[[], None] | None = None,
    work: Work = upscale_file,
    clock: Clock = SYSTEM_CLOCK,
) -> list[Outcome]:
    """Do files in worker processes. Returns what became of each that was begun, in their order.

    Args:
        items: the files; they may be endless. None says that there is nothing at the moment.
            Each must come, or None, within about a second.
        options: of `vsr.upscale`, for every file. Where `threads` is 0 or a part of the cores,
            these are shared out among the workers. With `between`, no file is begun outside
            those hours.
        jobs: how many files are worked on at the same time.
        retries: how often a file is tried again after a crash, a timeout, a stalled source or
            an error that was not foreseen.
        timeout: seconds that one attempt may take, within the hours of `between`. Time in which
            work rests, or this process is stopped, does not count.
        stop: once it is set, no file is begun, and those in work come to a good end: short
            ones are finished, long ones stop where the same call goes on from.
        pause_file: while this file exists, no file is begun, and those in work rest between two
            frames. They keep their memory.
        tell: called with all that happens, as it happens.
        beat: called several times a second as long as all goes on, whatever happens.
        work: what is done with a file; it must be importable by name.
        clock: tells whether the hours of `between` hold.

    A file that cannot be done is an outcome and no error. When the call is interrupted, as by
    KeyboardInterrupt, the workers are killed, and what they were at is told as stopped.
    """
    if options.compute.threads < 1 and jobs > 1:
        options = options.but(threads=max(1, cores_of(options.compute.threads) // jobs))
    pause = _Pause(pause_file, tell or ignore)
    pool = _Pool(
        options, jobs, retries, timeout, stop or Event(), pause, tell or ignore, work, clock
    )
    try:
        pool.run(items, beat)
    except KeyboardInterrupt:
        pool.abandon()
        raise
    finally:
        pool.close()
    return [pool.outcomes[number] for number in sorted(pool.outcomes)]


@dataclass
class _Task:
    """A file on its way: its place in the order, attempts begun, and seconds they took."""

    number: int
    item: Item
    attempts: int = 0
    seconds: float = 0.0


@dataclass
class _Worker:
    """A process, the way to it, and what it is at.

    `handed` is when it got its task, `begun` when it took it up, once its imports were done;
    `warnings` counts what it told about the task.
    """

    slot: int
    process: SpawnProcess
    connection: Connection
    task: _Task | None = None
    handed: float = 0.0
    begun: float | None = None
    warnings: int = 0

    def busy_for(self) -> float:
        """Seconds since it took up its task, or was given it."""
        return time.monotonic() - (self.begun or self.handed)


class _Pause:
    """Whether work rests while a file exists, as it was at the last look."""

    def __init__(self, file: Path | None, tell: Callable[[Happening], None]) -> None:
        self._file, self._tell = file, tell
        self.holds = False

    def changed(self) -> bool:
        """Look again: whether a pause has begun or ended. One that begins is told of."""
        before, self.holds = self.holds, self._file is not None and _exists(self._file)
        if self._file is not None and self.holds and not before:
            self._tell(Paused(self._file))
        return self.holds != before


class _Pool:
    """The workers, and what became of the files that they were given."""

    def __init__(
        self,
        options: UpscaleOptions,
        jobs: int,
        retries: int,
        timeout: float | None,
        stop: Event,
        pause: _Pause,
        tell: Callable[[Happening], None],
        work: Work,
        clock: Clock,
    ) -> None:
        self._options, self._work, self._clock = options, work, clock
        self._pause = pause
        self._is_late = False  # whether it is outside the hours
        self._looked = time.monotonic()  # when that was looked at last
        self._retries, self._timeout = retries, timeout
        self._stop, self._tell = stop, tell
        self._workers: list[_Worker | None] = [None] * jobs
        self._held: Item | None = None  # drawn in a rest, or while a worker was at its target
        self._drawn = 0
        self.outcomes: dict[int, Outcome] = {}

    def run(self, items: Iterator[Item | None], beat: Callable[[], None] | None = None) -> None:
        """Do all of them, or what is begun before `stop` is set. `beat` is called all the time."""
        more, stopping = True, False
        while True:
            if beat:
                beat()
            if self._stop.is_set():
                more = False
                if not stopping:
                    stopping = True
                    self._ask_to_stop()
            elif self._rests():
                more = more and self._look_ahead(items)  # none rests for nothing
            elif more:
                more = self._hand_out(items)
            if not more and not self._busy():
                return
            self._listen()
            self._watch_clock()

    def _look_ahead(self, items: Iterator[Item | None]) -> bool:
        """Draw the next file, and hold it. Whether more may come."""
        try:
            self._held = self._held or next(items)
        except StopIteration:
            return False
        return True

    def _rests(self) -> bool:
        """Whether no file may be begun now."""
        if self._pause.changed():
            for worker in filter(None, self._workers):
                _send(worker, PAUSE if self._pause.holds else GO_ON)
        self._look_at_hours()
        return self._is_late or self._pause.holds

    def _leave_out_rests(self) -> None:
        """Let the time since the last look not count for a file, if it was no time to work."""
        moment = time.monotonic()
        gap, self._looked = moment - self._looked, moment
        rests = (self._is_late or self._pause.holds) and not self._stop.is_set()
        if rests or gap > _STOPPED:
            for worker in self._busy():
                worker.handed += gap
                worker.begun = worker.begun and worker.begun + gap

    def _look_at_hours(self) -> None:
        hours = self._options.run.between
        if hours is None:
            return
        before, now = self._is_late, self._clock.now()
        self._is_late = not hours.hold(now)
        if self._is_late and not before:
            self._tell(Resting(hours, hours.next_begin(now)))

    def abandon(self) -> None:
        """Kill what runs at once."""
        for worker in self._busy():
            self._end(worker, "stopped", "killed on request", died=True)

    def close(self) -> None:
        """End all workers: idle ones in peace."""
        for worker in filter(None, list(self._workers)):
            if not worker.task:
                worker.connection.close()
                worker.process.join(_PATIENCE)
            self._discard(worker)

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker and worker.task]

    def _ask_to_stop(self) -> None:
        self._tell(Stopping(len(self._busy())))
        for worker in self._busy():
            _send(worker, STOP)

    def _hand_out(self, items: Iterator[Item | None]) -> bool:
        """Give each worker that is free a file, while there are any. Whether more may come."""
        for slot, worker in enumerate(self._workers):
            if worker and worker.task:
                continue
            try:
                item, self._held = self._held or next(items), None
            except StopIteration:
                return False
            if item is None:
                break
            if any(busy.task and busy.task.item.target == item.target for busy in self._busy()):
                self._held = item  # a file that has changed since it was drawn before
                break
            self._start(slot, _Task(self._drawn, item))
            self._drawn += 1
        return True

    def _start(self, slot: int, task: _Task) -> None:
        worker = self._workers[slot] or _new_worker(slot, self._work, self._options)
        if self._workers[slot] is None and self._pause.holds:
            _send(worker, PAUSE)
        self._workers[slot] = worker
        task.attempts += 1
        worker.task, worker.handed, worker.begun, worker.warnings = task, time.monotonic(), None, 0
        _send(worker, task.item)
        self._tell(Started(task.item, slot, task.attempts))

    def _listen(self) -> None:
        """Take what the workers say, and see which have died."""
        workers = [worker for worker in self._workers if worker]
        if not workers:
            time.sleep(_TICK)
            self._leave_out_rests()
            return
        ready = wait(
            [source for w in workers for source in (w.connection, w.process.sentinel)], _TICK
        )
        self._leave_out_rests()
        for worker in workers:
            if worker.connection in ready or worker.process.sentinel in ready:
                self._hear(worker)

    def _hear(self, worker: _Worker) -> None:
        try:
            while worker.connection.poll():
                self._take(worker, worker.connection.recv())
                if self._workers[worker.slot] is not worker:
                    return  # it was discarded
        except (EOFError, OSError):  # it is gone, or as good as gone
            worker.process.join(_PATIENCE)
            worker.process.kill()
            worker.process.join()
        if not wait([worker.process.sentinel], 0):
            return  # it lives
        worker.process.join()  # what it ended by is told a moment later
        if worker.task:
            self._try_again(worker, _cause(worker.process.exitcode))
        else:
            self._discard(worker)

    def _take(self, worker: _Worker, message: Begun | Progress | Told | Finished) -> None:
        assert worker.task is not None
        item = worker.task.item
        if isinstance(message, Begun):
            worker.begun = time.monotonic()
        elif isinstance(message, Progress):
            self._tell(Moved(item, worker.slot, message))
        elif isinstance(message, Told):
            worker.warnings += 1
            self._tell(Warned(item, message.message))
        elif message.retry:
            self._try_again(worker, message.reason)
        else:
            self._end(worker, message.status, message.reason, message.facts)

    def _watch_clock(self) -> None:
        if self._timeout is None:
            return
        for worker in self._busy():
            if worker.begun and worker.busy_for() > self._timeout:
                self._try_again(worker, f"took longer than {self._timeout:g} s")

    def _try_again(self, worker: _Worker, reason: str) -> None:
        """The worker can do no more; another gets its file, if that is still allowed."""
        task = worker.task
        assert task is not None
        if task.attempts > self._retries or self._stop.is_set():
            self._end(worker, "failed", reason, died=True)
            return
        task.seconds += worker.busy_for()
        self._discard(worker)
        self._tell(Warned(task.item, f"{reason}; trying again"))
        self._start(worker.slot, task)

    def _end(
        self,
        worker: _Worker,
        status: Status,
        reason: str,
        facts: Mapping[str, Any] | None = None,
        died: bool = False,
    ) -> None:
        """The worker's file is at its end."""
        task = worker.task
        assert task is not None
        seconds = task.seconds + worker.busy_for()
        outcome = Outcome(
            task.item, status, reason, seconds, task.attempts, worker.warnings, facts or {}
        )
        if died:
            self._discard(worker)
        worker.task = None
        self.outcomes[task.number] = outcome
        self._tell(Ended(outcome, worker.slot))

    def _discard(self, worker: _Worker) -> None:
        """Kill a worker, and remove what it leaves half done."""
        self._workers[worker.slot] = None
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        if worker.task:
            target = worker.task.item.target
            remove_abandoned(target)
            remove_abandoned(target / "images")  # of a folder that is there already


def _send(worker: _Worker, message: Item | str) -> None:
    with suppress(OSError):  # it has just died, which will be seen
        worker.connection.send(message)


def _exists(file: Path) -> bool:
    """Whether there is something; False where that cannot be looked up."""
    try:
        return file.exists()
    except OSError:
        return False


def _new_worker(slot: int, work: Work, options: UpscaleOptions) -> _Worker:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=serve, args=(theirs, work, options), daemon=False)
    with _deaf():
        process.start()
    theirs.close()  # so that its end is seen here
    return _Worker(slot, process, ours)


@contextmanager
def _deaf() -> Iterator[None]:
    """Hold Ctrl-C back: a process that starts meanwhile must not die of it before it can say so."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else the start would do it, and let signals in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cause(code: int | None) -> str:
    """What ended a process, by its exit code, which nobody learns where SIGCHLD is ignored."""
    if code is None:
        return "the worker process ended by itself"
    if code >= 0:
        return f"the worker process ended by itself (exit code {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        return "the worker process was killed (SIGKILL), as where memory runs out"
    return f"the worker process crashed ({name})"
