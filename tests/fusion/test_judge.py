"""Frames that do not show a region well are left out, each for its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.moving_sign import BOX, drawn

from vsr.fusion.follow import follow
from vsr.fusion.judge import judge


def hidden(frame: np.ndarray) -> np.ndarray:
    frame = frame.copy()
    frame[BOX.y : BOX.y + 14, BOX.x + 12 : BOX.x + 26] = 90
    return frame


def more_hidden(frame: np.ndarray) -> np.ndarray:
    """A quarter of the region, by something grey, which pulls a plain fit of the light to it."""
    frame = frame.copy()
    frame[BOX.y + 4 : BOX.y + 22, BOX.x + 20 : BOX.x + 37] = 110
    return frame


def glaring(frame: np.ndarray) -> np.ndarray:
    spot = np.zeros(frame.shape, np.float32)
    cv2.circle(spot, (BOX.x + 26, BOX.y + 12), 8, 1.0, -1)
    return np.where(cv2.GaussianBlur(spot, (0, 0), 1) > 0.4, 255, frame).astype(np.uint8)


def blurred(frame: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(frame, (0, 0), 2.2)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (hidden, "something before"),
        (more_hidden, "something before"),
        (glaring, "glare"),
        (blurred, "blurred"),
    ],
)
def test_a_reason_for_each(harm: Callable[[np.ndarray], np.ndarray], reason: str) -> None:
    scene = drawn(9, 2)
    frames = tuple(harm(one) if n == 3 else one for n, one in enumerate(scene.frames))
    verdicts = judge(follow(replace(scene, frames=frames).sights(), BOX, scene.info))
    assert [one.window.number for one in verdicts if not one.used] == [3]
    assert verdicts[3].reason.startswith(reason)
    assert verdicts[3].weight == 0


def test_good_frames_all_take_part() -> None:
    scene = drawn(9, 4)
    assert all(one.used for one in judge(follow(scene.sights(), BOX, scene.info)))


def test_other_light_is_no_reason() -> None:
    scene = drawn(9, 2)
    frames = tuple(
        np.clip(one * 0.8 + 20, 0, 255).astype(np.uint8) if n % 2 else one
        for n, one in enumerate(scene.frames)
    )
    verdicts = judge(follow(replace(scene, frames=frames).sights(), BOX, scene.info))
    assert all(one.used for one in verdicts)


def test_noise_and_coarse_coding_count_less() -> None:
    scene = drawn(9, 2)
    random = np.random.default_rng(0)
    noisy = np.clip(scene.frames[4] + random.normal(0, 9, scene.frames[4].shape), 0, 255)
    frames = tuple(noisy.astype(np.uint8) if n == 4 else one for n, one in enumerate(scene.frames))
    track = follow(replace(scene, frames=frames).sights(), BOX, scene.info)
    coded = replace(track.windows[6], quantiser=38.0)
    windows = tuple(coded if n == 6 else one for n, one in enumerate(track.windows))
    verdicts = judge(replace(track, windows=windows))
    others = [one.weight for n, one in enumerate(verdicts) if n not in (4, 6)]
    assert verdicts[4].weight < np.median(others) / 2.5
    assert verdicts[6].weight < min(others) / 2
