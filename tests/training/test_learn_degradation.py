"""Learning a degradation: it learns one, stops and goes on exactly, and says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from support.cli_runner import vsr
from support.clips import picture
from support.colour_stills import colour_stills
from support.fake_devices import draw_ahead
from support.training_runs import reports_of

from vsr import load_model
from vsr.cli.train import train_command
from vsr.core.errors import DeviceError, InputError, OutputError, TrainingError
from vsr.training import learn_degradation as module
from vsr.training.fit import fit
from vsr.training.generator import Generator, Learned
from vsr.training.learn_degradation import Learning, learn_degradation
from vsr.training.recipe import GENERATOR, DegradationRecipe, Recipe


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_stills(tmp_path_factory.mktemp("stills") / "photos", 64, 48)


@pytest.fixture
def recipe(photos: Path, footage: Path) -> DegradationRecipe:
    return DegradationRecipe(
        2, "y", (photos,), (footage,), 12, batch=2, patch=16, device="cpu", threads=1
    )


def run(recipe: DegradationRecipe, folder: Path, stop_after: int | None = None) -> list[Learning]:
    """All that is reported. `stop_after` interrupts after that step."""

    def train(report: Callable[[Learning], None]) -> None:
        assert learn_degradation(recipe, folder, report) == folder / GENERATOR

    return reports_of(train, stop_after)


@pytest.mark.parametrize("color", ["y", "rgb"])
@pytest.mark.parametrize("scale", [2, 3])
def test_files_that_learning_a_degradation_leaves(
    recipe: DegradationRecipe, tmp_path: Path, color: str, scale: int
) -> None:
    reports = run(replace(recipe, color=color, scale=scale, patch=8), tmp_path / "deep" / "run")
    folder = tmp_path / "deep" / "run"
    assert [report.step for report in reports] == list(range(1, 13))
    assert (reports[-1].done, reports[-1].saved) == (1, True)
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.pt",
        GENERATOR,
        "log.jsonl",
        "recipe.json",
        "samples.png",
    ]
    (line,) = (folder / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == 12
    assert cv2.imread(str(folder / "samples.png")).std() > 5
    assert Learned.load(folder / GENERATOR, scale, color).generator.color == color


def test_an_interrupted_run_ends_at_the_same_weights(
    recipe: DegradationRecipe, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(recipe, whole)
    run(recipe, parts, stop_after=4)
    assert [report.step for report in run(recipe, parts, stop_after=9)] == list(range(5, 10))
    run(recipe, parts)
    assert (whole / GENERATOR).read_bytes() == (parts / GENERATOR).read_bytes()
    states = [torch.load(f / "checkpoint.pt", weights_only=True) for f in (whole, parts)]
    for part in ("generator", "average", "discriminator"):
        assert all(torch.equal(states[0][part][k], states[1][part][k]) for k in states[0][part])


def test_the_seed_decides(recipe: DegradationRecipe, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.rand(seed)  # the caller's random numbers must not matter
        before = torch.get_rng_state()
        run(replace(recipe, seed=seed), tmp_path / name)
        assert torch.equal(torch.get_rng_state(), before)
    a, b, c = ((tmp_path / name / GENERATOR).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_what_is_drawn_ahead_is_the_same(
    recipe: DegradationRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU."""
    run(recipe, tmp_path / "plain")
    draw_ahead(monkeypatch, 3)
    run(recipe, tmp_path / "ahead")
    one, other = ((tmp_path / name / GENERATOR).read_bytes() for name in ("plain", "ahead"))
    assert one == other


