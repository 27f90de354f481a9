"""A camera is told from its pictures: what was done to them is found, roughly."""

from __future__ import annotations

import numpy as np
import pytest
from support.clips import picture

from vsr.adaptation.degradation_estimate import Camera, estimate
from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Blur, Degradation, Noise, Resize
from vsr.model_selection.analyze import SourceAnalysis


def scene(frames: int = 2) -> np.ndarray:
    """Smooth areas and edges."""
    y, x = np.mgrid[0:320, 0:320]
    discs = np.zeros((320, 320))
    for n in range(6):
        centre = 40 + 48 * n
        discs[np.hypot(x - centre, y - (7 * n * n % 300)) < 30] = 70 + 10 * n
    return np.stack([(discs + 90).astype(np.uint8)] * frames)


def recorded(blur: float, noise: float) -> np.ndarray:
    steps = (Blur("isotropic", blur), Resize("bicubic"), Noise("gaussian", noise))
    return Degradation(steps).apply(scene(), 2, np.random.default_rng(0))


def found(blur: float, noise: float) -> Camera:
    footage = recorded(blur, noise)
    small = Degradation((Resize("bicubic"),)).apply(footage, 2, np.random.default_rng(0))
    return estimate([footage], [small], 2, None, np.random.default_rng(1))


def test_more_blur_is_found_to_be_more() -> None:
    blurs = [found(blur, 0.0).blur for blur in (0.1, 0.6, 1.0)]
    assert blurs == sorted(blurs)
    assert blurs[-1] > blurs[0] + 0.15


@pytest.mark.parametrize("noise", [0.0, 4.0, 10.0])
def test_noise_is_found(noise: float) -> None:
    camera = found(0.5, noise)
    assert camera.noise == pytest.approx(noise, rel=0.3, abs=0.4)
    assert camera.compression is None


def test_a_video_is_coded_by_its_codec() -> None:
    look = SourceAnalysis("h264", 0.1, 0.1, 30.0, 1.0, 0.5)
    clip = np.stack([picture(n, 128, 128) for n in range(4)])
    camera = estimate([clip], [clip], 2, look, np.random.default_rng(0))
    assert camera.compression is not None
    assert camera.compression.codec == "h264"
    assert 22 <= camera.compression.quality <= 38


def test_the_steps_are_those_of_training() -> None:
    coded = Compression("h264", 28)
    steps = Camera(0.4, 2.0, coded).degradation.steps
    assert steps == (Blur("isotropic", 0.4), Resize("bicubic"), Noise("gaussian", 2.0), coded)
    assert Camera(0.0, 0.0, None).degradation.steps == (Resize("bicubic"), Noise("gaussian", 0.0))


def test_others_about_it_are_near_and_valid() -> None:
    random = np.random.default_rng(0)
    camera = Camera(0.4, 4.0, Compression("mpeg4", 2))
    drawn = [camera.about(random) for _ in range(30)]
    assert len({one.blur for one in drawn}) > 5
    assert all(0.3 <= one.blur <= 0.5 and 3 <= one.noise <= 5 for one in drawn)
    qualities = {one.compression.quality for one in drawn if one.compression}
    assert qualities == {1, 2, 3, 4}


def test_what_is_in_doubt_is_the_blur() -> None:
    assert [one.blur for one in Camera(0.6, 1.0, None).doubtful] == [0.35, 0.6, 0.85]
    assert [one.blur for one in Camera(0.1, 1.0, None).doubtful] == [0.0, 0.1, 0.35]
