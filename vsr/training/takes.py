"""Training clips for recurrent networks: real video and stills under a moving crop, degraded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vsr.core.resample import resize
from vsr.datasets.ground_truth import Samples
from vsr.degradation.noise_level import noise_level
from vsr.degradation.quantiser import quantiser
from vsr.evaluation.protocol import shrink
from vsr.model_selection.noise import noise
from vsr.networks.recurrent_state import NOISE_SCALE, QUANTISER_SCALE
from vsr.training.camera import shoot
from vsr.training.take_plan import CLEAN, Plan, draw_plan
from vsr.training.window_pairs import WindowPairs

FRAMES = 24
SIDE = 80  # small pixels: larger than patches, as whole clips go through the encoder
_FROM_CLIPS = 0.45
_FROZEN, _STEADY = 0.05, 0.12  # of those from stills show one frame, or one place
_STANDING = 0.5  # of the noiseless ones that show one frame: all decode to the same
_WRONG = 0.08  # of the takes state a quality that is not theirs
_NEARLY_CLEAN = 14.0  # quantisers up to it leave nothing to see
_STEPS = (1, 1, 1, 2, 3)  # frames of a clip from one frame of the take to the next


@dataclass(frozen=True)
class Take:
    """A clip, as it was and as it was recorded.

    Attributes:
        large: (T, s*p, s*p) uint8 luma.
        small: (T, p, p) uint8.
        quality: (2,) float32 in 0..1, as `Recurrent.step` wants it.
        bicubic: mean squared error of its bicubic enlargement, of samples in 0..1.
        clean: whether it was reduced by MATLAB's bicubic alone. Nothing in such a take tells the
            direction of time, and it may be played back and forth for ever.
    """

    large: Samples
    small: Samples
    quality: NDArray[np.float32]
    bicubic: float
    clean: bool


def draw_take(source: WindowPairs, random: np.random.Generator, clean: float = CLEAN) -> Take:
    """One take from the stills and clips of `source`, all with sides of at least SIDE * scale.

    `clean` as `draw_plan` has it.
    """
    scene, moves = _filmed(source, random)
    plan = draw_plan(moves, FRAMES, source.scale, SIDE * source.scale, random, clean)
    return apply_plan(plan, scene, source.scale, random)


def apply_plan(plan: Plan, large: Samples, scale: int, random: np.random.Generator) -> Take:
    """The take that a plan makes of true frames (T, s*p, s*p), which are changed in place."""
    if plan.fade:
        plan.fade.draw(large)
    for caption in plan.captions:
        caption.draw(large)
    shown = plan.repeated.shown(large) if plan.repeated else large
    if plan.degradation is None:
        unlike = _unlike(shown)
        small = np.stack([shrink(frame, SIDE, SIDE) for frame in unlike])
        small = small if len(unlike) == len(shown) else np.repeat(small, len(shown), 0)
        quality = _quality(small, random.uniform(0, _NEARLY_CLEAN), 0.0, random)
        return Take(shown, small, quality, _bicubic_error(shown, small), True)
    steps = plan.degradation.steps
    small = plan.degradation.apply(large, scale, random)  # it repeats frames itself
    sigma, coarse = noise_level(steps), quantiser(steps)
    if not sigma and len(_unlike(large)) == 1 and random.random() < _STANDING:
        small = np.repeat(small[-1:], len(small), 0)
    told = coarse or random.uniform(0, _NEARLY_CLEAN)
    quality = _quality(small, told, sigma, random)
    return Take(shown, small, quality, _bicubic_error(shown, small), False)


def _bicubic_error(large: Samples, small: Samples) -> float:
    """Mean squared error of the enlarged small frames, a few of them, of samples in 0..1."""
    few = slice(len(small) // 6, None, max(1, len(small) // 3))
    truth = torch.from_numpy(large[few].astype(np.float32))
    enlarged = resize(torch.from_numpy(small[few].astype(np.float32)), *truth.shape[-2:])
    return float((enlarged - truth).div_(255).square_().mean())


def _unlike(frames: Samples) -> Samples:
    """The first frame alone where all are the same."""
    return frames[:1] if (frames == frames[:1]).all() else frames


def _quality(
    small: Samples, coarse: float, sigma: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """The quality planes: as they would be measured, and wrong now and then.

    In a piece as small as a take texture counts as noise, which it seldom does in whole frames:
    no more is told than those would give where so much noise, `sigma`, was added.
    """
    measured = float(np.mean([noise(frame) for frame in small[:: max(1, len(small) // 3)]]))
    measured = min(measured, 1.1 * sigma + 0.2 + random.exponential(0.5))
    coarse += random.normal(0, 2)
    if random.random() < _WRONG:
        coarse, measured = random.uniform(0, 40), random.exponential(3)
    values = (coarse / QUANTISER_SCALE, measured / NOISE_SCALE)
    return np.clip(np.array(values, np.float32), 0, 1)


def _filmed(source: WindowPairs, random: np.random.Generator) -> tuple[Samples, bool]:
    """FRAMES true frames (T, S, S), and whether anything moves."""
    side = SIDE * source.scale
    if source.clips and (random.random() < _FROM_CLIPS or not source.stills):
        return _from_clip(source.clips[random.integers(len(source.clips))], side, random), True
    stills = source.stills
    if random.random() < 0.15:  # turning, zooming and things that cross: no more than nine frames
        scene, other = (stills[i] for i in random.integers(len(stills), size=2))
        shot = shoot(scene, other, SIDE, source.scale, 4, random).frames
        return np.ascontiguousarray(shot[_back_and_forth(len(shot), FRAMES)]), True
    scene = _busy(stills, side, random)
    kind = random.random()
    if kind < _FROZEN + _STEADY:
        y, x = (int(random.integers(n - side + 1)) for n in scene.shape[:2])
        frame = scene[y : y + side, x : x + side]
        return np.repeat(frame[None], FRAMES, 0), False
    height, width = scene.shape[:2]
    ways = walk(FRAMES, (width - side, height - side), source.scale, random)
    frames = np.stack([scene[y : y + side, x : x + side] for x, y in ways])
    if random.random() < 0.3:
        _cross(frames, _busy(stills, side, random), source.scale, random)
    return frames, True


def _busy(stills: list[Samples], side: int, random: np.random.Generator) -> Samples:
    """A random still: of two, the one with more to see."""
    one, other = random.integers(len(stills), size=2)
    first, second = stills[int(one)], stills[int(other)]
    if random.random() < 0.5 or _busyness(first) > _busyness(second):
        return first
    return second


def _busyness(still: Samples) -> float:
    """The mean step between samples three pixels apart."""
    return float(np.abs(np.diff(still[::3, ::3].astype(np.int16))).mean())


def _from_clip(clip: list[Samples], side: int, random: np.random.Generator) -> Samples:
    step = int(random.choice(_STEPS))
    order = _back_and_forth(len(clip), FRAMES, step)
    if random.integers(2):
        order = len(clip) - 1 - order
    height, width = clip[0].shape[:2]
    y, x = random.integers(height - side + 1), random.integers(width - side + 1)
    return np.stack([clip[i][y : y + side, x : x + side] for i in order])


def _back_and_forth(length: int, count: int, step: int = 1) -> NDArray[np.int64]:
    """`count` places of a sequence that is played to its end, backwards, and so on."""
    period = max(1, 2 * (length - 1))
    places = np.arange(count) * step % period
    order: NDArray[np.int64] = np.where(places < length, places, period - places)
    return order


def walk(
    count: int, room: tuple[int, int], scale: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Where a crop lies in `count` frames, x and y, in whole large pixels within 0..room.

    A camera with inertia and a shaking hand: its speed is log-uniform in 0.05 to 4 small pixels a
    frame. At the borders it turns back.
    """
    most = np.array(room, np.float64)
    speed = scale * math.exp(random.uniform(math.log(0.05), math.log(4)))
    angle = random.uniform(0, 2 * math.pi)
    velocity = speed * np.array([math.cos(angle), math.sin(angle)])
    steady = random.uniform(0.85, 1.0)
    shake = scale * (random.exponential(0.15) if random.random() < 0.6 else 0.0)
    place = random.uniform(0, 1, 2) * most
    places = np.empty((count, 2))
    mean = velocity.copy()
    for n in range(count):
        places[n] = place + random.normal(0, shake, 2)
        velocity = mean + steady * (velocity - mean) + random.normal(0, 0.15 * speed, 2)
        place = place + velocity
        for axis in range(2):
            if not 0 <= place[axis] <= most[axis]:
                place[axis] = np.clip(place[axis], 0, most[axis])
                velocity[axis], mean[axis] = -velocity[axis], -mean[axis]
    return np.clip(np.rint(places), 0, most).astype(np.int64)


def _cross(frames: Samples, other: Samples, scale: int, random: np.random.Generator) -> None:
    """Let a piece of another picture move over the frames, in place."""
    side = frames.shape[1]
    size = int(random.integers(side // 8, side // 2))
    y0, x0 = (int(random.integers(n - size + 1)) for n in other.shape[:2])
    piece = other[y0 : y0 + size, x0 : x0 + size]
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    power = random.uniform(1.5, 6)  # from a disc to a square
    mask = (np.abs(rows) ** power + np.abs(columns) ** power) < (size / 2) ** power
    room = side - size
    for frame, (x, y) in zip(frames, walk(len(frames), (room, room), scale, random), strict=True):
        frame[y : y + size, x : x + size][mask] = piece[mask]
