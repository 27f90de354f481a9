"""Clips through real encoders and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.clips import picture

from vsr.core.errors import TrainingError
from vsr.degradation.compression import ENCODERS, Compression, as_frames, as_samples

Samples = NDArray[np.uint8]


def luma(count: int = 6, height: int = 72, width: int = 96) -> Samples:
    return np.stack([picture(n, width, height) for n in range(count)]).clip(16, 235)


def coloured(count: int = 3) -> Samples:
    """Colour that varies slowly, which 4:2:0 keeps."""
    y, x = np.mgrid[0:72, 0:96]
    channels = [80 + x, 60 + y, 200 - x // 2 - y // 2]
    return np.stack([np.stack(channels, -1) + n for n in range(count)]).astype(np.uint8)


def error(one: Samples, other: Samples) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("frames", [luma(), coloured()], ids=["luma", "rgb"])
def test_shape_and_brightness_stay(codec: str, frames: Samples) -> None:
    found = Compression(codec, 3, "ultrafast").through(frames)
    assert found.shape == frames.shape
    assert found.dtype == np.uint8
    assert error(found, frames) < 4
    assert abs(found.astype(float).mean() - frames.mean()) < 0.5  # no range was mistaken


@pytest.mark.parametrize("codec", ENCODERS)
def test_lower_quality_means_larger_errors(codec: str) -> None:
    frames = luma()
    errors = [error(Compression(codec, q, "veryfast").through(frames), frames) for q in (3, 12, 28)]
    assert errors == sorted(errors)
    assert errors[-1] > 1.5 * errors[0]


@pytest.mark.parametrize("codec", ENCODERS)
def test_the_same_clip_becomes_the_same(codec: str) -> None:
    frames, compression = luma(), Compression(codec, 20, "medium")
    assert np.array_equal(compression.through(frames), compression.through(frames))


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("size", [(1, 1), (7, 90), (65, 67)])
def test_pictures_of_any_size_are_compressed(codec: str, size: tuple[int, int]) -> None:
    frames = np.full((2, *size), 100, np.uint8)
    found = Compression(codec, 5, "ultrafast").through(frames)
    assert found.shape == frames.shape
    assert error(found, frames) < 3


@pytest.mark.parametrize("codec", ENCODERS)
def test_a_clip_of_one_frame_is_compressed(codec: str) -> None:
    assert Compression(codec, 5, "ultrafast").through(luma(1)).shape == (1, 72, 96)


def test_frames_differ_as_their_kinds_do() -> None:
    """A still picture is sharpest where an I frame brings it anew; B frames are coded worst."""
    frames = np.repeat(np.random.default_rng(1).integers(30, 220, (1, 64, 64), np.uint8), 8, 0)
    frames = frames ^ np.arange(8, dtype=np.uint8)[:, None, None]  # so that none can be skipped
    apart = Compression("h264", 30, "medium", interval=1, b_frames=0).through(frames)
    joined = Compression("h264", 30, "medium", interval=8, b_frames=3).through(frames)
    assert not np.array_equal(apart, joined)
    errors = [error(a, b) for a, b in zip(joined, frames, strict=True)]
    assert max(errors) > 1.02 * min(errors)


def test_a_compression_tells_its_settings() -> None:
    assert str(Compression("h264", 28, "fast", 12, 2)) == "h264 crf 28 fast every 12 b 2"
    assert str(Compression("mjpeg", 5)) == "mjpeg q 5"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("vp9", 20), "codec 'vp9': must be one of h264, hevc, mpeg4, mjpeg"),
        (("h264", 52), "quality 52 of h264: must be within 0..51"),
        (("mjpeg", 0), "quality 0 of mjpeg: must be within 1..31"),
        (("h264", 20, "fast", 0), "interval 0, b_frames 3: must be at least 1 and 0"),
    ],
)
def test_values_out_of_range(arguments: tuple[str, int], said: str) -> None:
    with pytest.raises(TrainingError) as caught:
        Compression(*arguments)
    assert str(caught.value) == said


@pytest.mark.parametrize("frames", [luma(2), coloured(2)], ids=["luma", "rgb"])
def test_samples_and_frames_are_inverse(frames: Samples) -> None:
    assert np.array_equal(as_samples(as_frames(frames)), frames)
    assert as_frames(frames).shape[1] == (3 if frames.ndim == 4 else 1)


def test_samples_are_rounded_and_clamped() -> None:
    frames = torch.tensor([-0.1, 0.4999 / 255, 0.5001 / 255, 1.2]).reshape(1, 1, 2, 2)
    assert as_samples(frames).tolist() == [[[0, 0], [1, 255]]]
