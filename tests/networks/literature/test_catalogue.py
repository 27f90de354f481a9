"""The weights of the literature: a group of their own, which nothing takes unless it is named."""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from safetensors.torch import save
from support.paths import ROOT
from support.random_weights import drawn

from vsr.cli.models import models_command
from vsr.core.errors import ModelError
from vsr.networks import catalogue as module
from vsr.networks import registry
from vsr.networks.catalogue import LITERATURE_GROUP, bundled_bytes, catalogue
from vsr.networks.cost import cost
from vsr.networks.literature import LITERATURE
from vsr.networks.literature.fsrcnn import Fsrcnn
from vsr.networks.literature.vdsr import Vdsr
from vsr.networks.registry import has_state, load_model, scales_of, weights_path

LARGEST = 2 * 10**6
"""Bytes of a file that goes into the package."""
CARDS = [card for card in catalogue(all_groups=True) if card.group]


def test_the_literature_stands_apart() -> None:
    assert not any(card.group for card in catalogue())
    assert catalogue(all_groups=True) == (*catalogue(), *CARDS)
    for card in CARDS:
        assert card.group == LITERATURE_GROUP
        assert card.network in LITERATURE
    names = {card.name for card in catalogue()}
    assert not names & {card.name for card in CARDS}


def test_every_card_is_true() -> None:
    keys = [(card.name, card.scale) for card in CARDS]
    assert len(set(keys)) == len(keys)
    for card in CARDS:
        assert card.summary
        assert card.licence
        assert card.data_licence
        if bundled_bytes(card):
            found = cost(load_model(card.name, card.scale).network)
            assert card.parameters == found.parameters
            assert card.gmacs == pytest.approx(found.macs / 1e9, abs=0.006)


def test_no_weights_lie_about() -> None:
    shipped = {path.name for path in (ROOT / "weights/literature").glob("*.safetensors")}
    assert shipped == {Path(card.file).name for card in CARDS}


def test_large_files_are_left_out_of_the_package() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    left_out = setuptools.get("exclude-package-data", {}).get("vsr.weights", [])
    folder = ROOT / "weights/literature"
    large = [
        f"literature/{p.name}" for p in folder.glob("*.safetensors") if p.stat().st_size > LARGEST
    ]
    assert sorted(left_out) == sorted(large)
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= 30 * 10**6


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights of a network at x2, and of one that serves three scales, in the folder returned."""
    small = drawn(Fsrcnn(2, 4, 3, 1), last=0.2)
    several = drawn(Vdsr(2, layers=3, features=4), last=0.2)
    options = {"small": {"features": 4, "shrunk": 3, "layers": 1}}
    options["several"] = {"layers": 3, "features": 4}
    entries: list[dict[str, Any]] = []
    (tmp_path / "literature").mkdir()
    for name, network, kind in (("small", small, "fsrcnn"), ("several", several, "vdsr")):
        data, file = save(network.state_dict()), f"literature/{name}.safetensors"
        (tmp_path / file).write_bytes(data)
        facts = {"network": kind, "options": options[name], "summary": "drawn", "file": file}
        facts |= {"sha256": hashlib.sha256(data).hexdigest(), "licence": "none", "parameters": 5}
        scales = (2,) if name == "small" else (2, 3, 4)
        entries += [{"name": name, "scale": scale, **facts} for scale in scales]
    for path in files("vsr.weights").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(module, "_literature", lambda: {"weights": entries})
    monkeypatch.setattr(module, "files", lambda name: tmp_path)
    monkeypatch.setattr(registry, "files", lambda name: tmp_path)
    return tmp_path


def test_a_model_of_the_literature_is_taken_by_its_name(package: Path) -> None:
    assert scales_of("small") == (2,)
    assert scales_of("several") == (2, 3, 4)
    assert not has_state("small")
    assert isinstance(load_model("small", 2).network, Fsrcnn)
    for scale in (2, 3, 4):
        assert load_model("several", scale).network.scale == scale
    assert weights_path("several", 3).name == "several.safetensors"
    with pytest.raises(ModelError, match="unknown model 'nosuch'") as caught:
        load_model("nosuch", 2)
    assert "small" not in str(caught.value)
    assert "vsr models --all" in str(caught.value)


def test_a_network_without_weights_says_how_to_make_them(package: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_model("lapsrn", 4)
    assert str(caught.value).startswith("model 'lapsrn' has no weights yet: `vsr train --model")
    with pytest.raises(ModelError, match="has no weights for scale 4: it has 2"):
        load_model("small", 4)


def test_weights_that_were_left_out_say_how_to_come_by_them(package: Path) -> None:
    (package / "literature/small.safetensors").unlink()
    (card,) = (card for card in catalogue(all_groups=True) if card.name == "small")
    assert bundled_bytes(card) == 0
    with pytest.raises(ModelError) as caught:
        load_model("small", 2)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith("literature/small.safetensors: is too large for the package")
    assert "benchmarks/literature_training.py small" in said


def listed(*words: str) -> str:
    """What `vsr models` prints, in this process."""
    ran = CliRunner().invoke(models_command, words)
    assert ran.exit_code == 0
    return ran.output


def test_the_models_command_lists_it_by_itself(package: Path) -> None:
    usual, whole = listed(), listed("--all")
    assert "several" not in usual
    assert whole.startswith(usual)
    section = whole.removeprefix(usual)
    assert "literature" in section.splitlines()[1]
    assert sum(line.startswith("several ") for line in section.splitlines()) == 3 + 1
    events = [json.loads(line) for line in listed("--all", "--json").splitlines()]
    assert [event["group"] for event in events if event["name"] == "several"] == ["literature"] * 3
    usual_ones = [json.loads(line) for line in listed("--json").splitlines()]
    assert events[: len(usual_ones)] == usual_ones
    assert not any(event["group"] for event in usual_ones)


def test_an_empty_list_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_literature", dict)
    assert "none has weights yet" in listed("--all")