@pytest.mark.slow
def test_it_learns_a_blur(tmp_path: Path) -> None:
    """Noise as photos, blurred noise as footage: the generator comes to blur."""
    random = np.random.default_rng(1)
    for kind, sigma in (("sharp", 0.0), ("real", 1.0)):
        (tmp_path / kind).mkdir()
        for number in range(3):
            side = 96 if kind == "sharp" else 48
            plane = random.normal(128, 60 if kind == "sharp" else 30, (side, side))
            blurred = cv2.GaussianBlur(plane, (7, 7), sigma) if sigma else plane
            image = blurred.clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / kind / f"{number}.bmp"), image)
    recipe = DegradationRecipe(
        2, "y", (tmp_path / "sharp",), (tmp_path / "real",), 150, batch=4, patch=16, device="cpu"
    )
    run(replace(recipe, threads=1), tmp_path / "run")
    learned = Learned.load(tmp_path / "run" / GENERATOR, 2, "y")
    plane = random.normal(128, 60, (1, 96, 96)).clip(0, 255).astype(np.uint8)
    made = learned.apply(plane, 2, random)[0].astype(float)
    pooled = plane[0].astype(float).reshape(48, 2, 48, 2).mean((1, 3))
    assert np.diff(made).std() < 0.8 * np.diff(pooled).std()
    assert abs(made.mean() - pooled.mean()) < 2


@pytest.mark.slow
def test_it_learns_noise(tmp_path: Path) -> None:
    """Footage of the same smooth pictures, noisy and not: only the first teaches noise."""
    random = np.random.default_rng(1)
    for number in range(3):
        plane = cv2.GaussianBlur(random.normal(128, 400, (192, 192)), (0, 0), 6)
        small = plane.reshape(96, 2, 96, 2).mean((1, 3))
        noisy = small + random.normal(0, 8, small.shape)
        for kind, image in (("sharp", plane), ("clean", small), ("noisy", noisy)):
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / f"{number}.bmp"), image.clip(0, 255).astype(np.uint8))
    differ = {}
    for kind in ("clean", "noisy"):
        recipe = DegradationRecipe(
            2, "y", (tmp_path / "sharp",), (tmp_path / kind,), 200, batch=4, patch=16, device="cpu"
        )
        reports = run(replace(recipe, threads=1), tmp_path / f"{kind}-run")
        learned = Learned.load(tmp_path / f"{kind}-run" / GENERATOR, 2, "y")
        truth = cv2.imread(str(tmp_path / "sharp" / "0.bmp"), cv2.IMREAD_GRAYSCALE)[None]
        one, two = (learned.apply(truth, 2, random).astype(float) for _ in range(2))
        differ[kind] = float((one - two).std())
        assert reports[-1].noise > 0
    assert differ["noisy"] > 6  # of 11.3
    assert differ["clean"] < 4


def test_what_is_done_is_found(
    recipe: DegradationRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, tmp_path)
    before = (tmp_path / GENERATOR).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(module.Unpaired, "load", None)  # it must not be needed
        assert run(recipe, tmp_path) == []
    (tmp_path / GENERATOR).unlink()
    assert run(recipe, tmp_path) == []  # over already, but the result is wanted again
    assert (tmp_path / GENERATOR).read_bytes() == before
    assert len(run(replace(recipe, iterations=15), tmp_path)) == 3  # more is wanted


def test_a_run_can_end_by_time(recipe: DegradationRecipe, tmp_path: Path) -> None:
    reports = run(replace(recipe, iterations=None, minutes=0.003), tmp_path)
    assert reports[-1].done == 1
    assert all(report.done < 1 for report in reports[:-1])


