"""All samples as weights between neighbours of the still: a step then costs the same for any many.

A sample is seen between four of the still's pixels, bilinearly. The sum of the squared errors of
all samples is a quadratic form whose matrix holds, for each pixel, nine numbers, itself and its
neighbours; as the matrix is symmetric, five of them are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vsr.fusion.samples import Samples

Planes = NDArray[np.float32]

_PAIRS = (  # from a pixel to a neighbour (down, across), and the corners of a sample that are so
    ((0, 0), ((0, 0), (1, 1), (2, 2), (3, 3))),
    ((0, 1), ((0, 1), (2, 3))),
    ((1, 0), ((0, 2), (1, 3))),
    ((1, 1), ((0, 3),)),
    ((1, -1), ((1, 2),)),
)
_CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))  # down and across from the first


@dataclass(frozen=True)
class Corners:
    """Where samples of a kind are seen.

    Attributes:
        which: (n,) their places in the list of samples.
        first: (n,) the pixel above and to the left of each, counted along the rows.
        shares: (4, n) of the pixels at _CORNERS.
        size: the still's rows and columns.
    """

    which: NDArray[np.int64]
    first: NDArray[np.int64]
    shares: Planes
    size: tuple[int, int]


def corners_of(samples: Samples, kind: int) -> Corners:
    """Of one of the samples' `widths`."""
    height, width = samples.size
    which = (samples.kinds == kind).nonzero()[:, 0].numpy()
    x, y = samples.places.numpy()[which].T
    left = np.clip(np.floor(x), 0, width - 2)
    top = np.clip(np.floor(y), 0, height - 2)
    right, below = np.clip(x - left, 0, 1), np.clip(y - top, 0, 1)
    shares = [(1 - below) * (1 - right), (1 - below) * right, below * (1 - right), below * right]
    first = (top * width + left).astype(np.int64)
    return Corners(which, first, np.stack(shares).astype(np.float32), (height, width))


@dataclass(frozen=True)
class Stencils:
    """The matrix, as (H, W) for each neighbour of _PAIRS."""

    planes: tuple[Planes, ...]

    def __call__(self, still: Planes) -> Planes:
        """The matrix times a still (C, H, W)."""
        found = self.planes[0] * still
        for (offset, _), plane in zip(_PAIRS[1:], self.planes[1:], strict=True):
            here, there = _views(offset, *still.shape[-2:])
            weights = plane[here[1:]]
            found[here] += weights * still[there]
            found[there] += weights * still[here]
        return np.asarray(found, np.float32)


def stencils(corners: Corners, weights: Planes) -> Stencils:
    """Of samples that count so much, (n,)."""
    planes = []
    for offset, pairs in _PAIRS:
        plane = np.zeros(corners.size, np.float32)
        for one, other in pairs:
            # kept at the pixel that the neighbour is counted from
            at = _at(corners, one)
            product = weights * corners.shares[one] * corners.shares[other]
            plane += _summed(at, product, corners.size)
        planes.append(plane)
        assert offset == _offset(*pairs[0])
    return Stencils(tuple(planes))


def splatted(corners: Corners, weights: Planes, values: Planes) -> Planes:
    """Values (C, n) by their weights (n,), onto the pixels they are seen between: (C, H, W)."""
    found = np.zeros((len(values), *corners.size), np.float32)
    for corner, share in enumerate(corners.shares):
        at, counted = _at(corners, corner), weights * share
        for channel, row in enumerate(values):
            found[channel] += _summed(at, counted * row, corners.size)
    return found


def _at(corners: Corners, corner: int) -> NDArray[np.int64]:
    down, across = _CORNERS[corner]
    return corners.first + down * corners.size[1] + across


def _summed(at: NDArray[np.int64], amounts: Planes, size: tuple[int, int]) -> Planes:
    total = np.bincount(at, amounts, size[0] * size[1])
    return total.reshape(size).astype(np.float32)


def _offset(one: int, other: int) -> tuple[int, int]:
    (y, x), (down, across) = _CORNERS[one], _CORNERS[other]
    return down - y, across - x


Slices = tuple[slice, slice, slice]


def _views(offset: tuple[int, int], height: int, width: int) -> tuple[Slices, Slices]:
    """All pixels that have such a neighbour, and these neighbours."""
    down, across = offset
    here = (slice(None), slice(0, height - down), slice(max(0, -across), width - max(0, across)))
    there = (slice(None), slice(down, height), slice(max(0, across), width + min(0, across)))
    return here, there
