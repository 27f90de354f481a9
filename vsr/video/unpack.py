"""Planes of frames in the layouts that libav does not convert exactly, or not at all."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from av.video.frame import VideoFrame

from vsr.core.frame import PixelFormat, Plane

_SMALL_RGB = re.compile(r"(rgb|bgr)(\d)(\d)(\d)(le|be)")
_GREY_ALPHA = re.compile(r"ya(8|16|f16|f32)(le|be)?")
_DEEP = re.compile(r"(gray|gbra?p)(f16|f32|32)(le|be)")
_HIGH_BITS = re.compile(r"(yuv444p|gbrp)(10|12)msb(le|be)")
_TYPES = {"8": "u1", "16": "u2", "32": "u4", "f16": "f2", "f32": "f4"}


def unpacked(frame: VideoFrame, format_: PixelFormat) -> tuple[Plane, ...] | None:
    """The planes of a frame in `format_`, its nearest one; None for layouts that libav masters.

    Samples of another depth are scaled, so that black and white stay what they are.
    """
    name = frame.format.name
    if match := _SMALL_RGB.fullmatch(name):
        order, *bits, end = match.groups()
        return _small_rgb(_samples(frame, 0, "u2", end), order, [int(n) for n in bits], format_)
    if match := _GREY_ALPHA.fullmatch(name):
        return _grey_alpha(_samples(frame, 0, _TYPES[match[1]], match[2] or "le", 2), format_)
    if match := _DEEP.fullmatch(name):
        planes = (_samples(frame, n, _TYPES[match[2]], match[3]) for n in range(format_.planes))
        return tuple(_scaled(plane, format_) for plane in planes)
    if match := _HIGH_BITS.fullmatch(name):
        unused = 16 - format_.depth
        return tuple(
            (_samples(frame, n, "u2", match[3]) >> unused).astype(np.uint16) for n in range(3)
        )
    return None


def _samples(frame: VideoFrame, plane: int, type_: str, end: str, channels: int = 1) -> Any:
    """(rows, columns) samples of a plane of full size; of several channels one after another."""
    dtype = np.dtype(type_).newbyteorder("<" if end == "le" else ">")
    memory = frame.planes[plane]
    rows = np.frombuffer(memory, np.uint8).reshape(-1, memory.line_size)  # type: ignore[call-overload]
    used = rows[: frame.height, : frame.width * channels * dtype.itemsize]
    return np.ascontiguousarray(used).view(dtype)


def _small_rgb(
    samples: Any, order: str, bits: list[int], format_: PixelFormat
) -> tuple[Plane, ...]:
    """Green, blue and red of pixels of two bytes; the last channel has the lowest bits."""
    channels, shift = {}, 0
    for name, depth in zip(reversed(order), reversed(bits), strict=True):
        peak = (1 << depth) - 1
        value = (samples >> shift) & peak
        channels[name] = ((value * 255 + peak // 2) // peak).astype(format_.dtype)
        shift += depth
    return tuple(channels[name] for name in "gbr")


def _grey_alpha(samples: Any, format_: PixelFormat) -> tuple[Plane, ...]:
    """Grey as luma, neutral chroma, and alpha."""
    grey, alpha = (_scaled(samples[:, n::2], format_) for n in range(2))
    neutral = np.full_like(grey, 1 << (format_.depth - 1))
    return grey, neutral, neutral, alpha


def _scaled(samples: Any, format_: PixelFormat) -> Plane:
    """Integers over their whole range, or numbers in 0..1, as samples."""
    if samples.dtype.kind == "u":
        share = samples / np.iinfo(samples.dtype).max
    else:
        with np.errstate(invalid="ignore"):  # what is no number is black
            share = np.nan_to_num(samples.astype(np.float64), posinf=1.0, neginf=0.0).clip(0, 1)
    scaled: Plane = np.rint(share * format_.peak).astype(format_.dtype)
    return scaled
