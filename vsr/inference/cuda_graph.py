"""A recurrent network's cell as a CUDA graph: its kernels are launched as one, not one by one.

A cell is a dozen small kernels, which a GPU may finish sooner than the CPU can name the next. What
was captured of one call is replayed for all of the same sizes, on the same memory. Not run on a GPU
so far: see the tests for what is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from vsr.inference.memory import is_out_of_memory
from vsr.networks.network import Network
from vsr.networks.recurrent import Recurrent

_WARM_UP = 3  # calls before the capture, in which libraries choose kernels and take their memory
_MOST = 2  # graphs, each of which keeps its memory: one of the whole picture, one of a tile's size
_SEEN = 2  # calls of a size, from which on it is likely to come again

Cell = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Replay(Protocol):
    """What was captured: computes again from the inputs that it was captured with, in place."""

    def __call__(self) -> tuple[Tensor, Tensor]: ...


def replay_cell(network: Network) -> None:
    """Let a recurrent network on a CUDA GPU replay its cell. Others stay as they are."""
    if isinstance(network, Recurrent):
        network.cell = ReplayedCell(network.cell)  # type: ignore[method-assign]


class ReplayedCell:
    """Calls a cell, or replays it where inputs of the same sizes come again.

    All calls must come from one thread at a time and one stream, as `step_by_step` makes them on
    GPUs. Where something cannot be captured, calls stay calls, to the same result.

    Args:
        cell: (N, inputs, H, W), mix -> detail, hidden state.
        capture: makes a `Replay` of a cell and inputs.
    """

    def __init__(
        self, cell: Cell, capture: Callable[[Cell, Sequence[Tensor]], Replay] | None = None
    ) -> None:
        self._cell, self._capture = cell, capture or _captured
        self._graphs: dict[tuple[object, ...], tuple[list[Tensor], Replay]] = {}
        self._calls: dict[tuple[object, ...], int] = {}
        self._refused = False

    def __call__(self, inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        """As the cell. What is returned belongs to the caller."""
        key = tuple((x.shape, x.stride(), x.dtype, x.device) for x in (inputs, mix))
        if key not in self._graphs and not self._begun(key, inputs, mix):
            return self._cell(inputs, mix)
        held, replay = self._graphs[key]
        for place, given in zip(held, (inputs, mix), strict=True):
            place.copy_(given)
        detail, hidden = replay()
        return detail.clone(), hidden.clone()  # the next replay writes over them

    def _begun(self, key: tuple[object, ...], inputs: Tensor, mix: Tensor) -> bool:
        """Whether there is a graph by now."""
        if self._refused or len(self._graphs) >= _MOST:
            return False
        self._calls[key] = self._calls.get(key, 0) + 1
        if self._calls[key] < _SEEN:
            return False
        held = [x.clone() for x in (inputs, mix)]  # keeps strides
        try:
            self._graphs[key] = held, self._capture(self._cell, held)
        except RuntimeError as error:
            self._refused = True  # for good: what holds for one size will hold for others
            if is_out_of_memory(error):
                self._graphs.clear()
            return False
        return True


def _captured(cell: Cell, inputs: Sequence[Tensor]) -> Replay:
    """A CUDA graph of a cell. Raises RuntimeError where it cannot be captured."""
    device = inputs[0].device
    with torch.cuda.device(device):
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                cell(inputs[0], inputs[1])
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads may copy frames meanwhile, which does no harm to what this one records.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            made = cell(inputs[0], inputs[1])

    def replay() -> tuple[Tensor, Tensor]:
        graph.replay()
        return made

    return replay
