"""Runs of recurrent networks: their log tells what limits the learning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.clips import picture
from support.training_runs import log

from vsr.cli.train_told import described
from vsr.core.errors import TrainingError
from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import load_model
from vsr.training import streams
from vsr.training.beginning import begin
from vsr.training.fit import fit
from vsr.training.losses import restoration, restoration_of_each
from vsr.training.progress import Progress, StreamProgress
from vsr.training.recipe import Recipe
from vsr.training.recurrent_validation import Gains, _names
from vsr.training.stream_lesson import LENGTH, LaneLosses, StreamLesson
from vsr.training.streams import Streams
from vsr.training.takes import FRAMES, SIDE, Take
from vsr.training.window_pairs import WindowPairs

CPU = torch.device("cpu")
A_STEP = 3 * LENGTH * 16 * 16  # small pixels


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setattr(streams, "_NEW", 0.0)  # no more takes than it begins with
    learnt, measured = tmp_path / "learnt", tmp_path / "measured"
    learnt.mkdir()
    cv2.imwrite(str(learnt / "still.png"), picture(0, 200, 180))
    for clip in ("one", "two"):
        (measured / clip).mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(measured / clip / f"{number}.png"), picture(number, 64, 48))
    return Recipe(
        "recurrent",
        2,
        (learnt,),
        (measured / "one", measured / "two"),
        {"features": 4, "pairs": 1, "flow_features": 4},
        iterations=4,
        batch=3,
        patch=16,
        reparam_width=0,
        motion_fraction=0.0,
        device="cpu",
        threads=1,
    )


def interrupted_at(step: int) -> Any:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return report


def test_the_log_has_pixels_losses_and_gains(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.training.loop.save_due", lambda *_: True)
    reports: list[Progress] = []
    fit(recipe, tmp_path / "run", reports.append)
    assert all(isinstance(report, StreamProgress) for report in reports)
    lines = log(tmp_path / "run")
    assert [line["pixels"] for line in lines] == [A_STEP * n for n in (1, 2, 3, 4)]
    for line in lines:
        gains = line["gains"]
        assert set(gains["clean"]) == set(gains["recorded"]) == {"one", "two"}
        assert line["gain_clean"] == pytest.approx(np.mean([*gains["clean"].values()]))
        assert line["gain_recorded"] == pytest.approx(np.mean([*gains["recorded"].values()]))
        assert line["psnr"] == pytest.approx((line["gain_clean"] + line["gain_recorded"]) / 2)
        losses = [each for each in (line["loss_clean"], line["loss_recorded"]) if each is not None]
        assert losses
        assert min(losses) - 1e-4 <= line["loss"] <= max(losses) + 1e-4


@pytest.mark.parametrize("degradation", ["footage", "learned"])
def test_recordings_are_their_own(recipe: Recipe, degradation: str) -> None:
    with pytest.raises(TrainingError, match="learn from recordings of their own"):
        replace(recipe, degradation=degradation)


def test_the_score_is_called_what_it_is() -> None:
    stand = (7, 0.5, 0.01, 1e-4, 0.25, 0.5, True)
    assert "PSNR 0.250, best 0.500 dB" in described(Progress(*stand))
    recurrent = described(StreamProgress(*stand, 9, None, None, None, None, None))
    assert "gain over bicubic +0.250, best +0.500 dB" in recurrent


def test_a_run_that_goes_on_counts_on_in_the_same_log(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.training.loop.save_due", lambda *_: True)
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, folder, interrupted_at(2))
    fit(recipe, folder, lambda _: None)
    assert [line["pixels"] for line in log(folder)] == [A_STEP * n for n in (1, 2, 3, 4)]


def test_a_checkpoint_that_did_not_count_is_counted_by_its_steps(
    recipe: Recipe, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, folder, interrupted_at(2))
    saved = torch.load(folder / "checkpoint.pt", weights_only=True)
    del saved["pixels"]
    torch.save(saved, folder / "checkpoint.pt")
    fit(recipe, folder, lambda _: None)
    assert log(folder)[-1]["pixels"] == 4 * A_STEP


def test_without_a_start_motion_is_the_bundled_networks(recipe: Recipe) -> None:
    bundled = load_model("recurrent", 4).network
    assert isinstance(bundled, Recurrent)
    width = len(bundled.motion.coarse[0].weight)
    plain = replace(recipe, validation=(), iterations=1, options={"flow_features": width})
    run = begin(plain, CPU)
    assert isinstance(run.network, Recurrent)
    for mine, its in zip(run.network.motion.parameters(), bundled.motion.parameters(), strict=True):
        assert torch.equal(mine, its)


def test_without_validation_there_are_pixels_and_losses_alone(
    recipe: Recipe, tmp_path: Path
) -> None:
    plain = Recipe(**{**vars(recipe), "validation": ()})
    fit(plain, tmp_path / "run", lambda _: None)
    (line,) = log(tmp_path / "run")
    assert line["pixels"] == 4 * A_STEP
    assert line["psnr"] is line["gains"] is line["gain_clean"] is line["gain_recorded"] is None


def test_losses_of_clean_and_recorded_lanes_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Clean takes are grey and restored at once; in recorded ones all is lost."""
    source = WindowPairs([], [], 2, 1)
    drawn = iter([take(clean) for clean in (True, False)] * 20)
    monkeypatch.setattr("vsr.training.streams.draw_take", lambda *_: next(drawn))
    lesson = StreamLesson(Streams(source, 6, 16, 2), 0.0, "l1")
    network = Recurrent(2, features=4, pairs=1, flow_features=4)
    assert lesson.lane_losses() == LaneLosses()
    random = np.random.default_rng(1)
    loss = lesson.loss(network, lesson.draw(random, 0), 0)
    found = lesson.lane_losses()
    assert found.clean == pytest.approx(0.0, abs=0.004)
    assert found.recorded == pytest.approx(0.5, abs=0.01)
    assert 0 < loss.item() < 0.5
    assert lesson.lane_losses() == LaneLosses()


