"""How far a network sees, measured: so that tiles are the whole, or it is known by how much not.

What the pixels of a stripe can reach is told by making them no numbers at all: whatever depends on
them, through any weights, becomes none as well. Tiles with that much around them are then held
against the whole. Where the reach has no end, as with statistics of the whole picture, or is too
far to be computed over and over again, tiles overlap by a fixed width, and their difference from
the whole is measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import Parameter

from vsr.util.atomic import atomic_write
from vsr.util.places import cache_folder

OVERLAP = 64
"""Pixels around tiles that cannot be exact: a multiple of all windows in use."""
_ASKED = 48  # of these: chroma asks for a few more, and all are rounded up to OVERLAP

_WHOLE = 2**17  # pixels: farther than any picture goes
_METHOD = 1  # another number makes what was stored be measured again

_LENGTH, _WIDTH = 320, 32  # pixels of the strips that are put through a network
_FIRST, _LAST = 128, 192  # of them, those whose reach is measured, and that make up a tile
_FARTHEST = 104  # pixels, of a reach that is computed around every tile
_SAME = 1e-4  # a fortieth of a level of 255: what rounding in float32 makes of deep networks
_GRID = 4  # as `vsr.inference.area` has it


@dataclass(frozen=True)
class Reach:
    """What parts of a picture need around them.

    Attributes:
        pixels: how far to each side.
        grid: what parts begin on multiples of.
        error: how far a part then differs from the whole at most, in levels of 255, as measured
            on a drawn picture; 0 where the two are the same but for float32's rounding.
    """

    pixels: int
    grid: int = _GRID
    error: float = 0.0

    def __str__(self) -> str:
        if self.pixels >= _WHOLE:
            return "whole pictures alone"
        around = -(-self.pixels // self.grid) * self.grid
        if not self.error:
            return f"exact, with {around} pixels around them"
        return f"up to {self.error:.2g} of 255 off, with {around} pixels around them"


class Measurable(Protocol):
    """A network as it is measured; its attributes are those of `Community`."""

    scale: int
    sha256: str

    @property
    def channels(self) -> int: ...

    @property
    def multiple(self) -> int: ...

    @property
    def least(self) -> int: ...

    @property
    def takes_parts(self) -> bool: ...

    def parameters(self) -> Iterator[Parameter]: ...

    def in_float32(self, x: Tensor) -> Tensor: ...


_known: dict[str, Reach] = {}
_measuring = Lock()


def measured_reach(network: Measurable) -> Reach:
    """The reach of a network: from this process, from the user's cache, or measured now."""
    with _measuring:
        if (known := _known.get(network.sha256)) is None:
            known = _stored(network.sha256)
            if known is None:
                known = measure_reach(network)
                _store(network.sha256, known)
            _known[network.sha256] = known
    return known


@torch.inference_mode()
def measure_reach(network: Measurable) -> Reach:
    """The reach of a network on the device it is on, in float32. Takes about as long as a picture
    of 230x230 does."""
    fine = math.lcm(_GRID, network.multiple)
    coarse = math.lcm(OVERLAP, network.multiple)
    if not network.takes_parts or coarse > OVERLAP or network.least > _WIDTH * 2:
        return Reach(_WHOLE)
    strips = [_strip(network, across=False), _strip(network, across=True)]
    seen = _seen_from(network, strips)
    wholes = [network.in_float32(strip) for strip in strips]

    def error(pixels: int, grid: int) -> float:
        pairs = zip(strips, wholes, strict=True)
        return max(_difference(network, strip, whole, pixels, grid) for strip, whole in pairs)

    if seen is not None:
        for grid, farthest in ((fine, _FARTHEST), (coarse, OVERLAP)):
            if seen <= farthest and error(seen, grid) <= _SAME:
                return Reach(seen, grid)
    return Reach(_ASKED, coarse, _told(error(OVERLAP, coarse) * 255))


def _told(levels: float) -> float:
    """Rounded up to two digits: an error is not told smaller than it was."""
    if levels <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(levels)) - 1)
    return round(math.ceil(levels / unit) * unit, 9)


def _strip(network: Measurable, across: bool) -> Tensor:
    """A drawn picture that is long and narrow: waves, edges and a little grain."""
    width = max(_WIDTH, network.least)
    down, aside = torch.arange(_LENGTH)[:, None] / 9.0, torch.arange(width)[None] / 7.0
    grain = torch.rand(network.channels, _LENGTH, width, generator=torch.Generator().manual_seed(3))
    waves = torch.stack([torch.sin(down + phase) * torch.cos(aside - phase) for phase in range(3)])
    edges = ((down / 3).int() + (aside / 2).int()) % 2
    picture = 0.5 + 0.2 * waves[: network.channels] + 0.15 * (edges - 0.5) + 0.1 * (grain - 0.5)
    picture = picture.transpose(-1, -2) if across else picture
    return picture[None].to(next(network.parameters()).device).contiguous()


def _seen_from(network: Measurable, strips: list[Tensor]) -> int | None:
    """How far from the stripe something depends on it; None where that is farther than a strip."""
    reach = 0
    for strip in strips:
        holed = strip.clone()
        _long(holed, _FIRST, _LAST).fill_(math.nan)
        try:
            made = network.in_float32(holed)
        except RuntimeError:
            return None
        axis = _axis(strip)
        touched = made.isnan().any((1, 5 - axis))[0].nonzero()
        if not len(touched):
            return None
        first, last = int(touched[0]) // network.scale, int(touched[-1]) // network.scale + 1
        if first == 0 or last >= _LENGTH:
            return None
        reach = max(reach, _FIRST - first, last - _LAST)
    return reach


def _difference(network: Measurable, strip: Tensor, whole: Tensor, pixels: int, grid: int) -> float:
    """How far a tile of a strip is from the same part of the whole, at most."""
    halo = -(-pixels // grid) * grid
    first = _FIRST
    if grid < OVERLAP and (first - halo) // grid % 2 == 0:
        first += grid  # where blocks of twice the grid, if there are some, lie otherwise
    begin, end = first - halo, min(_LAST + halo, _LENGTH)
    made = network.in_float32(_long(strip, begin, end).contiguous())
    scale = network.scale
    core = _long(made, halo * scale, (halo + _LAST - first) * scale)
    return float((core - _long(whole, first * scale, _LAST * scale)).abs().max())


def _axis(strip: Tensor) -> int:
    return 2 if strip.shape[2] > strip.shape[3] else 3


def _long(strip: Tensor, first: int, last: int) -> Tensor:
    return strip[..., first:last, :] if _axis(strip) == 2 else strip[..., first:last]


def _stored(sha256: str) -> Reach | None:
    """What an earlier process measured, with this spandrel."""
    try:
        facts = json.loads(_place(sha256).read_bytes())
        if facts["measured"] != _how():
            return None
        found = Reach(int(facts["pixels"]), int(facts["grid"]), float(facts["error"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    sound = 0 <= found.pixels <= _WHOLE and found.grid >= _GRID and found.error >= 0
    return found if sound else None


def _store(sha256: str, reach: Reach) -> None:
    """Keep it, where the user's cache can be written to."""
    place = _place(sha256)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(place, json.dumps({"measured": _how(), **asdict(reach)}).encode())


def _place(sha256: str) -> Path:
    return cache_folder() / "reach" / f"{sha256}.json"


def _how() -> str:
    return f"{_METHOD}, spandrel {version('spandrel')}"
