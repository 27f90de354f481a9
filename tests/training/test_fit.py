"""Training runs: they learn, and they stop and go on exactly."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.clips import Clip, make, picture
from support.fake_devices import draw_ahead
from support.training_runs import log, run, score

from vsr import load_model
from vsr.core.errors import OutputError, TrainingError
from vsr.evaluation.evaluate import evaluate
from vsr.training import descent, lessons
from vsr.training.beginning import begin
from vsr.training.lessons import StillLesson
from vsr.training.recipe import Recipe


def test_it_learns_and_leaves_a_model_file(
    recipe: Recipe, tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "WARM_UP", 5)
    reports = run(replace(recipe, iterations=60, mse_fraction=1), tmp_path)
    assert [report.step for report in reports] == list(range(1, 61))
    assert reports[-1].done == 1
    assert reports[-1].saved
    assert reports[-1].loss < reports[9].loss  # means of 60 and of 10 steps
    (bicubic,) = evaluate([images / "0.png"], load_model("bicubic", 2), "cpu")
    trained = score(tmp_path / "best.safetensors", 2, images / "0.png")
    assert trained > bicubic.psnr + 1
    assert trained == pytest.approx(reports[-1].best, abs=1e-6)
    model = load_model(str(tmp_path / "best.safetensors"), 2)
    assert (model.weights.network, model.scale) == ("espcn", 2)
    assert [conv.weight.shape for conv in model.network.convs] == [(8, 1, 3, 3), (4, 8, 3, 3)]


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("mse_fraction", [0, 1])
def test_a_network_in_rgb_learns(
    rgb_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    light: bool,
    mse_fraction: float,
) -> None:
    monkeypatch.setattr(descent, "WARM_UP", 5)
    options = {"blocks": 1, "features": 4, "light": light}
    iterations = 100 if light else 40  # few suffice where no gain over bicubic is asked for
    recipe = replace(rgb_recipe, iterations=iterations, mse_fraction=mse_fraction, options=options)
    reports = run(recipe, tmp_path)
    assert reports[-1].loss < reports[9].loss  # means of all and of 10 steps
    (image,) = recipe.validation
    trained = score(tmp_path / "best.safetensors", 2, image)
    assert trained == pytest.approx(reports[-1].best, abs=1e-6)
    if light:
        (bicubic,) = evaluate([image], load_model("bicubic", 2), "cpu")
        assert trained > bicubic.psnr + 1
    model = load_model(str(tmp_path / "best.safetensors"), 2)
    assert (model.weights.network, model.weights.options) == ("edsr", options)


@pytest.mark.parametrize("kind", ["recipe", "rgb_recipe"])
@pytest.mark.parametrize("width", [0, 8])
def test_an_interrupted_run_ends_at_the_same_weights(
    tmp_path: Path, width: int, kind: str, request: pytest.FixtureRequest
) -> None:
    recipe = replace(request.getfixturevalue(kind), reparam_width=width)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(recipe, whole)
    run(recipe, parts, stop_after=7)
    assert [report.step for report in run(recipe, parts, stop_after=13)] == list(range(8, 14))
    run(recipe, parts)
    assert (whole / "best.safetensors").read_bytes() == (parts / "best.safetensors").read_bytes()
    states = [torch.load(f / "checkpoint.pt", weights_only=True) for f in (whole, parts)]
    for part in ("network", "average"):
        assert all(torch.equal(states[0][part][k], states[1][part][k]) for k in states[0][part])
    moments = [state["optimizer"]["state"] for state in states]
    for index, moment in moments[0].items():
        assert all(torch.equal(moment[name], moments[1][index][name]) for name in moment)


def test_an_interrupted_run_on_windows_ends_at_the_same_weights(
    video_recipe: Recipe, tmp_path: Path
) -> None:
    """Interrupted in each stage: for the motion net, guided, and together."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(video_recipe, whole)
    for step in (3, 8, 15):
        run(video_recipe, parts, stop_after=step)
    run(video_recipe, parts)
    assert (whole / "best.safetensors").read_bytes() == (parts / "best.safetensors").read_bytes()


