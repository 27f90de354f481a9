"""Adversarial training: whose loss moves whom, stopping and going on, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from support.clips import picture
from support.colour_stills import colour_stills
from support.training_runs import reports_of
from torch import Tensor, nn

from vsr import load_model
from vsr.cli.train import train_command
from vsr.core.errors import InputError, ModelError, OutputError, TrainingError
from vsr.training import adversarial as module
from vsr.training.adversarial import (
    AdversarialProgress,
    AdversarialRun,
    discriminator_loss,
    fit_adversarially,
    generator_losses,
    take_step,
)
from vsr.training.adversarial_recipe import AdversarialRecipe
from vsr.training.content import Content
from vsr.training.efficientnet_lite import PACKAGE
from vsr.training.fit import fit
from vsr.training.recipe import Recipe

OPTIONS = {"blocks": 1, "features": 4, "light": True}
CPU = torch.device("cpu")


class _Edges(nn.Module):
    """Features that need no package: differences of neighbours."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x.diff(dim=-1), x.diff(dim=-2)]


@pytest.fixture(autouse=True)
def _edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_content", lambda path: Content(_Edges(), (1.0, 1.0)))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_stills(tmp_path_factory.mktemp("stills") / "photos", 64, 48)


@pytest.fixture
def recipe(photos: Path) -> AdversarialRecipe:
    plain = Recipe(
        *("edsr", 2, (photos,), (), OPTIONS),
        iterations=8,
        batch=2,
        patch=8,
        lr=1e-3,
        reparam_width=0,
        device="cpu",
        threads=1,
    )
    return AdversarialRecipe(plain)


def changed(recipe: AdversarialRecipe, **settings: Any) -> AdversarialRecipe:
    return replace(recipe, generator=replace(recipe.generator, **settings))


def run(
    recipe: AdversarialRecipe, folder: Path, stop_after: int | None = None
) -> list[AdversarialProgress]:
    """All that is reported. `stop_after` interrupts after that step."""

    def train(report: Callable[[AdversarialProgress], None]) -> None:
        assert fit_adversarially(recipe, folder, report) == folder / "best.safetensors"

    return reports_of(train, stop_after)


@pytest.fixture
def sides(recipe: AdversarialRecipe) -> AdversarialRun:
    return module._begin(recipe, CPU)


def examples() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.rand(3, 3, 8, 8), torch.rand(3, 3, 16, 16)


def copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def moved(network: nn.Module, before: dict[str, Tensor]) -> bool:
    return any(not torch.equal(value, before[k]) for k, value in network.state_dict().items())


def test_no_gradient_of_the_discriminator_s_loss_reaches_the_generator(
    sides: AdversarialRun,
) -> None:
    small, large = examples()
    generator, discriminator = sides.generator.network, sides.discriminator
    restored = generator(small)
    discriminator_loss(discriminator, large, restored).backward()
    assert all(one.grad is None for one in generator.parameters())
    assert all(one.grad is not None for one in discriminator.parameters())


def test_the_losses_are_those_of_the_paper(sides: AdversarialRun) -> None:
    small, large = examples()
    restored = sides.generator.network(small)
    judged = [sides.discriminator(x).double().sigmoid() for x in (large, restored)]
    apart = discriminator_loss(sides.discriminator, large, restored).item()
    content, fooled = generator_losses(sides, large, restored)
    assert apart == pytest.approx(
        (-judged[0].log() - (1 - judged[1]).log()).mean().item(), abs=0.02
    )
    assert fooled.item() == pytest.approx(-judged[1].log().mean().item(), abs=0.02)  # bf16
    assert content.item() == pytest.approx(sides.content(restored, large).item(), rel=0.02)


