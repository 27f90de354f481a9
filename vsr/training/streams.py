"""Streams: chunks of frames in which each lane goes on where its last chunk ended.

The state of a recurrent network is carried from chunk to chunk, without its gradient: truncated
backpropagation through time, over horizons far longer than a chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.training.take_plan import CLEAN
from vsr.training.takes import FRAMES, SIDE, Take, draw_take
from vsr.training.window_pairs import WindowPairs

_TAKES = 400  # kept; 2.6 MB each at x4
_FRESH = 0.15  # chance of a lane to begin another take, a chunk
_LASTING = 0.1  # of the lanes play clean takes for ever, to learn how to bear hundreds of frames.
# More of them would be most of what is seen, and of few takes.
_FRESH_LASTING = 0.03  # the same chance of those
_NEW = 0.3  # takes made a chunk, for each lane: most are seen once. Gradients of different chunks
# of one take are alike, so that more steps over fewer takes teach little more.
_LIVE = 0.1  # of the lanes see no frame to come: one set of weights serves live use, too


@dataclass(frozen=True)
class Chunk:
    """What one training step sees.

    Attributes:
        small: (N, T + future, p, p) uint8; at the end of a take its last frame stands again.
        large: (N, T, s*p, s*p) uint8.
        quality: (N, 2) float32.
        fresh: (N,) bool: which lanes begin a take, and know of no frame before.
        live: (N,) bool: which are to see, in place of frames to come, the frame itself.
        clean: (N,) bool: which take is `Take.clean`.
        bicubic: (N,) float32, as Take has it.
    """

    small: Tensor
    large: Tensor
    quality: Tensor
    fresh: Tensor
    live: Tensor
    clean: Tensor
    bicubic: Tensor


@dataclass
class _Lane:
    """Where a lane stands: a take, seen through a patch, turned."""

    take: Take
    y: int
    x: int
    turns: int
    flip: bool
    live: bool
    lasting: bool
    at: int = 0
    fresh: bool = True

    @property
    def ending(self) -> float:
        """The chance to end with a chunk before the take does."""
        return _FRESH_LASTING if self.lasting else _FRESH

    def places(self, count: int) -> NDArray[np.int64]:
        """The frames from here on; beyond the end the last one, or back again."""
        length = len(self.take.small)
        places = np.arange(self.at, self.at + count)
        if not self.take.clean:
            return np.minimum(places, length - 1)
        period = max(1, 2 * (length - 1))
        places %= period
        return np.where(places < length, places, period - places)


@dataclass
class Streams:
    """Endless chunks for a batch of lanes.

    Attributes:
        source: true stills and clips.
        lanes, patch: how many, and their side in small pixels.
        future: frames that are shown beyond those that are restored.
        taught: what is done to each take before it is played.
        clean: the share of takes that are clean; without any, no lane lasts.
    """

    source: WindowPairs
    lanes: int
    patch: int
    future: int
    taught: Callable[[Take], Take] = lambda take: take
    clean: float = CLEAN
    _takes: list[Take] = field(default_factory=list, repr=False)
    _running: list[_Lane | None] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if self.patch > SIDE:
            raise ValueError(f"patch {self.patch}: must be at most {SIDE}")
        self._running = [None] * self.lanes

    def next(self, length: int, random: np.random.Generator) -> Chunk:
        """The next `length` frames of every lane."""
        while len(self._takes) < 2 * self.lanes:
            self._takes.append(self._draw(random))
        for _ in range(random.poisson(_NEW * self.lanes)):
            self._renew(self._draw(random), random)
        small, large, quality, fresh, live, clean, bicubic = [], [], [], [], [], [], []
        for number in range(self.lanes):
            lane = self._lane(number, length, random)
            places = lane.places(length + self.future)
            small.append(self._cut(lane, lane.take.small, places, 1))
            large.append(self._cut(lane, lane.take.large, places[:length], self.source.scale))
            quality.append(lane.take.quality)
            fresh.append(lane.fresh)
            live.append(lane.live)
            clean.append(lane.take.clean)
            bicubic.append(lane.take.bicubic)
            lane.fresh, lane.at = False, lane.at + length
        return Chunk(
            torch.from_numpy(np.stack(small)),
            torch.from_numpy(np.stack(large)),
            torch.from_numpy(np.stack(quality)),
            torch.tensor(fresh),
            torch.tensor(live),
            torch.tensor(clean),
            torch.tensor(bicubic, dtype=torch.float32),
        )

    def _draw(self, random: np.random.Generator) -> Take:
        return self.taught(draw_take(self.source, random, self.clean))

    def _renew(self, take: Take, random: np.random.Generator) -> None:
        if len(self._takes) < _TAKES:
            self._takes.append(take)
        else:
            self._takes[int(random.integers(_TAKES))] = take

    def _lane(self, number: int, length: int, random: np.random.Generator) -> _Lane:
        lane = self._running[number]
        if lane is not None:
            ended = not lane.lasting and lane.at + length > FRAMES
            if not ended and random.random() >= lane.ending:
                return lane
        lasting = number < round(_LASTING * self.lanes)
        clean = [take for take in self._takes if take.clean] if lasting else []
        takes = clean or self._takes
        take = takes[int(random.integers(len(takes)))]
        room = SIDE - self.patch + 1
        lane = _Lane(
            take,
            int(random.integers(room)),
            int(random.integers(room)),
            int(random.integers(4)),
            bool(random.integers(2)),
            bool(random.random() < _LIVE),
            bool(clean),
        )
        self._running[number] = lane
        return lane

    def _cut(
        self, lane: _Lane, frames: NDArray[np.uint8], places: NDArray[np.int64], scale: int
    ) -> NDArray[np.uint8]:
        y, x, side = (n * scale for n in (lane.y, lane.x, self.patch))
        cut = np.rot90(frames[places, y : y + side, x : x + side], lane.turns, (1, 2))
        return cut[:, :, ::-1] if lane.flip else cut
