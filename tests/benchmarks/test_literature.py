"""The literature trained by one command, and its table: what is there is found, scored and told."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from pathlib import Path

import cv2
import pytest
from support.clips import picture
from support.paths import ROOT
from support.scripts import loaded

import vsr
from vsr.networks.catalogue import LITERATURE_GROUP, ModelCard
from vsr.networks.registry import load_model
from vsr.training.shapes import LITERATURE_SHAPES

training, table = loaded("literature_training"), loaded("literature")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number, size in enumerate((200, 212)):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number, size, size))
    return folder


@pytest.fixture(scope="module")
def runs(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    train(images, folder, "fsrcnn-s")
    return folder


def train(images: Path, folder: Path, name: str) -> None:
    words = ["--data", str(images), "--val", str(images), "--minutes", "0.005"]
    training.train(name, training.arguments([*words, "--output", str(folder), name]))


def test_what_is_finished_is_passed_over(
    images: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = (runs / "fsrcnn-s/best.safetensors").stat().st_mtime_ns
    assert training.minutes_of(runs / "fsrcnn-s") >= 0.005
    train(images, runs, "fsrcnn-s")
    assert capsys.readouterr().out == "fsrcnn-s: finished before\n"
    assert (runs / "fsrcnn-s/best.safetensors").stat().st_mtime_ns == written
    assert training.minutes_of(runs / "nowhere") == 0


def test_networks_of_several_scales_learn_all() -> None:
    asked = training.arguments(["--data", "a", "--val", "b", "--minutes", "7"])
    assert training.recipe("vdsr", asked).scales == (2, 3, 4)
    assert training.recipe("srcnn", asked).scales == (4,)
    assert training.recipe("srcnn", asked).minutes == 7
    assert training.work("fsrcnn-s", asked) < training.work("fsrcnn", asked) < training.MOST
    assert training.work("drrn", asked) > training.MOST


def test_training_goes_on_from_the_packages_weights_if_asked_to() -> None:
    words = ["--data", "a", "--val", "b"]
    anew, further = training.arguments(words), training.arguments([*words, "--go-on"])
    assert training.recipe("fsrcnn", anew).warm_start is None
    assert training.recipe("fsrcnn", further).warm_start.name == "fsrcnn_x4.safetensors"
    assert training.recipe("rdn", further).warm_start is None  # it has none


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        training.arguments(["--data", "a", "--val", "b", "--", "espcn"])
    assert "espcn: known are srcnn" in capsys.readouterr().err


def test_published_figures_are_of_shapes_that_have_their_papers_name() -> None:
    known = [name for name in table.PUBLISHED if name in LITERATURE_SHAPES]
    assert {"srcnn", "fsrcnn", "vdsr", "drrn", "lapsrn", "mdsr"} <= set(known)
    assert not any(name.endswith("-light") for name in table.PUBLISHED)


def test_a_row_has_the_papers_figures_beside_ours(images: Path, runs: Path) -> None:
    options = table.arguments([str(images), "--runs", str(runs), "--models", "bicubic"])
    (bicubic, no_file), *others = table.models(options)
    own, file = next(pair for pair in others if table.name_of(pair[0]) == "fsrcnn-s")
    assert (table.name_of(bicubic), table.name_of(own)) == ("bicubic", "fsrcnn-s")
    assert (no_file, file) == (None, runs / "fsrcnn-s/best.safetensors")
    cells = table.row(own, file, options, 1.25).strip("| ").split(" | ")
    assert cells[:3] == ["fsrcnn-s", "after", "0"]
    assert cells[4] == "-"  # no such set, and no such figure
    assert 10 < float(cells[5].split(" / ")[0]) < 100
    assert cells[6:] == ["4,086", f"{table.cost(own.network).macs / 1e9:.2f}", "1.2"]


def test_a_runs_weights_stand_for_the_packages(tmp_path: Path) -> None:
    card = next(card for card in vsr.catalogue(all_groups=True) if card.group == LITERATURE_GROUP)
    options = table.arguments(["--models", "", "--scale", str(card.scale)])
    assert card.name in [table.name_of(model) for model, _ in table.models(options)]
    file = tmp_path / card.name / "best.safetensors"
    file.parent.mkdir()
    shutil.copy(ROOT / "weights" / card.file, file)
    options.runs = tmp_path
    found = {table.name_of(model): path for model, path in table.models(options)}
    assert found[card.name] == file


def test_the_entries_for_the_manifest_are_cards(images: Path, runs: Path) -> None:
    options = table.arguments([str(images), "--runs", str(runs), "--models", ""])
    model, file = next(pair for pair in table.models(options) if pair[1])
    entries = tomllib.loads(table.entry(model, file, table.scores(model, options)))["weights"]
    card = ModelCard(**entries[0], group=LITERATURE_GROUP)
    assert (card.name, card.scale, card.network) == ("fsrcnn-s", 4, "fsrcnn")
    assert card.file == "literature/fsrcnn-s_x4.safetensors"
    assert card.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert card.parameters == 4086
    assert card.scores.keys() == {images.name}
    loaded = load_model(file, 4).network
    assert (
        type(loaded)(card.scale, **card.options).state_dict().keys() == loaded.state_dict().keys()
    )


def test_rows_are_in_the_order_of_where_layers_work() -> None:
    options = table.arguments(["--models", "espcn,fsrcnn"])
    first, second, *others = [table.name_of(model) for model, _ in table.models(options)]
    assert (first, second) == ("espcn", "fsrcnn")
    assert "fsrcnn" not in others
    places = [table.PLACES.index(table.place(name)) for name in others]
    assert places == sorted(places)
    assert {table.place(name) for name in LITERATURE_SHAPES} == set(table.PLACES)
    assert table.place("espcn") == ""


def test_minutes_are_those_of_a_run_or_of_the_card(runs: Path) -> None:
    own = runs / "fsrcnn-s/best.safetensors"
    assert 0 < table.minutes(load_model(own, 4), own) < 1
    assert table.minutes(load_model("fsrcnn", 4), None) == 60
    assert table.minutes(load_model("espcn", 4), None) == 0


def test_time_is_in_parts_of_another_models(runs: Path) -> None:
    options = table.arguments(["--seconds", "0.01", "--runs", str(runs)])
    engine = table.choose_engine(table.ComputeOptions(device="cpu", threads=1))
    assert table.seconds(load_model("nearest", 4), engine, options) > 0
