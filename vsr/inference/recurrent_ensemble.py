"""Self-ensemble of a recurrent network: a video restored in its eight positions, and the mean.

As `vsr.inference.ensemble` does with windows. Each position has a motion, a state and coming frames
of its own, all of one video: only the pictures that come out are averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.inference.ensemble import POSITIONS, back, moved
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import Area, Observation, State


class RecurrentEnsemble(Recurrent):
    """Stepped as `network` is, to the mean of what that makes in eight positions.

    What belongs to a position lies as the picture does, so that it is cut into tiles with it: the
    planes of all positions one after the other as channels, where `network` has one set of them.
    Flows are in the directions of their position.
    """

    def __init__(self, network: Recurrent) -> None:
        nn.Module.__init__(self)
        self.network, count = network, len(POSITIONS)
        self.scale, self.future, self.warmup = network.scale, network.future, network.warmup
        self.chroma_kernel, self.receptive_field = network.chroma_kernel, network.receptive_field
        self.precisions, self.coming_aligned = network.precisions, network.coming_aligned
        self.hidden, self.details = count * network.hidden, count * network.details
        self.flow_planes = count * network.flow_planes
        self.state_channels = 1 + self.hidden + self.details
        self.planes_at_once = network.planes_at_once + 2 * self.state_channels

    def start(self, frame: Tensor) -> State:
        own = self.network.start(frame)
        hidden, detail = (_joined([x] * len(POSITIONS)) for x in (own.hidden, own.detail))
        return State(frame, hidden, detail, own.still)

    def observe(
        self,
        frames: Tensor,
        previous: Tensor,
        still: Tensor,
        quality: Tensor,
        flow: Tensor | None = None,
        coming: Tensor | None = None,
    ) -> Observation:
        seen: list[Observation] = []
        for n in range(len(POSITIONS)):
            there, before, rested, told = (moved(x, n) for x in (frames, previous, still, quality))
            known = _part(flow, n, 1), _part(coming, n, 2)
            seen.append(self.network.observe(there, before, rested, told, *known))
        planes, flows, comings = (
            [back(x, n) for n, x in enumerate(each)]
            for each in zip(*((one.planes, one.flow, one.coming) for one in seen), strict=True)
        )
        first = seen[0]  # where the picture lies as it is
        made = _joined(planes), _joined(flows), _joined(comings, 2)
        return Observation(first.frame, *made, first.still, first.mix)

    def coming_flows(self, frames: Tensor, known: Tensor | None = None) -> Tensor:
        found = [
            self.network.coming_flows(moved(frames, n), _part(known, n, 2))
            for n in range(len(POSITIONS))
        ]
        return _joined([back(x, n) for n, x in enumerate(found)], 2)

    def advance(
        self, observation: Observation, state: State, area: Area | None = None, share: float = 1.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        sides = observation.frame.shape[-2:]
        total: Tensor | None = None
        hiddens, details = [], []
        for position, (seen, own) in enumerate(_each(observation, state)):
            there = None if area is None else _area(area, position, sides)
            phases, hidden, detail = self.network.advance(seen, own, there, share)
            large = back(F.pixel_shuffle(phases, self.scale), position)
            total = large if total is None else total + large
            hiddens.append(back(hidden, position))
            details.append(back(detail, position))
        assert total is not None
        phases = F.pixel_unshuffle(total / len(POSITIONS), self.scale)
        phases = phases.contiguous(memory_format=torch.channels_last)
        return phases, _joined(hiddens), _joined(details)


def _each(observation: Observation, state: State) -> Iterator[tuple[Observation, State]]:
    """What the network is given in each position."""
    for n in range(len(POSITIONS)):
        frame, still, previous, rested = (
            moved(x, n) for x in (observation.frame, observation.still, state.previous, state.still)
        )
        planes, flow, hidden, detail = (
            _own(x, n, 1)
            for x in (observation.planes, observation.flow, state.hidden, state.detail)
        )
        coming = _own(observation.coming, n, 2)
        yield (
            Observation(frame, planes, flow, coming, still, observation.mix),
            State(previous, hidden, detail, rested),
        )


def _area(area: Area, position: int, sides: Sequence[int]) -> Area:
    """Where rows and columns of a picture with such sides lie in a position."""
    turned, flips = POSITIONS[position]
    way = (1, 0) if turned else (0, 1)
    rows, columns = (
        _reversed(area[axis], sides[axis]) if place in flips else area[axis]
        for place, axis in zip((-2, -1), way, strict=True)
    )
    return rows, columns


def _reversed(part: slice, length: int) -> slice:
    return slice(length - part.stop, length - part.start)


def _own(joined: Tensor, position: int, axis: int) -> Tensor:
    """What belongs to a position, as it lies there."""
    return moved(joined.chunk(len(POSITIONS), axis)[position], position)


def _part(joined: Tensor | None, position: int, axis: int) -> Tensor | None:
    return None if joined is None else _own(joined, position, axis)


def _joined(parts: Sequence[Tensor], axis: int = 1) -> Tensor:
    return torch.cat([*parts], axis)
