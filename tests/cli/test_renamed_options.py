"""Options of `vsr train` and `vsr adapt` under their earlier names too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner

from vsr.adaptation import adapt as adapt_module
from vsr.adaptation.finetune import Course
from vsr.cli.adapt import adapt_command
from vsr.cli.train import train_command
from vsr.training import fit as fit_module
from vsr.training.recipe import Recipe

TRAIN = [
    ("--lr", "--rate", "lr", 0.25),
    ("--loss", "--error", "loss", "l1"),
    ("--mse-fraction", "--mse-part", "mse_fraction", 0.75),
    ("--motion-fraction", "--motion-part", "motion_fraction", 0.75),
    ("--guided-fraction", "--guided-part", "guided_fraction", 0.75),
    ("--reparam-width", "--width", "reparam_width", 12),
]


class _StoppedError(Exception):
    """The command has handed over what it was told."""


@pytest.mark.parametrize(("new", "old", "field", "value"), TRAIN)
def test_train_options_under_both_names(
    monkeypatch: pytest.MonkeyPatch, new: str, old: str, field: str, value: object
) -> None:
    recipes: list[Recipe] = []

    def fit(recipe: Recipe, folder: Path, report: Any) -> Path:
        recipes.append(recipe)
        return folder / "best.safetensors"

    monkeypatch.setattr(fit_module, "fit", fit)
    for words in ((new, str(value)), (old, str(value)), (f"{old}={value}",), ()):
        result = CliRunner().invoke(train_command, ["data", "-o", "run", *words])
        assert result.exit_code == 0, result.output
    *told, plain = (getattr(recipe, field) for recipe in recipes)
    assert told == [value] * 3
    assert plain != value


def test_adapt_takes_the_learning_rate_under_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    courses: list[Course] = []

    def adapt(*given: Any) -> NoReturn:
        (course,) = (one for one in given if isinstance(one, Course))
        courses.append(course)
        raise _StoppedError

    monkeypatch.setattr(adapt_module, "adapt", adapt)
    for flag in ("--lr", "--rate"):
        words = ["a.mp4", "-o", "a.safetensors", flag, "0.5"]
        assert isinstance(CliRunner().invoke(adapt_command, words).exception, _StoppedError)
    assert [course.lr for course in courses] == [0.5, 0.5]


def test_the_help_shows_new_names_only() -> None:
    for command, names in ((train_command, TRAIN), (adapt_command, TRAIN[:1])):
        text = CliRunner().invoke(command, ["--help"]).output.split()
        assert {new for new, *_ in names} <= {*text}
        assert not {old for _, old, *_ in names} & {*text}
