"""Texture distance: how far the texture of a picture is from that of the true one.

After STSIM, the structural texture similarity of Zhao, Reyes, Pappas & Neuhoff 2008 (ICIP) and
Zujovic, Pappas & Neuhoff 2013, "Structural Texture Similarity Metrics for Image Analysis and
Retrieval" (IEEE Transactions on Image Processing 22). Both pictures are split by a steerable
pyramid of three scales and four directions, as in Portilla & Simoncelli 2000, "A Parametric Texture
Model Based on Joint Statistics of Complex Wavelet Coefficients", section 2.1; in windows of 7x7 of
each band, means, variances and the correlation of neighbours are compared, not the coefficients.
So detail of the right strength, direction and grain counts though no pixel of it is right: what
PSNR punishes most.

Nothing of it is learnt: it knows nothing of the features that networks are trained on.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.datasets.ground_truth import Plane

LEAST_SIDE = 64
"""Pixels inside the border: the coarsest band, of an eighth of them, must hold a window."""

_SCALES, _DIRECTIONS = 3, 4
_WINDOW = 7  # coefficients of a band, as in the papers
_EDGE = 32  # pixels mirrored at each edge, as Fourier's transform takes pictures for tiles
_UNSEEN = 1.0  # squared sample values: what is weaker than that is not compared

_Complex = NDArray[np.complex128]
_Real = NDArray[np.float64]


def texture_distance(picture: Plane, truth: Plane, border: int = 0) -> float:
    """How far the texture of (H, W) uint8 planes is apart, in 0..1; 0 when they are equal.

    One minus the mean of STSIM over windows, then over bands. `border` pixels on each side are
    left out. Raises ValueError for planes of two sizes, or with less than LEAST_SIDE pixels a
    side inside the border.
    """
    if picture.shape != truth.shape or picture.ndim != 2:
        raise ValueError(f"cannot compare planes of shapes {picture.shape} and {truth.shape}")
    height, width = picture.shape
    if min(height, width) - 2 * border < LEAST_SIDE:
        raise ValueError(
            f"{width}x{height} pixels with a border of {border}: at least {LEAST_SIDE} must remain"
        )
    inside = (slice(border, height - border), slice(border, width - border))
    pairs = zip(_bands(picture[inside]), _bands(truth[inside]), strict=True)
    return 1 - float(np.mean([_similarity(one, other).mean() for one, other in pairs]))


def _bands(plane: Plane) -> Iterator[_Complex]:
    """The bands of a plane: the finest, four directions of each scale, and the coarsest.

    A direction's is complex, its real part the band itself. Each is sampled as coarsely as its
    scale allows.
    """
    pads = [(_EDGE, _EDGE + -length % 2**_SCALES) for length in plane.shape]
    padded = np.pad(plane.astype(np.float64), pads, "reflect")
    spectrum = np.fft.fft2(padded)
    rows, columns = (np.fft.fftfreq(side) * 2 * np.pi for side in padded.shape)
    radius = np.hypot(rows[:, None], columns)
    angle = np.arctan2(rows[:, None], columns)

    def band(mask: _Real, step: int) -> _Complex:
        whole: _Complex = np.fft.ifft2(spectrum * mask)
        height, width = plane.shape
        return whole[_EDGE : _EDGE + height : step, _EDGE : _EDGE + width : step]

    yield band(_above(radius, np.pi), 1)
    low = _below(radius, np.pi)
    for scale in range(_SCALES):
        edge = np.pi / 2 ** (scale + 1)
        ring = low * _above(radius, edge)
        for direction in range(_DIRECTIONS):
            yield band(ring * _fan(angle, direction), 2**scale)
        low = low * _below(radius, edge)
    yield band(low, 2**_SCALES)


def _above(radius: _Real, edge: float) -> _Real:
    """What passes from an octave below `edge` on, wholly from `edge`; with _below, all power."""
    octaves = np.log2(np.maximum(radius, 1e-9) / edge).clip(-1, 0)
    passed: _Real = np.cos(np.pi / 2 * octaves)
    return passed


def _below(radius: _Real, edge: float) -> _Real:
    return np.sqrt(np.maximum(0, 1 - _above(radius, edge) ** 2))


def _fan(angle: _Real, direction: int) -> _Real:
    """One direction's half plane: twice, as the other half is left out."""
    turned = np.cos(angle - np.pi * direction / _DIRECTIONS)
    fan: _Real = 2 * np.sqrt(4 / 5) * np.maximum(turned, 0) ** (_DIRECTIONS - 1)
    return fan


def _similarity(one: _Complex, other: _Complex) -> _Real:
    """STSIM of two bands in each window: the fourth root of the product of four terms in 0..1."""
    found = [_statistics(band) for band in (one, other)]
    (mean_a, variance_a, beside_a, under_a), (mean_b, variance_b, beside_b, under_b) = found
    product = _alike(np.abs(mean_a), np.abs(mean_b))
    product *= _alike(np.sqrt(variance_a), np.sqrt(variance_b))
    product *= 1 - 0.5 * np.abs(beside_a - beside_b)
    product *= 1 - 0.5 * np.abs(under_a - under_b)
    root: _Real = product.clip(0, 1) ** 0.25
    return root


def _alike(a: _Real, b: _Real) -> _Real:
    alike: _Real = (2 * a * b + _UNSEEN) / (a * a + b * b + _UNSEEN)
    return alike


def _statistics(band: _Complex) -> tuple[_Complex, _Real, _Complex, _Complex]:
    """In each window: mean, variance, and how neighbours beside and under each other correlate."""
    here, beside, under = band[:-1, :-1], band[:-1, 1:], band[1:, :-1]
    mean = _windowed(here)
    variance = np.maximum(0, _windowed(np.abs(here) ** 2 + 0j).real - np.abs(mean) ** 2)
    correlations = (
        (_windowed(here * near.conj()) - mean * _windowed(near).conj()) / (variance + _UNSEEN)
        for near in (beside, under)
    )
    return mean, variance, next(correlations), next(correlations)


def _windowed(values: _Complex) -> _Complex:
    """The mean over each window that lies inside."""
    parts = (
        np.asarray(cv2.blur(np.ascontiguousarray(part), (_WINDOW, _WINDOW)), np.float64)
        for part in (values.real, values.imag)
    )
    beyond = _WINDOW // 2
    whole: _Complex = next(parts) + 1j * next(parts)
    return whole[beyond:-beyond, beyond:-beyond]
