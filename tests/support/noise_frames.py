"""Frames of noise for networks to enlarge, and what two runs over them must have in common."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, PixelFormat, VideoInfo
from vsr.networks import Network
from vsr.networks.catalogue import ModelCard
from vsr.networks.model import Model


def described(
    format_: str | PixelFormat = "yuv420p",
    width: int = 22,
    height: int = 14,
    siting: str = "",
    range_: int = 0,
    matrix: int = 2,
) -> VideoInfo:
    """What is said of frames."""
    layout = PIXEL_FORMATS[format_] if isinstance(format_, str) else format_
    color = ColorTags(range=range_, matrix=matrix, siting=siting)
    return VideoInfo(width, height, Fraction(1, 25), layout, color)


def noise(count: int, info: VideoInfo, seed: int = 4) -> list[Frame]:
    """Frames of noise, smoothed a little; pts are uneven."""
    random, made = np.random.default_rng(seed), []
    for number in range(count):
        planes = []
        for index in range(info.format.planes):
            samples = random.random(info.format.plane_size(index, info.width, info.height))
            samples = (samples + np.roll(samples, 1, 0) + np.roll(samples, 1, 1)) / 3
            planes.append((samples * info.format.peak).astype(info.format.dtype))
        made.append(Frame(tuple(planes), number * number + 3, number + 1))
    return made


def model(network: Network) -> Model:
    """A model of no catalogue."""
    return Model(ModelCard("test", network.scale, "test"), network)


def assert_equal(found: Sequence[Frame], expected: Sequence[Frame], steps: int = 0) -> None:
    """All is the same, but for so many steps in the samples."""
    for a, b in zip(found, expected, strict=True):
        assert (a.pts, a.duration) == (b.pts, b.duration)
        for plane, other in zip(a.planes, b.planes, strict=True):
            assert plane.dtype == other.dtype
            assert plane.shape == other.shape
            assert np.abs(plane.astype(int) - other.astype(int)).max() <= steps
