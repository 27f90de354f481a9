"""Training runs of tests: what they report, and what the command asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from click.testing import CliRunner

from vsr import load_model
from vsr.cli.train import train_command
from vsr.evaluation.evaluate import evaluate
from vsr.training import fit as fit_module
from vsr.training.fit import fit
from vsr.training.progress import Progress
from vsr.training.recipe import Recipe


class _Stepped(Protocol):
    @property
    def step(self) -> int: ...


T = TypeVar("T", bound=_Stepped)


def reports_of(
    train: Callable[[Callable[[T], None]], object], stop_after: int | None = None
) -> list[T]:
    """All that a run reports, of whatever kind. `stop_after` interrupts it after that step."""
    reports: list[T] = []

    def report(progress: T) -> None:
        reports.append(progress)
        if progress.step == stop_after:
            raise KeyboardInterrupt

    if stop_after is None:
        train(report)
    else:
        with pytest.raises(KeyboardInterrupt):
            train(report)
    return reports


def run(recipe: Recipe, folder: Path, stop_after: int | None = None) -> list[Progress]:
    """The same of `fit`."""
    return reports_of(lambda report: fit(recipe, folder, report), stop_after)


def log(folder: Path) -> list[dict[str, Any]]:
    """What a run has logged."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def score(weights: Path, scale: int, path: Path) -> float:
    (found,) = evaluate([path], load_model(str(weights), scale), "cpu")
    return found.psnr


def asked_for(monkeypatch: pytest.MonkeyPatch, *words: str) -> Recipe:
    """The recipe that the command would train by."""
    recipes: list[Recipe] = []

    def note(recipe: Recipe, folder: Path, report: Any, warn: Any) -> Path:
        recipes.append(recipe)
        return folder / "best.safetensors"

    monkeypatch.setattr(fit_module, "fit", note)
    result = CliRunner().invoke(train_command, ["data", "-o", "run", *words])
    assert result.exit_code == 0, result.output
    (recipe,) = recipes
    return recipe
