"""A picture with the spectrum of photographs, for measures that tell those from others."""

from __future__ import annotations

import numpy as np


def natural(seed: int = 0, width: int = 320, height: int = 256) -> np.ndarray:
    """Luma (height, width) uint8 whose amplitude falls with frequency, and which wraps around."""
    white = np.random.default_rng(seed).normal(size=(height, width))
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1
    picture = np.fft.irfft2(np.fft.rfft2(white) / frequency**1.3, white.shape)
    levels = 128 + 40 * (picture - picture.mean()) / picture.std()
    return levels.clip(0, 255).astype(np.uint8)
