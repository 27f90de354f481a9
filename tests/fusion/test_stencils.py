"""Samples summed on the still's grid are those samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vsr.fusion.imaging import back_through, camera, looked_up, through
from vsr.fusion.samples import Samples
from vsr.fusion.stencils import Corners, corners_of, splatted, stencils

HEIGHT, WIDTH, COUNT = 13, 17, 400


def some() -> tuple[Samples, Corners, np.ndarray, np.ndarray]:
    """Samples all over a still, to its very edges, with weights, and a still."""
    random = np.random.default_rng(3)
    places = random.random((COUNT, 2)) * [WIDTH - 1, HEIGHT - 1]
    places[:4] = [[0, 0], [WIDTH - 1, 0], [0, HEIGHT - 1], [WIDTH - 1, HEIGHT - 1]]
    samples = Samples(
        places=torch.from_numpy(places).float(),
        values=torch.from_numpy(random.random((2, COUNT))).float(),
        weights=torch.ones(COUNT),
        frames=torch.zeros(COUNT, dtype=torch.int64),
        kinds=torch.zeros(COUNT, dtype=torch.int64),
        widths=(4.0,),
        size=(HEIGHT, WIDTH),
        scale=4,
    )
    weights = random.random(COUNT).astype(np.float32)
    still = random.random((2, HEIGHT, WIDTH)).astype(np.float32)
    return samples, corners_of(samples, 0), weights, still


def test_the_squares_of_what_is_seen_are_the_still_times_the_matrix() -> None:
    samples, corners, weights, still = some()
    seen = looked_up(torch.from_numpy(still)[None], samples.places).numpy()
    expected = (weights * seen**2).sum(dtype=np.float64)
    found = (still * stencils(corners, weights)(still)).sum(dtype=np.float64)
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_matrix_is_what_is_seen_laid_back() -> None:
    samples, corners, weights, still = some()
    seen = looked_up(torch.from_numpy(still)[None], samples.places).numpy()
    laid = splatted(corners, weights, seen)
    np.testing.assert_allclose(stencils(corners, weights)(still), laid, atol=1e-4)


@pytest.mark.parametrize("blur", [0.0, 0.4, 1.0])
def test_the_way_back_through_a_lens_is_its_transpose(blur: float) -> None:
    random = np.random.default_rng(5)
    one, other = random.random((2, 3, HEIGHT, WIDTH)).astype(np.float32)
    kernel = camera(blur, 4.0).numpy()
    there = float((through(one, kernel) * other).sum(dtype=np.float64))
    back = float((one * back_through(other, kernel)).sum(dtype=np.float64))
    assert there == pytest.approx(back, rel=1e-5)
