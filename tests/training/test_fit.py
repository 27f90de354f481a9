"""Training runs: they learn, they stop and go on exactly, and they say what is wrong."""

from __future__ import annotations

import inspect
import json
import resource
import signal
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from support.clips import Clip, make, picture
from support.context_network import Blend
from support.fake_devices import draw_ahead

from vsr import load_model
from vsr.cli.train import train_command
from vsr.cli.train_told import interrupts_between_steps
from vsr.core.errors import DeviceError, InputError, ModelError, OutputError, TrainingError
from vsr.evaluation.evaluate import evaluate
from vsr.networks import ARCHITECTURES
from vsr.training import descent, footage, lessons
from vsr.training import fit as fit_module
from vsr.training.beginning import begin
from vsr.training.fit import fit
from vsr.training.lessons import StillLesson
from vsr.training.progress import Progress
from vsr.training.recipe import Recipe
from vsr.training.shapes import LITERATURE_SHAPES, SHAPES
from vsr.util import signals

_NO_CHECKPOINT = r"checkpoint\.pt: is no checkpoint, or a damaged one; remove it to begin anew"


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
        lr=0.01,
        reparam_width=8,
        device="cpu",
        threads=1,
    )


@pytest.fixture
def video_recipe(recipe: Recipe) -> Recipe:
    """For a network that sees neighbours; the stills make its windows."""
    options = {"features": 4, "layers": 3, "flow_features": 4}
    return replace(
        recipe, network="vespcn", options=options, motion_fraction=0.3, guided_fraction=0.3
    )


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like `images`, with a wave of its own for each channel."""
    folder = tmp_path_factory.mktemp("coloured")
    y, x = np.mgrid[0:64, 0:64]
    for number in range(3):
        angles = [number + 0.5 + n for n in range(3)]
        waves = [np.sin((np.cos(a) * x + np.sin(a) * y) * 1.2) for a in angles]
        bgr = (np.stack(waves, -1) * 46 + 120).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), bgr)
    return folder


@pytest.fixture
def rgb_recipe(recipe: Recipe, coloured: Path) -> Recipe:
    """For a network that works in RGB."""
    options = {"blocks": 1, "features": 4, "light": True}
    places = {"data": (coloured,), "validation": (coloured / "0.png",)}
    return replace(recipe, network="edsr", options=options, loss="l1", **places)


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
    monkeypatch.setattr(descent, "WARM_UP", 5)
    reports = run(replace(recipe, iterations=60, mse_fraction=1), tmp_path)
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


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("mse_fraction", [0, 1])
def test_a_network_in_rgb_learns(
    rgb_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    light: bool,
    mse_fraction: float,
) -> None:
    monkeypatch.setattr(descent, "WARM_UP", 5)
    options = {"blocks": 1, "features": 4, "light": light}
    iterations = 100 if light else 40  # few suffice where no gain over bicubic is asked for
    recipe = replace(rgb_recipe, iterations=iterations, mse_fraction=mse_fraction, options=options)
    reports = run(recipe, tmp_path)
    assert reports[-1].loss < reports[9].loss  # means of all and of 10 steps
    (image,) = recipe.validation
    trained = score(tmp_path / "best.safetensors", 2, image)
    assert trained == pytest.approx(reports[-1].best, abs=1e-6)
    if light:
        (bicubic,) = evaluate([image], load_model("bicubic", 2), "cpu")
        assert trained > bicubic.psnr + 1
    model = load_model(str(tmp_path / "best.safetensors"), 2)
    assert (model.weights.network, model.weights.options) == ("edsr", options)


@pytest.mark.parametrize("kind", ["recipe", "rgb_recipe"])
@pytest.mark.parametrize("width", [0, 8])
def test_an_interrupted_run_ends_at_the_same_weights(
    tmp_path: Path, width: int, kind: str, request: pytest.FixtureRequest
) -> None:
    recipe = replace(request.getfixturevalue(kind), reparam_width=width)
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


def test_an_interrupted_run_on_windows_ends_at_the_same_weights(
    video_recipe: Recipe, tmp_path: Path
) -> None:
    """Interrupted in each stage: for the motion net, guided, and together."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(video_recipe, whole)
    for step in (3, 8, 15):
        run(video_recipe, parts, stop_after=step)
    run(video_recipe, parts)
    assert (whole / "best.safetensors").read_bytes() == (parts / "best.safetensors").read_bytes()


