"""Crispness falls with blur, and with nothing else that a camera does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vsr.adaptation.sharpness import crispness


def edges(width: float, contrast: float = 80) -> np.ndarray:
    """Smooth steps at all angles: a disc, under a Gaussian."""
    y, x = np.mgrid[0:480, 0:480]
    disc = np.where(np.hypot(x - 240, y - 240) < 150, 128 + contrast / 2, 128 - contrast / 2)
    large = cv2.GaussianBlur(disc, (0, 0), 4 * width)
    small = cv2.resize(large, (120, 120), interpolation=cv2.INTER_AREA)
    return small.round().astype(np.uint8)


def of(plane: np.ndarray) -> float:
    found = crispness([plane])
    assert found is not None
    return found


def test_it_is_what_the_paper_says_of_steps() -> None:
    for width in (0.8, 1.2, 2.0):
        pixel = 1 / 12  # the variance of a pixel's own width
        squares = [width**2 + pixel + 0.25 + deviation**2 for deviation in (0.8, 1.6)]
        assert of(edges(width)) == pytest.approx((squares[1] / squares[0]) ** 0.5, rel=0.06)


def test_crispness_falls_with_blur() -> None:
    found = [of(edges(width)) for width in (0.3, 0.6, 0.9, 1.2)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.2


def test_contrast_and_a_little_noise_change_little() -> None:
    plain = of(edges(0.6))
    assert of(edges(0.6, contrast=160)) == pytest.approx(plain, rel=0.03)
    noise = np.random.default_rng(0).normal(0, 2, (120, 120))
    noisy = (edges(0.6) + noise).round().clip(0, 255).astype(np.uint8)
    assert of(noisy) == pytest.approx(plain, rel=0.05)


def test_pictures_without_edges_have_none() -> None:
    assert crispness([]) is None
    assert crispness([np.full((40, 40), 128, np.uint8)]) is None
