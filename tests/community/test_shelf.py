"""The user's shelf: what is put there is found by its name, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.community_networks import drawn, saved

from vsr.cli.commands import vsr
from vsr.core.errors import ModelError
from vsr.core.options import ComputeOptions
from vsr.inference.engine import choose_engine
from vsr.networks import shelf
from vsr.networks.espcn import Espcn
from vsr.networks.literature.vdsr import Vdsr
from vsr.networks.registry import file_of, load_model, scales_of
from vsr.speedtest.shelving import add_model
from vsr.training.checkpoint import save_weights
from vsr.training.recipe import Recipe

MULTI: dict[str, Any] = {"scales": (2, 3, 4), "layers": 3, "features": 4}


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "data_folder", lambda: tmp_path / "data")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(drawn("2x-compact"), tmp_path / "2x-compact.pth")


def run(*words: object) -> tuple[int, list[str]]:
    from click.testing import CliRunner

    ran = CliRunner().invoke(vsr, [str(word) for word in words])
    if ran.exception and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran.exit_code, ran.output.splitlines()


def events() -> Iterator[dict[str, Any]]:
    _, lines = run("models", "--json")
    yield from (event for line in lines if "shelf" in (event := json.loads(line)))


def test_a_model_by_its_name(file: Path) -> None:
    added = add_model(file, "tiny", None, licence="CC BY 4.0")
    assert (added.name, added.scales, added.architecture, added.fps) == ("tiny", (2,), "Compact", 0)
    assert added.tiles == "exact, with 4 pixels around them"
    file.unlink()  # the shelf has its own
    assert scales_of("tiny") == (2,)
    model = load_model("tiny", 2)
    assert (model.name, model.weights.licence) == ("tiny", "CC BY 4.0")
    assert model.weights.sha256 == added.sha256
    assert file_of("tiny") == added.path
    shelf.remove("tiny")
    assert shelf.names() == []
    assert not any(shelf.folder().iterdir())
    with pytest.raises(ModelError, match="unknown model 'tiny'"):
        load_model("tiny", 2)


def test_a_model_of_vsr_train(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    recipe = Recipe("espcn", 3, (tmp_path,), options={"kernels": (3, 3), "features": (4,)})
    save_weights(Espcn(3, (3, 3), (4,)), recipe, path)
    added = add_model(path, "mine", None)
    assert (added.scales, added.architecture, added.tiles) == ((3,), "espcn", "exact")
    assert load_model("mine", 3).name == "mine"


def test_a_model_for_several_scales(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    recipe = Recipe("vdsr", 4, (tmp_path,), options=MULTI)
    save_weights(Vdsr(4, **MULTI), recipe, path)
    engine = choose_engine(ComputeOptions(device="cpu", precision="fp32", threads=1))
    added = add_model(path, "mine", engine)
    assert added.scales == (2, 3, 4)
    assert added.fps > 0
    assert shelf.find("mine") == added
    assert [load_model("mine", scale).scale for scale in (2, 3, 4)] == [2, 3, 4]
    _, lines = run("models")
    assert any(line.split()[:3] == ["mine", "x2,3,4", "vdsr"] for line in lines)
    assert next(events())["scales"] == [2, 3, 4]


def test_a_name_of_the_literature(file: Path) -> None:
    with pytest.raises(ModelError, match=r"^name fsrcnn: is a network of the literature"):
        add_model(file, "fsrcnn", None)
    assert shelf.names() == []


def test_its_speed(file: Path) -> None:
    engine = choose_engine(ComputeOptions(device="cpu", precision="fp32", threads=1))
    added = add_model(file, "tiny", engine)
    assert added.fps > 0
    assert added.measured_on == "cpu, 1 core, fp32"


def test_the_commands(file: Path) -> None:
    code, lines = run("models", "add", file, "--name", "tiny", "--no-speed", "--licence", "MIT")
    assert code == 0
    assert any(line.split()[:3] == ["tiny", "x2", "Compact"] for line in lines)
    code, lines = run("models")
    assert code == 0
    assert "espcn" in "".join(lines)
    assert f"Your shelf, {shelf.folder()}:" in lines
    assert "Licence of tiny: MIT" in lines
    (event,) = events()
    assert (event["event"], event["name"], event["licence"]) == ("model", "tiny", "MIT")
    assert run("models", "remove", "tiny")[0] == 0
    assert list(events()) == []
    assert not any("Your shelf" in line for line in run("models")[1])


def test_a_name_that_is_taken(file: Path, tmp_path: Path) -> None:
    first = add_model(file, "tiny", None)
    other = saved(drawn("4x-compact"), tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"shelf already; -y or overwrite=True replaces it$"):
        add_model(other, "tiny", None)
    assert shelf.find("tiny") == first
    assert add_model(other, "tiny", None, overwrite=True).scales == (4,)
    assert scales_of("tiny") == (4,)
    assert sorted(path.name for path in shelf.folder().iterdir()) == [
        "tiny.json",
        "tiny.safetensors",
    ]
    with pytest.raises(ModelError, match=r"^name espcn: is a model of vsr's own"):
        add_model(file, "espcn", None)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a.pth", "-a", "a b", "ü", "x" * 65, "*"])
def test_names_that_no_file_should_have(name: str, file: Path) -> None:
    with pytest.raises(ModelError, match=r"^name .*: must be of letters, digits"):
        add_model(file, name, None)
    with pytest.raises(ModelError, match="is not on the shelf"):
        shelf.remove(name)
    assert shelf.find(name) is None


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    (tmp_path / "bad.txt").write_bytes(b"nothing")
    for path in (tmp_path / "bad.pth", tmp_path / "bad.txt", tmp_path / "none.pth"):
        with pytest.raises(ModelError):
            add_model(path, "bad", None)
    assert not shelf.folder().exists()


def test_a_file_that_is_not_what_was_added(file: Path) -> None:
    added = add_model(file, "tiny", None)
    torch.save(drawn("2x-span").state_dict(), added.path)
    with pytest.raises(ModelError, match=r"is not what was added; add it again$"):
        load_model("tiny", 2)


@pytest.mark.parametrize(
    "facts", ["", "[]", "{}", "null", '{"name": "tiny"}', '{"file": "../../x.pth"}']
)
def test_damaged_facts(facts: str, file: Path) -> None:
    added = add_model(file, "tiny", None)
    place = shelf.folder() / "tiny.json"
    held = json.loads(place.read_text())
    if "file" in facts:
        facts = json.dumps(held | json.loads(facts))
    place.write_text(facts)
    with pytest.raises(ModelError, match=r"tiny\.json: is damaged; remove 'tiny', and add it agai"):
        load_model("tiny", 2)
    shelf.remove("tiny")
    assert not added.path.exists()


def test_a_shelf_that_cannot_be_written(file: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(ModelError, match="cannot be written to"):
        add_model(file, "tiny", None)