@pytest.mark.parametrize("kind", ["recipe", "rgb_recipe", "video_recipe"])
def test_what_is_drawn_ahead_is_the_same(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU; runs that stop leave no thread behind."""
    recipe = replace(request.getfixturevalue(kind), iterations=12)
    run(recipe, tmp_path / "plain")
    draw_ahead(monkeypatch, 3)
    before = threading.active_count()
    run(recipe, tmp_path / "ahead", stop_after=7)
    assert threading.active_count() == before
    run(recipe, tmp_path / "ahead")
    files = [tmp_path / name / "best.safetensors" for name in ("plain", "ahead")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_error_in_drawing_ends_the_run(recipe: Recipe, tmp_path: Path) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("nothing to draw")

    for depth in (0, 3):
        with pytest.MonkeyPatch.context() as patch:
            draw_ahead(patch, depth)
            patch.setattr(StillLesson, "draw", fail)
            with pytest.raises(ValueError, match="nothing to draw"):
                run(recipe, tmp_path)


@pytest.mark.parametrize(
    ("motion_fraction", "guided_fraction", "taught", "width"),
    [
        (1, 0, {"motion"}, 0),
        (0, 1, {"convs"}, 0),
        (0, 0, {"convs", "motion"}, 0),
        (0, 0, {"convs", "motion"}, 8),
        (0.5, 0.5, None, 0),
        (0.5, 0.5, None, 8),
    ],
)
def test_stages_change_their_part_of_the_network_alone(
    video_recipe: Recipe,
    tmp_path: Path,
    motion_fraction: float,
    guided_fraction: float,
    taught: set[str] | None,
    width: int,
) -> None:
    stages = {"motion_fraction": motion_fraction, "guided_fraction": guided_fraction}
    recipe = replace(video_recipe, reparam_width=width, validation=(), **stages)
    first = begin(recipe, torch.device("cpu")).network.state_dict()
    run(recipe, tmp_path, stop_after=10)
    half = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    run(recipe, tmp_path)
    last = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    assert changed(first, half) == (taught or {"motion"})
    assert changed(half, last) == (taught or {"convs"})


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """The parts of a network that differ: the first words of their names."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


def test_a_network_that_sees_neighbours_learns_from_clips_alone(
    video_recipe: Recipe, tmp_path: Path
) -> None:
    clip = Clip(64, 48, codec="ffv1", options={}, pts=tuple(range(6)))
    make(tmp_path / "clip.mkv", clip)
    recipe = replace(video_recipe, data=(tmp_path / "clip.mkv",), validation=())
    reports = run(recipe, tmp_path / "run")
    assert reports[-1].step == 20  # each loss was a number
    kept = load_file(tmp_path / "run" / "best.safetensors")
    first = begin(recipe, torch.device("cpu")).average.state_dict()
    assert changed(first, kept) == {"convs", "motion"}


def test_validation_on_a_clip_sees_neighbours(video_recipe: Recipe, tmp_path: Path) -> None:
    """The score of a run is that of `vsr eval` on a folder of frames."""
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(3):
        cv2.imwrite(str(frames / f"{number}.png"), picture(number, 50, 40))
    recipe = replace(video_recipe, validation=(frames,), motion_fraction=0, guided_fraction=1)
    (*_, last) = run(recipe, tmp_path / "run")
    weights = tmp_path / "run" / "best.safetensors"
    assert last.best == pytest.approx(score(weights, 2, frames), abs=1e-6)
    assert last.best != pytest.approx(
        np.mean([score(weights, 2, file) for file in frames.iterdir()]), abs=1e-3
    )


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
    monkeypatch.setattr("vsr.training.loop.save_due", lambda *_: True)  # at every step
    monkeypatch.setattr(descent, "WARM_UP", 1)
    run(replace(recipe, iterations=24, lr=2.0), tmp_path)  # so fast that it gets worse
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
    whole = replace(recipe, lr=1.0, iterations=1000)
    rates = [descent.rate_at(whole, step, step / 1000, (0.0,)) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / descent.WARM_UP)
    assert rates[500] == pytest.approx(0.5)
    assert rates[750:] == sorted(rates[750:], reverse=True)
    assert rates[999] == pytest.approx(0.002)


def test_the_rate_rises_again_where_further_layers_begin(recipe: Recipe) -> None:
    whole = replace(recipe, lr=1.0, iterations=10_000)
    rates = [descent.rate_at(whole, step, step / 10_000, (0.0, 0.1, 0.7)) for step in range(9000)]
    plain = [descent.rate_at(whole, step, step / 10_000, (0.0,)) for step in range(9000)]
    for start in (1000, 7000):
        assert rates[start] == pytest.approx(0.01 * plain[start])
        assert rates[start : start + 99] == sorted(rates[start : start + 99])
        assert rates[start + 100 : start + 1000] == plain[start + 100 : start + 1000]
    assert rates[:1000] == plain[:1000]


def test_a_checkpoint_of_early_versions_is_continued(recipe: Recipe, tmp_path: Path) -> None:
    run(recipe, tmp_path, stop_after=2)
    file = tmp_path / "checkpoint.pt"
    state = torch.load(file, weights_only=True)
    state["recipe"]["width"] = state["recipe"].pop("reparam_width")
    torch.save(state, file)
    with pytest.raises(TrainingError, match="reparam_width 8 there, 0 here"):
        run(replace(recipe, reparam_width=0), tmp_path)
    assert run(recipe, tmp_path, stop_after=3)[-1].step == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 3}, "scale 2 there, 3 here"),
        ({"options": {"kernels": (3, 3), "features": (9,)}}, r"options .*\[8\].* there, .*\[9\]"),
        ({"reparam_width": 0}, "reparam_width 8 there, 0 here"),
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


