"""Pictures to measure speed on: drawn, moving, and about as hard to encode as real video."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.frame import PIXEL_FORMATS, Frame

FORMAT = PIXEL_FORMATS["yuv420p"]
_LOOP = 12  # pictures until the first comes again: more than an encoder looks back
_RADIUS = 8  # pixels, of the circle on which everything moves: about 4 pixels a picture
_COARSEST = 64  # pixels
# With these x264's default settings take 105 ms a frame at 1920x1080, on one core on which real
# clips that move, enlarged to that size, took 90 to 125.
_CONTRAST, _ROUGHNESS, _GRAIN = 40, 1.1, 1.0

_Field = NDArray[np.float32]


def moving_pictures(width: int, height: int) -> tuple[Frame, ...]:
    """A loop of frames in FORMAT; no two in a row are alike, nor are the last and the first.

    A textured ground moves round one way, patches of another the other way, and the grain
    changes. The same each time.
    """
    random = np.random.default_rng(1)
    rows, columns = height + 2 * _RADIUS, width + 2 * _RADIUS
    ground = _CONTRAST * _texture(random, rows, columns, _ROUGHNESS)
    patches = _CONTRAST * _texture(random, rows, columns, _ROUGHNESS)
    covered = _texture(random, rows, columns, 1.5) > 0.8
    grain = random.standard_normal((rows, columns), np.float32) * np.float32(_GRAIN)
    frames = []
    for number in range(_LOOP):
        angle = 2 * math.pi * number / _LOOP
        right, down = (round(_RADIUS * f(angle)) for f in (math.cos, math.sin))
        there = _view(width, height, -right, down)
        below = ground[_view(width, height, right, down)]
        luma = np.where(covered[there], patches[there], below)
        luma += grain[_view(width, height, *random.integers(-_RADIUS, _RADIUS + 1, 2))]
        colour = below[::2, ::2] * np.float32(0.3)
        frames.append(Frame(tuple(_samples(p) for p in (luma, colour, -colour)), number))
    return tuple(frames)


def cut_to(frames: Iterable[Frame], width: int, height: int) -> tuple[Frame, ...]:
    """The upper left parts of frames in FORMAT; nothing is copied."""
    cut = []
    for frame in frames:
        sizes = (FORMAT.plane_size(n, width, height) for n in range(FORMAT.planes))
        planes = zip(frame.planes, sizes, strict=True)
        cut.append(Frame(tuple(p[:rows, :columns] for p, (rows, columns) in planes), frame.pts))
    return tuple(cut)


def enlarged(frames: Iterable[Frame], width: int, height: int) -> tuple[Frame, ...]:
    """Frames in FORMAT resampled to a larger size, as quickly as can be."""
    large = []
    for frame in frames:
        sizes = (FORMAT.plane_size(n, width, height) for n in range(FORMAT.planes))
        planes = (
            np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_CUBIC), np.uint8)
            for plane, (rows, columns) in zip(frame.planes, sizes, strict=True)
        )
        large.append(Frame(tuple(planes), frame.pts))
    return tuple(large)


def _texture(random: np.random.Generator, rows: int, columns: int, roughness: float) -> _Field:
    """Noise of all sizes, the finer the weaker, as in pictures of nature; mean 0, deviation 1."""
    field = np.zeros((rows, columns), np.float32)
    cell = _COARSEST
    while cell:
        coarse = random.standard_normal((rows // cell + 2, columns // cell + 2), np.float32)
        size = (coarse.shape[1] * cell, coarse.shape[0] * cell)
        octave = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)[:rows, :columns]
        field += octave * np.float32((cell / _COARSEST) ** roughness)
        cell //= 2
    field -= field.mean()
    field /= field.std()
    return field


def _view(width: int, height: int, right: int, down: int) -> tuple[slice, slice]:
    """Rows and columns of the part that is so far from the middle."""
    top, left = _RADIUS + down, _RADIUS + right
    return slice(top, top + height), slice(left, left + width)


def _samples(plane: _Field) -> NDArray[np.uint8]:
    samples: NDArray[np.uint8] = np.clip(plane + np.float32(128.5), 0, 255).astype(np.uint8)
    return samples
