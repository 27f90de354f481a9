"""What goes wrong from frame to frame, and how often it is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from support.clips import picture
from torch import Tensor

from vsr.core.errors import TrainingError
from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Degradation, Noise, Resize, Sharpen, Step
from vsr.degradation.noise_level import noise_level
from vsr.degradation.quantiser import quantiser
from vsr.degradation.video_faults import Deinterlaced, Recompression, Repeated, Smear
from vsr.degradation.wide import draw_coded, draw_noisy, with_repeats

DRAWS = 1500


def applied(step: Step, frames: Tensor) -> Tensor:
    return step.apply(frames, 4, np.random.default_rng(5))


def numbered(count: int = 6, side: int = 8) -> Tensor:
    """Frames that hold their number."""
    return torch.arange(float(count)).view(-1, 1, 1, 1).expand(-1, 1, side, side)


def noisy(sigma: float, count: int = 24) -> Tensor:
    return applied(Noise("gaussian", sigma), torch.full((count, 1, 96, 96), 0.5))


# The denoiser


def test_smeared_noise_is_weaker_and_slow() -> None:
    step, frames = Smear(0.7, 12.0), noisy(4.0)
    found = applied(step, frames) - 0.5
    assert torch.equal(found[0], frames[0] - 0.5)
    settled = found[12:]
    assert float(settled.std()) * 255 == pytest.approx(4 * step.noise_gain, rel=0.05)
    slowness = (settled[1:] * settled[:-1]).mean() / settled.square().mean()
    assert float(slowness) == pytest.approx(0.7, abs=0.05)


def test_what_moves_is_not_smeared() -> None:
    frames = torch.stack([torch.full((1, 8, 8), v) for v in (0.2, 0.8, 0.2)])
    assert torch.allclose(applied(Smear(0.7, 10.0), frames), frames)


def test_what_changes_little_trails() -> None:
    frames = torch.stack([torch.full((1, 8, 8), v / 255) for v in (100.0, 104.0)])
    found = applied(Smear(0.75, 10.0), frames)
    assert float(found[1].mean()) * 255 == pytest.approx(101)


# Fields


@pytest.mark.parametrize("height", [8, 7])
@pytest.mark.parametrize("parity", [0, 1])
def test_doubled_lines_are_those_of_one_field(parity: int, height: int) -> None:
    lines = torch.arange(float(height)).view(1, 1, -1, 1).expand(2, 1, -1, 4)
    found = applied(Deinterlaced("doubled", parity), lines)[0, 0, :, 0]
    assert torch.equal(found[0:6:2], found[1:6:2])
    assert found[:6].tolist() == [parity + n // 2 * 2 for n in range(6)]
    assert found.shape == (height,)


@pytest.mark.parametrize("parity", [0, 1])
def test_a_weave_has_lines_of_two_frames(parity: int) -> None:
    found = applied(Deinterlaced("weave", parity), numbered())[:, 0, :, 0]
    for number, frame in enumerate(found):
        assert (frame[parity::2] == number).all()
        assert (frame[1 - parity :: 2] == min(number + 1, 5)).all()


# Lost frames


@pytest.mark.parametrize(
    ("repeated", "shown"),
    [
        (Repeated(2), [0, 1, 1, 3, 4, 5]),
        (Repeated(1, 2), [0, 0, 2, 2, 4, 4]),
        (Repeated(2, 3), [0, 1, 1, 3, 4, 4]),
    ],
)
def test_lost_frames_are_replaced(repeated: Repeated, shown: Sequence[int]) -> None:
    assert applied(repeated, numbered())[:, 0, 0, 0].tolist() == shown
    assert repeated.shown(np.arange(6, dtype=np.uint8)[:, None]).ravel().tolist() == shown


def test_a_repeated_frame_has_the_noise_of_the_one_before() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (4, 32, 32), np.uint8)
    steps = (Resize("bicubic"), Noise("gaussian", 5.0), Sharpen(0.5))
    degradation = with_repeats(Degradation(steps), Repeated(2))
    found = degradation.apply(frames, 2, np.random.default_rng(2))
    assert np.array_equal(found[1], found[2])
    assert not np.array_equal(found[2], found[3])


# The second encode


def test_a_second_encode_finds_another_grid_and_keeps_the_place() -> None:
    frames = torch.from_numpy(np.stack([picture(n, 80, 80) for n in range(4)])[:, None] / 255)
    frames, again = frames.float(), Compression("h264", 22, "veryfast", 12, 0)
    plain, moved = (applied(Recompression(again, n, n), frames) for n in (0, 5))
    assert moved.shape == plain.shape == frames.shape
    assert not torch.equal(plain, moved)
    assert float((moved - frames).std()) < 1.2 * float((plain - frames).std())


def test_the_coarser_encode_is_told() -> None:
    first, again = Compression("h264", 19), Recompression(Compression("h264", 24))
    assert quantiser((first, again)) == 24
    assert quantiser((Compression("h264", 30), again)) == 30


def test_the_noise_that_is_left_is_told() -> None:
    smear, sharpen = Smear(0.7, 20.0), Sharpen(1.2, 0.6)
    steps = (Noise("gaussian", 4.0), smear, sharpen)
    assert noise_level(()) == 0
    assert noise_level(steps[:1]) == 4
    assert noise_level(steps) == pytest.approx(4 * smear.noise_gain * sharpen.noise_gain)
    assert noise_level(steps[:2]) < 4 < noise_level((steps[0], sharpen))


# What is drawn


def shares(draw: Callable[[np.random.Generator], Degradation]) -> dict[str, float]:
    """How often there are steps of a kind, noise that drifts, and sharpening that is strong."""
    seen: Counter[str] = Counter()
    for seed in range(DRAWS):
        for step in draw(np.random.default_rng(seed)).steps:
            seen[type(step).__name__] += 1
            seen["drifting"] += isinstance(step, Noise) and step.drift != 1
            seen["strong"] += isinstance(step, Sharpen) and step.amount > 0.8
            seen["moved"] += isinstance(step, Recompression) and step.right + step.down > 0
    return {name: count / DRAWS for name, count in seen.items()}


def test_shares_of_what_is_coded() -> None:
    found = shares(draw_coded)
    assert found["Resize"] == found["Compression"] == 1
    assert found["Recompression"] == pytest.approx(1 / 3, abs=0.04)
    assert found["moved"] == pytest.approx(1 / 6, abs=0.04)
    assert found["Smear"] == pytest.approx(0.1, abs=0.025)
    assert found["Deinterlaced"] == pytest.approx(0.03, abs=0.015)
    assert found["Sharpen"] == pytest.approx(0.1, abs=0.025)
    assert found["strong"] == pytest.approx(0.05, abs=0.02)
    assert found["drifting"] == pytest.approx(found["Noise"] / 2, abs=0.04)


def test_shares_of_what_is_noisy_alone() -> None:
    found = shares(draw_noisy)
    assert found["Noise"] == 1
    assert "Compression" not in found
    assert found["Smear"] == pytest.approx(0.12, abs=0.025)
    assert found["Deinterlaced"] == pytest.approx(0.03, abs=0.015)


def test_drawn_values_are_within_their_ranges() -> None:
    for seed in range(300):
        for step in draw_coded(np.random.default_rng(seed)).steps:
            if isinstance(step, Noise):
                assert 1 / 1.51 <= step.drift <= 1.5
            if isinstance(step, Recompression):
                assert 16 <= step.compression.quality <= 24
                assert max(step.right, step.down) < 16


@pytest.mark.parametrize("draw", [draw_coded, draw_noisy])
def test_drawn_ones_follow_from_the_seed_and_apply(
    draw: Callable[[np.random.Generator], Degradation],
) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (5, 96, 96), np.uint8)
    for seed in range(40):
        one, again = (draw(np.random.default_rng(seed)) for _ in range(2))
        assert one == again
        assert str(one) == str(again)
        one = with_repeats(one, Repeated(1, 2))
        found = [one.apply(frames, 4, np.random.default_rng(seed)) for _ in range(2)]
        assert found[0].shape == (5, 24, 24)
        assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Smear(1.0, 3), "weight 1.0: must be above 0 and below 1"),
        (lambda: Smear(0.5, 0), "threshold 0: must be above 0"),
        (lambda: Deinterlaced("bob"), "fields 'bob': must be one of doubled, weave"),
        (lambda: Deinterlaced("weave", 2), "parity 2: must be 0 or 1"),
        (lambda: Repeated(0), "first 0: must be at least 1"),
        (lambda: Repeated(3, 1), "every 1: must be 0 or at least 2"),
        (lambda: Recompression(Compression("h264", 20), -1), "shift -1, 0: must not be negative"),
    ],
)
def test_values_out_of_range(make: Callable[[], Step], said: str) -> None:
    with pytest.raises(TrainingError) as caught:
        make()
    assert str(caught.value) == said
