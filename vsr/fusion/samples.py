"""All samples of the frames that take part, each at its place in the still."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vsr.fusion.follow import light, typical
from vsr.fusion.judge import Verdict
from vsr.fusion.placement import inverse, moved
from vsr.fusion.sights import Luma

AROUND = 3
"""Pixels around the region that are reconstructed with it, and cut off again."""
_APART = 1.08  # from one width of a camera's pixels to the next that is told apart


@dataclass(frozen=True)
class Samples:
    """What was seen, in no order.

    Attributes:
        places: (N, 2) float32, x and y in pixels of the still, 0 at the centre of its first.
        values: (C, N) float32, 0..1 nominally, in the light that is typical.
        weights: (N,) float32: the inverse of their variance.
        frames: (N,) int64: which of the frames that take part each is from.
        kinds: (N,) int64: which of `widths` each is of.
        widths: how many of the still's pixels a camera's pixel is wide, in frames that were nearer
            or further away.
        size: the still's rows and columns.
        scale: how many of its pixels a pixel of the region is wide.
    """

    places: Tensor
    values: Tensor
    weights: Tensor
    frames: Tensor
    kinds: Tensor
    widths: tuple[float, ...]
    size: tuple[int, int]
    scale: int

    def chosen(self, which: Tensor) -> Samples:
        """Those that a mask (N,) or places in the list choose."""
        return replace(
            self,
            places=self.places[which],
            values=self.values[:, which],
            weights=self.weights[which],
            frames=self.frames[which],
            kinds=self.kinds[which],
        )

    @property
    def grey(self) -> Samples:
        """The mean of the channels alone."""
        return replace(self, values=self.values.mean(0, keepdim=True))


def gather(region: Luma, verdicts: Sequence[Verdict], scale: int) -> Samples:
    """The samples of all frames that take part, of the region and AROUND it."""
    used = [verdict for verdict in verdicts if verdict.used]
    model = typical(region, [verdict.window for verdict in used])
    height, width = ((length + 2 * AROUND) * scale for length in region.shape)
    parts = [_of_frame(one, model, scale, (height, width)) for one in used]
    places, values, weights = zip(*parts, strict=True)
    counts = torch.tensor([len(each) for each in places])
    steps = [_step_of(verdict) for verdict in used]
    known = sorted(set(steps))
    kinds = torch.tensor([known.index(step) for step in steps])
    return Samples(
        places=torch.cat(places),
        values=torch.cat(values, 1),
        weights=torch.cat(weights),
        frames=torch.arange(len(used)).repeat_interleave(counts),
        kinds=kinds.repeat_interleave(counts),
        widths=tuple(scale * _APART**step for step in known),
        size=(height, width),
        scale=scale,
    )


def _step_of(verdict: Verdict) -> int:
    """How much wider than one of the region a frame's pixels are there, in steps of _APART."""
    assert verdict.window.found is not None
    linear = verdict.window.found.placement.matrix[:2, :2]
    return round(-math.log(abs(float(np.linalg.det(linear)))) / 2 / math.log(_APART))


def _of_frame(
    verdict: Verdict, model: Luma, scale: int, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    found = verdict.window.found
    assert found is not None
    height, width = found.luma.shape
    rows, columns = np.mgrid[:height, :width]
    pixels = np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float64)
    inside_region = moved(inverse(found.placement.matrix), pixels)
    places = (inside_region + AROUND + 0.5) * scale - 0.5
    kept = ((places >= 0) & (places <= [size[1] - 1, size[0] - 1])).all(1)
    gain, offset = light(found.shown(model), model)
    values = found.colours.flatten(1)[:, torch.from_numpy(kept)] * gain + offset
    count = values.shape[1]
    return (
        torch.from_numpy(places[kept]).float(),
        values.float(),
        torch.full((count,), verdict.weight),
    )
