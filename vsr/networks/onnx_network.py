"""A network in an ONNX file, behind the same interface as our own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import lcm
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.networks.network import Network, Runtime
from vsr.networks.onnx_cost import PerPixel, per_pixel
from vsr.networks.onnx_file import OnnxFile, read_onnx
from vsr.networks.onnx_probe import Traits, probed, seam
from vsr.networks.onnx_session import OnnxSession, Pictures


class OnnxNetwork(Network):
    """(N, T*C, H, W) float in [0, 1] -> (N, C, scale*H, scale*W) float32, about [0, 1].

    It is run by ONNX Runtime on the CPU, in the numbers that the file has.

    A network for pictures of one size is given tiles of just that, each with an overlap, and a
    picture that is smaller with its edge repeated; one for multiples of a size, likewise.

    Args:
        session: what runs it.
        traits: what it does to a picture.
        cost: what it takes for each pixel of its input.
    """

    precisions = ("fp32",)
    traceable = False

    def __init__(self, session: OnnxSession, traits: Traits, cost: PerPixel) -> None:
        super().__init__()
        self.session, self.traits = session, traits
        self.scale, self.context, self.color = traits.scale, traits.context, traits.color
        self.chroma_kernel = traits.chroma_kernel
        self.local, self.block = traits.local, traits.block
        self.receptive_field = 2 * traits.overlap + 1
        file = session.file
        self.runtime = Runtime(file.weights, cost.macs, cost.memory, traits.size is not None)
        self.grid = lcm(Network.grid, traits.step)
        # what looks for a network's device finds this
        self.register_buffer("place", torch.zeros(()), persistent=False)

    @property
    def tile_error(self) -> float:  # type: ignore[override]
        """The largest difference between tiles of a test picture, in levels of 255; 0 for none."""
        return 0.0 if self.traits.exact else 255 * _seam_of(self.session, self.traits)

    def to_numbers(
        self, numbers: torch.dtype, memory_format: torch.memory_format = torch.channels_last
    ) -> None:
        """Nothing: the file has its own."""

    def forward(self, x: Tensor) -> Tensor:
        pictures = x.detach().to("cpu", torch.float32).numpy()
        large = np.concatenate([self._enlarged(one[None]) for one in pictures])
        return torch.from_numpy(large).to(x.device)

    def subpixel(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(self(x), self.scale)

    def _enlarged(self, picture: Pictures) -> Pictures:
        """(1, T*C, H, W) -> (1, C, scale*H, scale*W)."""
        height, width = picture.shape[2:]
        down, across = self._spans(height, 0), self._spans(width, 1)
        padded = _padded(picture, down[-1].end, across[-1].end)
        if len(down) == len(across) == 1:
            return self.session(padded)[..., : height * self.scale, : width * self.scale]
        colors = 3 if self.color == "rgb" else 1
        large = np.empty((1, colors, down[-1].end * self.scale, across[-1].end * self.scale), "f4")
        for row in down:
            for column in across:
                seen = np.ascontiguousarray(padded[..., row.seen, column.seen])
                made = self.session(seen)[..., row.core(self.scale), column.core(self.scale)]
                large[..., row.place(self.scale), column.place(self.scale)] = made
        return large[..., : height * self.scale, : width * self.scale]

    def _spans(self, length: int, axis: int) -> list[_Span]:
        """The tiles along an axis; one, of the next size that is allowed, where any may be."""
        traits = self.traits
        if traits.size is None:
            return [_Span(0, -(-length // traits.multiple) * traits.multiple, 0)]
        return list(_tiles(length, traits.size[axis], traits.step, traits.overlap))


class _Span:
    """A tile along one axis, in pixels: it sees `begin` to `end`, and counts from `first` on."""

    def __init__(self, begin: int, end: int, first: int) -> None:
        self.begin, self.end, self.first = begin, end, first

    @property
    def seen(self) -> slice:
        return slice(self.begin, self.end)

    def core(self, scale: int) -> slice:
        """What counts, in the tile's own large pixels; a later tile may replace its end."""
        return slice((self.first - self.begin) * scale, None)

    def place(self, scale: int) -> slice:
        """The same in those of the picture."""
        return slice(self.first * scale, self.end * scale)


def _tiles(length: int, size: int, step: int, overlap: int) -> Iterator[_Span]:
    """Tiles of `size` that make up an axis, beginning on multiples of `step`."""
    yield _Span(0, size, 0)
    last = -(-max(0, length - size) // step) * step
    stride = max(step, (size - 2 * overlap) // step * step)
    begin = 0
    while begin < last:
        begin = min(begin + stride, last)
        yield _Span(begin, begin + size, begin + overlap)


def _padded(picture: Pictures, height: int, width: int) -> Pictures:
    """A picture with its last row and column repeated."""
    missing = height - picture.shape[2], width - picture.shape[3]
    if missing == (0, 0):
        return np.ascontiguousarray(picture)
    return np.pad(picture, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])), "edge")


def load_onnx(path: Path) -> tuple[OnnxFile, OnnxNetwork]:
    """A file and the network that it holds. Raises ModelError, in one line."""
    file = read_onnx(path)
    return file, OnnxNetwork(*_ready(file))


@lru_cache(maxsize=2)
def _ready(file: OnnxFile) -> tuple[OnnxSession, Traits, PerPixel]:
    """What is found out of a file: once for each, however often it is asked for."""
    session, traits = probed(file)
    channels = (2 * traits.context + 1) * (3 if traits.color == "rgb" else 1)
    sides = traits.tried
    given = (1, *sides, channels) if session.channels_last else (1, channels, *sides)
    return session, traits, per_pixel(file, given)


@lru_cache(maxsize=2)
def _seam_of(session: OnnxSession, traits: Traits) -> float:
    return seam(session, traits)
