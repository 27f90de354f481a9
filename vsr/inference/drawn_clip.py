"""A few drawn frames: the same on every machine, with edges and waves that move between pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vsr.core.frame import PIXEL_FORMATS, Frame, PixelFormat, Plane, VideoInfo

_SHIFT = 0.75  # pixels to the left from frame to frame
_RATE = Fraction(25)


def drawn_clip(
    count: int, width: int, height: int, layout: PixelFormat = PIXEL_FORMATS["yuv420p"]
) -> tuple[list[Frame], VideoInfo]:
    """So many frames of one shot, and what holds for them."""
    frames = []
    for number in range(count):
        planes: list[Plane] = []
        for n in range(layout.planes):
            rows, columns = layout.plane_size(n, width, height)
            down, across = layout.steps(n)
            y, x = np.mgrid[:rows, :columns].astype(np.float64)
            shown = _picture(x * across + _SHIFT * number + 5 * n, y * down)
            samples = np.rint(shown * layout.peak)
            deep = layout.depth > 8
            planes.append(samples.astype(np.uint16) if deep else samples.astype(np.uint8))
        frames.append(Frame(tuple(planes), number, 1, starts_shot=number == 0))
    info = VideoInfo(width, height, time_base=1 / _RATE, format=layout, frame_rate=_RATE)
    return frames, info


def _picture(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Waves across each other, and hard diagonal edges, in 0..1."""
    waves = 0.2 * np.sin(x / 3 + y / 7) + 0.15 * np.sin(y / 2.3 - x / 5)
    edges = 0.1 * np.sign(np.sin((x + 2 * y) / 9))
    return np.asarray(np.clip(0.5 + waves + edges, 0, 1))
