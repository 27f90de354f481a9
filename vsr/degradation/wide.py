"""Degradations as wide as footage has them, for networks that learn from whole takes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from vsr.degradation.compression import Compression
from vsr.degradation.degradations import (
    NOISES,
    Degradation,
    Noise,
    Resize,
    Sharpen,
    Step,
    draw_degradation,
)
from vsr.degradation.video_faults import FIELDS, Deinterlaced, Recompression, Repeated, Smear

_MEAN_NOISE, _MOST_NOISE = 3.0, 15.0  # above 1, of what is noisy and not coded
_DRIFTING = 0.5  # of the noise
_MOST_DRIFT = 1.5
_SMEARED = 0.12  # of the noise: a tenth of all, as five in six are noisy
_DEINTERLACED = 0.03
_OVERSHARPENED = 0.5  # of what a camera sharpens, which is a tenth
_CODED_AGAIN = 1 / 3
_MOVED = 0.5  # of that
_BLOCK = 16  # pixels: moving by more finds no other grid
_SENSOR = (Resize, Noise, Smear, Deinterlaced)  # what a frame goes through before it can be lost


def draw_noisy(random: np.random.Generator) -> Degradation:
    """MATLAB's bicubic and noise, without an encoder."""
    sigma = min(1 + random.exponential(_MEAN_NOISE), _MOST_NOISE)
    noise = Noise(str(random.choice(NOISES)), _plain(sigma))
    return _with_faults(Degradation((Resize("bicubic"), noise)), random)


def draw_coded(random: np.random.Generator) -> Degradation:
    """One camera's, as `draw_degradation` has it, and what else may befall a recording."""
    drawn = _with_faults(draw_degradation(random), random)
    steps = [_oversharpened(step, random) for step in drawn.steps]
    if random.random() < _CODED_AGAIN:
        steps.append(_draw_recompression(random))
    return Degradation(tuple(steps))


def with_repeats(degradation: Degradation, repeated: Repeated) -> Degradation:
    """The same with frames lost between sensor and encoder: they repeat with all their noise."""
    return _after_sensor(degradation, repeated)


def _with_faults(degradation: Degradation, random: np.random.Generator) -> Degradation:
    """With noise that drifts and is smeared, and fields, now and then."""
    steps: list[Step] = []
    for step in degradation.steps:
        if isinstance(step, Noise) and random.random() < _DRIFTING:
            reach = math.log(_MOST_DRIFT)
            step = replace(step, drift=_plain(math.exp(random.uniform(-reach, reach))))
        steps.append(step)
        if isinstance(step, Noise) and random.random() < _SMEARED:
            steps.append(_draw_smear(step.sigma, random))
    made = Degradation(tuple(steps))
    if random.random() < _DEINTERLACED:
        fields = Deinterlaced(str(random.choice(FIELDS)), int(random.integers(2)))
        made = _after_sensor(made, fields)
    return made


def _after_sensor(degradation: Degradation, step: Step) -> Degradation:
    steps = degradation.steps
    place = max(n for n, one in enumerate(steps) if isinstance(one, _SENSOR)) + 1
    return Degradation((*steps[:place], step, *steps[place:]))


def _draw_smear(sigma: float, random: np.random.Generator) -> Smear:
    """Tuned to the noise, as cameras' denoisers are: well above the mean of nine samples of it."""
    threshold = 1.5 + sigma * random.uniform(0.5, 1.5)
    return Smear(_plain(random.uniform(0.5, 0.85)), _plain(threshold))


def _oversharpened(step: Step, random: np.random.Generator) -> Step:
    """Of sharpening every other is a short, strong kernel: 5x5 or 7x7, amounts up to 2."""
    if not isinstance(step, Sharpen) or random.random() >= _OVERSHARPENED:
        return step
    return Sharpen(_plain(random.uniform(0.8, 2.0)), _plain(random.uniform(0.4, 0.8)))


def _draw_recompression(random: np.random.Generator) -> Recompression:
    """What sites and editors do to a recording: finer than its camera, in most cases."""
    pace = str(random.choice(["ultrafast", "veryfast"]))
    interval, b_frames = int(random.choice([12, 50, 250])), int(random.choice([0, 2]))
    again = Compression("h264", int(random.integers(16, 25)), pace, interval, b_frames)
    if random.random() >= _MOVED:
        return Recompression(again)
    right, down = (int(n) for n in random.integers(_BLOCK, size=2))
    return Recompression(again, right, down)


def _plain(value: float) -> float:
    """As it is printed."""
    return round(float(value), 2)
