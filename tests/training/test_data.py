"""Training pairs: what is kept of the pictures, and that patches lie on each other."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, make, picture
from support.rgb_networks import colours

from vsr.core.errors import InputError
from vsr.datasets.media import read_pictures
from vsr.evaluation.protocol import degrade
from vsr.training.data import FRAME_STEP, LOSSLESS, LOSSY, StillPairs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, (width, height) in enumerate(((90, 71), (64, 66))):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number, width, height))
    return tmp_path


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_each_pair_is_a_picture_and_its_reduction(folder: Path, scale: int) -> None:
    pairs = StillPairs.load([folder], scale, shortest=8, reductions=(1.0, 0.75))
    assert len(pairs.large) == len(pairs.small) == 4
    whole = picture(0, 90, 71)[: 71 - 71 % scale, : 90 - 90 % scale]
    assert np.array_equal(pairs.large[0], whole)
    reduced = [(round(0.75 * side) // scale) * scale for side in (71, 90)]
    assert list(pairs.large[1].shape) == reduced
    for large, small in zip(pairs.large, pairs.small, strict=True):
        assert np.array_equal(degrade(large, scale), small)


def test_small_pictures_are_left_out(folder: Path) -> None:
    pairs = StillPairs.load([folder], 2, 33, reductions=(1.0, 0.5))
    assert [p.shape for p in pairs.large] == [(70, 90)]
    assert StillPairs.load([folder], 2, 100).large == []


def test_videos_give_every_sixth_frame(tmp_path: Path) -> None:
    clip = Clip(40, 32, codec="ffv1", options={}, pts=tuple(range(2 * FRAME_STEP + 1)))
    pairs = StillPairs.load([make(tmp_path / "clip.mkv", clip)], 2, 8, reductions=(1.0,))
    assert len(pairs.large) == 3
    for number, large in enumerate(pairs.large):
        assert np.array_equal(large, picture(number * FRAME_STEP, 40, 32))


@pytest.mark.parametrize("color", ["y", "rgb"])
@pytest.mark.parametrize(("suffix", "factors"), [(".png", LOSSLESS), (".jpg", LOSSY)])
def test_compressed_pictures_are_only_kept_reduced(
    tmp_path: Path, suffix: str, factors: tuple[float, ...], color: str
) -> None:
    cv2.imwrite(str(tmp_path / f"a{suffix}"), colours(0, 80, 60))
    pairs = StillPairs.load([tmp_path], 2, 8, color)
    channels = (3,) if color == "rgb" else ()
    shapes = [(round(60 * f) // 2 * 2, round(80 * f) // 2 * 2, *channels) for f in factors]
    assert [samples.shape for samples in pairs.large] == shapes
    (whole,) = read_pictures(tmp_path / f"a{suffix}", color)
    assert np.array_equal(pairs.large[0], whole.samples) == (factors == LOSSLESS)


@pytest.mark.parametrize("color", ["y", "rgb"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_patches_are_aligned(tmp_path: Path, scale: int, color: str) -> None:
    for number, (width, height) in enumerate(((90, 71), (64, 66))):
        cv2.imwrite(str(tmp_path / f"{number}.png"), colours(number, width, height))
    pairs = StillPairs.load([tmp_path], scale, 14, color, reductions=(1.0,))
    small, large = pairs.sample(24, 14, np.random.default_rng(4))
    channels = 3 if color == "rgb" else 1
    assert small.shape == (24, channels, 14, 14)
    assert large.shape == (24, channels, 14 * scale, 14 * scale)
    inner = slice(3, -3)  # further out, the reduction of the patch mirrors its border
    for n, channel in np.ndindex(24, channels):
        plane = (large[n, channel] * 255).round().byte().numpy()
        again = degrade(plane, scale)[inner, inner]
        difference = np.abs(again - (small[n, channel, inner, inner] * 255).numpy())
        assert difference.max() < 1.5  # sums in another order: a half may round either way
        assert (difference > 0.5).mean() < 0.05


def test_pairs_in_rgb_are_of_red_green_and_blue(tmp_path: Path) -> None:
    bgr = np.full((40, 40, 3), (10, 100, 200), np.uint8)
    cv2.imwrite(str(tmp_path / "colour.png"), bgr)
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((40, 40), 60, np.uint8))
    clip = Clip(40, 40, codec="ffv1", options={}, pts=(0, 1), fill=(128, 128, 128))
    make(tmp_path / "video.mkv", clip)
    pairs = StillPairs.load([tmp_path], 2, 8, "rgb", reductions=(1.0,))
    for tensor in pairs.sample(60, 8, np.random.default_rng(1)):
        found = {tuple(patch) for patch in (tensor[:, :, 3, 3] * 255).round().int().tolist()}
        assert found == {(200, 100, 10), (60, 60, 60), (130, 130, 130)}


def test_every_place_and_orientation_can_come() -> None:
    plane = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    pairs = StillPairs([plane], [degrade(plane, 2)], 2)
    _, large = pairs.sample(400, 2, np.random.default_rng(1))
    kinds = {patch.numpy().tobytes() for patch in large}
    assert len(kinds) == 8  # four turns of the square, and of its mirror image
    corners = {float(patch[0, 0]) * 255 for patch in pairs.sample(400, 1, _random())[1][:, 0]}
    assert len(corners) == 16


def _random() -> np.random.Generator:
    return np.random.default_rng(2)


def test_a_seed_and_a_step_name_a_batch(folder: Path) -> None:
    pairs = StillPairs.load([folder], 2, 8)
    batches = [pairs.sample(4, 8, np.random.default_rng((7, step))) for step in (3, 3, 4)]
    assert all(torch.equal(a, b) for a, b in zip(batches[0], batches[1], strict=True))
    assert not torch.equal(batches[0][0], batches[2][0])


def test_unreadable_data_is_an_error(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"?")
    with pytest.raises(InputError, match=r"broken\.jpg"):
        StillPairs.load([folder], 2, 8)
