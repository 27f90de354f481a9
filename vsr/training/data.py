"""Training pairs from any folder of images and videos, degraded as the papers do it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.evaluation.protocol import crop_to_multiple, degrade, shrink
from vsr.media import Plane, list_media, read_luma

_AREA_POWER = 0.25  # large photos count for more, but not by all their area: small ones are sharper
FRAME_STEP = 6  # neighbouring frames teach a still-picture network nothing new


@dataclass(frozen=True)
class StillPairs:
    """Luma planes and their degraded versions, from which patches are cut.

    Attributes:
        large: (scale*h, scale*w) uint8 each.
        small: (h, w) uint8 each, the bicubic reduction of `large`.
        scale: the factor between them.
    """

    large: list[Plane]
    small: list[Plane]
    scale: int

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        scale: int,
        shortest: int,
        reductions: tuple[float, ...] = (1.0, 0.75, 0.5),
    ) -> StillPairs:
        """Read everything in `paths`, each also reduced: smaller copies are sharper ones.

        Pictures whose small side would fall under `shortest` pixels are left out. Raises
        InputError for a path that does not exist or a file that cannot be read.
        """
        large: list[Plane] = []
        for path in list_media(paths):
            for plane in read_luma(path, FRAME_STEP):
                for factor in reductions:
                    height, width = (round(side * factor) for side in plane.shape)
                    if min(height, width) < shortest * scale:
                        continue
                    copy = plane if factor == 1 else shrink(plane, height, width)
                    large.append(crop_to_multiple(copy, scale))
        return cls(large, [degrade(plane, scale) for plane in large], scale)

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        """How likely each picture is to be chosen."""
        areas = np.array([plane.size for plane in self.small], dtype=np.float64)
        weights = areas**_AREA_POWER
        chances: NDArray[np.float64] = weights / weights.sum()
        return chances

    def sample(self, batch: int, patch: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Random patches, flipped and turned: (N, 1, p, p) and (N, 1, s*p, s*p) in [0, 1].

        Large pictures are chosen a little more often. `patch` is at most the `shortest`
        that the pairs were loaded with.
        """
        chosen = random.choice(len(self.small), batch, p=self._chances)
        small = np.empty((batch, 1, patch, patch), np.uint8)
        large = np.empty((batch, 1, patch * self.scale, patch * self.scale), np.uint8)
        for n, index in enumerate(chosen):
            height, width = self.small[index].shape
            y, x = random.integers(height - patch + 1), random.integers(width - patch + 1)
            turns, flip = int(random.integers(4)), random.integers(2)
            for out, plane, factor in ((small, self.small, 1), (large, self.large, self.scale)):
                ys, xs, size = y * factor, x * factor, patch * factor
                cut = np.rot90(plane[index][ys : ys + size, xs : xs + size], turns)
                out[n, 0] = cut[:, ::-1] if flip else cut
        return torch.from_numpy(small).float() / 255, torch.from_numpy(large).float() / 255
