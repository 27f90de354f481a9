"""Options of `vsr train` and `vsr adapt` under their earlier names too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner
from support.cli_runner import vsr
from support.clips import Clip, make

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

    def fit(recipe: Recipe, folder: Path, report: Any, warn: Any) -> Path:
        recipes.append(recipe)
        return folder / "best.safetensors"

    monkeypatch.setattr(fit_module, "fit", fit)
    for words in ((new, str(value)), (old, str(value)), (f"{old}={value}",), ()):
        result = CliRunner().invoke(train_command, ["data", "-o", "run", "-m", "vespcn", *words])
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


@pytest.mark.parametrize(("new", "old", "value"), [(new, old, v) for new, old, _, v in TRAIN])
def test_an_old_name_is_told_of_on_stderr(new: str, old: str, value: object) -> None:
    command = click.command()(click.pass_context(lambda context: click.echo(context.params)))
    command.params = [one for one in train_command.params if new in one.opts]
    by_old, by_new = (CliRunner().invoke(command, [flag, str(value)]) for flag in (old, new))
    assert by_old.stderr == f"vsr: {old} is an old name that will go; use {new}\n"
    assert by_old.stdout == by_new.stdout
    assert by_new.stderr == ""


@pytest.mark.parametrize(
    ("command", "words", "new"),
    [
        ("upscale", ("--for", "clean"), "--content"),
        ("upscale", ("--stall", "9"), "--stall-timeout"),
        ("batch", ("--for", "clean"), "--content"),
        ("preview", ("--stall", "9"), "--stall-timeout"),
    ],
)
def test_old_names_stay_out_of_json(
    tmp_path: Path, command: str, words: tuple[str, str], new: str
) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=32, height=16))
    target = {"upscale": "out.mp4", "batch": "out", "preview": "p.png"}[command]
    fast = ("--scale", "2", "--preset", "ultrafast", "--json")
    ran = vsr(command, source, tmp_path / target, *words, *fast)
    assert ran.code == 0
    assert ran.err.count(f"vsr: {words[0]} is an old name that will go; use {new}\n") == 1
    assert ran.events


def test_both_names_at_once_are_refused() -> None:
    ran = CliRunner().invoke(train_command, ["data", "-o", "run", "--lr", "1", "--rate", "1"])
    assert ran.exit_code == 2
    assert "--lr and --rate, its old name, exclude each other" in ran.stderr
