"""Cycle-in-cycle training: the paper's losses, whose they are, stopping and going on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from support.clips import picture
from support.training_runs import reports_of
from torch import Tensor, nn

from vsr import load_model
from vsr.cli.train import train_command
from vsr.core.errors import InputError, OutputError, TrainingError
from vsr.networks.cleaned import Cleaned
from vsr.training.cycle import CycleProgress, CycleRun, begin_cycles, fit_in_cycles, take_step
from vsr.training.cycle_losses import inner_loss, outer_loss, told_apart, total_variation
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.fit import fit
from vsr.training.recipe import Recipe

CPU = torch.device("cpu")
OPTIONS = {"kernels": (3, 3), "features": (4,)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number, 72, 64))
    return folder


@pytest.fixture
def recipe(photos: Path, footage: Path) -> CycleRecipe:
    plain = Recipe(
        *("espcn", 2, (photos,), (), OPTIONS),
        iterations=8,
        batch=2,
        patch=16,
        lr=1e-3,
        reparam_width=0,
        device="cpu",
        threads=1,
    )
    return CycleRecipe(plain, (footage,))


def changed(recipe: CycleRecipe, **settings: Any) -> CycleRecipe:
    return replace(recipe, restorer=replace(recipe.restorer, **settings))


def run(recipe: CycleRecipe, folder: Path, stop_after: int | None = None) -> list[CycleProgress]:
    """All that is reported. `stop_after` interrupts after that step."""

    def train(report: Callable[[CycleProgress], None]) -> None:
        assert fit_in_cycles(recipe, folder, report) == folder / "best.safetensors"

    return reports_of(train, stop_after)


def pictures(*values: float) -> list[Tensor]:
    """Flat pictures (2, 1, 4, 4) of these values."""
    return [torch.full((2, 1, 4, 4), value) for value in values]


def test_total_variation_is_of_squared_gradients() -> None:
    slope = torch.arange(4.0).expand(2, 1, 4, 4) / 10  # 0.1 a pixel across
    assert total_variation(slope).item() == pytest.approx(0.01)
    assert total_variation(slope + 3 * slope.mT).item() == pytest.approx(0.01 + 0.09)
    assert total_variation(pictures(0.3)[0]).item() == 0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ((1.0, 0.5, 0.5, 0.5, 0.2, 0.2), 0.0),
        ((0.4, 0.5, 0.5, 0.5, 0.2, 0.2), 0.1 * 0.36),  # (D(G1(x)) - 1)^2
        ((1.0, 0.5, 0.6, 0.5, 0.2, 0.2), 10 * 0.01),  # w1 |G2(G1(x)) - x|^2
        ((1.0, 0.5, 0.5, 0.5, 0.5, 0.2), 5 * 0.3),  # w2 |G1(y) - y|
    ],
)
def test_terms_of_the_inner_cycle(changed: tuple[float, ...], expected: float) -> None:
    assert inner_loss(*pictures(*changed)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ((1.0, 0.5, 0.5, 0.5, 0.2, 0.2), 0.0),
        ((0.4, 0.5, 0.5, 0.5, 0.2, 0.2), 0.1 * 0.36),
        ((1.0, 0.5, 0.6, 0.5, 0.2, 0.2), 10 * 0.01),  # lambda1 |G3(SR(G1(x))) - x|^2
        ((1.0, 0.5, 0.5, 0.5, 0.5, 0.2), 150 * 0.09),  # lambda2 |SR(y) - z|^2
    ],
)
def test_terms_of_the_outer_cycle(changed: tuple[float, ...], expected: float) -> None:
    assert outer_loss(*pictures(*changed)).item() == pytest.approx(expected, abs=1e-6)


def test_smoothness_weighs_a_half_inside_and_two_outside() -> None:
    judged, same = pictures(1.0, 0.5)
    slope = torch.arange(4.0).expand(2, 1, 4, 4) / 10
    inner = inner_loss(judged, slope, same, same, same, same)
    outer = outer_loss(judged, slope, same, same, same, same)
    assert (inner.item(), outer.item()) == (pytest.approx(0.005), pytest.approx(0.02))


def test_discriminators_learn_by_squared_errors() -> None:
    true, made = pictures(0.7, 0.2)
    assert told_apart(true, made).item() == pytest.approx(0.09 + 0.04)


@pytest.fixture
def sides(recipe: CycleRecipe) -> CycleRun:
    sides = begin_cycles(recipe, CPU)
    torch.manual_seed(4)
    for part in (sides.network.cleaner, sides.soiler, sides.reducer.soiler):
        nn.init.normal_(part.tail.weight, std=0.02)  # as after some steps
    nn.init.normal_(sides.network.restorer.convs[-1].weight, std=0.02)
    return sides


def examples() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.rand(2, 1, 32, 32), torch.rand(2, 1, 16, 16)


def parts(sides: CycleRun) -> dict[str, nn.Module]:
    network = sides.network
    return {
        "cleaner": network.cleaner,
        "restorer": network.restorer,
        "soiler": sides.soiler,
        "reducer": sides.reducer,
        "small": sides.small,
        "large": sides.large,
    }


def moved(sides: CycleRun, outer: bool) -> set[str]:
    before = {n: [p.clone() for p in m.parameters()] for n, m in parts(sides).items()}
    take_step(sides, examples(), outer, 1e-3)
    return {
        name
        for name, module in parts(sides).items()
        if any(
            not torch.equal(a, b) for a, b in zip(before[name], module.parameters(), strict=True)
        )
    }


def test_the_inner_cycle_learns_alone_at_first(sides: CycleRun) -> None:
    assert moved(sides, outer=False) == {"cleaner", "soiler", "small"}


def test_both_cycles_learn_together(sides: CycleRun) -> None:
    assert moved(sides, outer=True) == set(parts(sides))


def test_discriminators_learn_by_their_own_loss_alone(
    sides: CycleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their step leaves the rest without gradients, and the other step leaves theirs alone."""
    steps: list[torch.optim.Optimizer] = []

    def watched(optimizer: torch.optim.Optimizer, loss: Tensor, rate: float, step: str) -> None:
        optimizer.zero_grad(set_to_none=True)
        for module in parts(sides).values():
            module.zero_grad(set_to_none=True)
        loss.backward()
        reached = {
            n for n, m in parts(sides).items() if any(p.grad is not None for p in m.parameters())
        }
        judges = {"small", "large"}
        assert reached == (judges if optimizer is sides.telling else set(parts(sides)) - judges)
        steps.append(optimizer)

    monkeypatch.setattr("vsr.training.cycle.step_down", watched)
    take_step(sides, examples(), True, 1e-3)
    assert steps == [sides.telling, sides.kept.optimizer]


