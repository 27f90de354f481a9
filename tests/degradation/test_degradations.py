"""What happened to a picture on its way into a recording."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.clips import picture
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.degradation.compression import Compression
from vsr.degradation.degradations import (
    BLURS,
    KERNELS,
    Blur,
    Degradation,
    Jpeg,
    Noise,
    Resize,
    Sharpen,
    Step,
    draw_degradation,
)
from vsr.evaluation.protocol import degrade

Samples = NDArray[np.uint8]


def random(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def applied(step: Step, frames: Tensor, scale: int = 2) -> Tensor:
    return step.apply(frames, scale, random())


def flat(value: float = 0.5, side: int = 64, channels: int = 1) -> Tensor:
    return torch.full((3, channels, side, side), value)


def dot(side: int = 65) -> Tensor:
    frames = torch.zeros(1, 1, side, side)
    frames[..., side // 2, side // 2] = 1
    return frames


def spread(frames: Tensor) -> tuple[float, float]:
    """Deviation of a spot along columns and rows."""
    spot = frames[0, 0].double()
    places = torch.arange(spot.shape[0]) - spot.shape[0] // 2
    return tuple(float((spot.sum(axis) * places**2).sum().sqrt()) for axis in (0, 1))  # type: ignore[return-value]


# Blur


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("kind", BLURS)
def test_a_blur_has_its_width_in_small_pixels(kind: str, scale: int) -> None:
    x, y = spread(applied(Blur(kind, 0.9, 0.9), dot(), scale))
    assert x == pytest.approx(0.9 * scale, rel=0.03)
    assert y == pytest.approx(0.9 * scale, rel=0.03)


def test_a_turned_blur_lies_along_its_axis() -> None:
    across = spread(applied(Blur("anisotropic", 1.5, 0.5, math.pi / 2), dot()))
    assert across == pytest.approx((1.0, 3.0), rel=0.03)


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0])
@pytest.mark.parametrize("kind", BLURS)
def test_a_blur_leaves_flat_pictures_alone(kind: str, shape: float) -> None:
    found = applied(Blur(kind, 0.6, 0.3, 0.4, shape), flat())
    assert torch.allclose(found, flat(), atol=1e-5)


def test_a_high_shape_is_blunt() -> None:
    blunt, plain = (Blur("generalised", 1, 1, shape=s).kernel(2, 13) for s in (2.0, 1.0))
    assert blunt[0, 6, 7] / blunt[0, 6, 6] > plain[0, 6, 7] / plain[0, 6, 6]


def test_a_blur_wider_than_the_picture() -> None:
    assert applied(Blur("isotropic", 9.0), flat(side=8)).shape == (3, 1, 8, 8)


# Resize


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_bicubic_reduction_is_the_papers(scale: int) -> None:
    frames = np.stack([picture(n, 48, 36) for n in range(2)])
    found = Degradation((Resize("bicubic"),)).apply(frames, scale, random())
    assert np.array_equal(found, np.stack([degrade(frame, scale) for frame in frames]))


@pytest.mark.parametrize("first", [1.0, 1.5])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_reduction_keeps_the_place(kernel: str, scale: int, first: float) -> None:
    """A ramp stays a ramp: what each sample stands for is the middle of its large ones.

    To less than a fifth of a pixel: where areas hold parts of pixels, they are taken for even.
    """
    ramp = torch.arange(24.0 * scale).expand(1, 1, 12 * scale, -1) / 200
    found = applied(Resize(kernel, first, "area"), ramp, scale)
    middles = (torch.arange(24.0) + 0.5) * scale - 0.5
    assert found.shape == (1, 1, 12, 24)
    assert torch.allclose(found[0, 0, :, 6:-6], middles[6:-6] / 200, atol=1e-3 * scale)


def test_the_aliased_kernel_leaves_detail_that_others_remove() -> None:
    stripes = torch.tensor([0.0, 1, 1, 0]).repeat(16).expand(1, 1, 64, -1)
    aliased, smooth = (applied(Resize(k), stripes, 4).std() for k in ("aliased", "area"))
    assert applied(Resize("aliased"), stripes, 4).mean() == pytest.approx(1.0)
    assert aliased == pytest.approx(0.0)
    assert smooth == pytest.approx(0.0)
    assert applied(Resize("area"), stripes, 4).mean() == pytest.approx(0.5)


# Noise


@pytest.mark.parametrize("kind", ["gaussian", "poisson"])
def test_noise_has_its_strength_and_no_bias(kind: str) -> None:
    found = (applied(Noise(kind, 6.0), flat()) - 0.5) * 255
    assert float(found.std()) == pytest.approx(6.0, rel=0.03)
    assert abs(float(found.mean())) < 0.3


def test_poisson_noise_grows_with_the_light() -> None:
    dark, light = (applied(Noise("poisson", 6.0), flat(v)).std() for v in (0.125, 0.5))
    assert float(light / dark) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("kind", ["gaussian", "poisson"])
def test_grey_noise_is_the_same_in_all_channels(kind: str) -> None:
    grey = applied(Noise(kind, 6.0, grey=True), flat(channels=3)) - 0.5
    own = applied(Noise(kind, 6.0, grey=False), flat(channels=3)) - 0.5
    assert torch.allclose(grey[:, 0], grey[:, 2])
    assert not torch.allclose(own[:, 0], own[:, 2])


def test_noise_is_new_in_each_frame_and_follows_from_the_seed() -> None:
    one, again = (applied(Noise("gaussian", 6.0), flat()) for _ in range(2))
    assert torch.equal(one, again)
    assert not torch.equal(one[0], one[1])


@pytest.mark.parametrize("kind", ["gaussian", "poisson"])
def test_noise_that_drifts_is_stronger_at_one_end(kind: str) -> None:
    found = (applied(Noise(kind, 6.0, drift=1.5), flat(side=160)) - 0.5) * 255
    sigmas = [float(frame.std()) for frame in found]
    assert sigmas == pytest.approx([6 / 1.5**0.5, 6, 6 * 1.5**0.5], rel=0.03)
    assert applied(Noise(kind, 6.0, drift=1.5), flat()[:1]).std() * 255 == pytest.approx(6, rel=0.1)


def test_no_noise_changes_nothing() -> None:
    assert torch.equal(applied(Noise("gaussian", 0), flat()), flat())


# The camera's processing


def test_sharpening_leaves_halos_and_flat_parts_alone() -> None:
    edge = torch.cat([torch.full((1, 1, 32, 16), v) for v in (0.3, 0.6)], -1)
    found = applied(Sharpen(0.8), edge)
    assert found.max() > 0.61
    assert found.min() < 0.29
    assert torch.allclose(found[..., :8], edge[..., :8], atol=1e-5)


@pytest.mark.parametrize(("amount", "sigma"), [(0.3, 1.2), (1.8, 0.5)])
def test_sharpening_tells_what_it_does_to_noise(amount: float, sigma: float) -> None:
    step = Sharpen(amount, sigma)
    noisy = applied(Noise("gaussian", 4.0), flat(side=160))
    assert float(applied(step, noisy).std() / noisy.std()) == pytest.approx(
        step.noise_gain, rel=0.02
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_coarser_with_lower_quality(channels: int) -> None:
    planes = np.stack([picture(n, 64, 48) for n in range(channels)])
    frames = torch.from_numpy(planes)[None].float() / 255
    fine, coarse = (float((applied(Jpeg(q), frames) - frames).std()) for q in (95, 20))
    assert fine < coarse


def test_jpeg_keeps_red_and_blue_apart() -> None:
    frames = torch.zeros(1, 3, 16, 16)
    frames[:, 0] = 1
    found = applied(Jpeg(95), frames)[0].mean((1, 2))
    assert found[0] > 0.95
    assert found[2] < 0.05


# All of it


def test_a_degradation_reduces_exactly_once() -> None:
    for steps in [(), (Resize("area"), Noise("gaussian", 1), Resize("area"))]:
        with pytest.raises(TrainingError, match="must resize exactly once"):
            Degradation(steps)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("colours", [(), (3,)], ids=["luma", "rgb"])
def test_drawn_ones_apply_to_any_clip(scale: int, colours: tuple[int, ...]) -> None:
    frames = random().integers(0, 256, (4, 24 * scale, 32 * scale, *colours), np.uint8)
    for seed in range(12):
        found = draw_degradation(random(seed)).apply(frames, scale, random())
        assert found.shape == (4, 24, 32, *colours)
        assert found.dtype == np.uint8


def test_drawn_ones_follow_from_the_seed_and_say_all_that_they_are() -> None:
    drawn = [draw_degradation(random(seed)) for seed in range(300)]
    assert drawn == [draw_degradation(random(seed)) for seed in range(300)]
    texts: dict[str, Degradation] = {}
    for one in drawn:
        assert texts.setdefault(str(one), one) == one
    assert len(texts) > 250


def test_drawn_ones_are_of_every_kind() -> None:
    seen: Counter[str] = Counter()
    for seed in range(400):
        for step in draw_degradation(random(seed)).steps:
            seen[type(step).__name__] += 1
            if isinstance(step, Blur | Noise):
                seen[step.kind] += 1
            if isinstance(step, Compression):
                seen[step.codec] += 1
                assert 18 <= step.quality <= 35 or step.codec != "h264"
    assert seen["Resize"] == seen["Compression"] == 400
    for name in (
        *BLURS,
        "gaussian",
        "poisson",
        "Sharpen",
        "Jpeg",
        "h264",
        "hevc",
        "mpeg4",
        "mjpeg",
    ):
        assert seen[name] > 5, name


def test_a_clip_in_rest_differs_by_its_noise_alone() -> None:
    """What is steady is steady: without noise all frames of a still clip are one."""
    still = np.repeat(picture(0, 64, 48)[None], 5, 0)
    steps = (Blur("generalised", 0.4, 0.3, 0.5, 1.4), Resize("area", 1.3), Sharpen(0.5), Jpeg(60))
    found = Degradation(steps).apply(still, 2, random())
    assert all(np.array_equal(found[0], frame) for frame in found)
    noisy = Degradation((*steps[:2], Noise("gaussian", 4.0))).apply(still, 2, random())
    assert not np.array_equal(noisy[0], noisy[1])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Blur("round", 1), "blur 'round': must be one of isotropic, anisotropic, "),
        (lambda: Blur("isotropic", 0), "sigma 0: must be above 0"),
        (lambda: Blur("anisotropic", 1), "other 0.0: must be above 0"),
        (lambda: Resize("cubic"), "kernel 'cubic': must be one of bicubic, area, bilinear, "),
        (lambda: Resize("area", 0.5), "first 0.5: must be at least 1"),
        (lambda: Noise("pink", 1), "noise 'pink': must be one of gaussian, poisson"),
        (lambda: Noise("gaussian", -1), "sigma -1: must not be negative"),
        (lambda: Noise("gaussian", 1, drift=0), "drift 0: must be above 0"),
        (lambda: Sharpen(0), "amount 0: must be above 0"),
        (lambda: Jpeg(0), "quality 0 of JPEG: must be within 1..100"),
    ],
)
def test_values_out_of_range(make: type[Step], said: str) -> None:
    with pytest.raises(TrainingError) as caught:
        make()
    assert str(caught.value).startswith(said)
