"""Planes of noise, frames of them as libav lays them out, and what lossless files hold of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vsr.core.frame import PIXEL_FORMATS

PACKED = {"bgr0": "bgr", "bgra": "bgra", "rgb24": "rgb", "argb": "argb", "rgba": "rgba"}
"""Formats of 8-bit pixels, and the order of their channels; planes are green, blue, red, alpha."""


def noise(pix_fmt: str, width: int, height: int, seed: int) -> list[np.ndarray]:
    """Planes of all values there are."""
    format_, random = PIXEL_FORMATS[pix_fmt], np.random.default_rng(seed)
    return [
        random.integers(0, format_.peak + 1, format_.plane_size(n, width, height), format_.dtype)
        for n in range(format_.planes)
    ]


def view(frame: av.VideoFrame, plane: int, type_: Any) -> np.ndarray:
    """The memory of a plane, (rows, samples in a padded row)."""
    memory = frame.planes[plane]
    return np.frombuffer(memory, type_).reshape(memory.height, -1)


def frame_of(planes: list[np.ndarray], pix_fmt: str, width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pix_fmt)
    if pix_fmt in PACKED:
        step = 3 if pix_fmt == "rgb24" else 4
        pixels = view(frame, 0, np.uint8)[:, : width * step].reshape(height, width, step)
        for n, channel in enumerate(PACKED[pix_fmt]):
            pixels[..., n] = planes["gbra".index(channel)]
        return frame
    for n, plane in enumerate(planes):
        view(frame, n, plane.dtype)[:, : plane.shape[1]] = plane
    return frame


def planes_of(frame: av.VideoFrame) -> list[np.ndarray]:
    name = frame.format.name
    if name in PACKED:
        step, order = (3 if name == "rgb24" else 4), PACKED[name]
        pixels = view(frame, 0, np.uint8)[:, : frame.width * step]
        pixels = pixels.reshape(frame.height, frame.width, step)
        return [
            pixels[..., order.index(channel)].copy() for channel in sorted(order, key="gbra".index)
        ]
    type_ = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    return [view(frame, n, type_)[:, : p.width].copy() for n, p in enumerate(frame.planes)]


def store(path: Path, codec: str, pix_fmt: str, frames: list[av.VideoFrame]) -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, pix_fmt
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def stored(path: Path) -> tuple[str, list[list[np.ndarray]]]:
    """The pixel format of a file and the planes of its frames."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return frames[0].format.name, [planes_of(frame) for frame in frames]