def take(clean: bool) -> Take:
    large = np.full((FRAMES, SIDE * 2, SIDE * 2), 128, np.uint8)
    small = np.full((FRAMES, SIDE, SIDE), 128 if clean else 0, np.uint8)
    return Take(large, small, np.zeros(2, np.float32), 0.01, clean)


@pytest.mark.parametrize("kind", ["l1", "l2", "charbonnier"])
def test_errors_of_each_have_the_error_of_all_as_their_mean(kind: str) -> None:
    one, other = torch.rand(2, 4, 2, 9, 9)
    each = restoration_of_each(one, other, kind, 2)
    assert each.shape == (4,)
    assert each.mean() == pytest.approx(restoration(one, other, kind, 2).item())
    assert each[1] == pytest.approx(restoration(one[1:2], other[1:2], kind, 2).item())


def test_the_score_is_half_of_each_mean() -> None:
    gains = Gains({"a": 2.0, "b": 1.0}, {"a": 0.5, "b": 0.0})
    assert gains.means == (1.5, 0.25)
    assert gains.score == 0.875


def test_clips_of_one_name_are_told_by_their_paths() -> None:
    assert _names([Path("x/a.mp4"), Path("x/b.mp4")]) == ["a", "b"]
    assert _names([Path("x/a.mp4"), Path("y/a.mp4")]) == ["x/a.mp4", "y/a.mp4"]


def test_the_motion_net_is_as_wide_as_the_one_that_it_begins_with(
    recipe: Recipe, tmp_path: Path
) -> None:
    narrow = fit(recipe, tmp_path / "narrow", lambda _: None)
    wide = {name: value for name, value in recipe.options.items() if name != "flow_features"}
    asked = replace(recipe, options=wide, warm_start=narrow, iterations=1)
    again = fit(asked, tmp_path / "again", lambda _: None)
    before, after = (load_model(str(file), 2).network.state_dict() for file in (narrow, again))
    motion = [name for name in before if name.startswith("motion.")]
    assert len(before["motion.coarse.0.weight"]) == 4
    assert all(torch.equal(before[name], after[name]) for name in motion)
    fit(asked, tmp_path / "again", pytest.fail)  # the same run, and over
