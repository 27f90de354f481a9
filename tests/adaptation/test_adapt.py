"""Adapting as a whole: it writes a model that serves, better or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.clips import Clip, make

from vsr.adaptation import adapt as module
from vsr.adaptation.adapt import Adapted, Found, Watch, adapt
from vsr.adaptation.finetune import Course, Learning
from vsr.adaptation.holdout import Verdict
from vsr.core.errors import ModelError, OutputError, TrainingError, VsrError
from vsr.networks.registry import load_model

FAST = Course(None, 16, batch=4)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "a.mp4"
    return make(path, Clip(112, 96, pts=range(0, 40 * 512, 512), options={"crf": "30"}))


def run(footage: Path, output: Path, course: Course = FAST, **options: object) -> Adapted:
    given = {"model": "espcn", "device": "cpu"} | options
    return adapt([footage], output, 2, course=course, **given)


def same(one: Path, other: Path) -> bool:
    a, b = load_file(one), load_file(other)
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
def test_a_gain_is_kept(footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verdict, "is_better", True)
    target = tmp_path / "a.safetensors"
    found: list[Found] = []
    steps: list[Learning] = []
    adapted = run(footage, target, watch=Watch(found.append, steps.append))
    assert adapted.verdict.is_better
    assert adapted.steps == steps[-1].step == 16
    assert (found[0].model, found[0].look and found[0].look.codec) == ("espcn", "h264")
    kept = load_model(str(target), 2)
    shipped = load_model("espcn", 2).network.state_dict()
    assert any(not torch.equal(v, shipped[n]) for n, v in kept.network.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_without_a_gain_the_weights_stay(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Verdict, "is_better", False)
    target = tmp_path / "a.safetensors"
    adapted = run(footage, target)
    assert not adapted.verdict.is_better
    kept, shipped = load_model(str(target), 2), load_model("espcn", 2)
    assert kept.weights.options == shipped.weights.options
    states = kept.network.state_dict(), shipped.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


@pytest.mark.slow
def test_the_same_call_gives_the_same(footage: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.safetensors" for n in range(2)]
    one, again = (run(footage, file) for file in files)
    assert one.verdict == again.verdict
    assert same(*files)


@pytest.mark.slow
def test_an_adapted_model_can_be_adapted_on(footage: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    run(footage, first)
    assert run(footage, second, model=str(first)).model == "a"


@pytest.mark.slow
def test_windows_and_colours_are_served(footage: Path, tmp_path: Path) -> None:
    course = Course(None, 1, batch=1)
    for model in ("vespcn", "edsr-8x32"):
        target = tmp_path / f"{model}.safetensors"
        run(footage, target, course, model=model)
        assert load_model(str(target), 2).weights.network == model.split("-")[0]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_is_begun_from_can_be_adapted(scale: int) -> None:
    assert module._chosen(None, scale).name == "vespcn-footage"


def test_what_stops_it_leaves_nothing(footage: Path, tmp_path: Path) -> None:
    def stop(learning: Learning) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(footage, tmp_path / "a.safetensors", watch=Watch(learning=stop))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("a.mp4", {}, OutputError, r"\.safetensors"),
        ("none/a.safetensors", {}, OutputError, "does not exist"),
        ("a.safetensors", {"model": "bicubic"}, ModelError, "no weights to adapt"),
        ("a.safetensors", {"model": "none"}, ModelError, "unknown model"),
    ],
)
def test_errors_come_before_any_work(
    footage: Path,
    tmp_path: Path,
    name: str,
    options: dict[str, str],
    error: type[VsrError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        run(footage, tmp_path / name, **options)


def test_an_existing_file_is_kept_unless_told(footage: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    target.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        run(footage, target)
    assert target.read_bytes() == b"mine"
    run(footage, target, overwrite=True)
    assert load_model(str(target), 2)


def test_no_footage_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to learn from"):
        run(tmp_path, tmp_path / "a.safetensors")


@pytest.mark.slow
def test_a_model_that_appears_under_the_name_meanwhile_stays(footage: Path, tmp_path: Path) -> None:
    target, aside = tmp_path / "a.safetensors", tmp_path / "a.1.safetensors"
    watch = Watch(found=lambda _: target.write_bytes(b"somebody's"))
    with pytest.raises(OutputError, match=r"has been made by .* kept as .*a\.1\.safe"):
        run(footage, target, watch=watch)
    assert target.read_bytes() == b"somebody's"
    assert load_model(str(aside), 2)
    aside.unlink()
    run(footage, target, watch=watch, overwrite=True)
    assert load_model(str(target), 2)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
