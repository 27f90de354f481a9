"""Training patches and windows whose small pictures a trained generator made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vsr.core.events import Warn, ignore
from vsr.datasets.ground_truth import Samples
from vsr.training.camera import shoot
from vsr.training.footage import batch_of
from vsr.training.generator import Learned
from vsr.training.window_pairs import Batch, WindowPairs

_PATCHES = 1.5  # a scene is so many patches wide and high, and made small as a whole
_SCENES = 4000  # kept; 26 KB each, for x2, patches of 48 and single frames of luma
_FROM_CLIPS = 0.5  # where there are stills too


@dataclass(frozen=True)
class Scene:
    """A window, and what the generator made of it.

    Attributes:
        large: its centre as it was, (S, S) or (S, S, 3) uint8.
        small: (T, s, s) or (T, s, s, 3) uint8, S = scale * s.
    """

    large: Samples
    small: Samples


@dataclass(frozen=True)
class LearnedPairs:
    """Scenes from which windows are cut. They are made when they are first asked for.

    Attributes:
        source: the true pictures, with the context and scale of the network.
        learned: makes their frames small, each with noise of its own.
        side: the small side of a scene, at least that of any window.
        seed: each scene follows from it and its own number.
        made: the scenes so far, by number.
    """

    source: WindowPairs
    learned: Learned
    side: int
    seed: int
    made: dict[int, Scene] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        generator: Path,
        scale: int,
        context: int,
        shortest: int,
        color: str = "y",
        seed: int = 1,
        warn: Warn = ignore,
    ) -> LearnedPairs:
        """Read everything in `paths`, for a network of that `context` and `color`.

        Arguments and errors are those of `WindowPairs.load` and `Learned.load`. Left out is,
        besides, what is smaller than a scene.
        """
        learned = Learned.load(generator, scale, color)
        side = cls.least(shortest)
        pairs = WindowPairs.load(paths, scale, context, side, color, warn=warn)
        return cls(pairs, learned, side, seed)

    @staticmethod
    def least(shortest: int) -> int:
        """Small pixels a side of what is not left out."""
        return int(_PATCHES * shortest)

    def sample(
        self, batch: int, patch: int, random: np.random.Generator, known_flow: bool = False
    ) -> Batch:
        """Random windows of `patch` small pixels, flipped and turned, as WindowPairs gives them.

        The flow is nowhere known. With `known_flow` the windows are those of `source`, which
        are clean: motion is learnt on them. For an RGB network, without context, channels stand
        in place of frames.
        """
        if known_flow:
            return self.source.sample(batch, patch, random, known_flow)
        return batch_of([self._cut(patch, random) for _ in range(batch)], random)

    def scene(self, number: int) -> Scene:
        """The scene of that number: always the same one."""
        if number not in self.made:
            self.made[number] = self._make(np.random.default_rng((self.seed, number)))
        return self.made[number]

    def _cut(self, patch: int, random: np.random.Generator) -> tuple[Samples, Samples]:
        """A window (T, p, p[, 3]) and its true centre (1, s*p, s*p[, 3])."""
        scene, scale = self.scene(int(random.integers(_SCENES))), self.source.scale
        y, x = random.integers(self.side - patch + 1, size=2)
        ys, xs, side = y * scale, x * scale, patch * scale
        small = scene.small[:, y : y + patch, x : x + patch]
        return small, scene.large[None, ys : ys + side, xs : xs + side]

    def _make(self, random: np.random.Generator) -> Scene:
        frames = self._filmed(random)
        small = self.learned.apply(frames, self.source.scale, random)
        return Scene(frames[self.source.context].copy(), small)

    def _filmed(self, random: np.random.Generator) -> Samples:
        """A true window (T, S, S[, 3]): of a clip, or of stills under a camera."""
        clips, stills, scale = self.source.clips, self.source.stills, self.source.scale
        context, side = self.source.context, self.side * scale
        if not clips or (stills and random.random() >= _FROM_CLIPS):
            scene, other = (stills[i] for i in random.integers(len(stills), size=2))
            if context:
                return shoot(scene, other, self.side, scale, context, random).frames
            frames = [scene]
        else:
            clip = clips[random.integers(len(clips))]
            first = int(random.integers(len(clip) - 2 * context))
            frames = clip[first : first + 2 * context + 1]
        y, x = (int(random.integers(length - side + 1)) for length in frames[0].shape[:2])
        return np.stack([frame[y : y + side, x : x + side] for frame in frames])