def test_it_begins_as_the_warm_restorer(recipe: CycleRecipe, tmp_path: Path) -> None:
    first = fit(replace(recipe.restorer, iterations=3), tmp_path, lambda progress: None)
    network = begin_cycles(changed(recipe, warm_start=first), CPU).network
    small = torch.rand(1, 1, 16, 16)
    assert torch.equal(network(small), load_model(str(first), 2).network(small))


def test_files_that_a_run_leaves(recipe: CycleRecipe, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    reports = run(recipe, folder)
    assert [report.step for report in reports] == list(range(1, 9))
    assert [report.outer > 0 for report in reports] == [False] * 4 + [True] * 4
    assert (reports[-1].done, reports[-1].saved) == (1, True)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("best.safetensors", "checkpoint.pt", "log.jsonl", "recipe.json")
    ]
    network = load_model(str(folder / "best.safetensors"), 2).network
    assert isinstance(network, Cleaned)
    assert network(torch.rand(1, 1, 8, 8)).shape == (1, 1, 16, 16)


def test_an_interrupted_run_ends_at_the_same_weights(recipe: CycleRecipe, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    run(recipe, whole)
    run(recipe, halves, stop_after=3)
    assert [report.step for report in run(recipe, halves, stop_after=6)] == [4, 5, 6]
    run(recipe, halves)
    one, other = (folder / "best.safetensors" for folder in (whole, halves))
    assert one.read_bytes() == other.read_bytes()


def test_what_is_done_is_found(recipe: CycleRecipe, tmp_path: Path) -> None:
    run(recipe, tmp_path)
    before = (tmp_path / "best.safetensors").read_bytes()
    (tmp_path / "best.safetensors").unlink()
    assert run(recipe, tmp_path) == []
    assert (tmp_path / "best.safetensors").read_bytes() == before


@pytest.mark.slow
def test_it_learns_to_take_noise_away(tmp_path: Path) -> None:
    """Smooth pictures as photos, and noisy small ones of others as footage."""
    random = np.random.default_rng(1)
    (tmp_path / "sharp").mkdir()
    (tmp_path / "real").mkdir()
    for number in range(6):
        plane = cv2.GaussianBlur(random.normal(128, 400, (128, 128)), (0, 0), 5)
        small = plane.reshape(64, 2, 64, 2).mean((1, 3))
        noisy = small + random.normal(0, 12, small.shape)
        kind, image = ("sharp", plane) if number < 3 else ("real", noisy)
        file = tmp_path / kind / f"{number}.bmp"
        cv2.imwrite(str(file), image.clip(0, 255).astype(np.uint8))
    plain = Recipe(
        *("espcn", 2, (tmp_path / "sharp",), (), OPTIONS),
        iterations=160,
        batch=2,
        patch=16,
        lr=1e-3,
        reparam_width=0,
        device="cpu",
        threads=1,
    )
    run(CycleRecipe(plain, (tmp_path / "real",)), tmp_path / "run")
    network = load_model(str(tmp_path / "run" / "best.safetensors"), 2).network
    assert isinstance(network, Cleaned)
    truth = torch.from_numpy(small / 255).float()[None, None]
    recorded = truth + torch.randn(truth.shape, generator=torch.manual_seed(3)) * 12 / 255
    with torch.no_grad():
        cleaned = network.cleaner(recorded)
    assert (cleaned - truth).square().mean() < 0.7 * (recorded - truth).square().mean()


def test_another_run_in_the_folder(recipe: CycleRecipe, tmp_path: Path) -> None:
    run(changed(recipe, iterations=1), tmp_path)
    with pytest.raises(TrainingError, match=r"scale 2 there, 3 here\); choose another folder"):
        run(changed(recipe, scale=3), tmp_path)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: "):
        fit(recipe.restorer, tmp_path, lambda progress: None)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "best.safetensors").touch()
    with pytest.raises(OutputError, match="exists already"):
        run(recipe, tmp_path / "foreign")


