"""Picture quality as the super-resolution literature measures it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.datasets.ground_truth import Plane

SSIM_WINDOW = 11  # pixels


def psnr(picture: Plane, truth: Plane, border: int = 0) -> float:
    """Peak signal-to-noise ratio in dB of (H, W) uint8 planes; inf when they are equal.

    `border` pixels on each side are left out, `scale` of them in the papers' tables. Raises
    ValueError for planes of two sizes, or with nothing inside the border.
    """
    error = mse(picture, truth, border)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def mse(picture: Plane, truth: Plane, border: int = 0) -> float:
    """Mean squared error of (H, W) uint8 planes, in squared sample values of 0..255; 0 is equal.

    What `psnr` is the logarithm of. `border` and errors are those of `psnr`.
    """
    a, b = _inner(picture, truth, border, 1)
    return float(np.mean((a - b) ** 2))


def ssim(picture: Plane, truth: Plane, border: int = 0) -> float:
    """Mean structural similarity of (H, W) uint8 planes, in [-1, 1]; 1 when they are equal.

    As in Wang et al. 2004 and their ssim_index.m: a Gaussian window of 11x11 and sigma 1.5,
    K1 0.01, K2 0.03, L 255, only windows that lie inside the picture. `border` pixels on
    each side are left out first. Raises ValueError for planes of two sizes, or with less
    than a window inside the border.
    """
    a, b = _inner(picture, truth, border, SSIM_WINDOW)
    # In float64: the variances are small differences.
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = _windowed(a * a) - mean_a * mean_a
    variance_b = _windowed(b * b) - mean_b * mean_b
    covariance = _windowed(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a * mean_a + mean_b * mean_b + c1) * (variance_a + variance_b + c2)
    return float(np.mean(above / below))


def _windowed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted mean over each of SSIM's windows."""
    blurred = np.asarray(cv2.GaussianBlur(plane, (SSIM_WINDOW, SSIM_WINDOW), 1.5), np.float64)
    beyond = SSIM_WINDOW // 2
    return blurred[beyond:-beyond, beyond:-beyond]


def dtssd(pictures: tuple[Plane, Plane], truths: tuple[Plane, Plane], border: int = 0) -> float:
    """How wrongly a clip changes from one frame to the next, in sample values; 0 is perfect.

    dtSSD of Erofeev et al. 2015, "Perceptually Motivated Benchmark for Video Matting", for
    one step in time and per pixel, as Lin et al. 2021 (Robust Video Matting) take it: the
    root mean square of (P2 - P1) - (T2 - T1). An error that stays where it is costs nothing;
    one that comes or goes, flickers, or is carried along by the motion costs what it changes.

    `pictures` and `truths` are two frames in a row, (H, W) uint8 each. `border` pixels on
    each side are left out. Raises ValueError as `psnr` does.
    """
    first, second = (
        a - b for a, b in (_inner(p, t, border, 1) for p, t in zip(pictures, truths, strict=True))
    )
    return math.sqrt(float(np.mean((second - first) ** 2)))


def _inner(picture: Plane, truth: Plane, border: int, least: int) -> list[NDArray[np.float64]]:
    """Both planes without their borders, as (H, W) float64."""
    if picture.shape != truth.shape or picture.ndim != 2:
        raise ValueError(f"cannot compare planes of shapes {picture.shape} and {truth.shape}")
    height, width = picture.shape
    if min(height, width) - 2 * border < least:
        raise ValueError(
            f"{width}x{height} pixels with a border of {border}: at least {least} must remain"
        )
    inside = (slice(border, height - border), slice(border, width - border))
    return [plane[inside].astype(np.float64) for plane in (picture, truth)]
