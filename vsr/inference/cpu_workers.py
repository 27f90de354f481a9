"""Frames side by side on CPU cores, one core each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import torch

from vsr.core.frame import Frame, Plane
from vsr.inference.memory import keep_freed_memory
from vsr.inference.tiles import Tiler
from vsr.inference.windows import Window


class _OneThreadEach:
    """torch's own threads set to one while anybody works side by side, then to what they were.

    The setting is the process's, and several callers may be at work at a time.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._before = Lock(), 0, 1

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(1)  # new threads begin with it too

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.set_num_threads(self._before)


one_thread_each = _OneThreadEach()
"""Entered and left around work in which each thread has a core of its own."""


def side_by_side(windows: Iterator[Window], tiler: Tiler, workers: int) -> Iterator[Frame]:
    """A frame for each time of each window, in order. At most `workers` + 1 windows are held.

    No core ever waits for another, as it would where all share one frame.
    """
    keep_freed_memory()
    one_thread_each.enter()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="vsr-network")
    running: deque[tuple[Window, Future[tuple[Plane, ...]]]] = deque()
    try:
        for window in windows:
            if running and running[-1][0].frames is window.frames:
                planes = running[-1][1]  # the same picture again
            else:
                planes = pool.submit(tiler, tiler.gathered(window))
            running.append((window, planes))
            if len(running) > workers:
                yield from _shown(*running.popleft())
        while running:
            yield from _shown(*running.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        one_thread_each.leave()


def _shown(window: Window, planes: Future[tuple[Plane, ...]]) -> Iterator[Frame]:
    for pts, duration in window.times:
        yield Frame(planes.result(), pts, duration)
