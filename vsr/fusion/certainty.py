"""How much the frames know: of each pixel, and of all together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vsr.core.events import ignore
from vsr.fusion.imaging import looked_up, seen
from vsr.fusion.progress import Tell, Work
from vsr.fusion.samples import Samples
from vsr.fusion.solve import Belief, solve

_DRAWS = 8
_SEED = 1
_PASSES, _STEPS = 2, 8
_LEAST_GAIN = 0.1  # dB
_STATIC = 0.85  # the length of the mean phase, 0..1, from which on samples lie on one grid


@dataclass(frozen=True)
class Knowledge:
    """What many frames add to one.

    Attributes:
        frames: that take part.
        static_x, static_y: how much samples of all frames, each by its weight, lie on one grid of
            pixels, in 0..1: near 1 there is nothing between the pixels that any of them has seen.
        over_mean: by how many dB the still foretells samples better than the mean of the aligned
            frames, after the noise that nothing can foretell.
    """

    frames: int
    static_x: float
    static_y: float
    over_mean: float

    @property
    def between_pixels(self) -> int:
        """Along how many axes, of x and y, anything is known between the pixels."""
        return 2 - len(self._static) if self.frames > 1 else 0

    @property
    def _static(self) -> list[str]:
        axes = (("x", self.static_x), ("y", self.static_y))
        return [name for name, length in axes if length > _STATIC]

    def __str__(self) -> str:
        gain = "the still explains the samples no better than their mean"
        if self.over_mean > _LEAST_GAIN:
            gain = f"the still explains the samples {self.over_mean:.1f} dB better than their mean"
        if self.frames == 1:
            return "one frame takes part, and is the still; how sure it is, nothing tells"
        if self.between_pixels == 2:
            return gain
        where = f"along {' and '.join(self._static)} the frames lie on one grid of pixels"
        if self.between_pixels == 1:
            return f"{where}: no detail is won there; {gain}"
        return f"{where}: they bring less noise, but no detail, and the still is their mean"


def knowledge(still: Tensor, mean: Tensor, samples: Samples, belief: Belief) -> Knowledge:
    """Of a still, and of the mean of the aligned frames, both (1, C, H, W)."""
    phases = samples.places / samples.scale * (2 * math.pi)
    counts = (samples.weights / samples.weights.sum())[:, None]  # what hardly counts tells nothing
    across, along = ((counts * part).sum(0) for part in (torch.cos(phases), torch.sin(phases)))
    static = (across.square() + along.square()).sqrt()
    static_x, static_y = (round(float(length), 3) for length in static)
    over = round(_over(still, mean, samples, belief), 2)
    return Knowledge(int(samples.frames.max()) + 1, static_x, static_y, over)


def _over(still: Tensor, mean: Tensor, samples: Samples, belief: Belief) -> float:
    """Noise is what most samples are off the still; what some are off beyond it, is not."""
    grey = samples.grey
    shown = [picture.mean(1, keepdim=True) for picture in (mean, still)]
    off = [
        looked_up(shown[0], grey.places) - grey.values,
        seen(shown[1], grey, belief.blur) - grey.values,
    ]
    noise = float((1.4826 * off[1].abs().median()).square())
    beyond = [max(float(each.square().mean()) - noise, 0.02 * noise, 1e-9) for each in off]
    return 10 * math.log10(beyond[0] / beyond[1])


def standard_error(still: Tensor, samples: Samples, belief: Belief, tell: Tell = ignore) -> Tensor:
    """(H, W): the deviation of each pixel's grey, were other frames of the same kind seen.

    By the bootstrap over frames (Efron 1979): as many are drawn again and again, with replacement,
    and fused. It holds noise, coding and misplacement; what all frames have in common, and the
    prior's own error, it does not. Of one frame it is 0 everywhere: nothing is known of it.
    """
    grey, begin = samples.grey, still.mean(1, keepdim=True)
    count = int(samples.frames.max()) + 1
    draws = torch.Generator().manual_seed(_SEED)
    found = []
    certainty = Work("certainty", tell)
    for draw in range(_DRAWS):
        certainty(draw / _DRAWS)
        drawn = torch.bincount(torch.randint(count, (count,), generator=draws), minlength=count)
        often = drawn[grey.frames].float()
        part = replace(grey, weights=grey.weights * often).chosen(often > 0)
        found.append(solve(part, belief, begin, _PASSES, _STEPS)[0, 0])
    certainty(1.0)
    return torch.stack(found).std(0)
