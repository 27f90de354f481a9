"""Training of the literature's networks: several scales at once, clipping, deep supervision."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from support.training_runs import asked_for, run
from torch import Tensor, nn

from vsr import load_model
from vsr.cli.train import train_command
from vsr.core.errors import TrainingError
from vsr.core.resample import resize
from vsr.networks import ARCHITECTURES, Network
from vsr.networks.literature.drrn import Drrn
from vsr.networks.literature.lapsrn import Lapsrn
from vsr.networks.literature.vdsr import Vdsr
from vsr.networks.multi_scale import MultiScale
from vsr.networks.registry import scales_of
from vsr.training import fit as fit_module
from vsr.training.beginning import begin, optimizer_of
from vsr.training.checkpoint import Run
from vsr.training.data import MixedScales, StillPairs
from vsr.training.descent import descend
from vsr.training.fit import fit
from vsr.training.lessons import StillLesson
from vsr.training.losses import restoration
from vsr.training.progress import Progress
from vsr.training.recipe import Recipe
from vsr.training.shapes import LITERATURE_SHAPES


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of waves that bicubic flattens."""
    folder = tmp_path_factory.mktemp("images")
    y, x = np.mgrid[0:72, 0:72]
    for number in range(3):
        wave = np.sin((np.cos(number) * x + np.sin(number) * y) * 1.2)
        cv2.imwrite(str(folder / f"{number}.png"), (wave * 46 + 120).astype(np.uint8))
    return folder


@pytest.fixture
def recipe(images: Path) -> Recipe:
    return Recipe(
        "vdsr",
        4,
        (images,),
        (images / "0.png",),
        {"scales": (2, 3, 4), "layers": 3, "features": 8},
        iterations=20,
        batch=4,
        patch=8,
        lr=0.005,
        reparam_width=0,
        loss="l2",
        device="cpu",
        threads=1,
    )


# Several scales at once


def pairs(scale: int) -> StillPairs:
    random = np.random.default_rng(scale)
    small = random.integers(0, 255, (12, 12), np.uint8)
    return StillPairs([np.kron(small, np.ones((scale, scale), np.uint8))], [small], scale)


def test_a_step_is_of_one_scale_and_all_take_turns() -> None:
    mixed = MixedScales(tuple(pairs(scale) for scale in (2, 3, 4)))
    seen = set()
    for seed in range(12):
        small, large = mixed.sample(2, 6, np.random.default_rng(seed))
        scale = large.shape[-1] // small.shape[-1]
        assert torch.equal(large, small.repeat_interleave(scale, -1).repeat_interleave(scale, -2))
        seen.add(scale)
    assert seen == {2, 3, 4}


def test_a_lesson_is_at_the_scale_of_its_examples() -> None:
    network = Vdsr(4, layers=2, features=4)
    lesson = StillLesson(pairs(2), 2, 6, 0.0, "l2")
    for scale in (2, 3, 4):
        small, large = pairs(scale).sample(2, 6, np.random.default_rng(1))
        found = lesson.loss(network, (small, large), 0.0).detach()
        fresh = Vdsr(scale, layers=2, features=4)  # bicubic, as the other
        assert float(found) == pytest.approx(
            float(restoration(fresh(small).detach(), large, "l2")), rel=1e-5
        )


def test_one_run_makes_one_file_for_all_its_scales(recipe: Recipe, tmp_path: Path) -> None:
    reports = run(recipe, tmp_path / "run")
    best = tmp_path / "run/best.safetensors"
    assert scales_of(str(best)) == (2, 3, 4)
    for scale in (2, 3, 4):
        model = load_model(best, scale)
        assert isinstance(model.network, MultiScale)
        assert model.network(torch.rand(1, 1, 5, 6)).shape[-1] == 6 * scale
    assert reports[-1].psnr is not None
    fresh = ARCHITECTURES["vdsr"](4, **recipe.options)
    shown = fit_module.validate
    assert isinstance(fresh, MultiScale)
    before = []
    for scale in (2, 3, 4):
        fresh.use(scale)
        before.append(shown(fresh, [recipe.validation[0]], torch.device("cpu")) or 0.0)
    assert reports[-1].psnr > sum(before) / 3  # than bicubic, at all three


@pytest.mark.parametrize("stop_after", [1, 7])
def test_an_interrupted_run_ends_at_the_same_weights(
    recipe: Recipe, tmp_path: Path, stop_after: int
) -> None:
    recipe = replace(recipe, iterations=12)
    run(recipe, tmp_path / "one")
    run(recipe, tmp_path / "two", stop_after)
    run(recipe, tmp_path / "two")
    one, two = (load_file(tmp_path / name / "best.safetensors") for name in ("one", "two"))
    for name, value in one.items():
        assert torch.equal(two[name], value), name


def test_a_run_of_other_scales_is_another(recipe: Recipe, tmp_path: Path) -> None:
    run(replace(recipe, iterations=2), tmp_path)
    options = recipe.options | {"scales": (2, 4)}
    with pytest.raises(TrainingError, match="is of another run"):
        run(replace(recipe, options=options), tmp_path)


def test_re_parameterisation_and_warm_starts_still_work(recipe: Recipe, tmp_path: Path) -> None:
    wide = replace(recipe, iterations=3, reparam_width=4)
    run(wide, tmp_path / "wide")
    best = tmp_path / "wide/best.safetensors"
    begun = begin(replace(recipe, warm_start=best), torch.device("cpu"))
    for name, value in load_file(best).items():
        assert torch.equal(begun.network.state_dict()[name], value)


# The optimizer


