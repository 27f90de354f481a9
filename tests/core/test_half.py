"""Light in half floats: every value there is, there and back."""

from __future__ import annotations

import numpy as np
import torch

from vsr.core.half import (
    BLACK,
    MOST_LIGHT,
    displayed,
    light_of,
    light_of_samples,
    of_display,
    samples_of,
    samples_of_shown,
    shown_of,
    shown_of_samples,
)


def finite() -> np.ndarray:
    """All finite half floats, ascending."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    return np.sort(every[np.isfinite(every)])


def test_samples_hold_every_value_in_order() -> None:
    light = finite()
    samples = samples_of(light)
    assert (light_of_samples(samples) == light).all()
    assert (np.diff(samples.astype(int)) >= 0).all()
    assert samples_of(np.zeros(1, np.float16))[0] == BLACK
    assert light_of_samples(samples_of(np.array([-0.0], np.float16)))[0] == 0


def test_the_curve_and_its_inverse_give_every_value_back() -> None:
    samples = samples_of(finite())
    shown = shown_of_samples(torch.from_numpy(samples))
    assert shown.dtype == torch.float32
    assert (samples_of_shown(shown).numpy() == samples).all()


def test_a_little_off_stays_within_half_precision() -> None:
    """What adding and taking away luma costs in float32."""
    samples = samples_of(finite())
    shown = shown_of_samples(torch.from_numpy(samples))
    off = samples_of_shown(shown + 6e-8).numpy().astype(int) - samples
    assert np.abs(off).max() <= 1


def test_the_curve_is_srgbs_and_goes_on() -> None:
    shown = shown_of(torch.tensor([0, 0.002, 0.18, 0.5, 1], dtype=torch.float64))
    assert np.allclose(shown, [0, 0.02584, 0.461356, 0.735357, 1], atol=1e-6)
    light = torch.linspace(-5, 20, 100001, dtype=torch.float64)
    slope = shown_of(light).diff() / light.diff()
    assert (slope > 0).all()
    near = torch.tensor([1 - 1e-6, 1, 1 + 1e-6], dtype=torch.float64)
    below, above = shown_of(near).diff()
    assert abs(float(below / above) - 1) < 1e-3  # no bend at white
    assert torch.allclose(light_of(shown_of(light)), light, rtol=1e-9, atol=1e-12)


def test_nothing_is_more_than_the_most() -> None:
    far = torch.tensor([-1e9, 1e9, 100.0])
    light = light_of_samples(samples_of_shown(far).numpy())
    assert light.tolist() == [-MOST_LIGHT, MOST_LIGHT, MOST_LIGHT]


def test_what_is_displayed_comes_back() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    back, *_ = displayed(of_display([every, every, every]))
    off = np.abs(back.astype(int) - every)
    assert off.max() <= 24  # a half float near white stands for so many
    clipped, *_ = displayed([samples_of(np.array([[-2, 0, 1, 7]], np.float16))] * 3)
    assert clipped.tolist() == [[0, 0, 65535, 65535]]
