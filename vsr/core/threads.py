"""Decoding ahead and encoding behind: one thread each, joined on every path out; cores.

The one thread that is not joined is one that waits for a source that gives nothing any more.
"""

from __future__ import annotations

import atexit
import os
import queue
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import ClassVar, TypeVar

from vsr.core.errors import StalledError
from vsr.core.option_checks import exact

T = TypeVar("T")

_TICK = 0.1  # seconds between looks at whether to stop
_LAST_WAIT = 5.0  # seconds that a thread may take to end before the process does
_END, _NOTHING = object(), object()


def stalled(seconds: float) -> StalledError:
    """What to raise where nothing has come from a source for so long."""
    return StalledError(
        f"nothing has come from the source for {seconds:g} s",
        hint="--stall-timeout allows more",
        python="stall_timeout=...",
    )


class Helper:
    """A thread that works for another one, which waits for its end.

    Args:
        work: what it does; it raises nothing.
        name: the thread's.
        stop: has `work` end soon. With it the thread ends before the process does: an iterator that
            is still held when a program ends is closed only when no other thread runs any more.
    """

    _with_stop: ClassVar[dict[Helper, Callable[[], None]]] = {}

    def __init__(
        self, work: Callable[[], None], name: str, stop: Callable[[], None] | None = None
    ) -> None:
        self._work, self._done, self._process = work, Event(), os.getpid()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        if stop is not None:
            self._with_stop[self] = stop
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether the work is done."""
        return self._done.is_set()

    def wait(self) -> None:
        """Wait until the work is done."""
        self._done.wait()

    def join(self) -> None:
        """Wait for its end, where it can come: a forked process has no threads of the first one.

        Before Python 3.13 a `Thread.join` that Ctrl-C interrupts takes the thread for ended, and
        the next one returns at once. An Event can be waited for again.
        """
        if os.getpid() == self._process and not sys.is_finalizing():
            self._done.wait()
            self._thread.join()
        self.leave()

    def leave(self) -> None:
        """Leave it to itself."""
        self._with_stop.pop(self, None)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._done.set()

    @classmethod
    def stop_all(cls) -> None:
        """Stop all those that can be, the last one first: it may draw from one before it."""
        for helper, stop in reversed(list(cls._with_stop.items())):
            stop()
            if os.getpid() == helper._process:
                helper._done.wait(_LAST_WAIT)


atexit.register(Helper.stop_all)


@contextmanager
def ahead(items: Iterator[T], depth: int, patience: float | None = None) -> Iterator[Iterator[T]]:
    """Draw from `items` in a thread of its own, at most `depth` items ahead.

    An error in `items` is raised where its next item would have come. On leaving, the thread
    is stopped and joined, and a generator is closed. Where no item comes for `patience`
    seconds, StalledError is raised and the thread left to itself.
    """
    ready: queue.Queue[object] = queue.Queue(depth)
    stop = Event()
    failure: list[BaseException] = []
    gives_nothing = False

    def draw() -> None:
        try:
            for item in items:
                if not _put(ready, item, stop):
                    break
        except BaseException as error:
            failure.append(error)
        finally:
            try:
                close = getattr(items, "close", None)
                if close is not None:
                    close()
            except BaseException as error:
                failure.append(error)
            _put(ready, _END, stop)

    def take() -> Iterator[T]:
        nonlocal gives_nothing
        while True:
            item = _next(ready, patience)
            if item is _END:
                break
            if item is _NOTHING:
                gives_nothing = True
                raise stalled(patience or 0)
            yield item  # type: ignore[misc]
        if failure:
            raise failure[0]

    helper = Helper(draw, "vsr-ahead", stop.set)
    try:
        yield take()
    finally:
        stop.set()
        if gives_nothing:
            helper.leave()
        else:
            helper.join()


def within(patience: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises; StalledError where that takes longer than so many seconds."""

    def once() -> Iterator[T]:
        yield call()

    with ahead(once(), 1, patience) as results:
        return next(results)


@contextmanager
def behind(
    consume: Callable[[T], None],
    finish: Callable[[], Iterator[None]],
    depth: int,
    give_up: Callable[[], None] = lambda: None,
) -> Iterator[Callable[[T], None]]:
    """Consume items in a thread of its own, at most `depth` items behind.

    Gives the function to hand items over with. After the last one, `finish` runs in the
    thread, step by step. An error in the thread is raised at the next hand-over, or on
    leaving. When the block fails, what waits is dropped and `finish` stops between steps;
    `give_up` is called first where `consume` may wait for others.
    """
    waiting: queue.Queue[object] = queue.Queue(depth)
    stop = Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                try:
                    item = waiting.get(timeout=_TICK)
                except queue.Empty:
                    continue
                if item is not _END:
                    consume(item)  # type: ignore[arg-type]
                    continue
                for _ in finish():
                    if stop.is_set():
                        break
                return
        except BaseException as error:
            failure.append(error)
            stop.set()

    def hand_over(item: T) -> None:
        if not _put(waiting, item, stop) and failure:
            raise failure[0]

    helper = Helper(work, "vsr-behind")
    try:
        yield hand_over
        _put(waiting, _END, stop)
        helper.wait()
    finally:
        stop.set()
        if not helper.is_done:
            give_up()
        helper.join()
    if failure:
        raise failure[0]


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cores_of(threads: float, there: int | None = None) -> int:
    """How many cores `threads` stands for, at least one, where `there` are so many.

    0 is all of them, a number below 1 a part of them, rounded down, and any other itself.
    `there` is by default what this process may use.
    """
    there = cores() if there is None else there
    part = exact(threads)  # 0.29 of 100 is 29
    if 0 < threads < 1:
        return max(1, int(there * part))
    return int(threads) or there


def _next(ready: queue.Queue[object], patience: float | None) -> object:
    """The next item; _NOTHING where none comes for `patience` seconds.

    They are counted in waits and not by the clock, as a process that is stopped waits for nothing.
    """
    if patience is None:
        return ready.get()
    waited, tick = 0.0, min(_TICK, patience)
    while waited < patience:
        try:
            return ready.get(timeout=tick)
        except queue.Empty:
            waited += tick
    return _NOTHING


def _put(target: queue.Queue[object], item: object, stop: Event) -> bool:
    """Put `item`, waiting for room until `stop` is set. Returns whether it was put."""
    while not stop.is_set():
        try:
            target.put(item, timeout=_TICK)
            return True
        except queue.Full:
            continue
    return False
