"""What a run goes on from: exactly, or not at all."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.training_runs import log, run

from vsr.core.errors import InputError, OutputError, TrainingError
from vsr.training import fit as fit_module
from vsr.training.recipe import Recipe

_NO_CHECKPOINT = r"checkpoint\.pt: is no checkpoint, or a damaged one; remove it to begin anew"


def test_a_checkpoint_of_early_versions_is_continued(recipe: Recipe, tmp_path: Path) -> None:
    run(recipe, tmp_path, stop_after=2)
    file = tmp_path / "checkpoint.pt"
    state = torch.load(file, weights_only=True)
    state["recipe"]["width"] = state["recipe"].pop("reparam_width")
    torch.save(state, file)
    with pytest.raises(TrainingError, match="reparam_width 8 there, 0 here"):
        run(replace(recipe, reparam_width=0), tmp_path)
    assert run(recipe, tmp_path, stop_after=3)[-1].step == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 3}, "scale 2 there, 3 here"),
        ({"options": {"kernels": (3, 3), "features": (9,)}}, r"options .*\[8\].* there, .*\[9\]"),
        ({"reparam_width": 0}, "reparam_width 8 there, 0 here"),
    ],
)
def test_a_folder_of_another_run_is_refused(
    recipe: Recipe, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    run(recipe, tmp_path, stop_after=1)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(TrainingError, match=said):
        run(replace(recipe, **change), tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("keep", [0, 1000, -1])
def test_a_damaged_checkpoint_is_refused(recipe: Recipe, tmp_path: Path, keep: int) -> None:
    run(recipe, tmp_path, stop_after=1)
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(TrainingError, match=_NO_CHECKPOINT):
        run(recipe, tmp_path)


@pytest.mark.parametrize(
    "saved",
    [
        [1, 2],
        {"a": 1},
        {"step": "7", "elapsed": 1.0},
        {"step": 7, "elapsed": 1.0, "recipe": "espcn"},
        {"network": Path("/")},  # not a plain value: nothing in a checkpoint is executed
    ],
)
def test_another_programs_checkpoint_is_refused(
    recipe: Recipe, tmp_path: Path, saved: object
) -> None:
    torch.save(saved, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match=_NO_CHECKPOINT):
        run(recipe, tmp_path)


def test_a_checkpoint_that_cannot_be_read(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").mkdir()
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: cannot be read \(Is a directory\)"):
        run(recipe, tmp_path)


def test_a_full_disk_is_named(recipe: Recipe, tmp_path: Path) -> None:
    """Not only what torch makes of it; and the same call goes on once there is room."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"checkpoint\.pt: .* \(File too large\)$"):
            run(recipe, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    names = {"best.safetensors", "log.jsonl", "recipe.json"}
    assert {file.name for file in tmp_path.iterdir()} == names
    assert run(recipe, tmp_path)[-1].step == 20


def test_a_failed_measurement_loses_no_steps(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the last ones are measured by the call that finds all learnt."""
    monkeypatch.setattr("vsr.training.loop.save_due", lambda *_: True)
    recipe = replace(recipe, iterations=24)  # at which the average moves
    measure, whole, parts = fit_module.validate, tmp_path / "whole", tmp_path / "parts"
    run(recipe, whole)

    def fail(*given: Any) -> float | None:
        if len(log(parts)) == 23:
            raise InputError("clip.mp4: is damaged")
        return measure(*given)

    with monkeypatch.context() as patch, pytest.raises(InputError, match="is damaged"):
        patch.setattr(fit_module, "validate", fail)
        run(recipe, parts)
    before = (parts / "best.safetensors").read_bytes()
    assert run(recipe, parts) == []
    assert before != (parts / "best.safetensors").read_bytes()
    assert (whole / "best.safetensors").read_bytes() == (parts / "best.safetensors").read_bytes()