def test_the_discriminator_stands_still_while_the_generator_steps(
    sides: AdversarialRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    descend = module.descend
    seen = []

    def watched(*given: Any) -> float:
        assert not any(one.requires_grad for one in sides.discriminator.parameters())
        before, generator = copied(sides.discriminator), copied(sides.generator.network)
        for one in sides.discriminator.parameters():
            one.grad = None
        value = descend(*given)
        assert not moved(sides.discriminator, before)
        assert all(one.grad is None for one in sides.discriminator.parameters())
        seen.append(moved(sides.generator.network, generator))
        return value

    monkeypatch.setattr(module, "descend", watched)
    before = copied(sides.discriminator)
    take_step(sides, examples(), 1e-3, 1e-3)
    assert seen == [True]
    assert moved(sides.discriminator, before)  # by its own step
    assert all(one.requires_grad for one in sides.discriminator.parameters())


def test_the_generator_stands_still_while_the_discriminator_steps(
    sides: AdversarialRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "descend", lambda *given: 0.0)
    before = copied(sides.generator.network)
    take_step(sides, examples(), 1e-3, 1e-3)
    assert not moved(sides.generator.network, before)


def test_the_adversarial_weight_counts(recipe: AdversarialRecipe) -> None:
    ends = []
    for weight in (1e-9, 1.0):
        sides = module._begin(recipe, CPU)
        take_step(sides, examples(), weight, 1e-3)
        ends.append(copied(sides.generator.network))
    assert any(not torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


def test_each_side_learns_alone() -> None:
    """A discriminator tells noise from smooth pictures; these come to be taken for noise."""
    torch.manual_seed(1)
    discriminator = module.SrganDiscriminator(4, side=None)
    telling = torch.optim.Adam(discriminator.parameters(), lr=2e-3)
    smooth = nn.Parameter(nn.functional.interpolate(torch.rand(4, 3, 4, 4), 16, mode="bilinear"))
    for _ in range(60):
        telling.zero_grad()
        apart = discriminator_loss(discriminator, torch.rand(4, 3, 16, 16), smooth)
        apart.backward()
        telling.step()
    assert smooth.grad is None
    assert apart.item() < 1 < 2 * math.log(2)  # what knowing nothing costs
    painting = torch.optim.Adam([smooth], lr=0.02)
    losses = []
    for _ in range(20):
        painting.zero_grad()
        fooled = module.taken_in(discriminator(smooth))
        fooled.backward()
        painting.step()
        losses.append(fooled.item())
    assert losses[-1] < losses[0] / 2


def test_files_that_a_run_leaves(recipe: AdversarialRecipe, tmp_path: Path, photos: Path) -> None:
    folder = tmp_path / "deep" / "run"
    reports = run(changed(recipe, validation=(photos,)), folder)
    assert [report.step for report in reports] == list(range(1, 9))
    assert (reports[-1].done, reports[-1].saved) == (1, True)
    assert reports[-1].psnr is not None
    assert sorted(path.name for path in folder.iterdir()) == [
        *("best.safetensors", "checkpoint.pt", "log.jsonl", "recipe.json")
    ]
    (line,) = (folder / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["apart"] == reports[-1].apart
    assert load_model(str(folder / "best.safetensors"), 2).network.color == "rgb"


def test_the_rate_falls_to_a_tenth_half_way(recipe: AdversarialRecipe, tmp_path: Path) -> None:
    rates = [report.rate for report in run(recipe, tmp_path)]
    assert rates == [1e-3] * 4 + [pytest.approx(1e-4)] * 4


@pytest.mark.parametrize("discriminator", ["light", pytest.param("srgan", marks=pytest.mark.slow)])
def test_an_interrupted_run_ends_at_the_same_weights(
    recipe: AdversarialRecipe, tmp_path: Path, discriminator: str
) -> None:
    recipe = replace(recipe, discriminator=discriminator)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(recipe, whole)
    run(recipe, parts, stop_after=3)
    assert [report.step for report in run(recipe, parts, stop_after=6)] == [4, 5, 6]
    run(recipe, parts)
    one, other = (folder / "best.safetensors" for folder in (whole, parts))
    assert one.read_bytes() == other.read_bytes()
    states = [torch.load(f / "checkpoint.pt", weights_only=True) for f in (whole, parts)]
    for part in ("generator", "average_generator", "discriminator"):
        assert all(torch.equal(states[0][part][k], states[1][part][k]) for k in states[0][part])


def test_it_starts_warm(recipe: AdversarialRecipe, tmp_path: Path) -> None:
    plain = replace(recipe.generator, iterations=3, loss="l1")
    first = fit(plain, tmp_path / "plain", lambda progress: None)
    warm = changed(recipe, warm_start=first, iterations=1, lr=1e-9)
    run(warm, tmp_path / "warm")
    start, end = load_file(first), load_file(tmp_path / "warm" / "best.safetensors")
    for name, value in start.items():
        torch.testing.assert_close(end[name], value, atol=1e-6, rtol=0)


def test_what_is_done_is_found(recipe: AdversarialRecipe, tmp_path: Path) -> None:
    run(recipe, tmp_path)
    before = (tmp_path / "best.safetensors").read_bytes()
    assert run(recipe, tmp_path) == []
    (tmp_path / "best.safetensors").unlink()
    assert run(recipe, tmp_path) == []
    assert (tmp_path / "best.safetensors").read_bytes() == before
    assert len(run(changed(recipe, iterations=10), tmp_path)) == 2


def test_another_run_in_the_folder(recipe: AdversarialRecipe, tmp_path: Path) -> None:
    run(recipe, tmp_path / "gan")
    with pytest.raises(TrainingError, match=r"discriminator light there, srgan here"):
        run(replace(recipe, discriminator="srgan"), tmp_path / "gan")
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: is of another kind of run; choose"):
        fit(replace(recipe.generator, loss="l1"), tmp_path / "gan", lambda progress: None)
    fit(replace(recipe.generator, loss="l1"), tmp_path / "plain", lambda progress: None)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: is of another kind of run; choose"):
        run(recipe, tmp_path / "plain")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "best.safetensors").touch()
    with pytest.raises(OutputError, match="exists already"):
        run(recipe, tmp_path / "foreign")


def test_divergence_is_found_before_it_reaches_the_weights(
    recipe: AdversarialRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, tmp_path, stop_after=3)
    monkeypatch.setattr(
        module, "told_apart", lambda real, made: (real.sum() + made.sum()) * math.nan
    )
    with pytest.raises(TrainingError, match=r"step 4: the loss is nan"):
        run(recipe, tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    for part in ("generator", "discriminator"):
        assert all(value.isfinite().all() for value in saved[part].values())


def test_nothing_to_learn_from(recipe: AdversarialRecipe, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "small.png"), picture(0, 12, 12))
    with pytest.raises(TrainingError, match=r"nothing to learn .*sides of at least 16 pixels"):
        run(changed(recipe, data=(tmp_path / "small.png",)), tmp_path / "run")
    with pytest.raises(InputError, match="no such file or folder"):
        run(changed(recipe, data=(tmp_path / "no",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("network", "options"),
    [("espcn", {}), ("vespcn", {}), ("mdsr", {"scales": (2, 3), "blocks": 1, "features": 4})],
)
def test_networks_of_luma_or_several_scales_are_refused(
    recipe: AdversarialRecipe, tmp_path: Path, network: str, options: dict[str, Any]
) -> None:
    with pytest.raises(TrainingError, match=f"network '{network}': adversarial training takes"):
        run(changed(recipe, network=network, options=options), tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"adversarial": 0.0}, "adversarial 0.0: must be a number above 0"),
        ({"adversarial": math.nan}, "adversarial nan: must be a number above 0"),
        ({"discriminator": "deep"}, "discriminator 'deep': must be light or srgan"),
    ],
)
def test_a_recipe_is_checked_when_made(
    recipe: AdversarialRecipe, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(TrainingError, match=said):
        replace(recipe, **change)


def test_patches_are_checked_when_a_recipe_is_made(recipe: AdversarialRecipe) -> None:
    with pytest.raises(TrainingError, match="patch 7: adversarial training at x2 needs at least 8"):
        changed(recipe, patch=7)
    with pytest.raises(TrainingError, match="patch 12: times the scale, 2, it must be a multiple"):
        changed(replace(recipe, discriminator="srgan"), patch=12)
    with pytest.raises(TrainingError, match="batch 1: adversarial training needs at least 2"):
        changed(recipe, batch=1)
    with pytest.raises(TrainingError, match="reparam_width 4: must be 0"):
        changed(recipe, reparam_width=4)


WORDS = ["-m", "edsr-8x32", "-s", "2", "--batch", "2", "--patch", "8", "-d", "cpu"]


def test_the_command_trains_adversarially(photos: Path, tmp_path: Path) -> None:
    words = [str(photos), "-o", str(tmp_path / "run"), *WORDS, "--threads", "1"]
    words += ["--iterations", "2", "--adversarial", "0.001", "--discriminator", "light"]
    result = CliRunner().invoke(train_command, [*words, "--json"])
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["progress", "result"]
    assert events[0]["apart"] > 0
    assert load_model(events[1]["weights"], 2).network.scale == 2
    again = CliRunner().invoke(train_command, [*words, "--iterations", "3"])
    assert again.exit_code == 0, again.output
    assert "step 3, content" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--features", "vgg19.safetensors"], "--discriminator and --features are for --adversar"),
        (["--discriminator", "light"], "--discriminator and --features are for --adversarial"),
        (["--adversarial", "1", "--loss", "l1"], "--loss is not for --adversarial"),
        (["--adversarial", "1", "--mse-fraction", "0"], "--mse-fraction is not for --adversarial"),
        (["--adversarial", "1", "--reparam-width", "4"], "--reparam-width is not for --adversar"),
        (["--adversarial", "0"], "--adversarial"),
    ],
)
def test_options_that_do_not_go_together(
    photos: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    given = [str(photos), "-o", str(tmp_path / "run"), *WORDS, *words]
    result = CliRunner().invoke(train_command, given)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert not (tmp_path / "run").exists()


def test_features_that_are_not_there(
    recipe: AdversarialRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with pytest.raises(ModelError, match=r"no\.safetensors: cannot be read"):
        run(replace(recipe, features=tmp_path / "no.safetensors"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(find_spec(PACKAGE) is None, reason="needs the extra perceptual")
def test_the_bundled_features_serve(
    recipe: AdversarialRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    reports = run(changed(recipe, iterations=2), tmp_path)
    assert all(0 < report.content < 1 for report in reports)
