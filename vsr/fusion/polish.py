"""`--polish`: a network guesses what the frames leave open. Nothing else lets one take part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import cv2
import numpy as np
import torch
from torch import Tensor

from vsr.fusion.imaging import seen
from vsr.fusion.samples import Samples
from vsr.fusion.solve import Belief, solve
from vsr.upscaler import Upscaler

Guess: TypeAlias = Callable[[Tensor], Tensor]
"""From a still (1, C, H, W), 0..1 nominally, to what a network makes of it, of the same size."""

_PEAK = 65535


def guess_by(upscaler: Upscaler) -> Guess:
    """What a network makes of the still at the region's own size."""

    def guess(still: Tensor) -> Tensor:
        height, width = still.shape[-2:]
        scale = upscaler.scale
        size = (round(width / scale), round(height / scale))
        planes = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in still[0].numpy()]
        levels = np.rint(np.stack(planes, -1).clip(0, 1) * _PEAK).astype(np.uint16)
        large = np.atleast_3d(upscaler(levels)).astype(np.float32) / _PEAK
        return torch.from_numpy(np.ascontiguousarray(large.transpose(2, 0, 1)))[None]

    return guess


def polished(still: Tensor, samples: Samples, belief: Belief, guess: Guess) -> Tensor:
    """The still (1, C, H, W) that a network guesses, corrected by what the samples say.

    The correction is a still of its own: what explains how far the samples are off the guess, and
    is smooth but for edges where they say nothing.
    """
    guessed = guess(still)
    off = samples.values - seen(guessed, samples, belief.blur)
    return guessed + solve(replace(samples, values=off), belief, torch.zeros_like(guessed))
