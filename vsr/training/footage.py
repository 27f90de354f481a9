"""Training windows of recordings: true clips, and what a camera would have made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vsr.core.events import Warn, ignore
from vsr.datasets.ground_truth import Samples
from vsr.degradation.degradations import Degradation, draw_degradation
from vsr.training.camera import shoot
from vsr.training.lessons import Windows
from vsr.training.window_pairs import Batch, WindowPairs

_SIDE = 320  # large pixels: whole clips go through the encoder, so they are larger than patches
_FRAMES = 9
_RECORDINGS = 3000  # kept; a megabyte each, at most
_FROM_CLIPS = 0.5  # where there are stills too
_REDUCTIONS = (1.0, 0.6)  # of the true pictures: what a recording lacks is more than they lack


@dataclass(frozen=True)
class Recording:
    """A short clip, as it was and as it was recorded.

    Attributes:
        large: (T, S, S) uint8 luma, or (T, S, S, 3) RGB.
        small: (T, s, s) or (T, s, s, 3) uint8, S = scale * s.
        degradation: what lies between them.
    """

    large: Samples
    small: Samples
    degradation: Degradation


@dataclass(frozen=True)
class FootagePairs:
    """Recordings from which windows are cut. They are made when they are first asked for.

    Attributes:
        source: the true pictures; its clips and stills are filmed for _FRAMES frames.
        side: the small side of a recording, at least that of any window.
        seed: each recording follows from it and its own number.
        made: the recordings so far, by number.
    """

    source: WindowPairs
    side: int
    seed: int
    made: dict[int, Recording] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        scale: int,
        context: int,
        shortest: int,
        color: str = "y",
        seed: int = 1,
        warn: Warn = ignore,
    ) -> FootagePairs:
        """Read everything in `paths`, for a network of that `context` and `color`.

        Arguments and errors are those of `WindowPairs.load`. Left out is, besides, what is
        smaller than a recording.
        """
        side = cls.least(scale, shortest)
        source = WindowPairs.load(paths, scale, context, side, color, _REDUCTIONS, warn)
        return cls(source, side, seed)

    @staticmethod
    def least(scale: int, shortest: int) -> int:
        """Small pixels a side of what is not left out."""
        return max(_SIDE // scale, shortest)

    def sample(
        self, batch: int, patch: int, random: np.random.Generator, known_flow: bool = False
    ) -> Batch:
        """Random windows of `patch` small pixels, flipped and turned, as WindowPairs gives them.

        At the ends of a recording its first or last frame is repeated, as at cuts. The flow is
        nowhere known. With `known_flow` the windows are those of `source`, which are clean:
        motion is learnt on them. For an RGB network, without context, channels stand in place
        of frames.
        """
        if known_flow:
            return self.source.sample(batch, patch, random, known_flow)
        drawn = (self.recording(int(random.integers(_RECORDINGS))) for _ in range(batch))
        return windows_of(drawn, self.source.scale, self.source.context, patch, random)

    def recording(self, number: int) -> Recording:
        """The recording of that number: always the same one."""
        if number not in self.made:
            self.made[number] = self._record(_random(self.seed, number))
        return self.made[number]

    def _record(self, random: np.random.Generator) -> Recording:
        side, scale = self.side * self.source.scale, self.source.scale
        degradation = draw_degradation(random)  # before all else: see `degradations`
        large = self._filmed(side, random)
        return Recording(large, degradation.apply(large, scale, random), degradation)

    def _filmed(self, side: int, random: np.random.Generator) -> Samples:
        """A true clip (T, side, side[, 3])."""
        clips, stills, scale = self.source.clips, self.source.stills, self.source.scale
        if not clips or (stills and random.random() >= _FROM_CLIPS):
            scene, other = (stills[i] for i in random.integers(len(stills), size=2))
            return shoot(scene, other, side // scale, scale, _FRAMES // 2, random).frames
        clip = clips[random.integers(len(clips))]
        first = random.integers(max(1, len(clip) - _FRAMES + 1))
        height, width = clip[0].shape[:2]
        y, x = random.integers(height - side + 1), random.integers(width - side + 1)
        cut = [f[y : y + side, x : x + side] for f in clip[first : first + _FRAMES]]
        return np.stack(cut[::-1] if random.integers(2) else cut)


@dataclass(frozen=True)
class FootageStills:
    """Single frames of recordings, for networks that see no others.

    Attributes:
        pairs: the recordings; their context is 0.
    """

    pairs: Windows

    def sample(self, batch: int, patch: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Patches (N, C, p, p) and the true ones (N, C, s*p, s*p), float32 in [0, 1]."""
        drawn = self.pairs.sample(batch, patch, random)
        return drawn.small, drawn.large


def degradations(seed: int) -> Iterator[Degradation]:
    """What becomes of each recording of that seed, by number: all that a run may see."""
    return (draw_degradation(_random(seed, number)) for number in range(_RECORDINGS))


def windows_of(
    recordings: Iterable[Recording],
    scale: int,
    context: int,
    patch: int,
    random: np.random.Generator,
) -> Batch:
    """A random window of `patch` small pixels of each, flipped and turned, all one way.

    At the ends of a recording its first or last frame is repeated, as at cuts. The flow is nowhere
    known. Of RGB, without context, channels stand in place of frames.
    """
    cuts = [_cut(recording, scale, context, patch, random) for recording in recordings]
    return batch_of(cuts, random)


def batch_of(cuts: Sequence[tuple[Samples, Samples]], random: np.random.Generator) -> Batch:
    """Windows (T, p, p[, 3]) and their true centres (1, s*p, s*p[, 3]), all turned one way."""
    turns, flip = int(random.integers(4)), bool(random.integers(2))
    small, large = (_tensor(np.stack(part), turns, flip) for part in zip(*cuts, strict=True))
    frames, patch, _ = cuts[0][0].shape[:3]
    return Batch(small, large, torch.full((len(cuts), frames - 1, 2, patch, patch), torch.nan))


def _cut(
    recording: Recording, scale: int, context: int, patch: int, random: np.random.Generator
) -> tuple[Samples, Samples]:
    """A window (T, p, p[, 3]) and its true centre (1, s*p, s*p[, 3])."""
    length, height, width = recording.small.shape[:3]
    centre = int(random.integers(length))
    frames = np.clip(np.arange(centre - context, centre + context + 1), 0, length - 1)
    y, x = random.integers([height - patch + 1, width - patch + 1])
    small = recording.small[frames, y : y + patch, x : x + patch]
    ys, xs, side = y * scale, x * scale, patch * scale
    return small, recording.large[centre : centre + 1, ys : ys + side, xs : xs + side]


def _random(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng((seed, number))


def _tensor(windows: Samples, turns: int, flip: bool) -> Tensor:
    """(N, T, h, w) or (N, 1, h, w, 3) uint8 -> (N, C, h, w) float32 in [0, 1], turned."""
    samples = torch.from_numpy(windows)
    if samples.ndim == 5:
        samples = samples[:, 0].movedim(-1, 1)
    turned = torch.rot90(samples, turns, (-2, -1))
    return (turned.flip(-1) if flip else turned).contiguous().float() / 255
