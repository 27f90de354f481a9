"""What happens to a take, drawn before any of its pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vsr.datasets.ground_truth import Samples
from vsr.degradation.degradations import Degradation
from vsr.degradation.video_faults import Repeated
from vsr.degradation.wide import draw_coded, draw_noisy, with_repeats
from vsr.training.captions import Caption, draw_captions

CLEAN = 0.34
"""Of the takes are reduced by MATLAB's bicubic alone."""
NOISY = 0.12
"""Have noise besides, and no encoder; the rest is as recorded."""

_CAPTIONED = 0.1  # of those that are not clean
_REPEATING, _FADING = 0.05, 0.05  # of those in which something moves
_ONCE = 0.5  # of the repeating ones
_TO_BLACK, _TO_WHITE = 0.3, 0.1  # of the fades; the others are of the light


@dataclass(frozen=True)
class Fade:
    """Light that changes steadily over the frames: sample = level + gain * (sample - level).

    Attributes:
        first, last: gains of the first and the last frame, 0 or above.
        level: what the picture fades to, in sample values of 0..255.
    """

    first: float
    last: float
    level: int = 0

    def draw(self, frames: Samples) -> None:
        """On true frames (T, H, W) uint8, in place."""
        gains = np.linspace(self.first, self.last, len(frames), dtype=np.float32)
        for frame, gain in zip(frames, gains, strict=True):
            faded = self.level + gain * (frame - np.float32(self.level))
            np.clip(np.rint(faded), 0, 255, out=frame, casting="unsafe")


@dataclass(frozen=True)
class Plan:
    """All that happens to a take, in order.

    Attributes:
        fade: of the true frames; None for steady light.
        captions: written onto them after that.
        degradation: what makes the small frames; None for MATLAB's bicubic alone.
        repeated: which frames are lost, small and large; a degradation holds it as well.
    """

    fade: Fade | None = None
    captions: tuple[Caption, ...] = ()
    degradation: Degradation | None = None
    repeated: Repeated | None = None


def draw_plan(
    moves: bool,
    frames: int,
    scale: int,
    side: int,
    random: np.random.Generator,
    clean: float = CLEAN,
) -> Plan:
    """The plan of so many frames of `side` large pixels, in which something moves or not.

    `clean` is the chance of one that is reduced alone; what is less of these is recorded.
    """
    kind = random.random()
    fade = _draw_fade(random) if moves and random.random() < _FADING else None
    repeated = _draw_repeated(frames, random) if moves and random.random() < _REPEATING else None
    if kind < clean:
        return Plan(fade, repeated=repeated)
    captioned = random.random() < _CAPTIONED
    captions = draw_captions(scale, side, random) if captioned else ()
    degradation = draw_noisy(random) if kind < clean + NOISY else draw_coded(random)
    if repeated:
        degradation = with_repeats(degradation, repeated)
    return Plan(fade, captions, degradation, repeated)


def _draw_fade(random: np.random.Generator) -> Fade:
    """Light that drifts, or a fade from or to black or white, of which a take is a piece."""
    kind, ends = random.random(), random.uniform(0.6, 1.2, 2)
    if kind < _TO_BLACK + _TO_WHITE:
        level = 0 if kind < _TO_BLACK else 255
        ends = random.permutation([1.0, random.uniform(0.2, 0.7)])
        return Fade(float(ends[0]), float(ends[1]), level)
    return Fade(float(ends[0]), float(ends[1]))


def _draw_repeated(frames: int, random: np.random.Generator) -> Repeated:
    """One frame, or each so-many-th, as where a frame rate was raised."""
    every = 0 if random.random() < _ONCE else int(random.integers(2, 7))
    return Repeated(int(random.integers(1, frames if every == 0 else every + 1)), every)
