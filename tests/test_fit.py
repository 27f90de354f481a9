"""Training runs: they learn, they stop and go on exactly, and they say what is wrong."""

from __future__ import annotations

import inspect
import json
import signal
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from vsr import load_model
from vsr.cli.train import _interrupts_between_steps, train_command
from vsr.errors import DeviceError, InputError, ModelError, OutputError, TrainingError
from vsr.evaluation.evaluate import evaluate
from vsr.training import fit as fit_module
from vsr.training.fit import Progress, fit
from vsr.training.recipe import SHAPES, Recipe


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small pictures of fine waves, which bicubic flattens and a network learns fast."""
    folder = tmp_path_factory.mktemp("images")
    y, x = np.mgrid[0:64, 0:64]
    for number in range(3):
        angle = number + 0.5
        wave = np.sin((np.cos(angle) * x + np.sin(angle) * y) * 1.2)
        cv2.imwrite(str(folder / f"{number}.png"), (wave * 46 + 120).astype(np.uint8))
    return folder


@pytest.fixture
def recipe(images: Path) -> Recipe:
    return Recipe(
        "espcn",
        2,
        (images,),
        (images / "0.png",),
        {"kernels": (3, 3), "features": (8,)},
        iterations=20,
        batch=4,
        patch=12,
        rate=0.01,
        width=8,
        device="cpu",
        threads=1,
    )


def run(recipe: Recipe, folder: Path, stop_after: int | None = None) -> list[Progress]:
    """All that a run reports. `stop_after` interrupts it after that step."""
    reports: list[Progress] = []

    def report(progress: Progress) -> None:
        reports.append(progress)
        if progress.step == stop_after:
            raise KeyboardInterrupt

    if stop_after is None:
        fit(recipe, folder, report)
    else:
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, folder, report)
    return reports


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def score(weights: Path, scale: int, path: Path) -> float:
    (found,) = evaluate([path], load_model(str(weights), scale), "cpu")
    return found.psnr


def test_it_learns_and_leaves_a_model_file(
    recipe: Recipe, tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "WARM_UP", 5)
    reports = run(replace(recipe, iterations=60, mse_part=1), tmp_path)
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


@pytest.mark.parametrize("width", [0, 8])
def test_an_interrupted_run_ends_at_the_same_weights(
    recipe: Recipe, tmp_path: Path, width: int
) -> None:
    recipe = replace(recipe, width=width)
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
    monkeypatch.setattr(fit_module, "SAVE_EVERY", -1)  # at every step
    monkeypatch.setattr(fit_module, "WARM_UP", 1)
    run(replace(recipe, iterations=24, rate=2.0), tmp_path)  # so fast that it gets worse
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


def test_the_rate_rises_then_falls_along_a_cosine(recipe: Recipe) -> None:
    whole = replace(recipe, rate=1.0, iterations=1000)
    rates = [fit_module._rate(whole, step, step / 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / fit_module.WARM_UP)
    assert rates[500] == pytest.approx(0.5)
    assert rates[750:] == sorted(rates[750:], reverse=True)
    assert rates[999] == pytest.approx(0.002)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 3}, "scale 2 there, 3 here"),
        ({"options": {"kernels": (3, 3), "features": (9,)}}, r"options .*\[8\].* there, .*\[9\]"),
        ({"width": 0}, "width 8 there, 0 here"),
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


@pytest.mark.parametrize("data", [b"", b"no checkpoint"])
def test_a_damaged_checkpoint_is_refused(recipe: Recipe, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(data)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: the run cannot be continued"):
        run(recipe, tmp_path)


def test_nothing_in_a_checkpoint_is_executed(recipe: Recipe, tmp_path: Path) -> None:
    torch.save({"network": Path("/")}, tmp_path / "checkpoint.pt")  # not a plain value
    with pytest.raises(TrainingError, match="cannot be continued"):
        run(recipe, tmp_path)


def test_a_loss_that_is_no_number_ends_the_run(recipe: Recipe, tmp_path: Path) -> None:
    run(recipe, tmp_path, stop_after=3)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(TrainingError, match=r"step \d+: the loss is .* diverged"):
        run(replace(recipe, rate=1e35), tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


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


def test_a_folder_that_cannot_be_made(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        run(recipe, tmp_path / "file" / "run")


def test_warm_start_takes_the_layers_that_fit(recipe: Recipe, tmp_path: Path) -> None:
    run(recipe, tmp_path / "two")
    weights = tmp_path / "two" / "best.safetensors"
    slow = replace(recipe, scale=3, patch=8, iterations=1, rate=1e-12, warm_start=weights)
    run(slow, tmp_path / "three")
    before = load_file(weights)
    after = load_file(tmp_path / "three" / "best.safetensors")
    torch.testing.assert_close(after["convs.0.weight"], before["convs.0.weight"])
    assert after["convs.1.weight"].shape == (9, 8, 3, 3)
    assert after["convs.1.weight"].abs().max() < 1e-6  # begins anew, at zero


@pytest.mark.parametrize("data", [None, b"no weights"])
def test_warm_start_from_what_is_no_model(
    recipe: Recipe, tmp_path: Path, data: bytes | None
) -> None:
    path = tmp_path / "model.safetensors"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        run(replace(recipe, warm_start=path), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": "edsr"}, "unknown network 'edsr'; known: .*espcn"),
        ({"scale": 5}, "scale 5: must be 2, 3 or 4"),
        ({"iterations": None}, "a run needs an end"),
        ({"iterations": 0}, "iterations 0: must be above 0"),
        ({"minutes": -1.0}, "minutes -1.0: must be above 0"),
        ({"rate": float("nan")}, "rate nan: must be above 0"),
        ({"width": -1}, "width -1: must not be negative"),
        ({"mse_part": 1.5}, "mse_part 1.5: must be within"),
    ],
)
def test_a_recipe_is_checked_when_made(recipe: Recipe, change: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        replace(recipe, **change)


def test_what_a_network_refuses(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"espcn .*: 2 kernels need 1 feature counts"):
        run(replace(recipe, options={"kernels": (3, 3), "features": ()}), tmp_path)
    with pytest.raises(TrainingError, match="'interpolation' has nothing to learn"):
        run(replace(recipe, network="interpolation", options={}, width=0), tmp_path)
    with pytest.raises(DeviceError):
        run(replace(recipe, device="abacus"), tmp_path)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_it_learns_on_a_gpu_and_goes_on_there(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, device="cuda")
    run(recipe, tmp_path, stop_after=5)
    assert run(recipe, tmp_path)[-1].step == 20
    assert load_model(str(tmp_path / "best.safetensors"), 2).scale == 2


def command(images: Path, folder: Path, *more: str) -> list[str]:
    small = ["--batch", "2", "--patch", "12", "--width", "4", "--threads", "1", "-d", "cpu"]
    run_ = ["-o", str(folder), "-s", "2", "--iterations", "3", "--val", str(images / "1.png")]
    return [str(images), *run_, *small, *more]


def test_command(images: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(train_command, command(images, tmp_path, "-m", "espcn-deep"))
    assert result.exit_code == 0, result.output
    weights = tmp_path / "best.safetensors"
    assert f"best weights: {weights}" in result.stdout
    assert f"vsr upscale INPUT OUTPUT --scale 2 --model {weights}" in result.stdout
    assert "step 3" in result.stderr
    model = load_model(str(weights), 2)
    assert len(model.network.convs) == 9
    assert model.weights.options == {"kernels": [3] * 9, "features": [24] * 8}


def test_command_json(images: Path, tmp_path: Path) -> None:
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


def test_command_usage(images: Path, tmp_path: Path) -> None:
    for wrong in (["-m", "edsr"], ["-s", "8"], ["--batch", "many"]):
        assert CliRunner().invoke(train_command, command(images, tmp_path, *wrong)).exit_code == 2
    assert CliRunner().invoke(train_command, [str(images)]).exit_code == 2


def test_the_command_has_the_recipes_defaults() -> None:
    defaults = {field.name: field.default for field in fields(Recipe)}
    params = {param.name: param.default for param in train_command.params}
    for name in ("batch", "patch", "rate", "width", "seed", "device", "threads"):
        assert params[name] == defaults[name], name
    assert defaults["iterations"] == 100_000
    assert params["model"] in SHAPES
    assert "iterations" in inspect.signature(Recipe).parameters


def test_interrupts_wait_for_the_end_of_a_step() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _interrupts_between_steps() as check:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # before the first step, at once
        check()
        signal.raise_signal(signal.SIGTERM)  # within a step: noted
        with pytest.raises(KeyboardInterrupt):
            check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # the second one, at once
    assert signal.getsignal(signal.SIGINT) is before
