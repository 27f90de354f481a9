"""Pictures in the 256 colours of a GIF: a palette of their own, dithered where it is too small."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_BASE = Fraction(1, 100)
_MOST_COLORS = 256
_OPAQUE, _HALF = np.uint32(0xFF000000), np.uint32(0x80000000)
_SPARSE = 8  # rows and columns of which one is looked at first


def paletted(frame: VideoFrame) -> VideoFrame:
    """A frame of bgra as pal8, without a time.

    A picture of up to 256 colours keeps them all. What is less than half opaque becomes
    transparent, all else opaque.
    """
    pixels = _memory(frame, 0, np.uint32).reshape(frame.height, -1)
    pixels = pixels[:, : frame.width]
    if len(np.unique(_solid(pixels[::_SPARSE, ::_SPARSE]))) <= _MOST_COLORS:
        colors, numbers = np.unique(_solid(pixels), return_inverse=True)
        if len(colors) <= _MOST_COLORS:
            return _numbered(colors, numbers.reshape(pixels.shape))
    return _dithered(frame)


def _solid(pixels: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Pixels either opaque or 0."""
    return np.where(pixels >= _HALF, pixels | _OPAQUE, np.uint32(0))


def _numbered(colors: NDArray[np.uint32], numbers: NDArray[np.int64]) -> VideoFrame:
    rows, columns = numbers.shape
    made = VideoFrame(columns, rows, "pal8")
    samples = _memory(made, 0, np.uint8).reshape(rows, -1)
    samples[:, :columns] = numbers
    palette = _memory(made, 1, np.uint32)
    # What is left over stays opaque: else the encoder would take it for the transparent one.
    palette[:] = _OPAQUE
    palette[: len(colors)] = colors
    return made


def _memory(frame: VideoFrame, plane: int, dtype: type) -> Any:
    """A plane's own memory."""
    return np.frombuffer(frame.planes[plane], dtype)  # type: ignore[call-overload]


def _dithered(frame: VideoFrame) -> VideoFrame:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=_BASE
    )
    both, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single")
    # The pattern of `bayer` stands still, where error diffusion would flicker from frame to frame.
    mapped = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=3")
    source.link_to(both)
    both.link_to(palette, 0, 0)
    both.link_to(mapped, 1, 0)
    palette.link_to(mapped, 0, 1)
    mapped.link_to(graph.add("buffersink"))
    graph.configure()
    frame.pts, frame.time_base = 0, _BASE
    graph.vpush(frame)
    graph.vpush(None)
    made = graph.vpull()
    assert isinstance(made, VideoFrame)
    return made