def test_nothing_to_learn_from(recipe: CycleRecipe, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), picture(0, 40, 14))
    with pytest.raises(TrainingError, match=r"nothing real .*sides of at least 16 pixels"):
        run(replace(recipe, real=(small,)), tmp_path / "run")
    with pytest.raises(TrainingError, match=r"nothing sharp .*sides of at least 32 pixels"):
        run(changed(recipe, data=(small,)), tmp_path / "run")
    with pytest.raises(InputError, match="no such file or folder"):
        run(replace(recipe, real=(tmp_path / "no",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": "vespcn"}, "network 'vespcn': cycle-in-cycle training takes espcn or edsr"),
        ({"patch": 20}, "patch 20: must be a multiple of 8, 16 at least"),
        ({"patch": 8}, "patch 8: must be a multiple of 8, 16 at least"),
        ({"reparam_width": 4}, "takes no reparam_width, degradation or validation"),
        ({"degradation": "footage"}, "takes no reparam_width, degradation or validation"),
    ],
)
def test_a_recipe_is_checked_when_made(
    recipe: CycleRecipe, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(TrainingError, match=said):
        changed(recipe, **change)


def words(photos: Path, footage: Path, folder: Path) -> list[str]:
    sources = ["--recipe", "cycle-in-cycle", "--real", str(footage), "--sharp", str(photos)]
    small = ["--batch", "2", "--patch", "16", "--threads", "1", "-d", "cpu", "--iterations", "2"]
    return [*sources, "-o", str(folder), "-s", "2", *small]


def test_the_command_trains_in_cycles(photos: Path, footage: Path, tmp_path: Path) -> None:
    given = words(photos, footage, tmp_path / "run")
    result = CliRunner().invoke(train_command, [*given, "--json"])
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["progress", "result"]
    assert load_model(events[1]["weights"], 2).weights.network == "cleaned"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--val", "x.png"], "--recipe cycle-in-cycle takes no --adversarial and no --val"),
        (["--adversarial", "1"], "--recipe cycle-in-cycle takes no --adversarial and no --val"),
        (["--loss", "l1"], "--loss is not for --recipe cycle-in-cycle"),
        (["--optimizer", "sgd"], "--optimizer is not for --recipe cycle-in-cycle"),
        (["--degradation-minutes", "1"], "are for --recipe degradation-gan, not cycle-in-cycle"),
        (["x.png"], "--recipe cycle-in-cycle takes --real FOOTAGE and --sharp PHOTOS, and no DATA"),
    ],
)
def test_options_that_do_not_go_together(
    photos: Path, footage: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    given = words(photos, footage, tmp_path / "run")
    result = CliRunner().invoke(train_command, [*given, *more])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert not (tmp_path / "run").exists()
