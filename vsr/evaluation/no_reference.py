"""What encoders and networks leave in pictures, as far as it shows without the truth."""

from __future__ import annotations

from fractions import Fraction

from vsr.core.blockiness import CELL, LEAST_CELLS, blockiness
from vsr.datasets.ground_truth import Plane
from vsr.evaluation.flicker import Motion, flicker


class Traces:
    """Takes the pictures of a clip, or an image, and keeps the means of what they show."""

    def __init__(self, scale: int | Fraction) -> None:
        """`scale` is by how much the pictures were enlarged, and the blocks in them with them.

        Blocks are looked for where that is a whole number.
        """
        self._period = CELL * scale.numerator if scale.denominator == 1 else None
        self._blocks: list[float] = []
        self._flicker: list[float] = []
        self._before: Plane | None = None

    def add(self, picture: Plane, motion: Motion | None = None, border: int = 0) -> None:
        """The next picture (H, W) uint8; `motion` is from the one before, None at a cut."""
        if self._period and min(picture.shape) >= LEAST_CELLS * self._period:
            self._blocks.append(blockiness(picture, self._period))
        if self._before is not None and motion is not None:
            found = flicker((self._before, picture), motion, border)
            self._flicker += [] if found is None else [found]
        self._before = picture

    @property
    def blockiness(self) -> float | None:
        """The mean of `vsr.core.blockiness`; None where the pictures have too few pixels."""
        return sum(self._blocks) / len(self._blocks) if self._blocks else None

    @property
    def flicker(self) -> float | None:
        """The mean of `flicker.flicker`, in sample values; None without two frames of a shot."""
        return sum(self._flicker) / len(self._flicker) if self._flicker else None
