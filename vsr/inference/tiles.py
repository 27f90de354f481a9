"""Frames in tiles: each with as much around it as the network sees, so that no seam shows.

Together they are what the whole frame at once would give, but need only a tile's memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

from torch import nn

from vsr.errors import DeviceError
from vsr.inference.enlarge import Enlarger, stacked
from vsr.inference.memory import free_memory, is_out_of_memory, peak_bytes, release
from vsr.inference.windows import Window
from vsr.video.frame import Frame, PixelFormat, Plane

GRID = 4
"""Tiles begin and end on multiples of it: networks and chroma work on blocks of up to 4 pixels."""

LEAST_TILE = 16


@dataclass(frozen=True)
class Tile:
    """A part of a frame, in its pixels.

    Attributes:
        rows, columns: the part itself.
        seen_rows, seen_columns: the part that is computed to get it, its halo included.
    """

    rows: slice
    columns: slice
    seen_rows: slice
    seen_columns: slice


def tiles(height: int, width: int, size: int, halo: int) -> Iterator[Tile]:
    """Tiles of `size` x `size` pixels, row by row, that make up a frame; the last are smaller.

    `size` is rounded up to a multiple of GRID; 0 is one tile, the frame.
    """
    vertical, horizontal = (list(_cuts(length, size, halo)) for length in (height, width))
    for rows, seen_rows in vertical:
        for columns, seen_columns in horizontal:
            yield Tile(rows, columns, seen_rows, seen_columns)


def _cuts(length: int, size: int, halo: int) -> Iterator[tuple[slice, slice]]:
    """Along one axis: the parts, and what is seen for each."""
    size, halo = (-(-n // GRID) * GRID for n in (size or length, halo))
    for first in range(0, length, size):
        last = min(first + size, length)
        yield slice(first, last), slice(max(0, first - halo), min(last + halo, length))


class Tiler:
    """Enlarges one window after another, by tiles of a size that fits the memory.

    It may be called by several threads. The size is all that it remembers: it halves when
    memory runs out, and the frame is begun again.

    Args:
        enlarger: what enlarges each tile.
        size: of the first tiles, in small pixels; 0 for whole frames.
        warn: told, in one line, of each new size.
    """

    def __init__(self, enlarger: Enlarger, size: int, warn: Callable[[str], None]) -> None:
        self.enlarger, self.size = enlarger, size
        self._warn, self._lock = warn, Lock()

    def __call__(self, planes: Sequence[Sequence[Plane]]) -> tuple[Plane, ...]:
        """The large frame of the planes that `Enlarger.gathered` gives.

        Raises DeviceError where memory does not suffice for the smallest tile.
        """
        while True:
            size = self.size
            try:
                return self._enlarged(planes, size)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self.shrink(size)  # out here: the error keeps its tensors alive

    def shrink(self, size: int) -> None:
        """Take smaller tiles than `size`, which was too large."""
        with self._lock:
            if self.size != size:
                return  # someone else came to it first
            longest = max(self.enlarger.info.width, self.enlarger.info.height)
            tried = min(size or longest, longest)
            half = max(LEAST_TILE, tried // 2)
            if half >= tried:
                raise DeviceError(
                    f"out of memory on {self.enlarger.device} even with tiles of {tried} pixels; "
                    "free some, or take a smaller model"
                )
            self.size = half
        release(self.enlarger.device)
        self._warn(f"out of memory on {self.enlarger.device}: from here on in tiles of {half}")

    def _enlarged(self, planes: Sequence[Sequence[Plane]], size: int) -> tuple[Plane, ...]:
        height, width = planes[0][0].shape
        if not size or size >= max(height, width):
            return self._at_once(planes)
        format_, scale = self.enlarger.info.format, self.enlarger.network.scale
        large = [format_.blank(n, width * scale, height * scale) for n in range(len(planes))]
        for tile in tiles(height, width, size, self.enlarger.halo):
            seen = [
                [plane[_samples(tile.seen_rows, tile.seen_columns, format_, n)] for plane in some]
                for n, some in enumerate(planes)
            ]
            for n, part in enumerate(self._at_once(seen)):
                core = _samples(tile.rows, tile.columns, format_, n, scale)
                first = _samples(tile.seen_rows, tile.seen_columns, format_, n, scale)
                inside = tuple(
                    slice(c.start - f.start, c.stop - f.start)
                    for c, f in zip(core, first, strict=True)
                )
                large[n][core] = part[inside]
        return tuple(large)

    def _at_once(self, planes: Sequence[Sequence[Plane]]) -> tuple[Plane, ...]:
        large = self.enlarger(stacked(planes, self.enlarger.device))
        return tuple(plane[0].cpu().numpy() for plane in large)


def _samples(
    rows: slice, columns: slice, format_: PixelFormat, plane: int, scale: int = 1
) -> tuple[slice, slice]:
    """Where the samples of some pixels, or of the large ones made of them, lie in a plane."""
    steps = format_.steps(plane)
    first, second = (
        slice(pixels.start * scale // step, -(-pixels.stop * scale // step))
        for pixels, step in zip((rows, columns), steps, strict=True)
    )
    return first, second


def largest_tile(enlarger: Enlarger, at_once: int) -> int:
    """The size for a Tiler, so that `at_once` tiles fit half the free memory; 0 where frames do."""
    info = enlarger.info
    free = free_memory(enlarger.device)
    if free is None:
        return 0
    if info.width * info.height * at_once * _most_bytes_per_pixel(enlarger) <= free / 2:
        return 0  # without counting, which imports much of torch: a second
    area = free / 2 / at_once / _bytes_per_pixel(enlarger)
    if info.width * info.height <= area:
        return 0
    side = math.isqrt(int(area)) - 2 * (enlarger.halo + GRID)
    return max(LEAST_TILE, side // GRID * GRID)


_PIECE = 64  # pixels: what one of them takes is the same in all sizes
_WORKSPACE = 1.5  # what kernels take besides tensors, at most, in parts of them


def _most_bytes_per_pixel(enlarger: Enlarger) -> int:
    """More than enlarging can take: as if the widest layer worked on float32 at the large size."""
    convs = [m for m in enlarger.network.modules() if isinstance(m, nn.Conv2d)]
    widest = max((conv.in_channels + 2 * conv.out_channels for conv in convs), default=0)
    return 4 * enlarger.network.scale**2 * (widest + 8)


def _bytes_per_pixel(enlarger: Enlarger) -> float:
    """Memory that enlarging takes at its peak, for each small pixel; counted on a small piece."""
    context, format_ = enlarger.network.context, enlarger.info.format
    frame = Frame(tuple(format_.blank(n, _PIECE, _PIECE) for n in range(format_.planes)), 0)
    planes = enlarger.gathered(Window((frame,) * (2 * context + 1), ((0, 0),)))
    return _WORKSPACE * peak_bytes(lambda: enlarger(stacked(planes, enlarger.device))) / _PIECE**2