@pytest.mark.parametrize("keep", [0, 1000, -1])
def test_a_damaged_checkpoint_is_refused(recipe: Recipe, tmp_path: Path, keep: int) -> None:
    run(recipe, tmp_path, stop_after=1)
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(TrainingError, match=_NO_CHECKPOINT):
        run(recipe, tmp_path)


@pytest.mark.parametrize(
    "saved",
    [
        [1, 2],
        {"a": 1},
        {"step": "7", "elapsed": 1.0},
        {"step": 7, "elapsed": 1.0, "recipe": "espcn"},
        {"network": Path("/")},  # not a plain value: nothing in a checkpoint is executed
    ],
)
def test_another_programs_checkpoint_is_refused(
    recipe: Recipe, tmp_path: Path, saved: object
) -> None:
    torch.save(saved, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match=_NO_CHECKPOINT):
        run(recipe, tmp_path)


def test_a_checkpoint_that_cannot_be_read(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").mkdir()
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: cannot be read \(Is a directory\)"):
        run(recipe, tmp_path)


def test_a_full_disk_is_named(recipe: Recipe, tmp_path: Path) -> None:
    """Not only what torch makes of it; and the same call goes on once there is room."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"checkpoint\.pt: .* \(File too large\)$"):
            run(recipe, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    names = {"best.safetensors", "log.jsonl", "recipe.json"}
    assert {file.name for file in tmp_path.iterdir()} == names
    assert run(recipe, tmp_path)[-1].step == 20


def test_a_failed_measurement_loses_no_steps(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the last ones are measured by the call that finds all learnt."""
    monkeypatch.setattr("vsr.training.loop.save_due", lambda *_: True)
    recipe = replace(recipe, iterations=24)  # at which the average moves
    measure, whole, parts = fit_module.validate, tmp_path / "whole", tmp_path / "parts"
    run(recipe, whole)

    def fail(*given: Any) -> float | None:
        if len(log_of(parts)) == 23:
            raise InputError("clip.mp4: is damaged")
        return measure(*given)

    with monkeypatch.context() as patch, pytest.raises(InputError, match="is damaged"):
        patch.setattr(fit_module, "validate", fail)
        run(recipe, parts)
    before = (parts / "best.safetensors").read_bytes()
    assert run(recipe, parts) == []
    assert before != (parts / "best.safetensors").read_bytes()
    assert (whole / "best.safetensors").read_bytes() == (parts / "best.safetensors").read_bytes()


def log_of(folder: Path) -> list[str]:
    return (folder / "log.jsonl").read_text("utf-8").splitlines()


def test_a_loss_that_is_no_number_ends_the_run(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, tmp_path, stop_after=3)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    loss = lessons.restoration
    monkeypatch.setattr(lessons, "restoration", lambda *given: loss(*given) * float("nan"))
    with pytest.raises(TrainingError, match=r"step \d+: the loss is .* diverged"):
        run(recipe, tmp_path)
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


def test_windows_need_room_and_frames(video_recipe: Recipe, tmp_path: Path) -> None:
    make(tmp_path / "short.mkv", Clip(64, 48, codec="ffv1", options={}, pts=(0, 1)))
    recipe = replace(video_recipe, data=(tmp_path / "short.mkv",))
    with pytest.raises(TrainingError, match="at least 24 pixels, nor 3 such frames without a cut"):
        run(recipe, tmp_path / "run")
    with pytest.raises(TrainingError, match="patch 8: must be above 8 for vespcn"):
        run(replace(video_recipe, patch=8), tmp_path / "run")


def test_a_network_of_another_kind_that_sees_neighbours_is_refused(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Learning(Blend):
        def __init__(self, scale: int) -> None:
            super().__init__(scale)
            self.last = torch.nn.Conv2d(1, 1, 1)

    monkeypatch.setitem(ARCHITECTURES, "blend", Learning)
    with pytest.raises(TrainingError, match=r"^blend sees neighbouring frames: .* only vespcn"):
        run(replace(recipe, network="blend", options={}), tmp_path / "run")


def test_a_folder_that_cannot_be_made(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        run(recipe, tmp_path / "file" / "run")


@pytest.fixture
def small_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "_SIDE", 32)
    monkeypatch.setattr(footage, "_RECORDINGS", 5)


@pytest.mark.usefixtures("small_recordings")
@pytest.mark.parametrize("network", ["espcn", "vespcn", "edsr"])
def test_recordings_are_learnt_from_and_told(
    recipe: Recipe, video_recipe: Recipe, rgb_recipe: Recipe, tmp_path: Path, network: str
) -> None:
    """By every architecture; stopped and continued, it comes to the same."""
    of_network = {"espcn": recipe, "vespcn": video_recipe, "edsr": rgb_recipe}[network]
    whole = replace(of_network, degradation="footage", iterations=6)
    run(whole, tmp_path / "whole")
    run(whole, tmp_path / "halves", stop_after=3)
    run(whole, tmp_path / "halves")
    one, other = (load_file(tmp_path / name / "best.safetensors") for name in ("whole", "halves"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    lines = (tmp_path / "whole" / "recordings.txt").read_text("utf-8").splitlines()
    assert lines == [f"{n}: {made}" for n, made in enumerate(footage.degradations(whole.seed))]


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", ["recipe", "rgb_recipe", "video_recipe"])
def test_it_learns_on_a_gpu_and_goes_on_there(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recipe = replace(request.getfixturevalue(kind), device="cuda")
    run(recipe, tmp_path, stop_after=5)
    assert run(recipe, tmp_path)[-1].step == 20
    assert load_model(str(tmp_path / "best.safetensors"), 2).scale == 2


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


def test_too_small_for_recordings(recipe: Recipe, tmp_path: Path) -> None:
    """They are larger than patches are."""
    with pytest.raises(TrainingError, match="with sides of at least 320 pixels"):
        run(replace(recipe, degradation="footage"), tmp_path)


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


def asked_for(monkeypatch: pytest.MonkeyPatch, *words: str) -> Recipe:
    """The recipe that the command would train by."""
    recipes: list[Recipe] = []

    def note(recipe: Recipe, folder: Path, report: Any, warn: Any) -> Path:
        recipes.append(recipe)
        return folder / "best.safetensors"

    monkeypatch.setattr(fit_module, "fit", note)
    result = CliRunner().invoke(train_command, ["data", "-o", "run", *words])
    assert result.exit_code == 0, result.output
    (recipe,) = recipes
    return recipe


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


def test_a_run_never_writes_where_its_input_lies(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(recipe, folder)
    best = folder / "best.safetensors"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    link = tmp_path / "start.safetensors"
    link.symlink_to(best)
    for start in (best, link):
        with pytest.raises(OutputError, match=r"run: holds the input itself; choose another"):
            run(replace(recipe, warm_start=start), folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    for where in (recipe.data[0], recipe.data[0] / ".." / recipe.data[0].name):
        with pytest.raises(OutputError, match="holds the input itself"):
            run(recipe, where)
    again = tmp_path / "again"
    run(replace(recipe, warm_start=best), again)
    assert (again / "best.safetensors").exists()


def test_weights_of_no_run_are_not_replaced(recipe: Recipe, tmp_path: Path) -> None:
    best = tmp_path / "best.safetensors"
    best.write_bytes(b"somebody's")
    with pytest.raises(OutputError, match=r"best\.safetensors: exists already, and no log"):
        run(recipe, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [best.name]
    assert best.read_bytes() == b"somebody's"
