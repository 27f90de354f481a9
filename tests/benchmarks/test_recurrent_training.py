"""Recurrent networks trained by one command, and the scenes that must never meet."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support.paths import ROOT
from support.scripts import loaded, script_of

from vsr.networks.graded import Graded
from vsr.networks.registry import load_model
from vsr.training.shapes import SHAPES

FILE = ROOT / "weights/recurrent_x2.safetensors"


@pytest.fixture(scope="module")
def material() -> ModuleType:
    return loaded("material")


@pytest.fixture(scope="module")
def training() -> ModuleType:
    return loaded("recurrent_training")


@pytest.fixture(scope="module")
def mean_weights() -> ModuleType:
    return loaded("mean_weights")


def scene(path: Path) -> str:
    return path.stem.rsplit("_", 1)[0]


def test_no_scene_serves_two_ends(
    material: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "DATA", tmp_path)
    for folder in ("train_video", "train_images"):
        (tmp_path / folder).mkdir()
    for name in (*material.REPORTED, *material.CHOSEN_ON, "sea", "dog"):
        for part in (0, 1):
            (tmp_path / f"train_video/{name}_{part}.mp4").touch()
    for number in range(500):
        (tmp_path / f"train_images/bsds_{number:03}.jpg").touch()
    learnt, chosen = material.clips_to_learn_from(), material.clips_to_choose_on()
    reported = material.clips_to_report_on()
    assert [scene(clip) for clip in learnt] == ["dog", "dog", "sea", "sea"]
    assert [scene(clip) for clip in chosen[1:]] == list(material.CHOSEN_ON)
    assert chosen[0].name == "aspen"
    assert {scene(clip) for clip in reported} == set(material.REPORTED)
    photos, ten = material.photos_to_learn_from(), material.photos_to_choose_on()
    assert (len(ten), len(photos)) == (10, 490)
    assert not set(photos) & set(ten)


def test_a_run_never_learns_from_what_it_is_chosen_on(training: ModuleType) -> None:
    asked = training.recipe(training.arguments(["runs/a", "--model", "recurrent-large"]))
    assert not set(asked.data) & set(asked.validation)
    assert asked.options["features"] == 64
    assert asked.warm_start.name == "recurrent-large_x4.safetensors"
    assert asked.symmetry == 2


def test_a_run_may_begin_without_weights(training: ModuleType) -> None:
    asked = training.recipe(training.arguments(["runs/a", "--anew", "--symmetry", "4"]))
    assert asked.warm_start is None
    assert asked.symmetry == 4
    with pytest.raises(SystemExit):
        training.arguments(["runs/a", "--anew", "--warm-start", "a.safetensors"])


def test_lanes_are_the_shapes_own_unless_told(training: ModuleType) -> None:
    own = training.recipe(training.arguments(["runs/a"]))
    few = training.recipe(training.arguments(["runs/a", "--batch", "5"]))
    assert (few.batch, few.patch) == (5, own.patch)
    assert own.batch == SHAPES["recurrent"].defaults["batch"]


def test_a_run_or_files_are_asked_for(training: ModuleType) -> None:
    for words in ([], ["runs/a", "--score", "a.safetensors"]):
        with pytest.raises(SystemExit):
            training.arguments(words)


def run(mean_weights: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", [str(script_of("mean_weights")), *words])
    mean_weights.main()


def test_the_mean_is_taken_of_each_number(
    mean_weights: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, out = load_file(FILE), tmp_path / "mean.safetensors"
    metadata = {"vsr": shape_of_file()}
    save_file({k: v * 3 for k, v in state.items()}, tmp_path / "three.safetensors", metadata)
    run(mean_weights, monkeypatch, str(FILE), str(tmp_path / "three.safetensors"), "-o", str(out))
    found = load_file(out)
    assert all(torch.allclose(found[name], 2 * value) for name, value in state.items())
    load_model(out, 2)


def shape_of_file() -> str:
    with safe_open(FILE, "pt") as file:
        return file.metadata()["vsr"]


def test_only_the_kernels_for_flawless_sources_become_lighter(
    mean_weights: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "lighter.safetensors"
    run(mean_weights, monkeypatch, str(FILE), "--flawless", "0.5", "-o", str(out))
    before, after = load_model(FILE, 2).network, load_model(out, 2).network
    graded = {n for n, m in before.named_modules() if isinstance(m, Graded)}
    assert graded
    for name, value in before.state_dict().items():
        expected = value.clone()
        if name.endswith("weight") and name.removesuffix(".weight") in graded:
            expected[: len(value) // 3] *= 0.5
        assert torch.equal(after.state_dict()[name], expected), name


def test_a_checkpoint_gives_its_average(
    mean_weights: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, checkpoint = load_file(FILE), tmp_path / "checkpoint.pt"
    torch.save({"average": {name: value + 1 for name, value in state.items()}}, checkpoint)
    out = tmp_path / "last.safetensors"
    run(mean_weights, monkeypatch, str(checkpoint), "--like", str(FILE), "-o", str(out))
    assert all(torch.equal(load_file(out)[name], value + 1) for name, value in state.items())


@pytest.mark.parametrize("words", [("checkpoint.pt",), (str(FILE), "-o", str(FILE))])
def test_what_it_cannot_do_is_said(
    words: tuple[str, ...], mean_weights: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        run(mean_weights, monkeypatch, *(("-o", "out.safetensors", *words)))