def test_divergence_is_found_before_it_reaches_the_weights(
    recipe: DegradationRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, tmp_path, stop_after=5)
    draw = module.draw_noise
    monkeypatch.setattr(module, "draw_noise", lambda *given: draw(*given) * np.inf)
    with pytest.raises(TrainingError, match=r"step 6 of the degradation: .* training diverged"):
        run(recipe, tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert all(value.isfinite().all() for value in saved["generator"].values())


def test_another_run_in_the_folder(recipe: DegradationRecipe, tmp_path: Path) -> None:
    run(recipe, tmp_path)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: .* choose another folder"):
        run(replace(recipe, scale=3), tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: is no checkpoint, or a damaged one"):
        run(recipe, tmp_path)


def test_its_samples_are_not_learnt_from(recipe: DegradationRecipe, tmp_path: Path) -> None:
    """As they would be by the network, and by itself once it goes on."""
    (tmp_path / "link").symlink_to(recipe.sharp[0])
    for folder in (recipe.sharp[0] / "run" / "degradation", tmp_path / "link" / "run"):
        with pytest.raises(OutputError, match="which is learnt from; choose"):
            run(recipe, folder)
        assert not folder.exists()


def test_nothing_to_learn_from(recipe: DegradationRecipe, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), picture(0, 40, 14))
    with pytest.raises(TrainingError, match=r"nothing real .*sides of at least 16 pixels"):
        run(replace(recipe, real=(small,)), tmp_path / "run")
    with pytest.raises(TrainingError, match=r"nothing sharp .*sides of at least 64 pixels"):
        run(replace(recipe, scale=4, patch=16), tmp_path / "run")
    with pytest.raises(InputError, match="no such file or folder"):
        run(replace(recipe, real=(tmp_path / "no",)), tmp_path / "run")
    with pytest.raises(DeviceError):
        run(replace(recipe, device="abacus"), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        run(recipe, tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="holds the input itself"):
        run(replace(recipe, real=(small,)), tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 5}, "scale 5: must be 2, 3 or 4"),
        ({"color": "grey"}, "color 'grey': must be y or rgb"),
        ({"iterations": None}, "needs an end"),
        ({"iterations": 0}, "iterations 0 of the degradation: must be a whole number of 1"),
        ({"minutes": -1.0}, "minutes -1.0 of the degradation: must be a number above 0"),
        (
            {"adversarial": float("nan")},
            "adversarial nan of the degradation: must be a number above 0",
        ),
        ({"patch": 20}, "patch 20: must be a multiple of 8"),
        ({"seed": -1}, "seed -1 of the degradation: must be a whole number of 0"),
        ({"device": "cuda:0,cuda:1"}, "training takes one"),
    ],
)
def test_a_recipe_is_checked_when_made(
    recipe: DegradationRecipe, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(TrainingError, match=said):
        replace(recipe, **change)


@pytest.mark.parametrize(("degradation", "has"), [("learned", False), ("footage", True)])
def test_a_learned_degradation_has_a_generator(degradation: str, has: bool) -> None:
    generator = Path("g.safetensors") if has else None
    with pytest.raises(TrainingError, match="a learned one, and no other, has a generator"):
        Recipe("espcn", 2, (), degradation=degradation, generator=generator)


SHAPES = {
    "espcn": ("espcn", {"kernels": (3, 3), "features": (4,)}),
    "vespcn": ("vespcn", {"features": 4, "layers": 3, "flow_features": 4}),
    "edsr": ("edsr", {"blocks": 1, "features": 4, "light": True}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_networks_learn_from_it(
    recipe: DegradationRecipe, tmp_path: Path, photos: Path, name: str
) -> None:
    network, options = SHAPES[name]
    run(replace(recipe, color="rgb" if name == "edsr" else "y"), tmp_path / "degradation")
    taught = Recipe(
        network,
        2,
        (photos,),
        (),
        options,
        "learned",
        tmp_path / "degradation" / GENERATOR,
        iterations=4,
        batch=2,
        patch=12,
        reparam_width=0,
        motion_fraction=0.25 if network == "vespcn" else 0.0,
        guided_fraction=0.25 if network == "vespcn" else 0.0,
        loss="l1" if name == "edsr" else "charbonnier",
        device="cpu",
        threads=1,
    )
    weights = fit(taught, tmp_path, lambda progress: None)
    assert load_model(str(weights), 2).weights.network == network
    other = replace(taught, scale=3, patch=10)
    with pytest.raises(TrainingError, match="was learnt for x2"):
        fit(other, tmp_path / "other", lambda progress: None)


def command(photos: Path, footage: Path, folder: Path) -> list[str]:
    sources = ["--recipe", "degradation-gan", "--real", str(footage), "--sharp", str(photos)]
    small = ["--batch", "2", "--patch", "8", "--reparam-width", "4", "--threads", "1", "-d", "cpu"]
    steps = ["--iterations", "3", "--degradation-iterations", "2"]
    return [*sources, "-o", str(folder), "-s", "2", *steps, *small]


@pytest.fixture
def tall_photos(tmp_path: Path) -> Path:
    """Large enough for the patches of the command."""
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), picture(1, 96, 80))
    return tmp_path / "photos"


def test_the_command_learns_a_degradation(tall_photos: Path, tmp_path: Path, footage: Path) -> None:
    words = command(tall_photos, footage, tmp_path / "run")
    result = CliRunner().invoke(train_command, [*words, "--json"])
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["degradation", "progress", "result"]
    assert events[0]["step"] == 2
    folder = tmp_path / "run" / "degradation"
    assert load_file(folder / GENERATOR).keys() == Generator(2).state_dict().keys()
    again = CliRunner().invoke(train_command, words)
    assert again.exit_code == 0, again.output
    assert "degradation" not in again.stderr  # it was done
    first = (tmp_path / "run" / "best.safetensors").read_bytes()
    (tmp_path / "run" / "checkpoint.pt").unlink()
    assert CliRunner().invoke(train_command, words).exit_code == 0
    assert (tmp_path / "run" / "best.safetensors").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--val", "none.png"], "none.png: no such file"),
        (["-m", "recurrent"], "recurrent networks learn from recordings of their own"),
        (["-m", "edsr-8x32", "--warm-start", "espcn"], "no layer of it fits"),
    ],
)
def test_what_would_end_the_second_stage_is_told_before_the_first(
    tall_photos: Path, tmp_path: Path, footage: Path, words: list[str], said: str
) -> None:
    folder = tmp_path / "run"
    result = CliRunner().invoke(train_command, [*command(tall_photos, footage, folder), *words])
    assert said in str(result.exception)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--recipe", "degradation-gan"], "takes --real FOOTAGE and --sharp PHOTOS, and no DATA"),
        (["--recipe", "degradation-gan", "--real", "a"], "takes --real FOOTAGE and --sharp"),
        (["--recipe", "degradation-gan", "--real", "a", "--sharp", "b", "c"], "and no DATA"),
        (["--real", "a", "b"], "for --recipe degradation-gan or cycle-in-cycle, not clean"),
        (["--recipe", "footage", "--sharp", "a", "b"], "or cycle-in-cycle, not footage"),
        (["--degradation-minutes", "2", "b"], "are for --recipe degradation-gan, not clean"),
        ([], "--recipe clean needs DATA"),
        (["--recipe", "footage"], "--recipe footage needs DATA"),
    ],
)
def test_usage_errors_of_learning_a_degradation(
    tmp_path: Path, words: list[str], said: str
) -> None:
    result = CliRunner().invoke(train_command, [*words, "-o", str(tmp_path / "run")])
    assert result.exit_code == 2
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error"))
    assert said in line
    assert not (tmp_path / "run").exists()


