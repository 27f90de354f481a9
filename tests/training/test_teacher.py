"""Teachers: what is learnt is part theirs and part the truth, and only what they can know is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.cli_runner import vsr
from support.clips import picture
from support.random_weights import drawn
from torch.nn import functional as F

from vsr.core.errors import ModelError, TrainingError
from vsr.inference.ensemble import POSITIONS
from vsr.networks.recurrent import Recurrent
from vsr.networks.vespcn import Vespcn
from vsr.training import streams
from vsr.training.checkpoint import save_weights
from vsr.training.fit import fit
from vsr.training.material import inputs
from vsr.training.recipe import Recipe
from vsr.training.takes import Take, draw_take
from vsr.training.teacher import Teacher
from vsr.training.window_pairs import WindowPairs

SCALE = 2
OPTIONS = {"features": 4, "pairs": 1, "flow_features": 4}
INNER = (slice(None), slice(6 * SCALE, -6 * SCALE), slice(6 * SCALE, -6 * SCALE))


@pytest.fixture(scope="module")
def take() -> Take:
    random = np.random.default_rng(1)
    stills = [random.integers(0, 256, (220, 300), np.uint8) for _ in range(2)]
    return draw_take(WindowPairs(stills, [], SCALE, 1), np.random.default_rng(4))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    network = drawn(Recurrent(SCALE, **OPTIONS))
    with torch.no_grad():
        for layer in (network.outward, network.motion.coarse[-1], network.motion.fine[-1]):
            for parameter in layer.parameters():
                parameter.mul_(0.004)  # small errors stay small, and pictures are not clipped
    return saved(tmp_path / "teacher.safetensors", network)


def saved(path: Path, network: Recurrent, scale: int = SCALE) -> Path:
    save_weights(network, Recipe("recurrent", scale, (), options=OPTIONS), path)
    return path


def teacher(weights: Path, share: float, ensemble: bool = False) -> Teacher:
    """In float32, as small errors may grow in networks whose weights are drawn."""
    made = Teacher.load(weights, SCALE, "cpu", share, ensemble)
    made.network.to_numbers(torch.float32)
    return made


def test_one_that_enlarges_bicubically_has_its_share(tmp_path: Path, take: Take) -> None:
    plain = Recurrent(SCALE, **OPTIONS)
    small = torch.from_numpy(take.small).float()[:, None]
    bicubic = plain.base(small)[:, 0].numpy()
    file = saved(tmp_path / "plain.safetensors", plain)
    for share in (0.0, 0.25, 1.0):
        taught = teacher(file, share).taught(take)
        expected = (share * bicubic + (1 - share) * take.large).clip(0, 255)
        assert np.abs(taught.large[INNER] - expected[INNER]).max() <= 0.5 + 1e-3
        edge = np.ones(take.large.shape, bool)
        edge[INNER] = False
        assert np.array_equal(taught.large[edge], take.large[edge])
        assert np.array_equal(taught.small, take.small)
        assert taught.bicubic == take.bicubic


def test_it_is_stepped_through_the_take_with_a_state(weights: Path, take: Take) -> None:
    found = teacher(weights, 1.0)
    network = found.network
    frames = torch.from_numpy(take.small).float()[None] / 255
    quality = torch.from_numpy(take.quality).view(1, 2, 1, 1)
    places = [*range(8, 0, -1), *range(frames.shape[1])]
    state = network.start(frames[:, places[:1]])
    large = []
    with torch.inference_mode():
        for n in range(len(places)):
            seen = [places[min(n + k, len(places) - 1)] for k in range(3)]
            phases, state = network.step(frames[:, seen], state, quality)
            large.append(F.pixel_shuffle(phases, SCALE)[0, 0].numpy() * 255)
    expected = np.rint(np.stack(large[8:])).clip(0, 255)
    assert np.array_equal(found.taught(take).large[INNER], expected[INNER])


def test_an_ensemble_is_the_mean_over_the_takes_positions(weights: Path, take: Take) -> None:
    alone, together = teacher(weights, 1.0), teacher(weights, 1.0, ensemble=True)
    take = replace(take, small=take.small // 8 + 112)  # far from what is clipped
    total = np.zeros(take.large.shape)
    for turned, flips in POSITIONS:
        small, large = (
            np.flip(x.swapaxes(1, 2) if turned else x, flips) for x in (take.small, take.large)
        )
        seen = np.flip(alone.taught(replace(take, small=small.copy(), large=large)).large, flips)
        total += seen.swapaxes(1, 2) if turned else seen
    difference = together.taught(take).large[INNER] - total[INNER] / len(POSITIONS)
    assert np.abs(difference).max() <= 1  # each of the eight is rounded here
    assert not np.array_equal(alone.taught(take).large, together.taught(take).large)


def test_who_can_be_one(tmp_path: Path, weights: Path) -> None:
    other = tmp_path / "vespcn.safetensors"
    save_weights(Vespcn(SCALE), Recipe("vespcn", SCALE, ()), other)
    with pytest.raises(TrainingError, match=r"vespcn.safetensors: a teacher must be a recurrent"):
        teacher(other, 0.5)
    with pytest.raises(ModelError):
        Teacher.load(weights, 4, "cpu", 0.5, ensemble=False)
    with pytest.raises(TrainingError, match="only recurrent networks learn from one: espcn"):
        Recipe("espcn", 2, (), teacher=weights)
    with pytest.raises(TrainingError, match=r"teacher_share 1.5: must be"):
        Recipe("recurrent", 2, (), teacher=weights, teacher_share=1.5)


def test_a_run_learns_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who begins as the teacher, and is told its word alone, has hardly anything to learn."""
    weights = saved(tmp_path / "teacher.safetensors", Recurrent(SCALE, **OPTIONS))
    monkeypatch.setattr(streams, "_NEW", 0.0)
    data = tmp_path / "still.png"
    cv2.imwrite(str(data), picture(0, 200, 180))
    plain = Recipe(
        "recurrent",
        SCALE,
        (data,),
        options=OPTIONS,
        iterations=2,
        batch=3,
        patch=40,
        reparam_width=0,
        motion_fraction=0.0,
        loss="l2",
        device="cpu",
        threads=1,
    )
    told = replace(plain, teacher=weights, teacher_share=1.0)
    assert weights in inputs(told)
    losses = []
    for number, recipe in enumerate((plain, told)):
        found: list[float] = []
        fit(recipe, tmp_path / str(number), lambda now, found=found: found.append(now.loss))
        losses.append(found[0])
    assert losses[1] < 0.3 * losses[0]


@pytest.mark.parametrize("more", [["--teacher-share", "0.3"], ["--teacher-ensemble"]])
def test_its_options_want_one(tmp_path: Path, more: list[str]) -> None:
    ran = vsr("train", tmp_path, "-o", tmp_path / "run", "--model", "recurrent", *more)
    assert ran.code == 2
    assert "are for --teacher" in ran.err
    assert not (tmp_path / "run").exists()
