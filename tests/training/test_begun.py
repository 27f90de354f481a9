"""Options that a run goes on with, though it began with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from click.testing import CliRunner
from support.colour_stills import colour_stills
from torch import Tensor, nn

from vsr.cli.train import train_command
from vsr.core.errors import TrainingError
from vsr.training import adversarial
from vsr.training.adversarial import fit_adversarially
from vsr.training.adversarial_recipe import AdversarialRecipe
from vsr.training.begun import BEGUN, HARMLESS, OTHER_NAMES, REFUSED
from vsr.training.content import Content
from vsr.training.cycle import fit_in_cycles
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.fit import fit
from vsr.training.learn_degradation import learn_degradation
from vsr.training.recipe import DegradationRecipe, Recipe


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_stills(tmp_path_factory.mktemp("stills") / "photos", 64, 48)


class _Plain(nn.Module):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


@pytest.fixture(autouse=True)
def _features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, "load_content", lambda path: Content(_Plain(), (1.0,)))


def _recipe(photos: Path, network: str = "espcn", **settings: Any) -> Recipe:
    given: dict[str, Any] = {"iterations": 1, "batch": 2, "patch": 16, "reparam_width": 0}
    course = {"device": "cpu", "threads": 1} | given | settings
    return Recipe(network, 2, (photos,), **course)


def _kinds(photos: Path, footage: Path, **settings: Any) -> dict[str, Callable[..., Any]]:
    """A run of each kind, which takes a folder and `warn`."""
    plain = _recipe(photos, **settings)
    light = {"blocks": 1, "features": 4, "light": True}
    versus = AdversarialRecipe(_recipe(photos, "edsr", options=light, **settings))
    cycles = CycleRecipe(plain, (footage,))
    own = {"batch": 2, "patch": 16, "device": "cpu", "threads": 1} | settings
    learnt = DegradationRecipe(2, "y", (photos,), (footage,), **{"iterations": 1} | own)
    return {
        "fit": lambda folder, warn: fit(plain, folder, print, warn=warn),
        "adversarial": lambda folder, warn: fit_adversarially(versus, folder, print, warn),
        "cycle": lambda folder, warn: fit_in_cycles(cycles, folder, print, warn),
        "degradation": lambda folder, warn: learn_degradation(learnt, folder, print, warn),
    }


@pytest.mark.parametrize("kind", ["fit", "adversarial", "cycle", "degradation"])
def test_every_kind_of_run_tells_what_it_goes_on_with(
    photos: Path, footage: Path, tmp_path: Path, kind: str
) -> None:
    told: list[str] = []
    changed = {"iterations": 2, "lr": 1e-4, "seed": 7}
    _kinds(photos, footage, lr=5e-4)[kind](tmp_path, told.append)
    _kinds(photos, footage, lr=5e-4, iterations=1)[kind](tmp_path, told.append)
    assert told == []
    _kinds(photos, footage, **changed)[kind](tmp_path, told.append)
    changes = "goes on with --lr 0.0001, begun with 0.0005; with --seed 7, begun with 1"
    assert told == [f"{tmp_path / 'checkpoint.pt'}: {changes}"]
    _kinds(photos, footage, **changed | {"iterations": 3})[kind](tmp_path, told.append)
    assert told[1:] == told[:1]  # what it began with stays what is kept


def test_the_command_tells_it(photos: Path, tmp_path: Path) -> None:
    words = [*("-o", str(tmp_path), "-s", "2", "--reparam-width", "0", "--threads", "1")]
    words += ["-d", "cpu", "--batch", "2", "--patch", "12", "--val", str(photos)]
    begun = CliRunner().invoke(train_command, [str(photos), *words, "--iterations", "1"])
    assert (begun.exit_code, "goes on" in begun.stderr) == (0, False), begun.output
    more = ["--iterations", "2", "--loss", "l1", "--batch", "3"]
    result = CliRunner().invoke(train_command, [str(photos), *words, *more])
    assert result.exit_code == 0, result.output
    told = [line for line in result.stderr.splitlines() if "goes on" in line]
    assert told == [
        f"vsr: warning: {tmp_path / 'checkpoint.pt'}: goes on with --batch 3, begun with 2; "
        "with --loss l1, begun with charbonnier"
    ]


def test_other_data_is_told(photos: Path, tmp_path: Path) -> None:
    data, told = copytree(photos, tmp_path / "data"), list[str]()
    run, recipe = tmp_path / "run", _recipe(data)
    fit(recipe, run, print, warn=told.append)
    files = sorted(data.iterdir())
    assert len(files) == 2
    files[0].write_bytes(files[0].read_bytes() + b"\0")
    fit(replace(recipe, iterations=2), run, print, warn=told.append)
    files[0].unlink()
    fit(replace(recipe, iterations=3), run, print, warn=told.append)
    fit(replace(recipe, iterations=4, data=(photos,)), run, print, warn=told.append)
    assert [line.partition(": goes on ")[2] for line in told] == [
        f"with DATA {data} (2 files), begun with others",
        f"with DATA {data} (1 file), begun with {data} (2 files)",
        f"with DATA {photos} (2 files), begun with {data} (2 files)",
    ]


def test_what_is_given_anew_or_no_longer(photos: Path, tmp_path: Path) -> None:
    told: list[str] = []
    weights = fit(_recipe(photos), tmp_path / "first", print)
    first, second = tmp_path / "a", tmp_path / "b"
    fit(_recipe(photos, validation=(photos,)), first, print)
    later = {"iterations": 2, "mse_fraction": 0.0}
    fit(_recipe(photos, warm_start=weights, **later), first, print, warn=told.append)
    fit(_recipe(photos, warm_start=weights), second, print)
    fit(_recipe(photos, iterations=2), second, print, warn=told.append)
    shown = f"{photos} (2 files)"
    assert [line.partition(": goes on ")[2] for line in told] == [
        f"without --val, begun with {shown}; from where it is, not from --warm-start {weights}; "
        "with --mse-fraction 0.0, begun with 0.15",
        f"without --warm-start, begun with {weights}",
    ]


def test_a_run_of_early_versions_goes_on_without_a_word(photos: Path, tmp_path: Path) -> None:
    told: list[str] = []
    fit(_recipe(photos), tmp_path, print)
    (tmp_path / BEGUN).unlink()
    for iterations in (2, 3):
        fit(_recipe(photos, lr=0.1, iterations=iterations), tmp_path, print, warn=told.append)
    assert (told, (tmp_path / BEGUN).exists()) == ([], False)


def test_a_run_begun_anew_keeps_what_it_begins_with(photos: Path, tmp_path: Path) -> None:
    told: list[str] = []
    fit(_recipe(photos), tmp_path, print)
    (tmp_path / "checkpoint.pt").unlink()
    for iterations in (1, 2):
        fit(_recipe(photos, lr=0.01, iterations=iterations), tmp_path, print, warn=told.append)
    assert told == []


def test_what_is_refused_is_not_told(photos: Path, tmp_path: Path) -> None:
    told: list[str] = []
    fit(_recipe(photos), tmp_path, print)
    other = _recipe(photos, optimizer="sgd", lr=0.1)
    with pytest.raises(TrainingError, match="is of another run"):
        fit(other, tmp_path, print, warn=told.append)
    assert told == []


def test_what_fails_before_it_begins_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to learn from"):
        fit(_recipe(photos, patch=64), tmp_path / "run", print)
    assert [*(tmp_path / "run").iterdir()] == []


def test_what_is_told_are_options_of_the_command() -> None:
    known = {flag for param in train_command.params for flag in (*param.opts, param.name)}
    known |= {"DATA"}
    kinds = (Recipe, AdversarialRecipe, CycleRecipe)
    names = {each.name for kind in kinds for each in fields(kind)} - {"generator", "restorer"}
    told = names - {*HARMLESS, *REFUSED}
    flags = {OTHER_NAMES.get(name, f"--{name.replace('_', '-')}") for name in told}
    assert flags <= known
    assert "--lr" in flags
