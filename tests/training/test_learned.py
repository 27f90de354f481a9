"""Pairs that a trained generator makes: patches and windows, in both colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.colour_stills import colour_stills

from vsr.core.errors import ModelError
from vsr.training.footage import FootageStills
from vsr.training.generator import Generator, generator_facts
from vsr.training.learned import LearnedPairs


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def generator(folder: Path, scale: int, color: str, strength: float = 0.1) -> Path:
    torch.manual_seed(1)
    made = Generator(scale, color, features=4, blocks=1)
    torch.nn.init.normal_(made.tail.weight, std=strength)
    torch.nn.init.constant_(made.gain.bias, strength)
    save_file(made.state_dict(), folder / "g.safetensors", generator_facts(made))
    return folder / "g.safetensors"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return colour_stills(tmp_path / "photos", 96, 80)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A clip whose every frame has a level of its own, near enough to be no cut."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(5):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((80, 96), 100 + 4 * number, np.uint8))
    return folder


@pytest.mark.parametrize(("color", "channels"), [("y", 1), ("rgb", 3)])
@pytest.mark.parametrize("scale", [2, 3])
def test_patches_of_learnt_pairs(
    photos: Path, tmp_path: Path, color: str, channels: int, scale: int
) -> None:
    path = generator(tmp_path, scale, color)
    pairs = LearnedPairs.load([photos], path, scale, 0, 8, color)
    small, large = FootageStills(pairs).sample(4, 8, random())
    assert small.shape == (4, channels, 8, 8)
    assert large.shape == (4, channels, 8 * scale, 8 * scale)
    for patches in (small, large):
        assert 0 <= patches.min() <= patches.max() <= 1
        assert torch.equal((patches * 255).round() / 255, patches)  # as 8 bits hold them


def test_small_and_large_show_the_same_place(photos: Path, tmp_path: Path) -> None:
    """A generator that does nothing leaves the pooled picture, whatever the turn."""
    pairs = LearnedPairs.load([photos], generator(tmp_path, 2, "y", 0.0), 2, 0, 8)
    for seed in range(8):
        small, large = FootageStills(pairs).sample(3, 8, random(seed))
        pooled = torch.nn.functional.avg_pool2d(large, 2)
        torch.testing.assert_close(small, pooled, atol=0.51 / 255, rtol=0)


def test_windows_of_learnt_pairs(frames: Path, tmp_path: Path) -> None:
    """Each frame of a window went through the generator; the centre is the true one."""
    pairs = LearnedPairs.load([frames], generator(tmp_path, 2, "y", 0.0), 2, 1, 8)
    batch = pairs.sample(6, 8, random())
    assert batch.small.shape == (6, 3, 8, 8)
    assert batch.large.shape == (6, 1, 16, 16)
    assert batch.flow.shape == (6, 2, 2, 8, 8)
    assert batch.flow.isnan().all()
    levels = batch.small.mean((2, 3)) * 255
    assert levels.diff(dim=1).round().equal(torch.full((6, 2), 4.0))
    torch.testing.assert_close(batch.large.mean((1, 2, 3)), levels[:, 1] / 255)


def test_noise_is_new_in_each_frame(tmp_path: Path) -> None:
    (tmp_path / "still").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "still" / f"{number}.png"), np.full((80, 96), 90, np.uint8))
    pairs = LearnedPairs.load([tmp_path / "still"], generator(tmp_path, 2, "y"), 2, 1, 8)
    small = pairs.sample(1, 8, random()).small[0]
    assert not torch.equal(small[0], small[1])
    assert not torch.equal(small[1], small[2])


def test_motion_is_learnt_on_windows_whose_flow_is_known(photos: Path, tmp_path: Path) -> None:
    pairs = LearnedPairs.load([photos], generator(tmp_path, 2, "y"), 2, 1, 8)
    assert pairs.sample(2, 8, random(), known_flow=True).flow.isfinite().all()
    assert pairs.sample(2, 8, random()).small.shape == (2, 3, 8, 8)


def test_the_seed_decides(photos: Path, tmp_path: Path) -> None:
    path = generator(tmp_path, 2, "y")

    def drawn(seed: int, then: int) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = LearnedPairs.load([photos], path, 2, 0, 8, seed=seed)
        pairs.scene(7)  # what was made before does not matter
        return FootageStills(pairs).sample(4, 8, random(then))

    one, again, other, later = (drawn(1, 1), drawn(1, 1), drawn(2, 1), drawn(1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    for different in (other, later):
        assert not torch.equal(one[0], different[0])


def test_what_is_too_small_is_left_out(photos: Path, tmp_path: Path) -> None:
    pairs = LearnedPairs.load([photos], generator(tmp_path, 2, "y"), 2, 0, 30)
    assert pairs.source.stills == pairs.source.clips == []


def test_a_generator_is_needed(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no\.safetensors: cannot be read"):
        LearnedPairs.load([photos], tmp_path / "no.safetensors", 2, 0, 8)