@pytest.mark.parametrize("kind", ["recipe", "rgb_recipe", "video_recipe"])
def test_what_is_drawn_ahead_is_the_same(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU; runs that stop leave no thread behind."""
    recipe = replace(request.getfixturevalue(kind), iterations=12)
    run(recipe, tmp_path / "plain")
    draw_ahead(monkeypatch, 3)
    before = threading.active_count()
    run(recipe, tmp_path / "ahead", stop_after=7)
    assert threading.active_count() == before
    run(recipe, tmp_path / "ahead")
    files = [tmp_path / name / "best.safetensors" for name in ("plain", "ahead")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_error_in_drawing_ends_the_run(recipe: Recipe, tmp_path: Path) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("nothing to draw")

    for depth in (0, 3):
        with pytest.MonkeyPatch.context() as patch:
            draw_ahead(patch, depth)
            patch.setattr(StillLesson, "draw", fail)
            with pytest.raises(ValueError, match="nothing to draw"):
                run(recipe, tmp_path)


@pytest.mark.parametrize(
    ("motion_fraction", "guided_fraction", "taught", "width"),
    [
        (1, 0, {"motion"}, 0),
        (0, 1, {"convs"}, 0),
        (0, 0, {"convs", "motion"}, 0),
        (0, 0, {"convs", "motion"}, 8),
        (0.5, 0.5, None, 0),
        (0.5, 0.5, None, 8),
    ],
)
def test_stages_change_their_part_of_the_network_alone(
    video_recipe: Recipe,
    tmp_path: Path,
    motion_fraction: float,
    guided_fraction: float,
    taught: set[str] | None,
    width: int,
) -> None:
    stages = {"motion_fraction": motion_fraction, "guided_fraction": guided_fraction}
    recipe = replace(video_recipe, reparam_width=width, validation=(), **stages)
    first = begin(recipe, torch.device("cpu")).network.state_dict()
    run(recipe, tmp_path, stop_after=10)
    half = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    run(recipe, tmp_path)
    last = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    assert changed(first, half) == (taught or {"motion"})
    assert changed(half, last) == (taught or {"convs"})


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """The parts of a network that differ: the first words of their names."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


def test_a_network_that_sees_neighbours_learns_from_clips_alone(
    video_recipe: Recipe, tmp_path: Path
) -> None:
    clip = Clip(64, 48, codec="ffv1", options={}, pts=tuple(range(6)))
    make(tmp_path / "clip.mkv", clip)
    recipe = replace(video_recipe, data=(tmp_path / "clip.mkv",), validation=())
    reports = run(recipe, tmp_path / "run")
    assert reports[-1].step == 20  # each loss was a number
    kept = load_file(tmp_path / "run" / "best.safetensors")
    first = begin(recipe, torch.device("cpu")).average.state_dict()
    assert changed(first, kept) == {"convs", "motion"}


def test_validation_on_a_clip_sees_neighbours(video_recipe: Recipe, tmp_path: Path) -> None:
    """The score of a run is that of `vsr eval` on a folder of frames."""
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(3):
        cv2.imwrite(str(frames / f"{number}.png"), picture(number, 50, 40))
    recipe = replace(video_recipe, validation=(frames,), motion_fraction=0, guided_fraction=1)
    (*_, last) = run(recipe, tmp_path / "run")
    weights = tmp_path / "run" / "best.safetensors"
    assert last.best == pytest.approx(score(weights, 2, frames), abs=1e-6)
    assert last.best != pytest.approx(
        np.mean([score(weights, 2, file) for file in frames.iterdir()]), abs=1e-3
    )


def test_the_seed_decides(recipe: Recipe, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.rand(seed)  # the caller's random numbers must not matter
        before = torch.get_rng_state()
        run(replace(recipe, seed=seed, iterations=9), tmp_path / name)
        assert torch.equal(torch.get_rng_state(), before)
    a, b, c = ((tmp_path / name / "best.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_the_best_weights_are_kept(
    recipe: Recipe, tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.training.loop.save_due", lambda *_: True)  # at every step
    monkeypatch.setattr(descent, "WARM_UP", 1)
    run(replace(recipe, iterations=24, lr=2.0), tmp_path)  # so fast that it gets worse
    scores = [line["psnr"] for line in log(tmp_path)]
    assert len(scores) == 24
    assert max(scores) > scores[-1] + 1
    assert log(tmp_path)[-1]["best"] == max(scores)
    found = score(tmp_path / "best.safetensors", 2, images / "0.png")
    assert found == pytest.approx(max(scores), abs=1e-6)


def test_without_validation_the_last_weights_are_kept(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, validation=())
    run(recipe, tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    kept = load_file(tmp_path / "best.safetensors")
    assert all(torch.equal(kept[name], saved["average"][name]) for name in kept)
    assert (log(tmp_path)[-1]["psnr"], log(tmp_path)[-1]["best"]) == (None, None)
    (tmp_path / "best.safetensors").unlink()
    assert run(recipe, tmp_path) == []  # over already, but the result is wanted again
    assert load_file(tmp_path / "best.safetensors").keys() == kept.keys()


def test_a_run_can_end_by_time(recipe: Recipe, tmp_path: Path) -> None:
    reports = run(replace(recipe, iterations=None, minutes=0.003), tmp_path)
    assert reports[-1].done == 1
    assert all(report.done < 1 for report in reports[:-1])


def test_a_loss_that_is_no_number_ends_the_run(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, tmp_path, stop_after=3)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    loss = lessons.restoration
    monkeypatch.setattr(lessons, "restoration", lambda *given: loss(*given) * float("nan"))
    with pytest.raises(TrainingError, match=r"step \d+: the loss is .* diverged"):
        run(recipe, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_folder_that_cannot_be_made(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        run(recipe, tmp_path / "file" / "run")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", ["recipe", "rgb_recipe", "video_recipe"])
def test_it_learns_on_a_gpu_and_goes_on_there(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recipe = replace(request.getfixturevalue(kind), device="cuda")
    run(recipe, tmp_path, stop_after=5)
    assert run(recipe, tmp_path)[-1].step == 20
    assert load_model(str(tmp_path / "best.safetensors"), 2).scale == 2


def test_a_run_never_writes_where_its_input_lies(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(recipe, folder)
    best = folder / "best.safetensors"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    link = tmp_path / "start.safetensors"
    link.symlink_to(best)
    for start in (best, link):
        with pytest.raises(OutputError, match=r"run: holds the input itself; choose another"):
            run(replace(recipe, warm_start=start), folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    for where in (recipe.data[0], recipe.data[0] / ".." / recipe.data[0].name):
        with pytest.raises(OutputError, match="holds the input itself"):
            run(recipe, where)
    again = tmp_path / "again"
    run(replace(recipe, warm_start=best), again)
    assert (again / "best.safetensors").exists()


def test_weights_of_no_run_are_not_replaced(recipe: Recipe, tmp_path: Path) -> None:
    best = tmp_path / "best.safetensors"
    best.write_bytes(b"somebody's")
    with pytest.raises(OutputError, match=r"best\.safetensors: exists already, and no log"):
        run(recipe, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [best.name]
    assert best.read_bytes() == b"somebody's"
