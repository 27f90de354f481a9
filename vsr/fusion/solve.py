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

import numpy as np
import torch
from torch import Tensor

from vsr.fusion.imaging import Planes, back_through, camera, seen, through
from vsr.fusion.samples import Samples
from vsr.fusion.stencils import Corners, corners_of, splatted, stencils

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
    still = begin[0].numpy().astype(np.float32)
    lenses = [
        (camera(belief.blur, width).numpy(), corners_of(samples, kind))
        for kind, width in enumerate(samples.widths)
    ]
    for _ in range(passes):
        matrix, wanted = _data(still, samples, belief.blur, lenses)
        prior = _prior(still, belief.smooth)
        still = _descended(still, lambda at, m=matrix, p=prior: m(at) + p(at), wanted, steps)  # type: ignore[misc]
    return torch.from_numpy(still)[None]


Linear = Callable[[Planes], Planes]


def _data(
    still: Planes, samples: Samples, blur: float, lenses: list[tuple[Planes, Corners]]
) -> tuple[Linear, Planes]:
    """The normal equations of the samples, each by how far it is to be trusted."""
    trust = _trust(still, samples, blur)
    values = samples.values.numpy()
    parts, wanted = [], np.zeros_like(still)
    for kernel, corners in lenses:
        weights = trust[corners.which]
        parts.append((kernel, stencils(corners, weights)))
        laid = splatted(corners, weights, values[:, corners.which])
        wanted += back_through(laid, kernel)

    def matrix(at: Planes) -> Planes:
        total = np.zeros_like(at)
        for kernel, weighted in parts:
            total += back_through(weighted(through(at, kernel)), kernel)
        return total

    return matrix, wanted


def _trust(still: Planes, samples: Samples, blur: float) -> Planes:
    """(N,): the weight of each sample, the less the further off it is, over its channels."""
    off = seen(torch.from_numpy(still)[None], samples, blur) - samples.values
    size = off.square().mean(0).sqrt() * samples.weights.sqrt()
    found: Planes = (samples.weights * (_OUTLIER / size.clamp(min=_OUTLIER))).numpy()
    return found


def _prior(still: Planes, smooth: float) -> Linear:
    """Half the gradient of the prior, whose slack at edges is that of `still`."""
    slack = []
    for step in _DIRECTIONS:
        difference = _difference(still, step)
        slack.append(smooth / np.sqrt(difference * difference + _EDGE**2) / math.hypot(*step))

    def gradient(at: Planes) -> Planes:
        total = np.zeros_like(at)
        for step, weights in zip(_DIRECTIONS, slack, strict=True):
            here, there = _apart(step, *at.shape[-2:])
            pull = weights * _difference(at, step)
            total[here] += pull
            total[there] -= pull
        return total

    return gradient


def _difference(still: Planes, step: tuple[int, int]) -> Planes:
    """Of pixels such a step apart, per pixel of distance."""
    here, there = _apart(step, *still.shape[-2:])
    return np.asarray((still[here] - still[there]) / math.hypot(*step), np.float32)


Slices = tuple[slice, slice, slice]


def _apart(step: tuple[int, int], height: int, width: int) -> tuple[Slices, Slices]:
    down, across = step
    here = (slice(None), slice(down, height), slice(max(across, 0), width + min(across, 0)))
    there = (
        slice(None),
        slice(0, height - down),
        slice(max(-across, 0), width - max(across, 0)),
    )
    return here, there


def _descended(still: Planes, matrix: Linear, wanted: Planes, steps: int) -> Planes:
    """So many steps of conjugate gradients."""
    rest = wanted - matrix(still)
    way, power = rest, _dot(rest, rest)
    first = power
    for _ in range(steps):
        if power <= _ENOUGH * first or not power > 0:
            break
        curved = matrix(way)
        length = np.float32(power / _dot(way, curved))
        still, rest = still + length * way, rest - length * curved
        after = _dot(rest, rest)
        way, power = rest + np.float32(after / power) * way, after
    return still


def _dot(one: Planes, other: Planes) -> float:
    return float((one * other).sum(dtype=np.float64))
