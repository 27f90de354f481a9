"""Flicker along the motion: what costs, and what does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.natural_picture import natural

from vsr.evaluation.flicker import Motion, flicker, motion_between

STILL = motion_between(natural(), natural())


def noisy(plane: np.ndarray, seed: int, sigma: float = 4.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, plane.shape)
    return (plane + noise).round().clip(0, 255).astype(np.uint8)


def moved(x: float, y: float) -> np.ndarray:
    """The picture with everything carried right and down by so many pixels, wrapping around."""
    plane = np.tile(natural(), (2, 2)).astype(np.float32)
    columns, rows = np.meshgrid(np.arange(320.0), np.arange(256.0))
    places = [(c + side).astype(np.float32) for c, side in ((columns - x, 160), (rows - y, 128))]
    shifted = cv2.remap(plane, *places, cv2.INTER_LANCZOS4)
    return np.asarray(shifted).round().clip(0, 255).astype(np.uint8)


def test_what_stands_still_does_not_flicker() -> None:
    assert flicker((natural(), natural()), STILL) == 0
    assert STILL.seen.all()


@pytest.mark.parametrize(("x", "y"), [(3.0, 0.0), (0.0, -5.0), (2.5, 1.25), (-8.0, 6.0)])
def test_what_is_carried_along_does_not_flicker(x: float, y: float) -> None:
    before, after = moved(0, 0), moved(x, y)
    motion = motion_between(before, after)
    inner = np.s_[24:-24, 24:-24]
    columns, rows = np.meshgrid(np.arange(320), np.arange(256))
    assert np.abs(motion.places[..., 0] - columns + x)[inner].mean() < 0.1
    assert np.abs(motion.places[..., 1] - rows + y)[inner].mean() < 0.1
    assert motion.seen[inner].mean() > 0.98
    carried, stays = (flicker((before, after), m, 24) for m in (motion, STILL))
    assert carried is not None
    assert stays is not None
    assert carried < 2 < 0.5 * stays


def test_blinking_costs_what_it_changes() -> None:
    dark = np.minimum(natural(), 240)
    assert flicker((dark, dark + np.uint8(10)), STILL) == pytest.approx(10)
    assert flicker((dark + np.uint8(10), dark), STILL) == pytest.approx(10)


@pytest.mark.parametrize("sigma", [2.0, 6.0])
def test_noise_of_each_frame_costs_that_of_two(sigma: float) -> None:
    frames = noisy(natural(), 1, sigma), noisy(natural(), 2, sigma)
    assert flicker(frames, STILL) == pytest.approx(sigma * 2**0.5, rel=0.05)
    still = noisy(natural(), 1, sigma)
    assert flicker((still, still), STILL) == 0  # it lies on the picture as dirt does


def test_the_motion_may_be_the_pictures_own() -> None:
    before, after = moved(0, 0), moved(4, 2)
    dirty = noisy(before, 1), noisy(after, 2)
    known = flicker(dirty, motion_between(before, after), 24)
    own = flicker(dirty, motion_between(*dirty), 24)
    assert known is not None
    assert own == pytest.approx(known, rel=0.1)
    assert known > 5


def test_what_was_hidden_does_not_count() -> None:
    """A patch that uncovers others' ground: its trail is not held against the frame."""
    ground, patch = natural(1), natural(2)[60:140, 60:140]
    before, after = ground.copy(), ground.copy()
    before[80:160, 100:180] = patch
    after[80:160, 112:192] = patch
    motion = motion_between(before, after)
    assert motion.seen[80:160, 101:111].mean() < 0.5
    assert motion.seen[8:-8, 220:-8].mean() > 0.98
    assert motion.seen[90:150, 124:180].mean() > 0.9


def test_where_nothing_was_seen_before() -> None:
    nowhere = Motion(STILL.places, np.zeros_like(STILL.seen))
    assert flicker((natural(), natural()), nowhere) is None


def test_the_border_does_not_count() -> None:
    spoilt = natural()
    spoilt[:3], spoilt[-3:], spoilt[:, :3], spoilt[:, -3:] = 0, 255, 255, 0
    assert flicker((natural(), spoilt), STILL, 3) == 0
    assert flicker((natural(), spoilt), STILL, 2) != 0


def test_it_is_the_same_on_any_number_of_threads() -> None:
    before, after = moved(0, 0), moved(2.5, 1.5)
    threads = cv2.getNumThreads()
    try:
        found = []
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            found.append(flicker((before, after), motion_between(before, after)))
    finally:
        cv2.setNumThreads(threads)
    assert found == [found[0]] * 3


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (15, 15), (16, 16), (17, 33), (40, 16)])
def test_small_pictures(size: tuple[int, int]) -> None:
    height, width = size
    before, after = natural()[:height, :width], natural()[1 : height + 1, :width]
    motion = motion_between(before, after)
    assert motion.places.shape == (height, width, 2)
    assert motion.seen.shape == (height, width)
    assert flicker((before, before), motion_between(before, before)) == 0


def test_frames_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        flicker((natural(), natural()[1:]), STILL)
    with pytest.raises(ValueError, match="shapes"):
        flicker((natural()[1:], natural()[1:]), STILL)