def taught(theta: float, rate: float, optimizer: str = "sgd") -> tuple[Network, Network]:
    """A network before a step whose gradient is huge, and after it."""
    torch.manual_seed(2)
    network = Vdsr(2, (2,), 3, 4)
    nn.init.normal_(network.convs[-1].weight)  # type: ignore[arg-type]
    before, average = (Vdsr(2, (2,), 3, 4) for _ in range(2))
    before.load_state_dict(network.state_dict())
    settings = Recipe("vdsr", 2, (), options={}, lr=rate, optimizer=optimizer)
    taken = Run(network, average, optimizer_of(network, settings))
    loss = 1e4 * network(torch.rand(1, 1, 6, 6)).square().mean()
    descend(taken, loss, rate, theta)
    return before, network


@pytest.mark.parametrize("rate", [0.1, 10.0])
def test_adjustable_clipping_bounds_each_step(rate: float) -> None:
    """No weight moves by more than theta, whatever the rate: section 3.2 of VDSR."""
    before, after = taught(0.01, rate)
    moved = torch.cat(
        [
            (own - other).abs().flatten()
            for own, other in zip(after.parameters(), before.parameters(), strict=True)
        ]
    )
    assert moved.max().item() == pytest.approx(0.01, rel=1e-3)
    before, after = taught(0.0, rate)  # by the norm of all: far enough apart
    norm = sum(
        float((own - other).square().sum())
        for own, other in zip(after.parameters(), before.parameters(), strict=True)
    )
    assert norm**0.5 == pytest.approx(rate, rel=1e-2)


def test_the_optimizer_is_part_of_the_run(recipe: Recipe, tmp_path: Path) -> None:
    by_descent = replace(recipe, optimizer="sgd", gradient_clip=0.01, lr=0.1, iterations=6)
    run(by_descent, tmp_path, 3)
    assert run(by_descent, tmp_path)[-1].step == 6
    with pytest.raises(TrainingError, match="optimizer sgd there, adam here"):
        run(replace(by_descent, optimizer="adam"), tmp_path)


# Deep supervision


def test_each_level_of_a_pyramid_is_held_against_the_truth_of_its_size() -> None:
    network = Lapsrn(4, 1, 4)
    random = torch.Generator().manual_seed(1)
    small = torch.rand(2, 1, 6, 6, generator=random)
    large = torch.rand(2, 1, 24, 24, generator=random)
    lesson = StillLesson(pairs(4), 2, 6, 0.0, "charbonnier")
    half, whole = network.supervised(small)
    expected = [
        restoration(half, resize(large, 12, 12), "charbonnier"),
        restoration(whole, large, "charbonnier"),
    ]
    found = lesson.loss(network, (small, large), 0.0).detach()
    assert float(found) == pytest.approx(float(sum(expected)) / 2, rel=1e-2)  # bfloat16


def test_every_recursion_counts_alike() -> None:
    network = Drrn(2, (2,), units=2, features=4, supervise_all=True)
    nn.init.normal_(network.reconstruct.weight, std=0.1)
    small, large = pairs(2).sample(2, 6, np.random.default_rng(1))
    found = StillLesson(pairs(2), 2, 6, 0.0, "l2").loss(network, (small, large), 0.0)
    each: list[Tensor] = [restoration(guess, large, "l2") for guess in network.supervised(small)]
    assert float(found) == pytest.approx(float(sum(each)) / 2, rel=1e-2)


# The command, and the shapes


@pytest.mark.parametrize("name", LITERATURE_SHAPES)
def test_every_shape_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shape = LITERATURE_SHAPES[name]
    several = issubclass(ARCHITECTURES[shape.network], MultiScale)
    recipe = asked_for(monkeypatch, "-m", name, *(["-s", "2,3,4"] if several else []))
    assert recipe.reparam_width == 0
    assert recipe.scales == ((2, 3, 4) if several else (4,))
    with torch.device("meta"):
        assert ARCHITECTURES[recipe.network](recipe.scale, **recipe.options)


def test_the_command_trains_several_scales(images: Path, tmp_path: Path) -> None:
    words = [str(images), "-o", str(tmp_path), "-m", "vdsr", "--iterations", "1"]
    words += ["--patch", "6", "--batch", "1", "--device", "cpu"]
    result = CliRunner().invoke(train_command, [*words, "-s", "4,2", "--json"])
    assert result.exit_code == 0, result.output
    last = json.loads(result.output.splitlines()[-1])
    assert last["scale"] == 4
    assert scales_of(last["weights"]) == (2, 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "espcn", "-s", "2,3"], "espcn learns one scale; several at once are for"),
        (["-m", "vdsr", "-s", "2,2"], "must be 2, 3 or 4, or several with commas"),
        (["-m", "vdsr", "-s", ""], "must be 2, 3 or 4, or several with commas"),
        (["-m", "vdsr", "-s", "2,5"], "must be 2, 3 or 4, or several with commas"),
    ],
)
def test_scales_that_cannot_be(images: Path, tmp_path: Path, words: list[str], said: str) -> None:
    result = CliRunner().invoke(train_command, [str(images), "-o", str(tmp_path / "r"), *words])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_pyramid_has_no_x3(images: Path, tmp_path: Path) -> None:
    recipe = Recipe("lapsrn", 3, (images,), iterations=1, device="cpu")
    with pytest.raises(TrainingError, match="scale 3: must be 2 or 4"):
        run(recipe, tmp_path)


def test_minutes_can_be_those_of_any_clock(recipe: Recipe, tmp_path: Path) -> None:
    """One that stands still but for ten seconds a step has six steps in a minute."""
    readings = iter(range(0, 10**6, 10))
    by_time = replace(recipe, iterations=None, minutes=1.0)
    seen: list[Progress] = []
    fit(by_time, tmp_path, seen.append, clock=lambda: next(readings))
    assert len(seen) == 6