def test_wrong_settings_give_one_line(tmp_path: Path, photos: Path, footage: Path) -> None:
    words = command(photos, footage, tmp_path / "run")
    ran = vsr("train", *words, "--degradation-iterations", "0")
    assert ran.code == 2
    assert "'--degradation-iterations': '0': must be a whole number of 1" in ran.err
    ran = vsr("train", *words, "--iterations", "0")  # before anything is learnt
    assert ran.code == 2
    assert "'--iterations': '0': must be a whole number of 1" in ran.err
    assert not (tmp_path / "run").exists()


def test_the_command_has_the_recipes_defaults() -> None:
    defaults = {field.name: field.default for field in fields(DegradationRecipe)}
    params = {param.name: param.default for param in train_command.params}
    for name in ("seed", "device", "threads"):
        assert params[name] == defaults[name], name
    assert defaults["iterations"] == 20_000
    text = " ".join(CliRunner().invoke(train_command, ["--help"]).output.split())
    assert "[default: 20000, unless minutes]" in text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_it_learns_on_a_gpu_and_goes_on_there(recipe: DegradationRecipe, tmp_path: Path) -> None:
    recipe = replace(recipe, device="cuda")
    run(recipe, tmp_path, stop_after=5)
    assert run(recipe, tmp_path)[-1].step == 12
    assert Learned.load(tmp_path / GENERATOR, 2, "y").generator.scale == 2
