"""Blur and prior are chosen by how well the still foretells samples that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.core.events import ignore
from vsr.fusion.imaging import seen
from vsr.fusion.progress import Tell, Work
from vsr.fusion.samples import Samples
from vsr.fusion.solve import Belief, solve

BLURS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of lens and coding, see `imaging.blurred`."""
SMOOTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_FIRST = 1.0
_AS_WELL = 1.005  # times the least error, of priors
_AS_SHARP = 1.003  # and of blurs
_RIPPLED = 0.5  # times the curvature at twice the step
_LEFT_OUT = 5  # of so many frames is one
_OF_FEW = 7  # of so many samples, where frames are fewer
_SIDE = 192  # pixels of the still: more tells no more of lens and noise
_STRIDE = 16
_MOST = 40_000  # samples that are looked at
_PASSES, _STEPS = 3, 10


def tuned(samples: Samples, begin: Tensor, tell: Tell = ignore) -> Belief:
    """The belief whose still foretells best; of as many samples as can be looked at quickly."""
    tuning = Work("tuning", tell)
    samples, begin = _telling_part(samples, begin)
    grey, count = samples.grey, len(samples.places)
    share = min(1.0, _MOST / count)
    if share < 1:
        grey = grey.chosen(torch.arange(_MOST) * count // _MOST)
    begin = begin.mean(1, keepdim=True)
    known: dict[Belief, float] = {}

    def error(blur: float, smooth: float) -> float:
        # fewer samples, and as much less of the prior
        belief = Belief(blur, smooth * share)
        if belief not in known:
            tuning(len(known) / (len(BLURS) + len(SMOOTHS)))
            known[belief] = foretelling(grey, belief, begin)
        return known[belief]

    blur = largest({blur: error(blur, _FIRST) for blur in BLURS}, _AS_SHARP)
    smooth = largest({smooth: error(blur, smooth) for smooth in SMOOTHS}, _AS_WELL)
    for stronger in (each for each in SMOOTHS if each >= smooth):
        smooth = stronger
        still = solve(grey, Belief(blur, smooth * share), begin)
        if not is_rippled(still, samples.scale):
            break
    return Belief(blur, smooth)


def is_rippled(still: Tensor, scale: int) -> bool:
    """Whether a still (1, C, H, W) has more of a fine detail than pictures have.

    Next to one twice as coarse, that is: the sharpest edges have half as much, noise as much, and
    ripples more, above all those as wide as a camera's pixel, `scale`, which sums over them and
    never sees them. Such foretell what was left out where all frames have an error in common, as
    those do that an encoder made of each other.
    """
    for step in {1, max(1, scale // 2)}:
        for axis in (-1, -2):
            fine, coarse = (_curvature(still, axis, length) for length in (step, 2 * step))
            if fine > _RIPPLED * coarse:
                return True
    return False


def _curvature(still: Tensor, axis: int, step: int) -> float:
    """The mean square of second differences over such steps."""
    length = still.shape[axis] - 2 * step
    before, here, after = (still.narrow(axis, n * step, length) for n in range(3))
    return float((before - 2 * here + after).square().mean())


def _telling_part(samples: Samples, begin: Tensor) -> tuple[Samples, Tensor]:
    """Of a large still the part with most to see, with its samples and beginning."""
    height, width = (min(length, _SIDE) for length in samples.size)
    if (height, width) == samples.size:
        return samples, begin
    grey = begin.mean(1, keepdim=True)
    across, down = grey.diff(dim=-1).abs(), grey.diff(dim=-2).abs()
    detail = across[..., :-1, :] + down[..., :, :-1]
    seen = F.avg_pool2d(detail, (height - 1, width - 1), _STRIDE)
    place = int(seen.argmax())
    row, column = (n * _STRIDE for n in divmod(place, seen.shape[-1]))
    corner = torch.tensor([column, row], dtype=torch.float32)
    inside = samples.places - corner
    most = torch.tensor([width - 1, height - 1])
    kept = ((inside >= 0) & (inside <= most)).all(1)
    part = replace(samples, places=inside, size=(height, width)).chosen(kept)
    return part, begin[..., row : row + height, column : column + width]


def largest(errors: Mapping[float, float], as_well: float) -> float:
    """The largest of what foretells as well as any.

    Of priors that is the strongest: what is as good is plain chance. Of blurs it is the one whose
    still is sharpest: coding takes fine detail out of all frames alike, so that a still that lacks
    it foretells them as well as one that has it.
    """
    least = min(errors.values())
    return max(value for value, error in errors.items() if error <= as_well * least)


def foretelling(samples: Samples, belief: Belief, begin: Tensor) -> float:
    """The mean error of samples that were left out, in deviations, robustly."""
    hidden = _hidden(samples)
    still = solve(samples.chosen(~hidden), belief, begin, _PASSES, _STEPS)
    return missed(still, samples.chosen(hidden), belief.blur)


def _hidden(samples: Samples) -> Tensor:
    """Those that are left out, (N,): all of some frames; of few frames, some of each."""
    if int(samples.frames.max()) + 1 >= _LEFT_OUT:
        return samples.frames % _LEFT_OUT == _LEFT_OUT // 2
    return torch.arange(len(samples.places)) % _OF_FEW == 0


def missed(still: Tensor, samples: Samples, blur: float) -> float:
    """How far a still is off the samples: the mean square of deviations, of outliers the size."""
    off = (seen(still, samples, blur) - samples.values).abs() * samples.weights.sqrt()
    return float(torch.where(off < 3, off.square(), 6 * off - 9).mean())
