"""How noisy a degradation leaves what an encoder sees."""

from __future__ import annotations

from collections.abc import Iterable

from vsr.degradation.degradations import Noise, Sharpen, Step
from vsr.degradation.video_faults import Smear


def noise_level(steps: Iterable[Step]) -> float:
    """The deviation of the noise after the steps but encoders, in sample values of 0..255.

    In smooth parts that do not move; a denoiser takes away there, and sharpening adds.
    """
    sigma = 0.0
    for step in steps:
        if isinstance(step, Noise):
            sigma = max(sigma, step.sigma)
        if isinstance(step, Smear | Sharpen):
            sigma *= step.noise_gain
    return sigma
