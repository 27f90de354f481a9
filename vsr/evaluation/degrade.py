"""The small pictures that networks get of true ones: shrunk, then perhaps as cameras keep them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import numpy as np

from vsr.datasets.ground_truth import Picture, Plane, Samples
from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Degradation, Noise, Resize, Step
from vsr.degradation.quantiser import quantiser
from vsr.evaluation.protocol import cropped, degrade

CHUNK = 48
"""Frames that are encoded at once: a clip's memory is bounded so, whatever its length. Each chunk
begins with an I frame, as recordings do every second or two."""


@dataclass(frozen=True)
class Recording:
    """What becomes of shrunk pictures before they are enlarged again: noise, then an encoder.

    Attributes:
        noise: the deviation of Gaussian noise, in sample values of 0..255; the same in red,
            green and blue.
        compression: how they are encoded; None where they are not.
        seed: what the noise is drawn from.
    """

    noise: float = 0.0
    compression: Compression | None = None
    seed: int = 0

    @property
    def quantiser(self) -> float:
        """How coarsely they are encoded, on H.264's scale of 0 to 51; 0 where they are not."""
        return quantiser([self.compression] if self.compression else [])

    def __str__(self) -> str:
        """What was done, in a few words."""
        done = [f"noise {self.noise:g}"] if self.noise else []
        if self.compression is not None:
            done.append(str(self.compression))
        return ", ".join(done) or "nothing"

    def of(self, small: Samples, random: np.random.Generator) -> Samples:
        """(T, h, w) luma or (T, h, w, 3) RGB uint8 as recorded, likewise."""
        steps: list[Step] = [Resize("bicubic"), Noise("gaussian", self.noise)]
        if self.compression is not None:
            steps.append(self.compression)
        return Degradation(tuple(steps)).apply(small, 1, random)


@dataclass(frozen=True, eq=False)  # arrays cannot be compared so
class Seen:
    """A true picture and the small one that a network sees of it.

    Attributes:
        truth: its sides are multiples of the scale.
        small: what the network is given, (h, w) or (h, w, 3) uint8.
        luma: the small picture's, by which shots are found, (h, w) uint8.
    """

    truth: Picture
    small: Samples
    luma: Plane


def seen(
    truths: Iterable[Picture], scale: int | Fraction, recording: Recording | None = None
) -> Iterator[Seen]:
    """What networks see of the pictures of a clip, of one size, or of an image: those, shrunk.

    With a `recording`, CHUNK pictures are held at once; without, as many as are drawn. Equal
    pictures in a row are then the very same value.
    """
    shrunk = _shrunk((cropped(truth, scale) for truth in truths), scale)
    return shrunk if recording is None else _recorded(shrunk, recording)


def _shrunk(truths: Iterable[Picture], scale: int | Fraction) -> Iterator[Seen]:
    last: Seen | None = None
    for truth in truths:
        if last is None or not _show_same(truth, last.truth):
            luma = degrade(truth.luma, scale)
            small = luma if truth.samples.ndim == 2 else degrade(truth.samples, scale)
            last = Seen(truth, small, luma)
        yield last


def _recorded(shrunk: Iterator[Seen], recording: Recording) -> Iterator[Seen]:
    random = np.random.default_rng(recording.seed)
    while chunk := list(islice(shrunk, CHUNK)):
        made = recording.of(np.stack([one.small for one in chunk]), random)
        for one, small in zip(chunk, made, strict=True):
            yield Seen(one.truth, small, one.truth.luma_of(small))


def _show_same(one: Picture, other: Picture) -> bool:
    pairs = ((one.luma, other.luma), (one.samples, other.samples))
    return all(np.array_equal(a, b) for a, b in pairs)
