"""Hold-out test: adapted weights against those they began from, on unseen footage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import torch

from vsr.datasets.ground_truth import Plane, Samples, luma
from vsr.evaluation.metrics import psnr
from vsr.evaluation.protocol import enlarge
from vsr.networks import Network
from vsr.training.footage import Recording

MARGIN = 0.2
"""The gain in dB from which on a model counts as better. It is so high because what is measured
tells the true gain roughly: where true large frames were known, that was up to 0.21 dB lower."""
_ERRORS = 2.0  # standard errors that it must exceed besides
_BORDER = 4  # large pixels, of each part
_PERFECT = 100.0
_FRAMES = 3  # of a recording


@dataclass(frozen=True)
class Verdict:
    """How well the held-back frames, made smaller, were enlarged again.

    Of each recording the quarters of the picture are judged apart, over all frames together.

    Attributes:
        bicubic, before, after: mean PSNR in dB by bicubic interpolation, by the weights that were
            begun from, and by the adapted ones.
        gain: `after` less `before`.
        error: the standard error of the gain; infinite for a single part.
        wins: parts that the adapted weights did better.
        parts: all parts.
    """

    bicubic: float
    before: float
    after: float
    gain: float
    error: float
    wins: int
    parts: int

    @property
    def is_better(self) -> bool:
        """Whether the gain is worth it, and no chance: over MARGIN and two standard errors."""
        return self.gain > max(MARGIN, _ERRORS * self.error)


def judge(
    recordings: Sequence[Recording],
    bicubic: Network,
    before: Network,
    after: Network,
    device: torch.device,
) -> Verdict:
    """Compare networks of one scale and colour, all on `device`."""
    plain, old, new = (
        [score for recording in recordings for score in _scores(recording, network, device)]
        for network in (bicubic, before, after)
    )
    gains = [one - other for one, other in zip(new, old, strict=True)]
    return Verdict(
        bicubic=fmean(plain),
        before=fmean(old),
        after=fmean(new),
        gain=fmean(gains),
        error=stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf,
        wins=sum(gain > 0 for gain in gains),
        parts=len(gains),
    )


def _scores(recording: Recording, network: Network, device: torch.device) -> list[float]:
    """PSNR of the luma of a recording's quarters, in dB."""
    small, large = recording.small, recording.large
    if network.color == "y":  # the baseline of a network that sees colours
        small, large = _luma(small), _luma(large)
    length = len(small)
    centres = sorted({round(n) for n in np.linspace(0, length - 1, min(_FRAMES, length))})
    guesses = []
    for centre in centres:
        around = np.arange(centre - network.context, centre + network.context + 1)
        seen = small[around.clip(0, length - 1)]
        guesses.append(enlarge(network, [*seen], device))
    pairs = zip(_quarters(_luma(np.stack(guesses))), _quarters(_luma(large[centres])), strict=True)
    return [min(_PERFECT, psnr(_tall(one), _tall(other))) for one, other in pairs]


def _luma(frames: Samples) -> Samples:
    """(T, H, W) of such, or of RGB (T, H, W, 3)."""
    return frames if frames.ndim == 3 else np.stack([luma(frame[..., ::-1]) for frame in frames])


def _quarters(frames: Samples) -> list[Samples]:
    """Of (T, H, W), without their edges."""
    inner = frames[:, _BORDER:-_BORDER, _BORDER:-_BORDER]
    rows, columns = (side // 2 for side in inner.shape[1:])
    places = [(y, x) for y in (0, rows) for x in (0, columns)]
    return [inner[:, y : y + rows, x : x + columns] for y, x in places]


def _tall(frames: Samples) -> Plane:
    """All frames below one another."""
    return frames.reshape(-1, frames.shape[2])
