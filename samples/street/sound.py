"""What is heard: the town's hum, an engine, steps, and a beep each second."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

RATE = 48_000

Sound = NDArray[np.float64]


def sound(seconds: float) -> NDArray[np.float32]:
    """The whole soundtrack, (2, samples), in -1 to 1."""
    rng = np.random.default_rng(48)
    time = np.arange(round(seconds * RATE)) / RATE
    left = hum(rng, len(time)) + 0.6 * engine(rng, time)
    right = hum(rng, len(time)) + 0.3 * engine(rng, time)
    both = np.stack([left, right]) + steps(rng, time) + beeps(time)
    fade = np.minimum(1, np.minimum(time, seconds - time) / 0.05)
    return (both * fade).clip(-1, 1).astype(np.float32)


def colored(rng: Generator, samples: int, low: float, high: float, slope: float) -> Sound:
    """Noise between two frequencies that falls as frequency**-slope, unit deviation."""
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    gain = np.where((frequency > low) & (frequency < high), frequency.clip(1) ** -slope, 0)
    noise = np.fft.irfft(gain * np.fft.rfft(rng.standard_normal(samples)), samples)
    return noise / noise.std()


def hum(rng: Generator, samples: int) -> Sound:
    """A town some streets away."""
    return 0.035 * colored(rng, samples, 40, 6000, 1.0)


def engine(rng: Generator, time: Sound) -> Sound:
    """The red car: it slows down and idles."""
    turns = 14 + 22 * (1 - time / 3.0).clip(0)
    phase = 2 * np.pi * np.cumsum(turns) / RATE
    tone = sum(np.sin(order * phase + order) / order for order in (1, 2, 4, 6))
    rolling = colored(rng, len(time), 150, 2500, 0.7) * (1 - time / 3.0).clip(0)
    return 0.05 * (0.4 + 0.6 * np.minimum(1, time / 2)) * tone + 0.04 * rolling


def steps(rng: Generator, time: Sound) -> Sound:
    """Shoes on stone."""
    track = np.zeros_like(time)
    for start in np.arange(0.25, time[-1] - 0.2, 0.555):
        after = time - start
        track += np.where(after >= 0, np.exp(-after.clip(0) / 0.018), 0)
    return 0.06 * track * colored(rng, len(time), 300, 3500, 0.4)


def beeps(time: Sound) -> Sound:
    """A short tone at the beginning of each second, so that sound and clock can be compared."""
    within = time % 1.0
    shape = np.minimum(1, np.minimum(within, 0.08 - within).clip(0) / 0.005)
    return 0.16 * shape * np.sin(2 * np.pi * 1000 * time)
