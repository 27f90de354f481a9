"""What goes wrong from frame to frame: denoisers, fields, lost frames, encoders in a row.

The list is that of Chan et al. 2022 (RealBasicVSR) and of what surveillance footage shows. These
steps follow the reduction: they work on small frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import TrainingError
from vsr.degradation.compression import Compression, Samples

FIELDS = ("doubled", "weave")

Sequence = TypeVar("Sequence", Tensor, Samples)


@dataclass(frozen=True)
class Smear:
    """A camera's recursive denoiser: each frame is mixed with what was made of the one before.

    y(t) = a * y(t-1) + (1 - a) * x(t) where the two differ little in the mean of 3x3 pixels; what
    moves is left as it is, so faint things trail and noise becomes slow. The first frame has
    nothing before it, and stays.

    Attributes:
        weight: a, above 0 and below 1.
        threshold: up to this difference in sample values of 0..255 all of `weight` counts, from
            twice as much on nothing of it.
    """

    weight: float
    threshold: float

    def __post_init__(self) -> None:
        if not 0 < self.weight < 1:
            raise TrainingError(f"weight {self.weight}: must be above 0 and below 1")
        if not self.threshold > 0:
            raise TrainingError(f"threshold {self.threshold}: must be above 0")

    def __str__(self) -> str:
        return f"smeared {self.weight:.2f} up to {self.threshold:.1f}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        made = [frames[:1]]
        for number in range(1, len(frames)):
            frame = frames[number : number + 1]
            change = made[-1] - frame
            size = (
                255 / self.threshold * F.avg_pool2d(change, 3, 1, 1, count_include_pad=False).abs()
            )
            made.append(frame + self.weight * (2 - size).clamp(0, 1) * change)
        return torch.cat(made)

    @property
    def noise_gain(self) -> float:
        """How much of the deviation of noise it leaves in the end, where nothing moves."""
        return math.sqrt((1 - self.weight) / (1 + self.weight))


@dataclass(frozen=True)
class Deinterlaced:
    """Fields that were made frames of badly.

    Attributes:
        kind: one of FIELDS: "doubled", each line of one field stands twice; "weave", the lines of
            the other field come from the next frame, and what moves is combed.
        parity: 0 where the upper lines are the frame's own, 1 where the lower ones are.
    """

    kind: str
    parity: int = 0

    def __post_init__(self) -> None:
        if self.kind not in FIELDS:
            raise TrainingError(f"fields {self.kind!r}: must be one of {', '.join(FIELDS)}")
        if self.parity not in (0, 1):
            raise TrainingError(f"parity {self.parity}: must be 0 or 1")

    def __str__(self) -> str:
        return f"fields {self.kind} from {self.parity}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        height = frames.shape[-2]
        if self.kind == "doubled":
            lines = torch.arange(height) // 2 * 2 + self.parity
            return frames[..., lines.clamp(max=height - 1), :]
        woven, other = frames.clone(), 1 - self.parity
        woven[:-1, :, other::2] = frames[1:, :, other::2]
        return woven


@dataclass(frozen=True)
class Repeated:
    """Frames that were lost: the one before is shown once more in their place.

    Attributes:
        first: the number of the first, from 1.
        every: frames from one to the next, at least 2; 0 for one alone.
    """

    first: int
    every: int = 0

    def __post_init__(self) -> None:
        if self.first < 1:
            raise TrainingError(f"first {self.first}: must be at least 1")
        if self.every < 0 or self.every == 1:
            raise TrainingError(f"every {self.every}: must be 0 or at least 2")

    def __str__(self) -> str:
        return f"repeats from {self.first}" + (f" every {self.every}" if self.every else "")

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        return self.shown(frames)

    def shown(self, frames: Sequence) -> Sequence:
        """Frames (T, ...), the lost ones replaced: true frames need this as well."""
        return frames[self._places(len(frames))]

    def _places(self, count: int) -> NDArray[np.int64]:
        places = np.arange(count)
        lost = places == self.first
        if self.every:
            lost = (places >= self.first) & ((places - self.first) % self.every == 0)
        shown: NDArray[np.int64] = places - lost
        return shown


@dataclass(frozen=True)
class Recompression:
    """A second encode, on a grid of blocks that may lie elsewhere than the first one's.

    Attributes:
        compression: what encodes.
        right, down: how far the picture is moved for it, in whole pixels; it is moved back after.
    """

    compression: Compression
    right: int = 0
    down: int = 0

    def __post_init__(self) -> None:
        if min(self.right, self.down) < 0:
            raise TrainingError(f"shift {self.right}, {self.down}: must not be negative")

    def __str__(self) -> str:
        moved = f" moved by {self.right},{self.down}" if self.right or self.down else ""
        return f"again {self.compression}{moved}"

    def apply(self, frames: Tensor, scale: int, random: np.random.Generator) -> Tensor:
        moved = F.pad(frames, (self.right, 0, self.down, 0), mode="replicate")
        return self.compression.apply(moved, scale, random)[..., self.down :, self.right :]
