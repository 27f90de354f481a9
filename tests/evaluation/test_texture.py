"""Texture distance: the pyramid loses nothing, and textures are compared, not pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vsr.evaluation import texture as module
from vsr.evaluation.metrics import psnr
from vsr.evaluation.texture import LEAST_SIDE, texture_distance

Plane = NDArray[np.uint8]


def grain(seed: int, sigma: float = 0.0, height: int = 96, width: int = 128) -> Plane:
    """Noise of one strength, blurred or not: a texture of one grain."""
    plane = np.random.default_rng(seed).normal(0, 1, (height, width))
    if sigma:
        plane = cv2.GaussianBlur(plane, (0, 0), sigma)
    return rounded(128 + 25 * plane / plane.std())


def rounded(plane: NDArray[np.floating]) -> Plane:
    return plane.round().clip(0, 255).astype(np.uint8)


def test_equal_pictures_are_no_distance_apart() -> None:
    assert texture_distance(grain(1), grain(1)) == pytest.approx(0, abs=1e-9)
    grey = np.full((LEAST_SIDE, LEAST_SIDE), 90, np.uint8)
    assert texture_distance(grey, grey) == pytest.approx(0, abs=1e-9)


def test_either_may_come_first() -> None:
    one, other = grain(1), grain(2, 1.0)
    distance = texture_distance(one, other)
    assert 0 < distance < 1
    assert texture_distance(other, one) == pytest.approx(distance)


def test_another_piece_of_a_texture_is_nearer_than_its_blur() -> None:
    """As eyes have it; PSNR has it the other way round."""
    truth, other = grain(1, 0.8), grain(2, 0.8)
    blurred = cv2.GaussianBlur(truth, (0, 0), 1.5)
    assert psnr(blurred, truth) > psnr(other, truth) + 2
    assert texture_distance(other, truth) < texture_distance(blurred, truth) / 2


@pytest.mark.parametrize(
    "change",
    [
        lambda plane, much: cv2.GaussianBlur(plane, (0, 0), 0.4 + 0.6 * much),
        lambda plane, much: rounded(
            plane + np.random.default_rng(9).normal(0, 9 * much, plane.shape)
        ),
        lambda plane, much: rounded(128 + (plane - 128.0) * (1 - 0.3 * much)),
    ],
    ids=["blur", "noise", "fading"],
)
def test_more_of_a_fault_is_further_away(change) -> None:  # type: ignore[no-untyped-def]
    truth = grain(3, 1.2)
    little, more, much = (texture_distance(change(truth, n), truth) for n in (1, 2, 3))
    assert 0.001 < little < more < much


def test_direction_and_grain_count() -> None:
    """Textures of equal strength: turned a quarter, and twice as coarse."""
    plane = np.random.default_rng(4).normal(0, 1, (128, 128))
    lines = cv2.GaussianBlur(plane, (0, 0), sigmaX=4, sigmaY=0.5)
    stripes = rounded(128 + 25 * lines / lines.std())
    assert texture_distance(stripes.T.copy(), stripes) > 0.15
    assert texture_distance(grain(1, 1.0), grain(2, 2.0)) > 2 * texture_distance(
        grain(1, 1.0), grain(2, 1.0)
    )


@pytest.mark.parametrize("height", [64, 71, 96])
def test_the_pyramid_keeps_all_power(monkeypatch: pytest.MonkeyPatch, height: int) -> None:
    """Of any frequency: the squares of all masks, halved for half planes, add up to one."""
    rows, columns = (np.fft.fftfreq(n) * 2 * np.pi for n in (height, 88))
    radius, angle = np.hypot(rows[:, None], columns), np.arctan2(rows[:, None], columns)
    power = module._above(radius, np.pi) ** 2
    low = module._below(radius, np.pi)
    for scale in range(3):
        edge = np.pi / 2 ** (scale + 1)
        fans = sum(
            module._fan(angle, d) ** 2 + module._fan(angle + np.pi, d) ** 2 for d in range(4)
        )
        power = power + (low * module._above(radius, edge)) ** 2 * fans / 4
        low = low * module._below(radius, edge)
    np.testing.assert_allclose(power + low**2, 1, atol=1e-9)


def test_bands_of_a_plane() -> None:
    bands = list(module._bands(grain(1, height=70, width=96)))
    assert [band.shape for band in bands] == [
        (70, 96),
        *[(70, 96)] * 4,
        *[(35, 48)] * 4,
        *[(18, 24)] * 4,
        (9, 12),
    ]


def test_a_wave_is_in_the_band_of_its_direction_and_scale() -> None:
    x = np.arange(128)
    wave = rounded(128 + 60 * np.cos(x * np.pi / 4)[None].repeat(96, 0))  # eight pixels long
    bands = list(module._bands(wave))
    energy = [float(np.mean(np.abs(band) ** 2)) for band in bands[1:-1]]
    assert int(np.argmax(energy)) == 4  # the second scale's first direction
    assert energy[5] == pytest.approx(energy[4] / 8)  # at 45 degrees the cosine's sixth power
    assert energy[6] == pytest.approx(0, abs=1e-6)
    strength = np.abs(bands[5])
    assert strength.std() < 0.05 * strength.mean()  # complex: it has no phase


def test_the_border_is_left_out() -> None:
    truth = grain(1)
    spoilt = truth.copy()
    spoilt[:4], spoilt[:, -4:] = 0, 255
    assert texture_distance(spoilt, truth, 4) == pytest.approx(0, abs=1e-9)
    assert texture_distance(spoilt, truth) > 0.01


def test_what_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shapes"):
        texture_distance(grain(1), grain(1)[:-1])
    small = grain(1, height=LEAST_SIDE + 7, width=96)
    with pytest.raises(ValueError, match="96x71 pixels with a border of 4: at least 64"):
        texture_distance(small, small, 4)
