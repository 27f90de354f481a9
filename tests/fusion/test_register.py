"""A region is laid upon a frame to parts of a pixel, whatever the light and what hides a part."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vsr.fusion.placement import MOTIONS, moved, shift
from vsr.fusion.register import registered

WIDTH, HEIGHT = 48, 24
ENDS = np.array([[0, 0], [WIDTH - 1, 0], [WIDTH - 1, HEIGHT - 1], [0, HEIGHT - 1]], float)


def picture() -> np.ndarray:
    random = np.random.default_rng(2)
    coarse = random.random((16, 24)).astype(np.float32)
    return cv2.resize(coarse, (96, 64), interpolation=cv2.INTER_CUBIC)


def placed(motion: str) -> np.ndarray:
    """Where the region lies, for each kind of motion."""
    centre = shift((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    change = np.eye(3)
    if motion == "euclidean":
        cosine, sine = np.cos(0.03), np.sin(0.03)
        change[:2, :2] = [[cosine, -sine], [sine, cosine]]
    if motion in ("affine", "homography"):
        change[:2, :2] += [[0.03, 0.02], [-0.01, 0.04]]
    if motion == "homography":
        change[2, :2] = [8e-4, -6e-4]
    return shift(20.37, 18.21) @ centre @ change @ np.linalg.inv(centre)


def region_at(luma: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(luma, matrix, (WIDTH, HEIGHT), flags=flags), np.float32)


def off(found: np.ndarray, matrix: np.ndarray) -> float:
    """By how many pixels a corner is off at most."""
    return float(np.abs(moved(found, ENDS) - moved(matrix, ENDS)).max())


@pytest.mark.parametrize("motion", MOTIONS)
def test_each_motion_is_found(motion: str) -> None:
    luma, matrix = picture(), placed(motion)
    found, likeness = registered(region_at(luma, matrix), luma, shift(20, 18), motion)
    assert off(found, matrix) < 0.1
    assert likeness > 0.999


@pytest.mark.parametrize("motion", MOTIONS)
def test_again_and_again_it_stays(motion: str) -> None:
    """Noise makes no region creep larger or smaller."""
    luma, matrix = picture(), placed(motion)
    noise = np.random.default_rng(4).normal(0, 0.02, luma.shape).astype(np.float32)
    region, noisy = region_at(luma, matrix), luma + noise
    first, _ = registered(region, noisy, matrix, motion)
    found = first
    for _ in range(5):
        found, _ = registered(region, noisy, found, motion)
    assert off(found, first) < 0.02


def test_light_changes_nothing() -> None:
    luma, matrix = picture(), placed("affine")
    region = region_at(luma, matrix)
    plain, _ = registered(region, luma, shift(20, 18), "affine")
    darker, _ = registered(region, 0.7 * luma + 0.1, shift(20, 18), "affine")
    assert off(plain, darker) < 0.01


def test_what_hides_a_quarter_pulls_at_nothing() -> None:
    luma, matrix = picture(), placed("translation")
    region = region_at(luma, matrix)
    luma[:, 20:32] = 0.9
    found, _ = registered(region, luma, shift(20, 18), "translation")
    assert off(found, matrix) < 0.1


def test_where_there_is_no_detail_nothing_tells() -> None:
    with pytest.raises(ValueError, match="no detail"):
        registered(np.full((16, 16), 0.5, np.float32), picture(), shift(20, 18), "affine")
