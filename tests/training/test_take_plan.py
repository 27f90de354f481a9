"""What happens to takes: how often, and in large and small frames alike."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import numpy as np
import pytest

from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Degradation, Noise, Resize
from vsr.degradation.video_faults import Deinterlaced, Recompression, Repeated, Smear
from vsr.degradation.wide import with_repeats
from vsr.evaluation.protocol import shrink
from vsr.training.captions import Caption, Clock
from vsr.training.take_plan import CLEAN, NOISY, Fade, Plan, draw_plan
from vsr.training.takes import FRAMES, SIDE, apply_plan

SCALE = 2
DRAWS = 4000


def drawn(seed: int, moves: bool = True) -> Plan:
    return draw_plan(moves, FRAMES, 4, 320, np.random.default_rng(seed))


def scene() -> np.ndarray:
    """Frames that move by a large pixel each."""
    wide = np.random.default_rng(3).integers(0, 256, (20, 30), np.uint8)
    wide = wide.repeat(12, 0).repeat(12, 1)
    side = SIDE * SCALE
    return np.stack([wide[:side, n : n + side] for n in range(FRAMES)])


def test_plans_follow_from_the_seed() -> None:
    assert [drawn(seed) for seed in range(100)] == [drawn(seed) for seed in range(100)]


def test_shares_of_takes_in_which_something_moves() -> None:
    seen: Counter[str] = Counter()
    for plan in map(drawn, range(DRAWS)):
        steps = plan.degradation.steps if plan.degradation else ()
        kinds = {type(step) for step in steps}
        assert (Repeated in kinds) == bool(plan.repeated and steps)
        seen["clean"] += not steps
        seen["fade"] += plan.fade is not None
        seen["repeated"] += plan.repeated is not None
        seen["text"] += bool(plan.captions)
        for kind in (Smear, Deinterlaced, Recompression):
            seen[kind.__name__] += kind in kinds
    share = {name: count / DRAWS for name, count in seen.items()}
    degraded = 1 - CLEAN
    assert share["clean"] == pytest.approx(CLEAN, abs=0.03)
    assert share["fade"] == pytest.approx(0.05, abs=0.01)
    assert share["repeated"] == pytest.approx(0.05, abs=0.01)
    assert share["text"] == pytest.approx(0.1 * degraded, abs=0.015)
    assert share["Smear"] == pytest.approx(0.1 * degraded, abs=0.015)
    assert share["Deinterlaced"] == pytest.approx(0.03 * degraded, abs=0.01)
    assert share["Recompression"] == pytest.approx((degraded - NOISY) / 3, abs=0.025)


def test_where_nothing_moves_light_is_steady_and_no_frame_is_lost() -> None:
    plans = [drawn(seed, moves=False) for seed in range(400)]
    assert not any(plan.fade or plan.repeated for plan in plans)
    assert any(plan.captions for plan in plans)


def test_clean_plans_have_no_text() -> None:
    for plan in map(drawn, range(400)):
        assert plan.degradation or not plan.captions


def test_a_fade_goes_from_gain_to_gain_about_its_level() -> None:
    frames = np.full((3, 4, 4), 100, np.uint8)
    Fade(1.0, 0.5).draw(frames)
    assert frames[:, 0, 0].tolist() == [100, 75, 50]
    frames = np.full((3, 4, 4), 155, np.uint8)
    Fade(1.0, 0.5, 255).draw(frames)
    assert frames[:, 0, 0].tolist() == [155, 180, 205]
    frames = np.full((2, 4, 4), 250, np.uint8)
    Fade(1.0, 1.2).draw(frames)
    assert frames[:, 0, 0].tolist() == [250, 255]


@pytest.mark.parametrize("degraded", [False, True])
def test_large_and_small_frames_stay_aligned(degraded: bool) -> None:
    """Light, text and lost frames are in both."""
    repeated = Repeated(3, 4)
    degradation = Degradation((Resize("bicubic"),))
    plan = Plan(
        Fade(1.1, 0.6),
        (Caption("CAM 7", 16, edge=2),),
        with_repeats(degradation, repeated) if degraded else None,
        repeated,
    )
    take = apply_plan(plan, scene(), SCALE, np.random.default_rng(1))
    assert np.array_equal(take.large[2], take.large[3])
    assert not np.array_equal(take.large[3], take.large[4])
    for large, small in zip(take.large, take.small, strict=True):
        assert np.abs(small - shrink(large, SIDE, SIDE).astype(int)).max() <= 1  # of rounding


def test_what_shows_one_frame_without_noise_may_stand_but_not_under_a_clock() -> None:
    frames = np.repeat(scene()[:1], FRAMES, 0)
    clock = Caption(Clock(datetime(2024, 1, 2), "%H:%M:%S", 25, counted=True), 16)
    steps = (Resize("bicubic"), Compression("h264", 30, "medium", 8, 2))
    standing = []
    for captions in ((), (clock,)):
        plan = Plan(None, captions, Degradation(steps))
        for seed in range(6):
            take = apply_plan(plan, frames.copy(), SCALE, np.random.default_rng(seed))
            standing.append(bool((take.small == take.small[:1]).all()))
    assert any(standing[:6])
    assert not any(standing[6:])


def test_told_quality_follows_what_is_seen() -> None:
    """A denoiser takes noise away, and the plane tells of what is left."""
    frames = np.full((FRAMES, SIDE * SCALE, SIDE * SCALE), 120, np.uint8)
    told = []
    for faults in ((), (Smear(0.8, 20.0),)):
        steps = (Resize("bicubic"), Noise("gaussian", 8.0), *faults)
        plan = Plan(None, (), Degradation(steps))
        takes = [apply_plan(plan, frames, SCALE, np.random.default_rng(n)) for n in range(9)]
        told.append(float(np.median([take.quality[1] for take in takes])) * 25)
    assert told[0] == pytest.approx(8, rel=0.1)
    assert told[1] < 0.75 * told[0]
