"""The kernel and the noise of pictures that nobody told anything of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vsr.adaptation.degradation_estimate import estimate
from vsr.adaptation.pseudo_pairs import smallest, truth
from vsr.datasets.ground_truth import Samples
from vsr.zero_shot.kernel import Kernel, bicubic


@dataclass(frozen=True, eq=False)  # kernels cannot be compared so
class Reduction:
    """What pictures went through.

    Attributes:
        kernel: the reduction.
        noise: what came after it, as a deviation in sample values of 0..255.
        blur: of the kernel, in small pixels on top of bicubic; None for a kernel from a file.
        is_estimated: whether nobody told it.
    """

    kernel: Kernel
    noise: float = 0.0
    blur: float | None = None
    is_estimated: bool = False


def estimated(frames: Sequence[Tensor], scale: int, seed: int) -> Reduction:
    """The reduction that `vsr adapt` would find: see `degradation_estimate.estimate`.

    `frames` are (1, 3, h, w) float32 RGB in [0, 1].
    """
    clips = [_samples(frame) for frame in frames]
    truths = [truth(clip, smallest(clip, scale), scale) for clip in clips]
    camera = estimate(clips, truths, scale, None, np.random.default_rng(seed))
    return Reduction(bicubic(scale, camera.blur), camera.noise, camera.blur, is_estimated=True)


def _samples(frame: Tensor) -> Samples:
    """A clip (1, h, w, 3) uint8 of one frame."""
    rounded: Samples = (frame.movedim(1, -1) * 255).round().clamp(0, 255).byte().cpu().numpy()
    return rounded
