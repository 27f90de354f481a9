"""PSNR, SSIM and dtSSD by their definitions; blocks as real encoders leave them."""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from support.natural_picture import natural

from vsr.core.blockiness import blockiness
from vsr.degradation.compression import Compression
from vsr.evaluation.metrics import dtssd, mse, psnr, ssim


def planes(height: int = 24, width: int = 31) -> tuple[np.ndarray, np.ndarray]:
    """Two unlike planes with smooth and rough places."""
    random = np.random.default_rng(3)
    truth = np.cumsum(random.integers(-9, 10, (height, width)), 1).clip(-99, 99) + 120
    picture = (truth + random.normal(0, 6, truth.shape)).clip(0, 255)
    return picture.astype(np.uint8), truth.astype(np.uint8)


def direct_ssim(picture: np.ndarray, truth: np.ndarray) -> float:
    """Equations 13 to 17 of Wang et al. 2004, one window at a time."""
    x = np.arange(11) - 5
    line = np.exp(-(x**2) / (2 * 1.5**2))
    weight = np.outer(line, line) / np.outer(line, line).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    a, b = (sliding_window_view(p.astype(float), (11, 11)) for p in (picture, truth))
    for p, q in zip(a.reshape(-1, 11, 11), b.reshape(-1, 11, 11), strict=True):
        mp, mq = (weight * p).sum(), (weight * q).sum()
        vp, vq = (weight * (p - mp) ** 2).sum(), (weight * (q - mq) ** 2).sum()
        both = (weight * (p - mp) * (q - mq)).sum()
        top = (2 * mp * mq + c1) * (2 * both + c2)
        values.append(top / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return float(np.mean(values))


def test_psnr_by_definition() -> None:
    truth = np.full((8, 8), 100, np.uint8)
    assert psnr(truth, truth) == math.inf
    assert psnr(truth + np.uint8(5), truth) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(np.full((8, 8), 255, np.uint8), np.zeros((8, 8), np.uint8)) == pytest.approx(0)
    one_wrong = truth.copy()
    one_wrong[3, 4] += 16
    assert psnr(one_wrong, truth) == pytest.approx(10 * math.log10(255**2 / (16**2 / 64)))


def test_psnr_is_symmetric_and_does_not_wrap() -> None:
    low, high = np.full((4, 4), 3, np.uint8), np.full((4, 4), 250, np.uint8)
    assert psnr(low, high) == psnr(high, low) == pytest.approx(20 * math.log10(255 / 247))


def test_ssim_by_definition() -> None:
    picture, truth = planes()
    assert ssim(picture, truth) == pytest.approx(direct_ssim(picture, truth), abs=1e-9)
    assert ssim(picture, truth, 4) == pytest.approx(
        direct_ssim(picture[4:-4, 4:-4], truth[4:-4, 4:-4]), abs=1e-9
    )


def test_ssim_identities() -> None:
    picture, truth = planes()
    assert ssim(picture, picture) == pytest.approx(1, abs=1e-12)
    assert ssim(picture, truth) == pytest.approx(ssim(truth, picture), abs=1e-12)
    black = np.zeros((16, 16), np.uint8)
    assert ssim(black, black) == 1  # no epsilon in the way
    assert ssim(truth, 255 - truth) < 0


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_the_border_does_not_count(metric: object) -> None:
    assert callable(metric)
    picture, truth = planes()
    spoilt = picture.copy()
    spoilt[:3], spoilt[-3:], spoilt[:, :3], spoilt[:, -3:] = 0, 255, 255, 0
    assert metric(spoilt, truth, 3) == metric(picture, truth, 3)
    assert metric(spoilt, truth, 2) != metric(picture, truth, 2)


def test_dtssd_by_definition() -> None:
    random = np.random.default_rng(5)
    p1, p2, t1, t2 = random.integers(0, 256, (4, 9, 12), dtype=np.uint8)
    wrong = (p2.astype(int) - p1) - (t2.astype(int) - t1)
    assert dtssd((p1, p2), (t1, t2)) == pytest.approx(math.sqrt((wrong**2).mean()))
    inner = wrong[2:-2, 2:-2]
    assert dtssd((p1, p2), (t1, t2), 2) == pytest.approx(math.sqrt((inner**2).mean()))


def test_dtssd_is_of_the_change_alone() -> None:
    picture, truth = planes()
    assert dtssd((truth, picture), (truth, picture)) == 0
    assert dtssd((picture, picture), (truth, truth)) == 0
    brighter = np.minimum(truth, 245) + np.uint8(10)
    darker = brighter - np.uint8(10)
    assert dtssd((darker, brighter), (darker, darker)) == 10  # flicker
    assert dtssd((brighter, brighter), (darker, darker)) == 0  # an error that stays


def test_planes_that_cannot_be_compared() -> None:
    plane = np.zeros((12, 12), np.uint8)
    with pytest.raises(ValueError, match="shapes"):
        psnr(plane, plane[:1])
    with pytest.raises(ValueError, match="at least 1 must remain"):
        psnr(plane, plane, 6)
    with pytest.raises(ValueError, match="shapes"):
        dtssd((plane, plane), (plane, plane[:1]))
    with pytest.raises(ValueError, match="12x12 pixels with a border of 1: at least 11"):
        ssim(plane, plane, 1)


# Blocks


def jpeg(plane: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", plane, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def enlarged(plane: np.ndarray, factor: int) -> np.ndarray:
    large = cv2.resize(plane, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)


def noisy(sigma: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, sigma, (256, 320))
    return (natural() + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_no_blocks_where_there_are_none(step: int) -> None:
    for plane in (natural(1), natural(2), noisy(3), noisy(40), jpeg(natural(), 100)):
        assert blockiness(enlarged(plane, step), 8 * step) == pytest.approx(1, abs=0.05)
    assert blockiness(np.full((32 * step, 40 * step), 90, np.uint8), 8 * step) == 1


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_blocks_by_the_quality_of_jpeg(step: int) -> None:
    found = [
        blockiness(enlarged(jpeg(natural(), quality), step), 8 * step)
        for quality in (90, 75, 60, 40, 25, 12)
    ]
    assert found == sorted(found)
    assert found[0] > 1.02
    assert found[-1] > 1.7
    assert min(b - a for a, b in pairwise(found)) > 0.03


@pytest.mark.parametrize(
    ("codec", "qualities", "most"),
    [("mjpeg", (3, 8, 16, 31), 2.0), ("mpeg4", (3, 8, 16, 31), 1.8), ("h264", (15, 30, 45), 1.15)],
)
def test_blocks_by_the_quality_of_video(
    codec: str, qualities: tuple[int, ...], most: float
) -> None:
    """H.264 smoothes the edges of its blocks: few are left to find."""
    frames = np.stack([np.roll(natural(), 2 * n, axis=1) for n in range(3)])
    found = [
        float(np.mean([blockiness(f) for f in Compression(codec, quality).through(frames)]))
        for quality in qualities
    ]
    assert found == sorted(found)
    assert found[-1] > most


def test_blocks_are_found_wherever_the_grid_lies() -> None:
    plane = jpeg(natural(), 20)
    for top, left in ((0, 1), (3, 5), (7, 4)):
        assert blockiness(plane[top:, left:]) == pytest.approx(blockiness(plane), abs=0.05)
    large = enlarged(plane, 4)
    assert blockiness(large[5:, 18:], 32) == pytest.approx(blockiness(large, 32), abs=0.05)
    assert blockiness(plane.T) == pytest.approx(blockiness(plane))
    assert blockiness(plane[::-1, ::-1]) == pytest.approx(blockiness(plane), abs=0.05)


def test_blocks_do_not_depend_on_brightness() -> None:
    plane = (jpeg(natural(), 20) // 2).astype(np.uint8)
    assert blockiness(plane) > 1.4
    assert blockiness(plane + np.uint8(100)) == blockiness(plane)
    assert blockiness(255 - plane) == pytest.approx(blockiness(plane))


def test_edges_of_things_are_no_blocks() -> None:
    plane = natural()
    plane[:, :40], plane[:, -40:], plane[:24], plane[-24:] = 0, 0, 0, 0  # bars, on the grid
    plane[:, 104:107] = 255  # a pole
    plane[80:82] = 20
    assert blockiness(plane) == pytest.approx(1, abs=0.05)


def test_nothing_but_blocks() -> None:
    """All change is at the edges of one grid."""
    tiles = np.random.default_rng(2).integers(0, 256, (16, 20)).astype(np.uint8)
    assert blockiness(tiles.repeat(8, 0).repeat(8, 1)) > 6
    assert blockiness(tiles.repeat(16, 0).repeat(16, 1), 16) > 4


@pytest.mark.parametrize("period", [0, 4, 12, -8])
def test_blocks_of_other_sizes_are_refused(period: int) -> None:
    with pytest.raises(ValueError, match=f"blocks of {period} pixels: must be a multiple of 8"):
        blockiness(natural(), period)


@pytest.mark.parametrize("period", [8, 32])
def test_pictures_too_small_for_blocks(period: int) -> None:
    least = 4 * period
    assert blockiness(np.zeros((least, least), np.uint8), period) == 1
    with pytest.raises(ValueError, match=f"{least - 1}x{least} pixels are too few"):
        blockiness(np.zeros((least, least - 1), np.uint8), period)


def test_psnr_is_the_logarithm_of_the_mean_squared_error() -> None:
    truth = np.full((12, 10), 100, np.uint8)
    picture = truth.copy()
    picture[2:, :5] += 3  # half of what is inside the border, but for nothing
    assert mse(picture, truth) == 9 * 50 / 120
    assert mse(picture, truth, 2) == 9 / 2
    assert psnr(picture, truth, 2) == pytest.approx(10 * math.log10(255**2 / 4.5))
    assert mse(truth, truth) == 0
