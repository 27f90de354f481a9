"""Encoders that take more of the machine than they are given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """What is opened within gets no real-time threads, nor makes the caller's one.

    SVT-AV1 makes its threads real-time ones where it may, as root: nothing else on the machine
    would have a turn while they work.
    """
    before = _real_time()
    try:
        yield
    finally:
        for thread in _real_time() - before:
            with suppress(OSError):  # it has ended
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def _real_time() -> set[int]:
    """This process's threads that go before all ordinary ones; none where there is no telling."""
    if not _THREADS.is_dir() or not hasattr(os, "sched_getscheduler"):
        return set()
    found = set()
    for entry in _THREADS.iterdir():
        with suppress(OSError):
            if os.sched_getscheduler(int(entry.name)) in (os.SCHED_FIFO, os.SCHED_RR):
                found.add(int(entry.name))
    return found
