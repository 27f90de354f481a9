"""What a run begins from, and what it refuses to begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.training_runs import run, score

from vsr import load_model
from vsr.core.errors import DeviceError, ModelError, TrainingError
from vsr.evaluation.evaluate import evaluate
from vsr.training import descent
from vsr.training.recipe import Recipe


def test_warm_start_takes_the_layers_that_fit(recipe: Recipe, tmp_path: Path) -> None:
    run(recipe, tmp_path / "two")
    weights = tmp_path / "two" / "best.safetensors"
    slow = replace(recipe, scale=3, patch=8, iterations=1, lr=1e-12, warm_start=weights)
    run(slow, tmp_path / "three")
    before = load_file(weights)
    after = load_file(tmp_path / "three" / "best.safetensors")
    torch.testing.assert_close(after["convs.0.weight"], before["convs.0.weight"])
    assert after["convs.1.weight"].shape == (9, 8, 3, 3)
    assert after["convs.1.weight"].abs().max() < 1e-6  # begins anew, at zero


def test_warm_start_from_a_network_of_one_frame(
    recipe: Recipe, video_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of more frames, layers and features scores as that one did, before it learns."""
    monkeypatch.setattr(descent, "WARM_UP", 1)
    options = {"kernels": (3, 3, 3), "features": (4, 4)}
    run(replace(recipe, options=options, iterations=60, mse_fraction=1), tmp_path / "small")
    weights = tmp_path / "small" / "best.safetensors"
    slow = replace(video_recipe, iterations=1, lr=1e-12, warm_start=weights)
    larger = replace(slow, options={"features": 6, "layers": 5, "context": 2})
    for number, begun in enumerate((slow, larger)):
        (found,) = run(begun, tmp_path / f"large{number}")
        expected = score(weights, 2, recipe.validation[0])
        assert found.psnr == pytest.approx(expected, abs=1e-3)
    (bicubic,) = evaluate([recipe.validation[0]], load_model("bicubic", 2), "cpu")
    assert expected > bicubic.psnr + 0.5


@pytest.mark.parametrize("light", [True, False])
def test_warm_start_of_edsr_from_another_scale(
    rgb_recipe: Recipe, tmp_path: Path, light: bool
) -> None:
    options = rgb_recipe.options | {"light": light}
    two = replace(rgb_recipe, options=options, iterations=5)
    run(two, tmp_path / "two")
    weights = tmp_path / "two" / "best.safetensors"
    before = load_file(weights)
    for scale in (3, 4):
        four = replace(two, scale=scale, patch=8, iterations=1, lr=1e-12, warm_start=weights)
        run(four, tmp_path / str(scale))
        after = load_file(tmp_path / str(scale) / "best.safetensors")
        for name in before:
            if not name.startswith("tail."):
                torch.testing.assert_close(after[name], before[name], atol=1e-6, rtol=0)
        if light:
            assert after["tail.to_phases.weight"].shape == (3 * scale**2, 4, 3, 3)
            assert after["tail.to_phases.weight"].abs().max() < 1e-6  # begins anew, at zero


def test_warm_start_from_what_does_not_fit(recipe: Recipe, tmp_path: Path) -> None:
    save_file({"body.weight": torch.ones(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"other\.safetensors: no layer of it fits"):
        run(replace(recipe, warm_start=tmp_path / "other.safetensors"), tmp_path / "run")


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
        ({"network": "nosuch"}, "unknown network 'nosuch'; known: .*espcn"),
        ({"scale": 5}, "scale 5: must be 2, 3 or 4"),
        ({"iterations": None}, "a run needs an end"),
        ({"iterations": 0}, "iterations 0: must be a whole number of 1 to"),
        ({"minutes": -1.0}, "minutes -1.0: must be a number above 0"),
        ({"lr": float("nan")}, "lr nan: must be a number above 0"),
        ({"reparam_width": -1}, "reparam_width -1: must be a whole number of 0"),
        ({"loss": "relative"}, "loss 'relative': only recurrent networks know it: espcn"),
        ({"loss": "l3"}, "loss 'l3': must be charbonnier or l1 or l2 or relative"),
        ({"optimizer": "lion"}, "optimizer 'lion': must be adam or sgd"),
        ({"gradient_clip": -1}, "gradient_clip -1: must be a number of 0 to 1000"),
        ({"device": "cuda:0,cuda:1"}, "device 'cuda:0,cuda:1': training takes one"),
        ({"mse_fraction": 1.5}, "mse_fraction 1.5: must be a number of 0 to 1"),
        ({"motion_fraction": -0.1}, "motion_fraction -0.1: must be a number of 0 to 1"),
        ({"guided_fraction": float("nan")}, "guided_fraction nan: must be a number of 0 to 1"),
        ({"motion_fraction": 0.2}, "motion_fraction: is for .*, vespcn and recurrent: espcn"),
        ({"guided_fraction": 0.2}, "guided_fraction: is for networks with motion, vespcn: espcn"),
        (
            {"network": "recurrent", "guided_fraction": 0.2, "reparam_width": 0},
            "guided_fraction: is for networks with motion, vespcn: recurrent",
        ),
    ],
)
def test_a_recipe_is_checked_when_made(recipe: Recipe, change: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        replace(recipe, **change)


def test_what_a_network_refuses(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"espcn .*: 2 kernels need 1 feature counts"):
        run(replace(recipe, options={"kernels": (3, 3), "features": ()}), tmp_path)
    with pytest.raises(TrainingError, match=r"vespcn .*: fusion 'late': must be early or slow"):
        run(replace(recipe, network="vespcn", options={"fusion": "late"}), tmp_path)
    with pytest.raises(TrainingError, match="'interpolation' has nothing to learn"):
        run(replace(recipe, network="interpolation", options={}, reparam_width=0), tmp_path)
    with pytest.raises(DeviceError):
        run(replace(recipe, device="abacus"), tmp_path)
