"""Unpaired training patches: of sharp pictures, and of frames of recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import TrainingError
from vsr.core.events import Warn, ignore
from vsr.datasets.ground_truth import Samples
from vsr.datasets.media import list_media
from vsr.training.reading import read_examples
from vsr.training.recipe import BLOCK
from vsr.training.window_pairs import WindowPairs

_MEMORY = 256 * 2**20  # bytes, for all recordings together
_CHOICE = 16  # sharp patches to choose from, for each
_COARSE = 4  # small pixels: what recording leaves as it is
_LEAST_CONTRAST = 1 / 255
_BURST = 4  # frames kept in a row: encoders treat them in turns


@dataclass(frozen=True)
class Unpaired:
    """What a degradation is learnt from.

    Attributes:
        sharp: (H, W) uint8 each, luma, or (H, W, 3), RGB.
        real: frames of recordings, likewise.
        scale: the factor by which sharp pictures are to be reduced.
    """

    sharp: list[Samples]
    real: list[Samples]
    scale: int

    @classmethod
    def load(
        cls,
        sharp: Iterable[Path],
        real: Iterable[Path],
        scale: int,
        patch: int,
        color: str,
        warn: Warn = ignore,
    ) -> Unpaired:
        """Read the pictures and clips of both, for patches of so many small pixels.

        Sharp ones are read as `WindowPairs.load` does it, at several sizes. Recordings are
        kept as they are, in bursts spread evenly over them, within 256 MiB. Too small pictures
        of either are left out. `warn` is told of damaged files. Raises InputError for a path that
        does not exist or a file that cannot be read.
        """
        pairs = WindowPairs.load(sharp, scale, 0, patch, color, warn=warn)
        pictures = pairs.stills + [frame for clip in pairs.clips for frame in clip]
        files = list_media(real)
        room = _MEMORY // max(1, len(files))
        frames = [f for file in files for f in _kept(file, color, patch, room, warn)]
        return cls(pictures, frames, scale)

    @classmethod
    def some(
        cls,
        sharp: Sequence[Path],
        real: Sequence[Path],
        scale: int,
        patch: int,
        color: str,
        warn: Warn = ignore,
    ) -> Unpaired:
        """`load`, and TrainingError where there is nothing of either to learn from."""
        found = cls.load(sharp, real, scale, patch, color, warn)
        for what, pictures, places, side in (
            ("sharp", found.sharp, sharp, patch * scale),
            ("real", found.real, real, patch),
        ):
            if not pictures:
                where = ", ".join(map(str, places)) or "no path given"
                raise TrainingError(
                    f"nothing {what} to learn from ({where}): no image or video with sides of at "
                    f"least {side} pixels"
                )
        return found

    @property
    def largest_patch(self) -> int:
        """The side of the largest patch that all pictures hold, in small pixels."""
        pictures = ((self.real, 1), (self.sharp, self.scale))
        return min(int(min(p.shape[:2])) // factor for some, factor in pictures for p in some)

    def sample(self, batch: int, patch: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Sharp patches (N, C, scale*p, scale*p) and real ones (N, C, p, p), in [0, 1].

        Each sharp one is, of several, that whose large forms have the contrast most like those
        of its real one: else the discriminator would find out that footage shows more sky, and
        the generator would make sky.

        Both lie on the grid of blocks, and are flipped; neither is turned, as encoders and
        cameras do not treat rows as they treat columns.
        """
        flips = tuple(axis for axis in (-2, -1) if random.integers(2))
        real = _tensor([_cut(self.real, patch, BLOCK, random) for _ in range(batch)])
        side = patch * self.scale
        sharp = _tensor([_cut(self.sharp, side, 1, random) for _ in range(_CHOICE * batch)])
        like = _contrast(sharp, _COARSE * self.scale)[None] - _contrast(real, _COARSE)[:, None]
        return sharp[like.abs().argmin(1)].flip(flips), real.flip(flips)


def _contrast(patches: Tensor, pixels: int) -> Tensor:
    """How much happens in each, as seen through squares of so many pixels: (N,) of a logarithm."""
    coarse = F.avg_pool2d(patches.mean(1, keepdim=True), pixels)
    return (coarse.flatten(1).std(1) + _LEAST_CONTRAST).log()


def _kept(path: Path, color: str, least: int, room: int, warn: Warn) -> list[Samples]:
    """Bursts of frames that take `room` bytes at most, spread evenly, however long the clip is."""
    bursts: list[list[Samples]] = []
    every = 1
    frames = (picture.samples for picture in read_examples(path, color, warn=warn))
    for number, burst in enumerate(_bursts(frames)):
        if number % every == 0 and min(burst[0].shape[:2]) >= least:
            bursts.append(burst)
        while len(bursts) > max(1, room // (_BURST * burst[0].nbytes)):
            del bursts[1::2]
            every *= 2
    return [frame for burst in bursts for frame in burst]


def _bursts(frames: Iterator[Samples]) -> Iterator[list[Samples]]:
    while burst := list(islice(frames, _BURST)):
        yield burst


def _cut(pictures: list[Samples], side: int, grid: int, random: np.random.Generator) -> Samples:
    """A square of one of them, its corner on a grid of so many pixels."""
    picture = pictures[random.integers(len(pictures))]
    height, width = picture.shape[:2]
    y = int(random.integers((height - side) // grid + 1)) * grid
    x = int(random.integers((width - side) // grid + 1)) * grid
    return picture[y : y + side, x : x + side]


def _tensor(patches: list[Samples]) -> Tensor:
    """(p, p) or (p, p, 3) uint8 each -> (N, C, p, p) float32 in [0, 1]."""
    tensor = torch.from_numpy(np.stack(patches)).float() / 255
    return tensor[:, None] if tensor.ndim == 3 else tensor.movedim(-1, 1).contiguous()
