"""Reconstruction: the still that explains all samples best and is smooth but for edges.

Maximum a posteriori, after Farsiu et al. 2004, "Fast and Robust Multiframe Super Resolution": a
robust error of the samples and a prior on differences in several directions. Both are Huber's
function, so that each pass (iteratively reweighted least squares) is a linear system, solved by
conjugate gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vsr.fusion.imaging import seen
from vsr.fusion.samples import Samples

_OUTLIER = 2.5  # deviations, from which an error counts by its size, not by its square
_EDGE = 0.01  # difference from which one counts so: of the range, from one pixel to the next
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
_ENOUGH = 1e-8  # of the first residual, squared


@dataclass(frozen=True)
class Belief:
    """What is taken for granted.

    Attributes:
        blur: of the camera's lens, see `imaging.blurred`, in the region's pixels.
        smooth: the weight of the prior.
    """

    blur: float
    smooth: float


def solve(
    samples: Samples,
    belief: Belief,
    begin: Tensor,
    passes: int = 5,
    steps: int = 12,
) -> Tensor:
    """The still (1, C, H, W), from `begin` on, which is of its size. Nothing here is random."""
    still = begin.detach().clone()
    for _ in range(passes):
        trust = _trust(still, samples, belief.blur)
        slack = [1 / (d.square() + _EDGE**2).sqrt() for d in _differences(still)]
        still = _descended(still, _gradient(samples, belief, trust, slack), steps)
    return still


def _trust(still: Tensor, samples: Samples, blur: float) -> Tensor:
    """(C, N): the weight of each sample, the less the further off it is."""
    with torch.no_grad():
        off = (seen(still, samples, blur) - samples.values).abs() * samples.weights.sqrt()
        return samples.weights * (_OUTLIER / off.clamp(min=_OUTLIER))


def _gradient(
    samples: Samples, belief: Belief, trust: Tensor, slack: list[Tensor]
) -> Callable[[Tensor, bool], Tensor]:
    """Half the gradient of the weighted squares; without the samples' values, of a change."""

    def gradient(still: Tensor, change: bool) -> Tensor:
        still = still.detach().requires_grad_(True)
        off = seen(still, samples, belief.blur)
        if not change:
            off = off - samples.values
        cost = (trust * off.square()).sum()
        for weight, difference in zip(slack, _differences(still), strict=True):
            cost = cost + belief.smooth * (weight * difference.square()).sum()
        (found,) = torch.autograd.grad(cost, still)
        return found / 2

    return gradient


def _descended(still: Tensor, gradient: Callable[[Tensor, bool], Tensor], steps: int) -> Tensor:
    """So many steps of conjugate gradients."""
    rest = -gradient(still, False)
    way, power = rest, rest.square().sum()
    first = power
    for _ in range(steps):
        if power <= _ENOUGH * first or not power > 0:
            break
        curved = gradient(way, True)
        length = power / (way * curved).sum()
        still, rest = still + length * way, rest - length * curved
        after = rest.square().sum()
        way, power = rest + after / power * way, after
    return still


def _differences(still: Tensor) -> list[Tensor]:
    """Of pixels a step apart in each direction, per pixel of distance."""
    height, width = still.shape[-2:]
    found = []
    for down, across in _DIRECTIONS:
        here = still[..., down:, max(across, 0) : width + min(across, 0)]
        there = still[..., : height - down, max(-across, 0) : width - max(across, 0)]
        found.append((here - there) / math.hypot(down, across))
    return found
