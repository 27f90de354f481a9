"""`vsr train`: its options, what it says, and what it refuses."""

from __future__ import annotations

import inspect
import json
import signal
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.training_runs import asked_for, score

from vsr import load_model
from vsr.cli.train import train_command
from vsr.cli.train_told import interrupts_between_steps
from vsr.core.errors import TrainingError
from vsr.networks import ARCHITECTURES
from vsr.training.recipe import Recipe
from vsr.training.shapes import LITERATURE_SHAPES, SHAPES
from vsr.util import signals


def command(images: Path, folder: Path, *more: str) -> list[str]:
    small = ["--batch", "2", "--patch", "12", "--reparam-width", "4", "--threads", "1", "-d", "cpu"]
    run_ = ["-o", str(folder), "-s", "2", "--iterations", "3", "--val", str(images / "1.png")]
    return [str(images), *run_, *small, *more]


def test_the_train_command(images: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(train_command, command(images, tmp_path, "-m", "espcn-deep"))
    assert result.exit_code == 0, result.output
    weights = tmp_path / "best.safetensors"
    assert f"best weights: {weights}" in result.stdout
    assert f"vsr upscale INPUT OUTPUT --scale 2 --model {weights}" in result.stdout
    assert "step 3" in result.stderr
    model = load_model(str(weights), 2)
    assert len(model.network.convs) == 9
    assert model.weights.options == {"kernels": [3] * 9, "features": [24] * 8}


@pytest.mark.parametrize(("name", "frames", "layers"), [("vespcn", 3, 9), ("vespcn-wide", 5, 12)])
def test_command_for_networks_that_see_neighbours(
    images: Path, tmp_path: Path, name: str, frames: int, layers: int
) -> None:
    stages = ("--motion-fraction", "0.3", "--guided-fraction", "0.4")
    result = CliRunner().invoke(train_command, command(images, tmp_path, "-m", name, *stages))
    assert result.exit_code == 0, result.output
    model = load_model(str(tmp_path / "best.safetensors"), 2)
    assert (model.weights.network, model.network.context) == ("vespcn", frames // 2)
    assert len(model.network.convs) == layers
    assert model.network.convs[0].weight.shape[1] == frames
    found = score(tmp_path / "best.safetensors", 2, images / "1.png")
    assert json.loads((tmp_path / "log.jsonl").read_text())["psnr"] == pytest.approx(found)


def test_the_train_command_in_json(images: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(train_command, command(images, tmp_path, "--json"))
    assert result.exit_code == 0, result.output
    progress, last = (json.loads(line) for line in result.stdout.splitlines())
    assert (progress["event"], progress["step"], progress["done"]) == ("progress", 3, 1.0)
    assert last == {
        "event": "result",
        "weights": str(tmp_path / "best.safetensors"),
        "scale": 2,
        "psnr": progress["best"],
    }


def test_a_run_that_was_over_says_so(images: Path, tmp_path: Path) -> None:
    words = command(images, tmp_path)
    assert "over already" not in CliRunner().invoke(train_command, words).stderr
    again = CliRunner().invoke(train_command, words)
    assert again.exit_code == 0
    assert "the run was over already, and nothing more was learnt" in again.stderr


def test_what_is_learnt_from_and_measured_on_is_named(images: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(images / "1.png")
    words = command(images, tmp_path / "run", "--val", str(link))
    said = CliRunner().invoke(train_command, words).stderr
    assert "1.png, and 1 more: in DATA and in --val" in said


def test_usage_errors_of_the_train_command(images: Path, tmp_path: Path) -> None:
    wrongs = (["-m", "nosuch"], ["-s", "8"], ["--batch", "many"], ["--loss", "l3"])
    wrongs += (["-s", "2,3"], ["-s", "2,2", "-m", "vdsr"])
    for wrong in wrongs:
        assert CliRunner().invoke(train_command, command(images, tmp_path, *wrong)).exit_code == 2
    assert CliRunner().invoke(train_command, [str(images)]).exit_code == 2


def test_the_command_has_the_recipes_defaults() -> None:
    defaults = {field.name: field.default for field in fields(Recipe)}
    params = {param.name: param.default for param in train_command.params}
    names = ("seed", "device", "threads")  # others depend on the shape
    for name in names:
        assert params[name] == defaults[name], name
    assert defaults["iterations"] == 100_000
    assert params["model"] in SHAPES
    (model,) = (param for param in train_command.params if param.name == "model")
    assert [*model.type.choices] == [*SHAPES]
    assert "iterations" in inspect.signature(Recipe).parameters


@pytest.mark.parametrize(
    ("model", "option", "refused"),
    [
        ("espcn", "--motion-fraction", True),
        ("edsr-8x32", "--motion-fraction", True),
        ("fsrcnn", "--guided-fraction", True),
        ("recurrent", "--guided-fraction", True),
        ("recurrent", "--motion-fraction", False),
        ("vespcn-wide", "--motion-fraction", False),
        ("vespcn", "--guided-fraction", False),
    ],
)
def test_stages_of_motion_are_for_networks_that_have_them(
    monkeypatch: pytest.MonkeyPatch, model: str, option: str, refused: bool
) -> None:
    usual = str(getattr(Recipe, option.removeprefix("--").replace("-", "_")))  # given, it counts
    if refused:
        words = ["data", "-o", "run", "-m", model, option, usual]
        error = CliRunner().invoke(train_command, words).exception
        assert isinstance(error, TrainingError)
        assert "is for networks with motion" in str(error)
    else:
        asked_for(monkeypatch, "-m", model, option, usual)


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in LITERATURE_SHAPES])
def test_each_shape_has_defaults_of_training(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    made = asked_for(monkeypatch, "-m", name)
    of_recurrent = {"recurrent": (10, 56, 0, 0.0), "recurrent-large": (8, 56, 0, 0.0)}
    sizes = of_recurrent.get(name, (16, 48, 256, 0.15))
    assert (made.batch, made.patch, made.reparam_width, made.mse_fraction) == sizes
    assert made.iterations == 100_000
    as_published = {"edsr": ("l1", 1e-4), "edsr-baseline": ("l1", 1e-4)}
    own = {
        "edsr-8x32": ("l1", 8e-4),
        "recurrent": ("relative", 1e-3),
        "recurrent-large": ("relative", 6e-4),
    }
    expected = {**as_published, **own}.get(name, ("charbonnier", 1e-3))
    assert (made.loss, made.lr) == expected
    assert (made.network, made.options) == (SHAPES[name].network, SHAPES[name].options)
    other = asked_for(
        monkeypatch, "-m", name, "--loss", "charbonnier", "--lr", "0.5", "--batch", "3"
    )
    assert (other.loss, other.lr, other.batch) == ("charbonnier", 0.5, 3)
    ARCHITECTURES[made.network](4, **made.options)


def test_a_run_by_time_has_no_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    made = asked_for(monkeypatch, "--minutes", "5")
    assert (made.iterations, made.minutes) == (None, 5)
    both = asked_for(monkeypatch, "--minutes", "5", "--iterations", "7", "--loss", "l1")
    assert (both.iterations, both.minutes, both.loss) == (7, 5, "l1")


def test_a_run_begins_from_a_bundled_model_or_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = asked_for(monkeypatch, "-s", "2", "--warm-start", "espcn").warm_start
    assert bundled is not None
    assert bundled.name == "espcn_x2.safetensors"
    own = asked_for(monkeypatch, "--warm-start", "own.safetensors").warm_start
    assert own == Path("own.safetensors")


def test_what_made_the_small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_for(monkeypatch).degradation == "bicubic"
    assert asked_for(monkeypatch, "--recipe", "footage").degradation == "footage"


def test_the_part_on_squared_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_for(monkeypatch).mse_fraction == 0.15
    assert asked_for(monkeypatch, "--mse-fraction", "1").mse_fraction == 1


def test_interrupts_wait_for_the_end_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)

    def as_if_none_had_come() -> None:
        monkeypatch.setattr(signals, "_ends_since", None)
        monkeypatch.setattr(signals, "_is_interrupted", False)

    as_if_none_had_come()
    with interrupts_between_steps() as check:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # before the first step, at once
        as_if_none_had_come()
        check()
        signal.raise_signal(signal.SIGTERM)  # within a step: noted
        with pytest.raises(KeyboardInterrupt):
            check()
        as_if_none_had_come()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # the second one, at once
    assert signal.getsignal(signal.SIGINT) is before
