"""Training windows: from video as it was shot, and from stills under a virtual camera."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame
from vsr.core.resample import resize
from vsr.datasets.ground_truth import Picture, Samples
from vsr.datasets.media import is_clip, is_lossless, list_items
from vsr.evaluation.protocol import shrink
from vsr.images.listing import is_series
from vsr.training.camera import shoot
from vsr.training.data import FRAME_STEP, LOSSLESS, LOSSY
from vsr.training.reading import read_examples
from vsr.video.shots import mark_shots

_BURST = 17
_CLIPS = 0.35  # of the windows come from video where there is some
_STEPS = (1, 1, 2)  # frames between the frames of a window


@dataclass(frozen=True)
class Batch:
    """What one training step sees.

    Attributes:
        small: (N, T, p, p) float32 in [0, 1]: windows, oldest frame first.
        large: (N, 1, s*p, s*p) float32 in [0, 1]: the true centre frame.
        flow: (N, T-1, 2, p, p) float32 in small pixels: where the centre's pixels are in each
            neighbour; NaN where nobody knows.
    """

    small: Tensor
    large: Tensor
    flow: Tensor


@dataclass(frozen=True)
class WindowPairs:
    """Luma of stills and clips at the large size, from which windows are cut.

    Attributes:
        stills: (h, w) uint8 each; or (h, w, 3), RGB, for FootagePairs alone.
        clips: frames of one size each, likewise.
        scale, context: of the network that is to learn.
    """

    stills: list[Samples]
    clips: list[list[Samples]]
    scale: int
    context: int

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        scale: int,
        context: int,
        shortest: int,
        color: str = "y",
        reductions: tuple[float, ...] | None = None,
        warn: Warn = ignore,
    ) -> WindowPairs:
        """Read everything in `paths`, each at several sizes: smaller copies are sharper ones.

        They are LOSSLESS or LOSSY, unless `reductions` are given.

        No window crosses a cut. A folder of images of one size is a clip, as in `vsr eval`,
        unless most of them stand alone between cuts: then it holds stills. Of a video every
        sixth burst of _BURST frames is kept: what lies between teaches little, and fills memory.
        Left out is what would fall under `shortest` small pixels, and shots that are shorter
        than a window. `warn` is told of damaged files. Raises InputError for a path that does
        not exist or a file that cannot be read.
        """
        stills: list[Samples] = []
        clips: list[list[Samples]] = []
        for item in list_items(paths):
            is_video = is_clip(item) and not is_series(item)
            factors = reductions or (LOSSLESS if is_lossless(item) else LOSSY)
            frames = read_examples(item, color, warn=warn)
            for pictures in _bursts(frames) if is_video else [list(frames)]:
                shots = [shot for shot in _shots(pictures) if len(shot) > 2 * context]
                moving = is_video or 2 * sum(map(len, shots)) > len(pictures)
                for factor in factors:
                    if moving:
                        copies = [_copies(shot, factor, shortest * scale) for shot in shots]
                        clips += [copy for copy in copies if copy]
                    else:
                        stills += _copies(pictures, factor, shortest * scale)
        return cls(stills, clips, scale, context)

    def sample(
        self, batch: int, patch: int, random: np.random.Generator, known_flow: bool = False
    ) -> Batch:
        """Random windows of `patch` small pixels, flipped and turned.

        With `known_flow`, only such whose flow is known; where there are no stills, the camera
        moves over single frames of the clips. `patch` is at most the `shortest` that the pairs
        were loaded with.
        """
        side, frames = patch * self.scale, 2 * self.context + 1
        large = np.empty((batch, frames, side, side), np.uint8)
        flow = np.full((batch, frames, 2, patch, patch), np.nan, np.float32)
        for n in range(batch):
            from_clip = self.clips and (random.random() < _CLIPS or not self.stills)
            if from_clip and not known_flow:
                large[n] = self._cut(side, random)
            else:
                scenes = self._scenes
                scene, object_ = (scenes[i] for i in random.integers(len(scenes), size=2))
                shot = shoot(scene, object_, patch, self.scale, self.context, random)
                large[n], flow[n] = shot.frames, shot.flow
        return self._turned(large, flow, patch, random)

    @cached_property
    def _scenes(self) -> list[Samples]:
        """What the camera may move over."""
        return self.stills or [plane for clip in self.clips for plane in clip]

    def _cut(self, side: int, random: np.random.Generator) -> NDArray[np.uint8]:
        """A window (T, side, side) from a clip, forwards or backwards."""
        clip = self.clips[random.integers(len(self.clips))]
        fitting = [step for step in _STEPS if 2 * self.context * step < len(clip)]
        step = fitting[random.integers(len(fitting))]
        length = 2 * self.context * step
        first = random.integers(len(clip) - length)
        chosen = clip[first : first + length + 1 : step]
        height, width = chosen[0].shape[:2]
        y, x = random.integers(height - side + 1), random.integers(width - side + 1)
        cut = np.stack([plane[y : y + side, x : x + side] for plane in chosen])
        return cut[::-1] if random.integers(2) else cut

    def _turned(
        self,
        large: NDArray[np.uint8],
        flow: NDArray[np.float32],
        patch: int,
        random: np.random.Generator,
    ) -> Batch:
        """Flip and turn the whole batch one way, and make the small windows of it.

        One way for all: turning is cheap on many, and the next batch goes another way.
        """
        truth = torch.from_numpy(large).float()
        shift = torch.from_numpy(flow)
        if random.integers(2):
            truth, shift = truth.flip(-1), shift.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]
        if random.integers(2):
            truth, shift = truth.flip(-2), shift.flip(-2) * torch.tensor([1.0, -1.0])[:, None, None]
        if random.integers(2):
            truth, shift = truth.transpose(-1, -2), shift.transpose(-1, -2).flip(2)
        small = resize(truth, patch, patch).round_().clamp_(0, 255) / 255
        others = [i for i in range(small.shape[1]) if i != self.context]
        centre = truth[:, self.context : self.context + 1].contiguous() / 255
        return Batch(small, centre, shift[:, others].contiguous())


def _bursts(frames: Iterator[Picture]) -> Iterator[list[Picture]]:
    while burst := list(islice(frames, _BURST)):
        yield burst
        deque(islice(frames, (FRAME_STEP - 1) * _BURST), maxlen=0)


def _shots(pictures: list[Picture]) -> list[list[Picture]]:
    """The frames of a clip from cut to cut."""
    shots: list[list[Picture]] = []
    frames = (Frame((picture.luma,), number, 1) for number, picture in enumerate(pictures))
    for picture, frame in zip(pictures, mark_shots(frames, 255), strict=True):
        if frame.starts_shot:
            shots.append([])
        shots[-1].append(picture)
    return shots


def _copies(pictures: list[Picture], factor: float, least: int) -> list[Samples]:
    """Pictures of one size at `factor` times it; none where a side would fall under `least`."""
    if not pictures:
        return []
    height, width = (round(side * factor) for side in pictures[0].luma.shape)
    if min(height, width) < least:
        return []
    whole = [picture.samples for picture in pictures]
    return whole if factor == 1 else [shrink(samples, height, width) for samples in whole]
