"""What a camera sees of a still."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from vsr.fusion.imaging import blurred, camera, looked_up


@pytest.mark.parametrize("width", [1, 2, 3, 4, 4.32, 5.5])
@pytest.mark.parametrize("blur", [0, 0.3, 1])
def test_light_is_kept_and_nothing_moves(width: float, blur: float) -> None:
    weights = camera(blur, width)
    places = torch.arange(len(weights)) - len(weights) // 2
    assert len(weights) % 2 == 1
    assert float(weights.sum()) == pytest.approx(1, abs=1e-6)
    assert float((weights * places).sum()) == pytest.approx(0, abs=1e-5)
    assert (weights >= 0).all()


def test_an_area_and_a_lens_add_up() -> None:
    """Their variances do, as of any two that follow each other."""
    for width, blur in ((4, 0.5), (6, 0.8)):
        weights = camera(blur, width).double()
        places = torch.arange(len(weights)) - len(weights) // 2
        spread = float((weights * places**2).sum())
        assert spread == pytest.approx(width**2 / 12 + (blur * width) ** 2, rel=0.06)


def test_pixels_see_their_area() -> None:
    """Where a pixel of the camera is four of the still's, it sees the mean of sixteen."""
    random = np.random.default_rng(1)
    still = cv2.GaussianBlur(random.random((32, 40)).astype(np.float32), (0, 0), 2)
    small = cv2.resize(still, (10, 8), interpolation=cv2.INTER_AREA)
    x, y = np.meshgrid(np.arange(10) * 4 + 1.5, np.arange(8) * 4 + 1.5)
    places = torch.from_numpy(np.column_stack([x.ravel(), y.ravel()])).float()
    seen = looked_up(blurred(torch.from_numpy(still)[None, None], 0, 4), places)[0].view(8, 10)
    inside = (slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(seen.numpy()[inside], small[inside], atol=0.01)
