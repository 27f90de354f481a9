"""What is learnt from: the footage, and its smaller pictures as the camera would make them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.clips import picture

from vsr.adaptation.bursts import LEAST, Burst
from vsr.adaptation.degradation_estimate import Camera
from vsr.adaptation.pseudo_pairs import CameraPairs, recordings, smallest, truth
from vsr.degradation.compression import Compression

CAMERA = Camera(0.4, 1.0, Compression("h264", 30))


def clip(width: int, height: int, frames: int = 3) -> np.ndarray:
    return np.stack([picture(n, width, height) for n in range(frames)])


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        (2, (48, 49)),
        (2, (320, 180)),
        (3, (72, 75)),
        (3, (97, 130)),
        (4, (97, 130)),
        (4, (320, 180)),
    ],
)
def test_truths_have_enough_pixels_and_divide(scale: int, size: tuple[int, int]) -> None:
    frames = clip(*size, frames=1)
    factor = smallest(frames, scale)
    assert 0.5 <= factor <= 1
    made = truth(frames, factor, scale)
    assert min(made.shape[1:]) >= LEAST * scale
    assert made.shape[1] % scale == made.shape[2] % scale == 0


@pytest.mark.parametrize("color", ["y", "rgb"])
def test_windows_fit_their_truth(color: str) -> None:
    frames = clip(160, 120)
    if color == "rgb":
        frames = np.stack([frames, 255 - frames, frames], -1)
    made = tuple(recordings([Burst(frames, Path("a"), False)], CAMERA, 2, np.random.default_rng(0)))
    assert len({one.large.shape for one in made}) == 2
    for one in made:
        assert [2 * side for side in one.small.shape[1:3]] == [*one.large.shape[1:3]]
    assert len({str(one.degradation) for one in made}) == len(made)
    context = 1 if color == "y" else 0
    batch = CameraPairs(made, 2, context).sample(4, 24, np.random.default_rng(1))
    assert batch.small.shape == (4, 3, 24, 24)
    assert batch.large.shape == (4, 1 if color == "y" else 3, 48, 48)
    middle = batch.small[:, 1:2] if color == "y" else batch.small
    error = middle - batch.large.unflatten(2, (24, 2)).unflatten(4, (24, 2)).mean((3, 5))
    assert error.abs().mean() < 0.08


def test_a_still_stands_for_its_neighbours() -> None:
    made = recordings(
        [Burst(clip(120, 120, 1), Path("a"), False)], CAMERA, 2, np.random.default_rng(0)
    )
    batch = CameraPairs(tuple(made), 2, 1).sample(2, 24, np.random.default_rng(1))
    assert (batch.small[:, 0] == batch.small[:, 2]).all()
