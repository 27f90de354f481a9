"""One still from many frames: what they all know of a region, without a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import torch
from torch import Tensor

from vsr.core.crop import Box
from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.frame import VideoInfo
from vsr.core.source import Source
from vsr.fusion.by_hand import decided
from vsr.fusion.certainty import Knowledge, knowledge, standard_error
from vsr.fusion.follow import Track, follow
from vsr.fusion.judge import Verdict, judge
from vsr.fusion.memory import check_memory
from vsr.fusion.options import FuseOptions
from vsr.fusion.placement import seen_at, shift
from vsr.fusion.polish import Guess, polished
from vsr.fusion.progress import Tell, Work
from vsr.fusion.samples import AROUND, Samples, gather
from vsr.fusion.sights import sights
from vsr.fusion.solve import Belief, solve
from vsr.fusion.tune import tuned

LEAST_SIDE = 8  # pixels
MOST_PIXELS = 512 * 512  # of a region


@dataclass(frozen=True)
class Fused:
    """A still, and all that is known of how it came about.

    Attributes:
        still: (C, H, W) float32, RGB or grey, 0..1 nominally; `scale` times the region.
        mean: the mean of the aligned frames, likewise: what averaging alone gives.
        best: the best single frame's region, enlarged bicubically, likewise.
        error: (H, W) float32, the standard error of the still's grey, see `standard_error`.
        best_frame: the number of that frame in the span, counted from 0.
        box: the region in the reference.
        track, verdicts: where the region was seen, and what became of each frame.
        belief: what was taken for granted.
        knowledge: what many frames add to one.
        info: of the frames.
    """

    still: Tensor
    mean: Tensor
    best: Tensor
    error: Tensor
    best_frame: int
    box: Box
    track: Track
    verdicts: tuple[Verdict, ...]
    belief: Belief
    knowledge: Knowledge
    info: VideoInfo

    @property
    def used(self) -> tuple[Verdict, ...]:
        """Those that take part."""
        return tuple(verdict for verdict in self.verdicts if verdict.used)


def fuse_frames(
    source: Source,
    at: Fraction | None,
    options: FuseOptions,
    tell: Tell = ignore,
    guess: Guess | None = None,
) -> Fused:
    """Fuse what frames of a source show of a region. `at` is in ticks of the source's clock.

    `tell` is told how far it is; `guess` is a network that takes part in the still, see `polished`.

    The same frames give the same still, to the bit, on one machine. Raises InputError where the
    region is none of the picture's, no frame shows it, or there is too little memory.
    """
    box = options.crop.inside(source.info)
    _check_size(box, options)
    frames = min(options.frames, source.expected_frames or options.frames)
    held = 0 if at is None else frames  # where `at` is late, all that come before it
    check_memory(source.info, box, options.scale, frames, held)
    with one_thread():
        track = follow(sights(source, at, options.frames), box, source.info, frames, tell)
        verdicts = decided(judge(track), options.keep, options.drop)
        if not any(verdict.used for verdict in verdicts):
            raise InputError(f"{source.path}: {_why_none(options)}")
        return _reconstructed(track, verdicts, box, source.info, options, tell, guess)


def _why_none(options: FuseOptions) -> str:
    if options.drop:
        return "no frame that shows the region well enough is left: drop fewer"
    return "no frame shows the region well enough to use it"


@dataclass(frozen=True)
class Solution:
    """What the frames that take part make, with what is AROUND the region.

    Attributes:
        still, mean: (1, C, H, W) float32, see `Fused`.
        samples: what they were made of.
        belief, knowledge: see `Fused`.
    """

    still: Tensor
    mean: Tensor
    samples: Samples
    belief: Belief
    knowledge: Knowledge


def solution(
    track: Track,
    verdicts: Sequence[Verdict],
    options: FuseOptions,
    tell: Tell = ignore,
    guess: Guess | None = None,
) -> Solution:
    """The still of the frames that take part, at least one, and what is known of it."""
    scale = options.scale
    samples = gather(track.region, verdicts, scale)
    mean = _mean(verdicts, track, scale)
    belief = tuned(samples, mean, tell)
    belief = Belief(belief.blur, belief.smooth * options.prior)
    Work("solving", tell)(0)
    still = solve(samples, belief, mean)
    known = knowledge(still, mean, samples, belief)
    if known.between_pixels == 0:  # to guess between the pixels would be no better than a lens
        still = mean
    if guess:
        still = polished(still, samples, belief, guess)
    return Solution(still, mean, samples, belief, known)


def _reconstructed(
    track: Track,
    verdicts: tuple[Verdict, ...],
    box: Box,
    info: VideoInfo,
    options: FuseOptions,
    tell: Tell = ignore,
    guess: Guess | None = None,
) -> Fused:
    scale = options.scale
    made = solution(track, verdicts, options, tell, guess)
    best = max((verdict for verdict in verdicts if verdict.used), key=merit)
    return Fused(
        still=inside(made.still, scale)[0],
        mean=inside(made.mean, scale)[0],
        best=inside(_enlarged(best, track, scale), scale)[0],
        error=inside(standard_error(made.still, made.samples, made.belief, tell), scale),
        best_frame=best.window.number,
        box=box,
        track=track,
        verdicts=verdicts,
        belief=made.belief,
        knowledge=made.knowledge,
        info=info,
    )


def merit(verdict: Verdict) -> float:
    """Sharp, and near to what is typical."""
    return verdict.sharpness / math.sqrt(verdict.deviation)


def _enlarged(verdict: Verdict, track: Track, scale: int) -> Tensor:
    """What a frame shows of the region and AROUND it, bicubically: (1, C, H, W)."""
    found = verdict.window.found
    assert found is not None
    height, width = ((length + 2 * AROUND) * scale for length in track.region.shape)
    # from the still's pixels to the region's
    place = shift(-AROUND - 0.5, -AROUND - 0.5)
    place = place @ np.diag([1 / scale, 1 / scale, 1.0]) @ shift(0.5, 0.5)
    matrix = found.placement.matrix @ place
    planes = [seen_at(plane.numpy(), matrix, width, height) for plane in found.colours]
    return torch.from_numpy(np.stack(planes))[None]


def _mean(verdicts: Sequence[Verdict], track: Track, scale: int) -> Tensor:
    """The mean of all frames that take part, by their weights."""
    total, weights = None, 0.0
    for verdict in verdicts:
        if verdict.used:
            shown = _enlarged(verdict, track, scale) * verdict.weight
            total = shown if total is None else total + shown
            weights += verdict.weight
    assert total is not None
    return total / weights


def inside(picture: Tensor, scale: int) -> Tensor:
    """Without what is AROUND the region."""
    edge = AROUND * scale
    return picture[..., edge:-edge, edge:-edge].contiguous()


def _check_size(box: Box, options: FuseOptions) -> None:
    size = f"{box.width}x{box.height}"
    if min(box.width, box.height) < LEAST_SIDE:
        raise InputError(
            f"crop {options.crop}: {size} pixels are too few to follow; at least "
            f"{LEAST_SIDE}x{LEAST_SIDE} are needed"
        )
    if box.width * box.height > MOST_PIXELS:
        raise InputError(
            f"crop {options.crop}: {size} pixels are too many; a region has at most {MOST_PIXELS}"
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums come out the same, however many cores there are."""
    threads, theirs = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(theirs)
