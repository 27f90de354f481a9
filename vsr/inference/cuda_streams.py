"""Batches of windows on GPUs: copies and computing overlap, and several GPUs take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from vsr.core.frame import Frame, Plane
from vsr.inference.devices import exact_kernels, release, type_of
from vsr.inference.memory import is_out_of_memory
from vsr.inference.tiles import Tiler
from vsr.inference.transfer import as_planes, as_sent
from vsr.inference.windows import Window

_AHEAD = 2  # batches in flight on each device: one is computed while others are copied
_REPEATS = 4  # windows in a batch, for each that has to be computed

Planes = Sequence[Sequence[Plane]]
Waiting = Callable[[], list[tuple[Plane, ...]]]
"""Gives the large frames of some windows, once they are done."""


def in_batches(windows: Iterator[Window], tilers: Sequence[Tiler], size: int) -> Iterator[Frame]:
    """A frame for each time of each window, in order; a tiler for each device.

    `size` windows make a batch. Devices get batches in turn. At most _AHEAD batches for each
    device are held.
    """
    lanes = [_Lane(tiler, size) for tiler in tilers]
    running: deque[tuple[_Batch, list[Waiting]]] = deque()
    for number, batch in enumerate(_batches(windows, size)):
        lane = lanes[number % len(lanes)]
        gathered = [lane.tiler.gathered(window) for window in batch.distinct]
        running.append((batch, lane.begin(gathered)))
        if len(running) >= _AHEAD * len(lanes):
            yield from _shown(*running.popleft())
    while running:
        yield from _shown(*running.popleft())


@dataclass(frozen=True)
class _Batch:
    """Windows in a row.

    Attributes:
        windows: each with its place among the distinct ones.
        distinct: those whose pictures differ from the one before.
    """

    windows: list[tuple[Window, int]]
    distinct: list[Window]


def _batches(windows: Iterator[Window], size: int) -> Iterator[_Batch]:
    batch = _Batch([], [])
    for window in windows:
        repeated = bool(batch.distinct) and batch.distinct[-1].frames is window.frames
        full = len(batch.distinct) == size and not repeated
        if full or len(batch.windows) == _REPEATS * size:
            yield batch
            batch, repeated = _Batch([], []), False
        if not repeated:
            batch.distinct.append(window)
        batch.windows.append((window, len(batch.distinct) - 1))
    if batch.windows:
        yield batch


class _Lane:
    """One device: its streams, and how many windows fit its memory at once.

    A device whose type has no streams does all in order, to the same result.
    """

    def __init__(self, tiler: Tiler, size: int) -> None:
        self.tiler, self._size = tiler, size
        self._device = tiler.enlarger.device
        self._streams = type_of(self._device).streams
        self._upload, self._compute, self._download = (
            torch.cuda.Stream(self._device) if self._streams else None  # type: ignore[no-untyped-call]
            for _ in range(3)
        )
        if self._streams:
            torch.cuda.synchronize(self._device)  # the weights came by another stream

    def begin(self, windows: Sequence[Planes]) -> list[Waiting]:
        """Start enlarging windows; what does not fit the memory is done in smaller parts."""
        begun: list[Waiting] = []
        done = 0
        while done < len(windows):
            if self.tiler.size:
                with exact_kernels(self._device):
                    begun.append(partial(list, [self.tiler(windows[done])]))
                done += 1
                continue
            some = windows[done : done + self._size]
            try:
                begun.append(self._start(some))
                done += len(some)
                continue
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            if self._size > 1:  # out here: the error keeps its tensors alive
                self._size //= 2
                release(self._device)
            else:
                self.tiler.shrink(0)
        return begun

    def _start(self, windows: Sequence[Planes]) -> Waiting:
        """Send windows on their way through the streams; what is returned waits for the end."""
        host = [
            as_sent(np.stack([np.stack(planes[n]) for planes in windows]), self._device)
            for n in range(len(windows[0]))
        ]
        with _on(self._upload):
            small = [self._pinned(p).to(self._device, non_blocking=self._streams) for p in host]
        _wait(self._compute, self._upload, small)
        with _on(self._compute), exact_kernels(self._device):
            large = self.tiler.at_once(small)
        _wait(self._download, self._compute, large)
        with _on(self._download):
            fetched = [self._fetched(plane) for plane in large]
            end = torch.cuda.Event() if self._streams else None  # type: ignore[no-untyped-call]
            if end is not None:
                end.record()
        return partial(_landed, fetched, end)

    def _pinned(self, plane: Tensor) -> Tensor:
        return plane.pin_memory() if self._streams else plane

    def _fetched(self, plane: Tensor) -> Tensor:
        """A copy in the host's memory, once the stream has come to it."""
        copy = torch.empty(plane.shape, dtype=plane.dtype, pin_memory=self._streams)
        return copy.copy_(plane, non_blocking=self._streams)


def _on(stream: torch.cuda.Stream | None) -> AbstractContextManager[object]:
    return nullcontext() if stream is None else torch.cuda.stream(stream)


def _wait(
    later: torch.cuda.Stream | None, sooner: torch.cuda.Stream | None, tensors: Sequence[Tensor]
) -> None:
    """Let a stream begin with `tensors` once another has made them."""
    if later is not None and sooner is not None:
        later.wait_stream(sooner)
        for tensor in tensors:
            tensor.record_stream(later)  # their memory is not for others before it is done


def _landed(planes: Sequence[Tensor], end: torch.cuda.Event | None) -> list[tuple[Plane, ...]]:
    if end is not None:
        end.synchronize()
    return list(zip(*(as_planes(plane) for plane in planes), strict=True))


def _shown(batch: _Batch, begun: list[Waiting]) -> Iterator[Frame]:
    large = [planes for waiting in begun for planes in waiting()]
    for window, place in batch.windows:
        for pts, duration in window.times:
            yield Frame(large[place], pts, duration)
