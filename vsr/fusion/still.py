"""One still from many frames: what they all know of a region, without a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import torch
from torch import Tensor

from vsr.core.crop import Box
from vsr.core.errors import InputError
from vsr.core.events import Progress, ignore
from vsr.core.frame import VideoInfo
from vsr.core.source import Source
from vsr.fusion.certainty import Knowledge, knowledge, standard_error
from vsr.fusion.follow import Track, follow
from vsr.fusion.judge import Verdict, judge
from vsr.fusion.memory import check_memory
from vsr.fusion.options import FuseOptions
from vsr.fusion.placement import seen_at, shift
from vsr.fusion.samples import AROUND, gather
from vsr.fusion.sights import sights, told
from vsr.fusion.solve import Belief, solve
from vsr.fusion.tune import tuned

_LEAST_SIDE = 8  # pixels
_MOST_PIXELS = 512 * 512  # of a region


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
    progress: Callable[[Progress], None] = ignore,
) -> Fused:
    """Fuse what frames of a source show of a region. `at` is in ticks of the source's clock.

    `progress` is called after each frame in which the region was looked for.

    The same frames give the same still, to the bit, on one machine. Raises InputError where the
    region is none of the picture's, no frame shows it, or there is too little memory.
    """
    box = options.crop.inside(source.info)
    _check_size(box, options)
    frames = min(options.frames, source.expected_frames or options.frames)
    held = 0 if at is None else frames  # where `at` is late, all that come before it
    check_memory(source.info, box, options.scale, frames, held)
    with _one_thread():
        seen = told(sights(source, at, options.frames), frames, progress)
        track = follow(seen, box, source.info)
        verdicts = judge(track)
        if not any(verdict.used for verdict in verdicts):
            raise InputError(f"{source.path}: no frame shows the region well enough to use it")
        return _reconstructed(track, verdicts, box, source.info, options)


def _reconstructed(
    track: Track, verdicts: tuple[Verdict, ...], box: Box, info: VideoInfo, options: FuseOptions
) -> Fused:
    scale = options.scale
    samples = gather(track.region, verdicts, scale)
    mean = _mean(verdicts, track, scale)
    belief = tuned(samples, mean)
    belief = Belief(belief.blur, belief.smooth * options.prior)
    still = solve(samples, belief, mean)
    known = knowledge(still, mean, samples, belief)
    if known.between_pixels == 0:  # to guess between the pixels would be no better than a lens
        still = mean
    best = max((verdict for verdict in verdicts if verdict.used), key=_merit)
    return Fused(
        still=_inside(still, scale)[0],
        mean=_inside(mean, scale)[0],
        best=_inside(_enlarged(best, track, scale), scale)[0],
        error=_inside(standard_error(still, samples, belief), scale),
        best_frame=best.window.number,
        box=box,
        track=track,
        verdicts=verdicts,
        belief=belief,
        knowledge=known,
        info=info,
    )


def _merit(verdict: Verdict) -> float:
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


def _mean(verdicts: tuple[Verdict, ...], track: Track, scale: int) -> Tensor:
    """The mean of all frames that take part, by their weights."""
    total, weights = None, 0.0
    for verdict in verdicts:
        if verdict.used:
            shown = _enlarged(verdict, track, scale) * verdict.weight
            total = shown if total is None else total + shown
            weights += verdict.weight
    assert total is not None
    return total / weights


def _inside(picture: Tensor, scale: int) -> Tensor:
    """Without what is AROUND the region."""
    edge = AROUND * scale
    return picture[..., edge:-edge, edge:-edge].contiguous()


def _check_size(box: Box, options: FuseOptions) -> None:
    size = f"{box.width}x{box.height}"
    if min(box.width, box.height) < _LEAST_SIDE:
        raise InputError(
            f"crop {options.crop}: {size} pixels are too few to follow; at least "
            f"{_LEAST_SIDE}x{_LEAST_SIDE} are needed"
        )
    if box.width * box.height > _MOST_PIXELS:
        raise InputError(
            f"crop {options.crop}: {size} pixels are too many; a region has at most {_MOST_PIXELS}"
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums come out the same, however many cores there are."""
    threads, theirs = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(theirs)
