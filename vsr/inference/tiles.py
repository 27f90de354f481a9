"""Frames in tiles: each with as much around it as the network sees, so that no seam shows.

Together they are what the whole frame at once would give, but need only a tile's memory. A part
of the frame that alone is wanted is made of tiles that cover no more than it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor, nn

from vsr.core.crop import Box
from vsr.core.errors import DeviceError
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.geometry import Geometry
from vsr.inference.area import GRID, Area, samples
from vsr.inference.devices import name_of, release
from vsr.inference.fit import Fitter, needed
from vsr.inference.memory import free_memory, is_out_of_memory, peak_bytes
from vsr.inference.transfer import fetched
from vsr.inference.upscaler import Enlarger, stacked
from vsr.inference.windows import Window
from vsr.networks import Network

LEAST_TILE = 16

_PICTURE: Area = (slice(0, None), slice(0, None))


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

    @property
    def core(self) -> Area:
        """The part itself."""
        return self.rows, self.columns

    @property
    def seen(self) -> Area:
        """What is computed to get it."""
        return self.seen_rows, self.seen_columns

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return math.prod(_lengths(self.core))

    @property
    def seen_pixels(self) -> int:
        """How many pixels are computed."""
        return math.prod(_lengths(self.seen))


def tiles(
    height: int,
    width: int,
    size: int | tuple[int, int],
    halo: int,
    box: Box | None = None,
    grid: int = GRID,
) -> Iterator[Tile]:
    """Tiles of so many pixels, row by row, that make up a frame, or what `box` holds of it.

    `size` is their side, or their rows and columns. It is rounded up to multiples of `grid`, on
    which what is seen begins; 0 is all of an axis. Those at the borders are smaller.
    """
    box = box or Box(0, 0, width, height)
    sides = size if isinstance(size, tuple) else (size, size)
    vertical = list(_cuts(box.y, box.y + box.height, height, sides[0], halo, grid))
    horizontal = list(_cuts(box.x, box.x + box.width, width, sides[1], halo, grid))
    for rows, seen_rows in vertical:
        for columns, seen_columns in horizontal:
            yield Tile(rows, columns, seen_rows, seen_columns)


def _cuts(
    first: int, last: int, length: int, size: int, halo: int, grid: int
) -> Iterator[tuple[slice, slice]]:
    """From `first` to `last` on an axis of `length`: the parts, and what is seen for each."""
    begin = first // grid * grid
    step, halo = _on_grid(size or last - begin, grid), _on_grid(halo, grid)
    for start in range(begin, last, step):
        stop = min(start + step, last)
        seen = slice(max(0, start - halo), min(_on_grid(stop, grid) + halo, length))
        yield slice(max(start, first), stop), seen


def _lengths(area: Area) -> list[int]:
    return [int(pixels.stop - pixels.start) for pixels in area]


def _on_grid(pixels: int, grid: int) -> int:
    return -(-pixels // grid) * grid


def wanted(info: VideoInfo, halo: int, box: Box | None, grid: int = GRID) -> Tile:
    """What `box` holds of frames of `info`, or all of them, as one tile."""
    (tile,) = tiles(info.height, info.width, 0, halo, box, grid)
    return tile


def _wanted(enlarger: Enlarger, box: Box | None) -> Tile:
    """The same of what goes in. Whole frames need no halo, which may have to be measured."""
    info = enlarger.info
    if box is None or box == Box(0, 0, info.width, info.height):
        return wanted(info, 0, None)
    return wanted(info, enlarger.halo, box, enlarger.network.grid)


class Tiler:
    """Enlarges one window after another, by tiles of a size that fits the memory.

    It may be called by several threads. The size is all that it remembers: it halves when
    memory runs out, and the frame is begun again.

    Args:
        enlarger: what enlarges each tile.
        size: of the first tiles, in small pixels; 0 for whole frames.
        warn: told, in one line, of each new size.
        box: the part of each frame that is wanted, as `CropRegion.inside` gives it; None for all.
        geometry: the large picture, where that is not just `box` enlarged by the network.

    Attributes:
        part: what is wanted, and what is computed to get it.
    """

    def __init__(
        self,
        enlarger: Enlarger,
        size: int,
        warn: Callable[[str], None],
        box: Box | None = None,
        geometry: Geometry | None = None,
    ) -> None:
        self.enlarger, self.size = enlarger, size
        info, network = enlarger.info, enlarger.network
        self._box = needed(geometry, info, network) if geometry else box
        self.part = _wanted(enlarger, self._box)
        core, seen = self.part.core, self.part.seen
        self._fitter: Fitter | None = None
        if geometry:
            self._fitter = Fitter(geometry, info, network, core, seen, enlarger.device)
        self._warn, self._lock, self._told = warn, Lock(), False
        own_tiles = network.runtime is not None and network.runtime.tiles
        if own_tiles or self.part.seen_pixels < info.width * info.height:
            self._tell_error()

    def gathered(self, window: Window) -> tuple[tuple[Plane, ...], ...]:
        """What `Enlarger.gathered` gives of a window, cut to what is seen of the part."""
        return self._cut(self.enlarger.gathered(window), self.part)

    def __call__(self, planes: Sequence[Sequence[Plane]]) -> tuple[Plane, ...]:
        """The large part of the planes that `gathered` gives.

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

    def at_once(self, planes: Sequence[Tensor]) -> list[Tensor]:
        """The large parts (N, H, W) of stacked planes of N windows, on the device, untiled."""
        if self._fitter is None:
            return self._core(self.enlarger(planes), self.part)
        (colours,) = self._core([self.enlarger.unrounded(planes)], self.part)
        return self._fitted(colours, planes)

    def shrink(self, size: int) -> None:
        """Take smaller tiles than `size`, which was too large."""
        with self._lock:
            if self.size != size:
                return  # someone else came to it first
            if not self.enlarger.network.local:
                raise DeviceError(
                    f"out of memory on {self.enlarger.device}: this network takes means over whole "
                    "pictures, and cannot work in tiles; free some, or take another model"
                )
            self.size = half = halved(size, self._longest, self.enlarger.device)
        release(self.enlarger.device)
        self._warn(now_smaller(half, self.enlarger.device))

    @property
    def _longest(self) -> int:
        """The part's longer side, in small pixels."""
        return max(_lengths(self.part.core))

    def _enlarged(self, planes: Sequence[Sequence[Plane]], size: int) -> tuple[Plane, ...]:
        info, device = self.enlarger.info, self.enlarger.device
        if not size or size >= self._longest or self.enlarger.halo >= self._longest:
            return _fetched(self.at_once(stacked(planes, device)))
        self._tell_error()
        if self._fitter is not None:
            return self._fitted_by_tiles(planes, size)
        height, width = (n * self.enlarger.network.scale for n in _lengths(self.part.core))
        large = [info.format.blank(n, width, height) for n in range(len(planes))]
        for tile in self._tiles(size):
            seen = self._cut(planes, tile, self.part.seen)
            for n, part in enumerate(self._core(self.enlarger(stacked(seen, device)), tile)):
                place = self._samples(n, tile.core, self.part.core, large=True)
                large[n][place] = fetched(part[0])
        return tuple(large)

    def _tiles(self, size: int) -> Iterator[Tile]:
        enlarger = self.enlarger
        info, grid = enlarger.info, enlarger.network.grid
        return tiles(info.height, info.width, size, enlarger.halo, self._box, grid)

    def _tell_error(self) -> None:
        """Warn, once, where a network's parts are not quite the whole."""
        with self._lock:
            told, self._told = self._told, True
        if not told and (error := self.enlarger.network.tile_error):
            self._warn(f"the model sees too far for exact tiles: up to {error:.2g} of 255 off")

    def _fitted_by_tiles(self, planes: Sequence[Sequence[Plane]], size: int) -> tuple[Plane, ...]:
        """The same at the size that was asked for: made once all tiles are there, unrounded."""
        enlarger, device = self.enlarger, self.enlarger.device
        height, width = (n * enlarger.network.scale for n in _lengths(self.part.core))
        channels = 3 if enlarger.in_rgb else 1
        colours = torch.empty(1, channels, height, width, device=device)
        for tile in self._tiles(size):
            seen = self._cut(planes, tile, self.part.seen)
            (part,) = self._core([enlarger.unrounded(stacked(seen, device))], tile)
            rows, columns = self._samples(0, tile.core, self.part.core, large=True)
            colours[..., rows, columns] = part
        return _fetched(self._fitted(colours, stacked(planes, device)))

    def _fitted(self, colours: Tensor, planes: Sequence[Tensor]) -> list[Tensor]:
        """Planes of the size that was asked for, of the part enlarged and as it was."""
        assert self._fitter is not None
        middle = [plane[:, plane.shape[1] // 2] for plane in planes]
        alpha = self._fitter.alpha(middle[3:])
        if self.enlarger.in_rgb:
            return [*self._fitter.rgb(colours), *alpha]
        return [self._fitter.luma(colours), *self._fitter.chroma(middle[1:3]), *alpha]

    def _cut(
        self, planes: Sequence[Sequence[Plane]], tile: Tile, given: Area = _PICTURE
    ) -> tuple[tuple[Plane, ...], ...]:
        """What is seen of a tile, of planes that hold the pixels `given`."""
        places = [self._samples(n, tile.seen, given) for n in range(len(planes))]
        return tuple(
            tuple(plane[place] for plane in some)
            for place, some in zip(places, planes, strict=True)
        )

    def _core(self, large: Sequence[Tensor], tile: Tile) -> list[Tensor]:
        """A tile without its halo, of the large planes (N, H, W) of what is seen of it."""
        places = [self._samples(n, tile.core, tile.seen, large=True) for n in range(len(large))]
        return [
            plane[..., rows, columns].contiguous()
            for (rows, columns), plane in zip(places, large, strict=True)
        ]

    def _samples(self, plane: int, area: Area, given: Area, large: bool = False) -> Area:
        """Where the samples of some pixels lie in a plane that holds those `given`.

        Both are in small pixels; in `large` planes it is the samples made of them.
        """
        scale = self.enlarger.network.scale if large else 1
        return samples(self.enlarger.info.format.steps(plane), area, given, scale)


def _fetched(planes: Sequence[Tensor]) -> tuple[Plane, ...]:
    """The first of each in the host's memory."""
    return tuple(fetched(plane[0]) for plane in planes)


def halved(size: int, longest: int, device: torch.device) -> int:
    """Half of a size that was too large, for a picture whose longer side is `longest`.

    Raises DeviceError where it was the smallest.
    """
    tried = min(size or longest, longest)
    half = max(LEAST_TILE, tried // 2)
    if half >= tried:
        raise DeviceError(
            f"out of memory on {name_of(device)} even with tiles of {tried} pixels; "
            "free some, or take a smaller model"
        )
    return half


def now_smaller(size: int, device: torch.device) -> str:
    """What is told of a new size."""
    return f"out of memory on {name_of(device)}: from here on in tiles of {size}"


def largest_tile(
    enlarger: Enlarger, at_once: int, box: Box | None = None, geometry: Geometry | None = None
) -> int:
    """The size for a Tiler, so that `at_once` tiles fit half the free memory; 0 where frames do,
    or what is wanted of them."""
    box = needed(geometry, enlarger.info, enlarger.network) if geometry else box
    pixels = _wanted(enlarger, box).seen_pixels
    free, most = free_memory(enlarger.device), _most_bytes_per_pixel(enlarger)
    if free is None:
        area = math.inf
    elif most is not None and pixels * at_once * most <= free / 2:
        area = math.inf  # without counting, which imports much of torch: a second
    else:
        area = free / 2 / at_once / _bytes_per_pixel(enlarger)
    area = min(area, _most_pixels(enlarger.network, pixels))
    if pixels <= area:
        return 0
    if enlarger.halo >= max(enlarger.info.width, enlarger.info.height):
        return 0  # every tile would see the whole
    side = math.isqrt(int(area)) - 2 * (enlarger.halo + enlarger.network.grid)
    return max(LEAST_TILE, side // GRID * GRID)


def _most_pixels(network: Network, pixels: int) -> float:
    """How many of the small pixels that are seen of a frame one tile may have, whatever is free.

    Layers that work at the large size take scale**2 times the memory: tiles that see so much less
    bring it down to that of layers at the small size, and 4 times that spares most of the halo.
    """
    if not network.large_layers:
        return math.inf
    return max(pixels * 4 / network.scale**2, LEAST_PIXELS)


LEAST_PIXELS = 128**2
"""What a tile sees is not made smaller than this to spare memory: halos would cost too much."""

_PIECE = 64  # pixels: what one of them takes is the same in all sizes
_WORKSPACE = 1.5  # what kernels take besides tensors, at most, in parts of them


def _most_bytes_per_pixel(enlarger: Enlarger) -> int | None:
    """More than enlarging can take: as if the widest layer worked on float32 at the large size.

    None for networks with products of other kinds, such as attention, whose tables may be larger.
    """
    if any(isinstance(m, nn.Linear) for m in enlarger.network.modules()):
        return None
    convs = [m for m in enlarger.network.modules() if isinstance(m, nn.Conv2d)]
    widest = max((conv.in_channels + 2 * conv.out_channels for conv in convs), default=0)
    return 4 * enlarger.network.scale**2 * (widest + 8) + math.ceil(_unseen(enlarger))


def _bytes_per_pixel(enlarger: Enlarger) -> float:
    """Memory that enlarging takes at its peak, for each small pixel; counted on a small piece."""
    context, format_ = enlarger.network.context, enlarger.info.format
    frame = Frame(tuple(format_.blank(n, _PIECE, _PIECE) for n in range(format_.planes)), 0)
    planes = enlarger.gathered(Window((frame,) * (2 * context + 1), ((0, 0),)))
    peak = peak_bytes(lambda: enlarger(stacked(planes, enlarger.device)))
    return _WORKSPACE * peak / _PIECE**2 + _unseen(enlarger)


def _unseen(enlarger: Enlarger) -> float:
    """The same of what is not torch's, and takes all of a picture at once."""
    runtime = enlarger.network.runtime
    return _WORKSPACE * runtime.memory if runtime and not runtime.tiles else 0.0
