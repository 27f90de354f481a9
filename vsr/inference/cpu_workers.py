"""Frames side by side on CPU cores, one core each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from vsr.core.frame import Frame, Plane
from vsr.inference.memory import keep_freed_memory
from vsr.inference.tiles import Tiler
from vsr.inference.windows import Window


def side_by_side(windows: Iterator[Window], tiler: Tiler, workers: int) -> Iterator[Frame]:
    """A frame for each time of each window, in order. At most `workers` + 1 windows are held.

    No core ever waits for another, as it would where all share one frame.
    """
    before = torch.get_num_threads()
    keep_freed_memory()
    torch.set_num_threads(1)  # new threads begin with it too
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
        torch.set_num_threads(before)


def _shown(window: Window, planes: Future[tuple[Plane, ...]]) -> Iterator[Frame]:
    for pts, duration in window.times:
        yield Frame(planes.result(), pts, duration)
