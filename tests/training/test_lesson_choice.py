"""Where there is nothing to learn from, or not in this way, a run says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.clips import Clip, make
from support.context_network import Blend
from support.training_runs import run

from vsr.core.errors import InputError, TrainingError
from vsr.networks import ARCHITECTURES
from vsr.training import footage
from vsr.training.recipe import Recipe


def test_nothing_to_learn_from(recipe: Recipe, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match=r"nothing to learn from \(.*empty\)"):
        run(replace(recipe, data=(empty,)), tmp_path / "run")
    with pytest.raises(TrainingError, match="sides of at least 80 pixels"):
        run(replace(recipe, patch=40), tmp_path / "run")
    with pytest.raises(TrainingError, match="validation"):
        run(replace(recipe, validation=(empty,)), tmp_path / "run")
    with pytest.raises(InputError, match="no such file"):
        run(replace(recipe, data=(tmp_path / "none",)), tmp_path / "run")


def test_windows_need_room_and_frames(video_recipe: Recipe, tmp_path: Path) -> None:
    make(tmp_path / "short.mkv", Clip(64, 48, codec="ffv1", options={}, pts=(0, 1)))
    recipe = replace(video_recipe, data=(tmp_path / "short.mkv",))
    with pytest.raises(TrainingError, match="at least 24 pixels, nor 3 such frames without a cut"):
        run(recipe, tmp_path / "run")
    with pytest.raises(TrainingError, match="patch 8: must be above 8 for vespcn"):
        run(replace(video_recipe, patch=8), tmp_path / "run")


def test_a_network_of_another_kind_that_sees_neighbours_is_refused(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Learning(Blend):
        def __init__(self, scale: int) -> None:
            super().__init__(scale)
            self.last = torch.nn.Conv2d(1, 1, 1)

    monkeypatch.setitem(ARCHITECTURES, "blend", Learning)
    with pytest.raises(TrainingError, match=r"^blend sees neighbouring frames: .* only vespcn"):
        run(replace(recipe, network="blend", options={}), tmp_path / "run")


@pytest.fixture
def small_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "_SIDE", 32)
    monkeypatch.setattr(footage, "_RECORDINGS", 5)


@pytest.mark.usefixtures("small_recordings")
@pytest.mark.parametrize("network", ["espcn", "vespcn", "edsr"])
def test_recordings_are_learnt_from_and_told(
    recipe: Recipe, video_recipe: Recipe, rgb_recipe: Recipe, tmp_path: Path, network: str
) -> None:
    """By every architecture; stopped and continued, it comes to the same."""
    of_network = {"espcn": recipe, "vespcn": video_recipe, "edsr": rgb_recipe}[network]
    whole = replace(of_network, degradation="footage", iterations=6)
    run(whole, tmp_path / "whole")
    run(whole, tmp_path / "halves", stop_after=3)
    run(whole, tmp_path / "halves")
    one, other = (load_file(tmp_path / name / "best.safetensors") for name in ("whole", "halves"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    lines = (tmp_path / "whole" / "recordings.txt").read_text("utf-8").splitlines()
    assert lines == [f"{n}: {made}" for n, made in enumerate(footage.degradations(whole.seed))]


def test_too_small_for_recordings(recipe: Recipe, tmp_path: Path) -> None:
    """They are larger than patches are."""
    with pytest.raises(TrainingError, match="with sides of at least 320 pixels"):
        run(replace(recipe, degradation="footage"), tmp_path)
