"""Pseudo ground truth: footage reduced as its camera would have recorded it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vsr.adaptation.bursts import LEAST, Burst
from vsr.adaptation.degradation_estimate import Camera
from vsr.datasets.ground_truth import Samples
from vsr.evaluation.protocol import shrink
from vsr.training.footage import Recording, windows_of
from vsr.training.window_pairs import Batch

_SMALLEST = 0.5  # of the footage's size: noise, blocks and softness are mostly gone
_LARGER = 0.7  # a second copy, which has more pixels
_TIMES = 2  # each copy is recorded


def smallest(frames: Samples, scale: int) -> float:
    """The factor by which (T, H, W[, 3]) is made smaller to be a truth, sharp and clean.

    _SMALLEST, or what leaves LEAST * `scale` pixels a side.
    """
    least = LEAST * scale / int(min(frames.shape[1:3]))
    return float(min(1.0, max(_SMALLEST, least)))


def truth(frames: Samples, factor: float, scale: int) -> Samples:
    """The frames (T, H, W[, 3]) at `factor` times their size, sides divisible by `scale`."""
    rows, columns = (max(LEAST, int(side * factor) // scale) for side in frames.shape[1:3])
    return np.stack([shrink(frame, rows * scale, columns * scale) for frame in frames])


def recordings(
    bursts: Sequence[Burst], camera: Camera, scale: int, random: np.random.Generator
) -> Iterator[Recording]:
    """Truths of the bursts and what cameras much like `camera` would have recorded of them."""
    for burst in bursts:
        low = smallest(burst.frames, scale)
        for factor in dict.fromkeys((low, max(low, _LARGER))):
            large = truth(burst.frames, factor, scale)
            for _ in range(_TIMES):
                degradation = camera.about(random).degradation
                yield Recording(large, degradation.apply(large, scale, random), degradation)


@dataclass(frozen=True)
class CameraPairs:
    """Recordings from which windows are cut.

    Attributes:
        made: the recordings.
        scale, context: of the network that is to learn.
    """

    made: tuple[Recording, ...]
    scale: int
    context: int

    def sample(
        self, batch: int, patch: int, random: np.random.Generator, known_flow: bool = False
    ) -> Batch:
        """Random windows of `patch` small pixels, at most LEAST, as `windows_of` gives them.

        `known_flow` is nowhere to be had.
        """
        drawn = (self.made[n] for n in random.integers(len(self.made), size=batch))
        return windows_of(drawn, self.scale, self.context, patch, random)
