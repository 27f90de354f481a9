"""Patches of sharp pictures and of recordings: what is kept, and where they are cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.clips import Clip, make
from support.colour_stills import colour_stills

from vsr.core.errors import InputError
from vsr.training import unpaired
from vsr.training.unpaired import Unpaired


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return colour_stills(tmp_path / "photos", 64, 48)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    make(tmp_path / "real.mkv", Clip(48, 32, codec="ffv1", options={}, pts=tuple(range(12))))
    return tmp_path / "real.mkv"


@pytest.mark.parametrize(("color", "channels"), [("y", 1), ("rgb", 3)])
@pytest.mark.parametrize("scale", [2, 3])
def test_unpaired_patches_of_sharp_and_real_pictures(
    photos: Path, footage: Path, color: str, channels: int, scale: int
) -> None:
    pictures = Unpaired.load([photos], [footage], scale, 8, color)
    assert len(pictures.real) == 12
    assert all(frame.shape[:2] == (32, 48) for frame in pictures.real)
    sharp, real = pictures.sample(3, 8, random())
    assert sharp.shape == (3, channels, 8 * scale, 8 * scale)
    assert real.shape == (3, channels, 8, 8)
    for patches in (sharp, real):
        assert patches.dtype == torch.float32
        assert 0 <= patches.min() <= patches.max() <= 1


def test_the_seed_decides(photos: Path, footage: Path) -> None:
    pictures = Unpaired.load([photos], [footage], 2, 8, "y")
    one, again, other = (pictures.sample(4, 8, random(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_real_patches_lie_on_the_grid_of_blocks() -> None:
    """Every block of the frame has a value of its own, so patches of whole blocks show few."""
    values = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
    frame = np.kron(values, np.ones((8, 8), np.uint8))
    sharp = np.zeros((64, 64), np.uint8)
    _, real = Unpaired([sharp], [frame], 2).sample(200, 16, random())
    blocks = (real * 255).reshape(200, 2, 8, 2, 8)
    assert torch.equal(blocks.amin((2, 4)), blocks.amax((2, 4)))
    corners = blocks[:, 0, 0, 0, 0].round().unique()
    assert len(corners) > 15  # wherever there is room


def test_sharp_patches_are_as_busy_as_the_real_ones() -> None:
    waves = np.tile(np.where(np.arange(64) // 16 % 2, 200, 50).astype(np.uint8), (64, 1))
    flat = np.full((64, 64), 90, np.uint8)
    for shown in (waves, flat):
        pairs = Unpaired([waves, flat], [shown[:32, ::2].copy()], 2)
        sharp, _ = pairs.sample(50, 16, random())
        busy = sharp.flatten(1).std(1) > 0.1
        expected = shown is waves
        assert (busy == expected).float().mean() > 0.8  # half of them, were they not chosen


def test_long_recordings_are_kept_in_bursts_spread_evenly(
    footage: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Unpaired.load([photos], [footage], 2, 8, "y").real
    monkeypatch.setattr(unpaired, "_BURST", 2)
    monkeypatch.setattr(unpaired, "_MEMORY", 4 * whole[0].nbytes)
    kept = Unpaired.load([photos], [footage], 2, 8, "y").real
    assert sum(frame.nbytes for frame in kept) <= 4 * whole[0].nbytes
    numbers = [n for k in kept for n, frame in enumerate(whole) if np.array_equal(k, frame)]
    assert numbers == [0, 1, 8, 9]


def test_pictures_that_are_too_small_are_left_out(photos: Path, footage: Path) -> None:
    assert Unpaired.load([photos], [footage], 2, 40, "y").real == []
    assert Unpaired.load([photos], [footage], 4, 16, "y").sharp == []


def test_a_path_that_is_not_there(photos: Path, tmp_path: Path) -> None:
    for paths in (([photos], [tmp_path / "no"]), ([tmp_path / "no"], [photos])):
        with pytest.raises(InputError, match="no such file or folder"):
            Unpaired.load(*paths, 2, 8, "y")
