"""Small videos of a sign that moves by parts of a pixel, with the truth at four times the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.crop import Box
from vsr.core.frame import Frame, VideoInfo
from vsr.fusion.sights import Sight, Sights
from vsr.images.info import image_info
from vsr.images.metadata import Shape

SCALE = 4
BOX = Box(24, 16, 48, 20)
"""Where the sign is in the first frame."""
_WIDTH, _HEIGHT = 96, 56

Luma = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """Frames (H, W) uint8; where the sign was, relative to the first, and the sign itself.

    Attributes:
        frames: what a camera sees.
        moved: (N, 3): by how many pixels, x and y, and how many times as large about its centre.
        truth: (h, w) float in 0..1, what BOX holds of the first at SCALE times the size.
    """

    frames: tuple[Luma, ...]
    moved: NDArray[np.float64]
    truth: NDArray[np.float64]

    @property
    def info(self) -> VideoInfo:
        """As of a grey video."""
        return image_info(Shape(_WIDTH, _HEIGHT, 1, 8))

    def sights(self, reference: int = 0) -> Sights:
        """As fusion follows them."""
        seen = [
            Sight(n, Frame((luma,), n, 1, n == 0), luma.astype(np.float32) / 255)
            for n, luma in enumerate(self.frames)
        ]
        return Sights(seen[reference], iter(seen[reference + 1 :]), iter(seen[:reference][::-1]))


def drawn(
    count: int,
    noise: float = 0.0,
    step: tuple[float, float] = (0.37, 0.21),
    grows: float = 0.0,
    text: str = "R7 K2",
) -> Scene:
    """A scene of so many frames; `step` is the motion from frame to frame in pixels."""
    random = np.random.default_rng(count)
    frames, moved = [], []
    truth = None
    for number in range(count):
        way = np.array(step) * number
        size = 1 + grows * number
        large = _large(text, way, size)
        if truth is None:
            rows, columns = (
                slice(first * SCALE, (first + length) * SCALE)
                for first, length in ((BOX.y, BOX.height), (BOX.x, BOX.width))
            )
            truth = large[rows, columns].astype(np.float64) / 255
        small = cv2.resize(large, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
        small = small + random.normal(0, noise, small.shape) if noise else small
        frames.append(np.clip(np.rint(small), 0, 255).astype(np.uint8))
        moved.append([*way, size])
    assert truth is not None
    return Scene(tuple(frames), np.array(moved), truth)


def _large(text: str, way: Sequence[float], size: float) -> NDArray[np.float32]:
    sign = np.full((BOX.height * SCALE, BOX.width * SCALE), 225, np.uint8)
    cv2.rectangle(sign, (4, 4), (sign.shape[1] - 5, sign.shape[0] - 5), 40, 3)
    cv2.putText(sign, text, (14, 56), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 25, 5, cv2.LINE_AA)
    height, width = _HEIGHT * SCALE, _WIDTH * SCALE
    rows, columns = np.mgrid[:height, :width]
    ground = (120 + 30 * np.sin(rows / 9) * np.cos(columns / 11)).astype(np.float32)
    centre = (np.array([BOX.x + BOX.width / 2, BOX.y + BOX.height / 2]) + way) * SCALE - 0.5
    matrix = np.array([[size, 0, 0], [0, size, 0]], np.float64)
    matrix[:, 2] = centre - size * (np.array(sign.shape[::-1]) - 1) / 2
    shown = cv2.warpAffine(sign.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(np.ones(sign.shape, np.float32), matrix, (width, height))
    return np.asarray(ground * (1 - mask) + shown * mask, np.float32)
