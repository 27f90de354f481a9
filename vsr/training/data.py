"""Training pairs from any folder of images and videos, degraded as the papers do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.events import Warn, ignore
from vsr.datasets.ground_truth import Samples
from vsr.datasets.media import is_lossless, list_media
from vsr.evaluation.protocol import crop_to_multiple, degrade, shrink
from vsr.training.reading import read_examples


class Patches(Protocol):
    """Where training patches come from."""

    def sample(self, batch: int, patch: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(N, C, p, p) and the true (N, C, s*p, s*p), float32 in [0, 1]."""


_AREA_POWER = 0.25  # large photos count for more, but not by all their area: small ones are sharper
FRAME_STEP = 6  # neighbouring frames teach a still-picture network nothing new

LOSSLESS = (1.0, 0.75, 0.5)
LOSSY = (0.6, 0.4)
"""The sizes at which pictures are learnt from: smaller copies are sharper ones, and compressed
pictures are clean and sharp only when reduced."""


@dataclass(frozen=True)
class StillPairs:
    """Pictures and their degraded versions, from which patches are cut.

    Attributes:
        large: (scale*h, scale*w) uint8 each, luma, or (scale*h, scale*w, 3), RGB.
        small: (h, w) or (h, w, 3) uint8 each, the bicubic reduction of `large`.
        scale: the factor between them.
    """

    large: list[Samples]
    small: list[Samples]
    scale: int

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        scale: int,
        shortest: int,
        color: str = "y",
        reductions: tuple[float, ...] | None = None,
        warn: Warn = ignore,
    ) -> StillPairs:
        """Read everything in `paths`, each at several sizes: LOSSLESS or LOSSY, unless given.

        `color` is that of the network that is to learn: "y" or "rgb". Pictures whose small
        side would fall under `shortest` pixels are left out. `warn` is told of damaged files.
        Raises InputError for a path that does not exist or a file that cannot be read.
        """
        large: list[Samples] = []
        for path in list_media(paths):
            factors = reductions or (LOSSLESS if is_lossless(path) else LOSSY)
            for picture in read_examples(path, color, FRAME_STEP, warn):
                for factor in factors:
                    height, width = (round(side * factor) for side in picture.luma.shape)
                    if min(height, width) < shortest * scale:
                        continue
                    whole = picture.samples
                    copy = whole if factor == 1 else shrink(whole, height, width)
                    large.append(crop_to_multiple(copy, scale))
        return cls(large, [degrade(samples, scale) for samples in large], scale)

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        """How likely each picture is to be chosen."""
        areas = np.array([np.prod(small.shape[:2]) for small in self.small], dtype=np.float64)
        weights = areas**_AREA_POWER
        chances: NDArray[np.float64] = weights / weights.sum()
        return chances

    def sample(self, batch: int, patch: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Random patches, flipped and turned: (N, C, p, p) and (N, C, s*p, s*p) in [0, 1].

        Large pictures are chosen a little more often. `patch` is at most the `shortest`
        that the pairs were loaded with.
        """
        chosen = random.choice(len(self.small), batch, p=self._chances)
        channels = self.small[0].shape[2:]  # () for luma
        small = np.empty((batch, patch, patch, *channels), np.uint8)
        large = np.empty((batch, patch * self.scale, patch * self.scale, *channels), np.uint8)
        for n, index in enumerate(chosen):
            height, width = self.small[index].shape[:2]
            y, x = random.integers(height - patch + 1), random.integers(width - patch + 1)
            turns, flip = int(random.integers(4)), random.integers(2)
            for out, samples, factor in ((small, self.small, 1), (large, self.large, self.scale)):
                ys, xs, size = y * factor, x * factor, patch * factor
                cut = np.rot90(samples[index][ys : ys + size, xs : xs + size], turns)
                out[n] = cut[:, ::-1] if flip else cut
        return _tensor(small), _tensor(large)


@dataclass(frozen=True)
class MixedScales:
    """Patches for networks that learn several scales at once: a step's are all of one.

    Attributes:
        pairs: where those of each scale come from.
    """

    pairs: tuple[Patches, ...]

    def sample(self, batch: int, patch: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(N, C, p, p) and the true (N, C, s*p, s*p) of a scale drawn at random."""
        return self.pairs[int(random.integers(len(self.pairs)))].sample(batch, patch, random)


def _tensor(samples: NDArray[np.uint8]) -> Tensor:
    """(N, p, p) or (N, p, p, C) uint8 -> (N, C, p, p) float32 in [0, 1]."""
    tensor = torch.from_numpy(samples).float() / 255
    return tensor[:, None] if tensor.ndim == 3 else tensor.movedim(-1, 1)
