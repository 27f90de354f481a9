"""Recordings made for training: that they are of the true clip, and always the same."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, make, picture

from vsr.datasets.ground_truth import Samples
from vsr.evaluation.protocol import degrade
from vsr.training import footage
from vsr.training.footage import FootagePairs, FootageStills
from vsr.training.window_pairs import WindowPairs


def random(seed: int = 2) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def small_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "_SIDE", 64)
    monkeypatch.setattr(footage, "_RECORDINGS", 6)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    make(folder / "a.mp4", Clip(width=256, height=256))
    for n in range(2):
        cv2.imwrite(str(folder / f"{n}.png"), picture(n, 270 + n, 260))
    return folder


pytestmark = pytest.mark.usefixtures("small_recordings")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_recordings_are_of_their_true_clips(scenes: Path, scale: int) -> None:
    pairs = FootagePairs.load([scenes], scale, 1, shortest=8)
    assert pairs.source.stills
    assert pairs.source.clips
    recordings = [pairs.recording(number) for number in range(6)]
    sides = {recording.small.shape[1] for recording in recordings}
    assert len(sides) == 1
    for number, recording in enumerate(recordings):
        assert len(recording.small) == len(recording.large) <= 9
        assert recording.large.shape[1] == scale * recording.small.shape[1]
        apart = [distance(recording.small[0], other.large[0]) for other in recordings]
        assert apart[number] == min(apart)


def distance(small: Samples, large: Samples) -> float:
    return float(np.abs(degrade(large, len(large) // len(small)).astype(float) - small).mean())


def test_recordings_follow_from_seed_and_number(scenes: Path) -> None:
    one, same, other = (FootagePairs.load([scenes], 2, 1, 8, seed=s) for s in (1, 1, 2))
    same.recording(4)  # in any order
    for number in (0, 4):
        assert np.array_equal(one.recording(number).small, same.recording(number).small)
    assert one.recording(0).degradation == same.recording(0).degradation
    assert one.recording(0).degradation != other.recording(0).degradation


def test_windows_repeat_frames_at_the_ends(scenes: Path) -> None:
    pairs = FootagePairs.load([scenes], 2, 1, shortest=8)
    batch = pairs.sample(64, 8, random())
    assert batch.small.shape == (64, 3, 8, 8)
    assert batch.large.shape == (64, 1, 16, 16)
    assert batch.flow.isnan().all()
    first = (batch.small[:, 0] == batch.small[:, 1]).flatten(1).all(1)
    last = (batch.small[:, 2] == batch.small[:, 1]).flatten(1).all(1)
    assert first.any()
    assert last.any()
    assert not (first & last).all()


def test_the_small_centre_is_the_large_one_reduced(scenes: Path) -> None:
    batch = FootagePairs.load([scenes], 2, 1, shortest=8).sample(64, 16, random())
    reduced = torch.nn.functional.avg_pool2d(batch.large, 2)
    centre = batch.small[:, 1:2]
    near = (centre - reduced).abs().mean()
    turned = (centre - reduced.flip(-1)).abs().mean()
    assert near < 0.6 * turned


def test_single_frames_in_colour(scenes: Path) -> None:
    for n in range(2):
        image = np.full((90, 100, 3), (200, 90, 30), np.uint8)  # blue, green, red
        cv2.imwrite(str(scenes / f"{n}.png"), image)
    pairs = FootagePairs.load([scenes / "0.png", scenes / "1.png"], 2, 0, 8, "rgb")
    small, large = FootageStills(pairs).sample(5, 8, random())
    assert small.shape == (5, 3, 8, 8)
    assert large.shape == (5, 3, 16, 16)
    mean = large.mean((0, 2, 3)) * 255
    assert mean.tolist() == pytest.approx([30, 90, 200], abs=1)
    assert (small.mean((0, 2, 3)) * 255).tolist() == pytest.approx([30, 90, 200], abs=8)


def test_single_frames_of_luma(scenes: Path) -> None:
    pairs = FootagePairs.load([scenes], 4, 0, shortest=8)
    small, large = FootageStills(pairs).sample(5, 8, random())
    assert small.shape == (5, 1, 8, 8)
    assert large.shape == (5, 1, 32, 32)


def test_motion_is_learnt_on_clean_windows(scenes: Path) -> None:
    pairs = FootagePairs.load([scenes], 2, 1, shortest=8)
    found = pairs.sample(3, 8, random(), known_flow=True)
    assert isinstance(pairs.source, WindowPairs)
    expected = pairs.source.sample(3, 8, random(), known_flow=True)
    assert torch.equal(found.small, expected.small)
    assert not found.flow.isnan().any()


def test_what_is_smaller_than_a_recording_is_left_out(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture(0, 60, 90))
    pairs = FootagePairs.load([tmp_path], 2, 0, shortest=8)
    assert not pairs.source.stills


def test_a_seed_tells_all_degradations_beforehand(scenes: Path) -> None:
    pairs = FootagePairs.load([scenes], 2, 0, shortest=8, seed=7)
    told = list(footage.degradations(7))
    assert told == [pairs.recording(number).degradation for number in range(6)]
