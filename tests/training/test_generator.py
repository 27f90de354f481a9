"""Generators: what they give, what they begin as, and their files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from vsr.core.errors import ModelError, TrainingError
from vsr.training.generator import (
    NOISES,
    Generator,
    Learned,
    detail,
    draw_noise,
    generator_facts,
)
from vsr.training.recipe import BLOCK

CASES = [(color, scale) for color in ("y", "rgb") for scale in (2, 3, 4)]


def large(color: str, scale: int, count: int = 2) -> torch.Tensor:
    torch.manual_seed(3)
    return torch.rand(count, 3 if color == "rgb" else 1, 24 * scale, 16 * scale)


def trained(color: str = "y", scale: int = 2) -> Generator:
    """One that does something."""
    torch.manual_seed(4)
    generator = Generator(scale, color, features=4, blocks=1)
    torch.nn.init.normal_(generator.tail.weight, std=0.05)
    torch.nn.init.normal_(generator.gain.weight, std=0.01)
    return generator


def kept(generator: Generator, path: Path) -> Path:
    save_file(generator.state_dict(), path, generator_facts(generator))
    return path


@pytest.mark.parametrize(("color", "scale"), CASES)
def test_it_begins_as_the_pooled_picture_with_faint_noise(color: str, scale: int) -> None:
    x = large(color, scale)
    torch.manual_seed(5)
    generator = Generator(scale, color)
    noise = draw_noise(x, scale, np.random.default_rng(1))
    assert torch.equal(generator(x, 0 * noise), F.avg_pool2d(x, scale))
    added = 255 * (generator(x, noise) - F.avg_pool2d(x, scale))
    assert 1 < added.std() < 4


@pytest.mark.parametrize(("color", "scale"), CASES)
def test_noise_comes_to_what_always_happens(color: str, scale: int) -> None:
    generator = trained(color, scale)
    x = large(color, scale)
    noise = draw_noise(x, scale, np.random.default_rng(1))
    one, same, negative = (generator.parts(x, some) for some in (noise, 0 * noise, -noise))
    assert torch.equal(one.change, same.change)
    assert one.change.std() > 0.01
    assert same.noise.abs().max() == 0
    torch.testing.assert_close(negative.noise, -one.noise)  # so its mean is zero
    whole = generator.pooled(x) + one.change + one.noise
    torch.testing.assert_close(generator(x, noise), whole)


@pytest.mark.parametrize("color", ["y", "rgb"])
def test_the_variance_is_that_of_the_noise(color: str) -> None:
    """Of its planes as they are, as filters would make its own mean larger."""
    generator = trained(color)
    centre = generator.grains.weight[..., 3, 3].detach().clone()
    generator.grains.weight.data.zero_()
    generator.grains.weight.data[..., 3, 3] = centre
    x = large(color, 2, 1).expand(2000, -1, -1, -1)
    with torch.inference_mode():
        parts = generator.parts(x[:1], torch.zeros(1, NOISES, 24, 16))
        drawn = generator.parts(x, draw_noise(x, 2, np.random.default_rng(1))).noise
    found = drawn.square().mean(0)[:, 4:-4, 4:-4]
    expected = parts.variance[0, :, 4:-4, 4:-4] * (1 - 1 / 81)  # less the mean of 9 x 9
    assert parts.variance.shape == (1, 3 if color == "rgb" else 1, 24, 16)
    assert expected.std() > 0.1 * expected.mean()  # not the same everywhere
    assert ((found - expected).abs().mean() / expected.mean()) < 0.06


@pytest.mark.parametrize(("color", "scale"), CASES)
def test_it_changes_detail_alone(color: str, scale: int) -> None:
    """Far from the borders, no square of many blocks becomes lighter or darker."""
    generator = trained(color, scale)
    x = large(color, scale)
    change = generator(x, torch.randn(2, NOISES, 24, 16)) - generator.pooled(x)
    assert change.shape == (2, 3 if color == "rgb" else 1, 24, 16)
    assert change.std() > 0.01
    assert change.mean().abs() < 0.1 * change.std()
    flat = torch.full_like(change, 0.3)
    torch.testing.assert_close(detail(flat), torch.zeros_like(flat), atol=1e-6, rtol=0)


def test_noise_matters_and_is_new_in_each_frame() -> None:
    generator = trained()
    x = large("y", 2, 1).expand(2, -1, -1, -1)
    noise = draw_noise(x, 2, np.random.default_rng(1))
    assert noise.shape == (2, NOISES, 24, 16)
    assert not torch.equal(noise[0], noise[1])
    first, second = generator(x, noise)
    assert not torch.equal(first, second)


def test_it_knows_where_blocks_lie() -> None:
    """On a flat picture without noise all that differs is the place within a block."""
    generator = trained()
    made = generator(torch.full((1, 1, 160, 160), 0.5), torch.zeros(1, NOISES, 80, 80))
    inner = made[0, 0, 24:56, 24:56]  # away from the borders
    torch.testing.assert_close(inner[BLOCK:], inner[:-BLOCK], atol=1e-6, rtol=0)
    torch.testing.assert_close(inner[:, BLOCK:], inner[:, :-BLOCK], atol=1e-6, rtol=0)
    assert inner.std() > 1e-4


@pytest.mark.parametrize(("color", "scale"), CASES)
def test_a_clip_through_a_file(tmp_path: Path, color: str, scale: int) -> None:
    generator = trained(color, scale)
    learned = Learned.load(kept(generator, tmp_path / "g.safetensors"), scale, color)
    channels = (3,) if color == "rgb" else ()
    clip = np.random.default_rng(2).integers(
        0, 256, (3, 10 * scale, 12 * scale, *channels), np.uint8
    )
    made, again, other = (learned.apply(clip, scale, np.random.default_rng(n)) for n in (5, 5, 6))
    assert made.shape == (3, 10, 12, *channels)
    assert made.dtype == np.uint8
    assert np.array_equal(made, again)
    assert not np.array_equal(made, other)
    frames = torch.from_numpy(clip).float() / 255
    frames = frames.movedim(-1, 1) if channels else frames[:, None]
    with torch.inference_mode():
        whole = generator(frames, draw_noise(frames, scale, np.random.default_rng(5)))
    expected = (whole * 255).round().clamp(0, 255)
    found = torch.from_numpy(made).float()
    assert torch.equal(found.movedim(-1, 1) if channels else found[:, None], expected)


def test_files_for_other_networks_are_refused(tmp_path: Path) -> None:
    path = kept(trained("y", 2), tmp_path / "g.safetensors")
    for scale, color in ((3, "y"), (2, "rgb")):
        with pytest.raises(TrainingError, match=r"was learnt for x2 and color y, not for x") as no:
            Learned.load(path, scale, color)
        assert "\n" not in str(no.value)


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    facts = {"degradation": json.dumps({"scale": 2, "options": {"depth": 3}})}
    tensors = {"a": torch.ones(2)}

    def refused() -> None:
        with pytest.raises(ModelError, match="cannot be read as a learned degradation") as no:
            Learned.load(path, 2, "y")
        assert "\n" not in str(no.value)

    refused()  # not there
    path.write_bytes(b"nothing of the kind")
    refused()
    save_file(tensors, path)  # of something else
    refused()
    save_file(tensors, path, facts)
    refused()
    save_file(tensors, path, generator_facts(trained()))
    refused()
