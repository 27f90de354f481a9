"""A recurrent network's way through a video: one step after another, each by all cores.

A step needs the state of the one before, so frames cannot be computed side by side. What needs no
state, the flow and the chroma, is computed ahead; the rest of a picture is cut into tiles, one for
each core at least, that read the whole state and write their part of the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor

from vsr.core.frame import Frame, Plane
from vsr.inference.cpu_workers import one_thread_each
from vsr.inference.devices import type_of
from vsr.inference.memory import keep_freed_memory
from vsr.inference.recurrent_tiles import Before, Canvas, RecurrentTiler
from vsr.inference.steps import Step
from vsr.inference.tiles import Tile
from vsr.networks.recurrent_state import Observation

_OBSERVED_AHEAD = 2  # steps


@dataclass(frozen=True)
class _Upcoming:
    """A step whose stateless parts are being computed."""

    step: Step
    observation: Future[Observation]
    others: Future[list[Tensor]] | None

    def as_before(self) -> Before:
        """What the next step needs of it."""
        return Before(self.step, self.observation)


def step_by_step(steps: Iterator[Step], tiler: RecurrentTiler, workers: int) -> Iterator[Frame]:
    """A frame for each time of each step, in order.

    The state is a variable of this function: the network itself remembers nothing.
    """
    on_cpu = type_of(tiler.device).on_cores
    if on_cpu:
        keep_freed_memory()
        one_thread_each.enter()
    pool = ThreadPoolExecutor(workers if on_cpu else 1, thread_name_prefix="vsr-network")
    upcoming: deque[_Upcoming] = deque()
    shown: deque[tuple[Step, Future[tuple[Plane, ...]], float]] = deque()
    canvas: Canvas | None = None  # with the state, the one thing that is remembered
    last: _Upcoming | None = None

    def admit() -> bool:
        """Begin with what the next step needs no state for."""
        nonlocal last
        step = next(steps, None)
        if step is None:
            return False
        before = None if step.fresh or last is None else last.as_before()
        observation = pool.submit(tiler.observe, step, before)
        others = pool.submit(tiler.others, step.frames[0]) if step.times else None
        last = _Upcoming(step, observation, others)
        upcoming.append(last)
        return True

    try:
        while len(upcoming) < _OBSERVED_AHEAD and admit():
            pass
        while upcoming:
            now = upcoming.popleft()
            observation = now.observation.result()
            before = None if now.step.fresh else canvas
            canvas, stood_still = _advanced(tiler, pool, observation, before, admit)
            if now.others is not None:
                made = pool.submit(_finished, tiler, canvas.luma, now.others)
                shown.append((now.step, made, stood_still))
            while len(shown) > 1:
                yield from _shown(*shown.popleft())
        while shown:
            yield from _shown(*shown.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if on_cpu:
            one_thread_each.leave()


def _advanced(
    tiler: RecurrentTiler,
    pool: ThreadPoolExecutor,
    observation: Observation,
    before: Canvas | None,
    meanwhile: Callable[[], object],
) -> tuple[Canvas, float]:
    """The large luma and the next state, from those `before`; None is an empty state.

    With them comes the share of the picture that was not computed, as it stood still.
    `meanwhile` is called once, while tiles are computed.
    """
    state = before.state if before else tiler.start(observation)
    active = tiler.active(observation)
    called = False
    while True:
        wanted, are_all = tiler.tiles(active)
        canvas = tiler.canvas(observation, None if are_all else before)
        parts = [pool.submit(tiler.advance, observation, state, tile, canvas) for tile in wanted]
        if not called:
            meanwhile()
            called = True
        if tiler.all_done(parts, canvas):
            return canvas, 0.0 if are_all else _share_beside(wanted, active.size)


def _share_beside(tiles: Sequence[Tile], pixels: int) -> float:
    """The share of a picture of so many pixels that lies beside tiles; these may overlap."""
    return max(0.0, 1 - sum(tile.pixels for tile in tiles) / pixels)


def _finished(
    tiler: RecurrentTiler, luma: Tensor, others: Future[list[Tensor]]
) -> tuple[Plane, ...]:
    return tiler.finished(luma, others.result())


def _shown(step: Step, planes: Future[tuple[Plane, ...]], stood_still: float) -> Iterator[Frame]:
    """A frame for each time of the step; after the first, all of the picture stands still."""
    for pts, duration in step.times:
        yield Frame(planes.result(), pts, duration, stood_still=stood_still)
        stood_still = 1.0
