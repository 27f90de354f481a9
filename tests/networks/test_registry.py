"""The models of the package, and model files: what loads, and what is refused."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import pickle
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file

from vsr.core.errors import ModelError
from vsr.networks import ARCHITECTURES, Network
from vsr.networks import catalogue as module
from vsr.networks.catalogue import ModelCard, bundled_bytes, catalogue, default_model
from vsr.networks.cost import cost
from vsr.networks.espcn import Espcn
from vsr.networks.registry import load_model, scales_of, weights_path
from vsr.networks.vespcn import Vespcn
from vsr.training.checkpoint import save_weights
from vsr.training.recipe import Recipe

ENTRIES = catalogue()


def refused(name: str | Path, scale: int = 2) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(name), scale)
    message = str(caught.value)
    assert "\n" not in message
    return message


def trained(scale: int = 2, **options: Any) -> Espcn:
    random = torch.Generator().manual_seed(2)
    network = Espcn(scale, **options)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.1)
    return network


# What comes with the package


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.name}-x{entry.scale}")
def test_every_model_of_the_package_works(entry: ModelCard) -> None:
    model = load_model(entry.name, entry.scale)
    assert model.weights == entry
    assert (model.name, model.scale) == (entry.name, entry.scale)
    network = model.network
    assert isinstance(network, ARCHITECTURES[entry.network])
    assert network.scale == entry.scale
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    colours = {"y": 1, "rgb": 3}[network.color]
    x = torch.rand(1, colours * network.seen, 9, 12)
    with torch.no_grad():
        found = network(x)
    assert found.shape == (1, colours, 9 * entry.scale, 12 * entry.scale)
    assert found.dtype == torch.float32
    assert found.isfinite().all()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.name}-x{entry.scale}")
def test_every_entry_tells_all_there_is_to_know(entry: ModelCard) -> None:
    assert entry.network in ARCHITECTURES
    assert entry.summary
    if not entry.file:
        assert (entry.sha256, entry.licence, entry.trained_on) == ("", "", "")
        assert entry.data_licence == ""
        assert bundled_bytes(entry) == 0
        return
    data = files("vsr.weights").joinpath(entry.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    assert entry.licence
    assert entry.trained_on
    assert entry.data_licence
    assert "\n" not in entry.data_licence
    assert bundled_bytes(entry) == len(data)
    for benchmark, score in entry.scores.items():
        assert {"psnr", "ssim"} == score.keys() - {"dtssd"}, benchmark
        assert 20 < score["psnr"] < 50
        assert 0 < score["ssim"] < 1


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.name}-x{entry.scale}")
def test_every_entry_states_its_true_cost(entry: ModelCard) -> None:
    found = cost(load_model(entry.name, entry.scale).network)
    assert entry.parameters == found.parameters
    assert entry.gmacs == pytest.approx(found.macs / 1e9, abs=0.006)


def test_names_and_scales_are_said_once() -> None:
    keys = [(entry.name, entry.scale) for entry in ENTRIES]
    assert len(set(keys)) == len(keys)
    used = [entry.file for entry in ENTRIES if entry.file]
    assert len(set(used)) == len(used)


def test_no_weights_lie_about() -> None:
    shipped = {path.name for path in files("vsr.weights").iterdir()}
    assert {name for name in shipped if name.endswith(".safetensors")} == {
        entry.file for entry in ENTRIES if entry.file
    }


def test_the_default_is_there_for_every_scale() -> None:
    for stills in (False, True):
        name = default_model(stills)
        assert {e.scale for e in ENTRIES if e.name == name} >= {2, 3, 4}
    assert load_model(default_model(stills=True), 2).network.context == 0
    for scale in (2, 3, 4):
        assert load_model(None, scale).name == load_model(scale=scale).name == default_model()


def test_the_architectures_are_networks() -> None:
    for name, kind in ARCHITECTURES.items():
        assert issubclass(kind, Network), name


def test_the_bicubic_baseline_is_always_there() -> None:
    for scale in (2, 3, 4):
        assert load_model("bicubic", scale).weights.network == "interpolation"


def test_an_unknown_model() -> None:
    message = refused("nosuch")
    assert message.startswith("unknown model 'nosuch': known are ")
    for entry in ENTRIES:
        assert entry.name in message
    assert message.endswith(", or a .safetensors, .pth, .ckpt or .onnx file")


@pytest.mark.parametrize("scale", [0, 1, 5, -2])
def test_a_scale_without_weights(scale: int) -> None:
    expected = f"model 'bicubic' has no weights for scale {scale}: it has 2, 3, 4"
    assert refused("bicubic", scale) == expected


def test_where_weights_lie() -> None:
    entry = next(entry for entry in ENTRIES if entry.name == "espcn" and entry.scale == 2)
    found = weights_path("espcn", 2)
    assert hashlib.sha256(found.read_bytes()).hexdigest() == entry.sha256
    assert weights_path("runs/best.safetensors", 3) == Path("runs/best.safetensors")


@pytest.mark.parametrize(
    ("name", "scale", "said"),
    [
        ("nosuch", 2, "unknown model 'nosuch': known are "),
        ("espcn", 5, "model 'espcn' has no weights for scale 5: it has 2, 3, 4"),
        ("bicubic", 2, "model 'bicubic' has no weights: nothing was learnt for it"),
    ],
)
def test_where_no_weights_lie(name: str, scale: int, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        weights_path(name, scale)
    assert str(caught.value).startswith(said)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one model, x2, whose weights lie in the folder returned."""
    options = {"kernels": [3, 3], "features": [4]}
    data = save(trained(kernels=(3, 3), features=(4,)).state_dict())
    (tmp_path / "own.safetensors").write_bytes(data)
    entry = {
        "name": "own",
        "scale": 2,
        "network": "espcn",
        "options": options,
        "file": "own.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    monkeypatch.setattr(module, "_manifest", lambda: {"default": "own", "weights": [entry]})
    monkeypatch.setattr(module, "files", lambda name: tmp_path)
    return tmp_path


def test_weights_of_the_package(package: Path) -> None:
    network = load_model(None, 2).network
    for name, value in trained(kernels=(3, 3), features=(4,)).state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


def test_weights_of_the_package_that_were_changed(package: Path) -> None:
    path = package / "own.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    expected = "own.safetensors: does not match its sha256 in the manifest; reinstall vsr"
    assert refused("own") == expected


def test_weights_of_the_package_that_are_lost(package: Path) -> None:
    (package / "own.safetensors").unlink()
    expected = "own.safetensors: is missing from the package; reinstall vsr"
    assert refused("own") == expected
    with pytest.raises(ModelError) as caught:
        bundled_bytes(catalogue()[0])
    assert str(caught.value) == expected


def test_the_scales_of_a_model(tmp_path: Path) -> None:
    for entry in ENTRIES:
        assert scales_of(entry.name) == tuple(e.scale for e in ENTRIES if e.name == entry.name)
    path = written(tmp_path / "own.safetensors", small(), FACTS)
    assert scales_of(str(path)) == (2,)
    (tmp_path / "text.safetensors").write_text("no model")
    for name in ("nosuch", tmp_path / "none.safetensors", tmp_path / "text.safetensors"):
        with pytest.raises(ModelError) as caught:
            scales_of(str(name))
        assert str(caught.value) == refused(name)


# Model files


def written(path: Path, network: Network, facts: object, key: str = "vsr") -> Path:
    save_file(network.state_dict(), path, {key: json.dumps(facts)})
    return path


SMALL: dict[str, Any] = {"kernels": [3, 3], "features": [4]}
FACTS = {"network": "espcn", "scale": 2, "options": SMALL}


def small() -> Espcn:
    return trained(kernels=(3, 3), features=(4,))


@pytest.mark.parametrize("options", [{}, {"kernels": (3, 3, 3), "features": (8, 6)}])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_file_as_training_leaves_it(tmp_path: Path, scale: int, options: dict[str, Any]) -> None:
    network = trained(scale, **options)
    path = tmp_path / "best.safetensors"
    save_weights(network, Recipe("espcn", scale, (tmp_path,), options=options), path)
    model = load_model(str(path), scale)
    assert (model.name, model.scale) == ("best", scale)
    assert model.weights.network == "espcn"
    assert not model.network.training
    x = torch.rand(1, 1, 8, 9)
    with torch.no_grad():
        assert torch.equal(model.network(x), network(x))


@pytest.mark.parametrize(
    "options",
    [
        {"features": 4, "layers": 3, "flow_features": 4},
        {"features": 4, "layers": 5, "context": 2, "fusion": "slow", "flow_range": (6.0, 2.0)},
    ],
)
def test_a_file_of_a_network_that_sees_neighbours(tmp_path: Path, options: dict[str, Any]) -> None:
    network = Vespcn(2, **options)
    torch.nn.init.normal_(network.convs[-1].weight)  # type: ignore[arg-type]
    path = tmp_path / "best.safetensors"
    save_weights(network, Recipe("vespcn", 2, (tmp_path,), options=options), path)
    found = load_model(str(path), 2).network
    assert isinstance(found, Vespcn)
    assert (found.context, found.fusion) == (network.context, network.fusion)
    assert found.receptive_field == network.receptive_field
    x = torch.rand(1, 2 * network.context + 1, 8, 9)
    with torch.no_grad():
        assert torch.equal(found(x), network(x))


def test_names_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a b.safetensors", "ü:%d.safetensors", "bicubic.safetensors"):
        written(tmp_path / name, small(), FACTS)
        assert load_model(name, 2).name == name.removesuffix(".safetensors")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.safetensors"
    assert refused(path) == f"{path}: no such model file"
    path.mkdir()
    assert refused(path) == f"{path}: is a folder; name a model file"


def test_what_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe.safetensors"
    os.mkfifo(path)
    assert refused(path) == f"{path}: is no file"
    long = tmp_path / f"{'a' * 300}.safetensors"
    assert refused(long) == f"{long}: cannot be read (File name too long)"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"no model\n" * 20,
        (2**60).to_bytes(8, "little") + b"{}",
        (20).to_bytes(8, "little") + b"{" * 20,
        save({"x": torch.zeros(4)})[:-3],
    ],
    ids=["nothing", "short", "text", "huge header", "broken header", "cut"],
)
def test_a_file_of_another_kind(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(data)
    assert refused(path).startswith(f"{path}: not a safetensors file (")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["pickle", "torch", "torch legacy"])
def test_nothing_in_a_file_is_executed(tmp_path: Path, kind: str) -> None:
    path, sprung = tmp_path / "model.safetensors", tmp_path / "sprung"
    trap = {"convs.0.weight": Trap(sprung)}
    if kind == "pickle":
        path.write_bytes(pickle.dumps(trap))
    else:
        torch.save(trap, path, _use_new_zipfile_serialization=kind == "torch")
    assert refused(path).startswith(f"{path}: not a safetensors file (")
    assert not sprung.exists()
    with path.open("rb") as file:  # it is a trap indeed
        if kind == "pickle":
            pickle.load(file)
        else:
            torch.load(file, weights_only=False)
    assert sprung.exists()


def test_a_file_that_does_not_say_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    expected = f"{path}: says nothing of its network; models come from `vsr train`"
    for facts in (None, [], "espcn", 2, {}, {"network": "espcn"}, {"scale": 2}):
        assert refused(written(path, small(), facts)) == expected
    for others in (save(small().state_dict()), save(small().state_dict(), {"other": "facts"})):
        path.write_bytes(others)  # may be somebody else's network, and is none
        assert refused(path).startswith((f"{path}: is of no known", f"{path}: community models"))


def test_metadata_that_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(small().state_dict(), path, {"vsr": "{network: espcn"})
    assert refused(path).startswith(f"{path}: ")


def test_a_file_for_another_scale(tmp_path: Path) -> None:
    path = written(tmp_path / "x2.safetensors", small(), FACTS)
    assert refused(path, 4) == f"{path}: is for scale 2, not 4"


def test_a_file_of_an_unknown_network(tmp_path: Path) -> None:
    path = written(tmp_path / "own.safetensors", small(), {**FACTS, "network": "nosuch"})
    known = ", ".join(ARCHITECTURES)
    assert refused(path) == f"{path}: unknown network 'nosuch'; known: {known}"


@pytest.mark.parametrize(
    "changes",
    [
        {"network": ["espcn"]},
        {"network": None},
        {"scale": [2]},
        {"scale": "2"},
        {"options": None},
        {"options": []},
        {"options": ["kernels"]},
        {"options": {"depth": 3}},
        {"options": {"scale": 3}},
        {"options": {"kernels": 3}},
        {"options": {"kernels": "33", "features": [4]}},
        {"options": {"kernels": [3, 3], "features": [4, 4]}},
        {"options": {"kernels": [3, 3], "features": [-4]}},
        {"options": {"kernels": [3, 3], "features": [0]}},
        {"options": {"kernels": [3, 3.5], "features": [4]}},
        {"options": {"kernels": [3, 3], "features": [10**15]}},
        {"network": "vespcn", "options": {"features": [4]}},
        {"network": "vespcn", "options": {"fusion": ["early"]}},
        {"network": "vespcn", "options": {"flow_range": 3}},
        {"network": "vespcn", "options": {"flow_range": [12.0, math.inf]}},
        {"network": "vespcn", "options": {"flow_range": ["12", "3"]}},
        {"network": "vespcn", "options": {"layers": 9.5}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_a_file_that_says_nonsense(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = written(tmp_path / "own.safetensors", small(), {**FACTS, **changes})
    assert "own" in refused(path)


NONSENSE: tuple[Any, ...] = (None, True, -1, 0.5, "4", "4" * 5000, [], [[4]], {}, 10**9, 10**300)


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("network", ARCHITECTURES)
def test_every_fact_of_every_network_is_checked_by_its_type(
    tmp_path: Path, network: str, value: Any
) -> None:
    """And the line says of the right thing what it may be, whatever the file holds else."""
    path = tmp_path / "own.safetensors"
    names = list(inspect.signature(ARCHITECTURES[network]).parameters)[1:]
    assert names
    for name in names:
        written(path, small(), {"network": network, "scale": 2, "options": {name: value}})
        assert refused(path).startswith(f"{path}: "), name
        assert len(refused(path)) < len(str(path)) + 250
    written(path, small(), {"network": network, "scale": value})
    assert ": must be one of the numbers 2, 3, 4" in refused(path)
    written(path, small(), {"network": value, "scale": 2})
    assert ": unknown network " in refused(path)
    if value != {}:
        written(path, small(), {"network": network, "scale": 2, "options": value})
        assert ": must be the network's, by name" in refused(path)


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("espcn", {"kernels": [3] * 100_000, "features": [1] * 99_999}),
        ("espcn", {"kernels": [3] * 1000, "features": [1000] * 999}),
        ("vespcn", {"layers": 10**7}),
        ("vespcn", {"layers": 1000, "features": 1000}),
        ("edsr", {"blocks": 10**7}),
        ("edsr", {"blocks": 1000, "features": 1000}),
        ("recurrent", {"pairs": 10**7}),
        ("recurrent", {"pairs": 1000, "features": 1000, "flow_features": 1000}),
        ("srresnet", {"blocks": 100, "features": 1000}),
        ("d-dbpn", {"stages": 100, "features": 1000, "projected": 1000}),
        ("rcan", {"groups": 1000, "blocks": 1000}),
        ("rcan", {"groups": 10, "blocks": 30, "features": 1000}),
        ("rdn", {"blocks": 1000, "layers": 1000}),
        ("srdensenet", {"blocks": 1000, "layers": 1000}),
        ("idn", {"blocks": 100, "features": 1000}),
        ("carn", {"features": 1000}),
        ("dilated", {"dilations": [1] * 1000}),
        ("wavelet", {"layers": 50, "widths": [1000, 1000]}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_nothing_is_built_that_the_file_does_not_fill(
    tmp_path: Path, network: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the memory nor the time is taken that a few words in a file ask for."""

    def with_memory(self: Network, mode: bool = True) -> Network:
        assert all(parameter.is_meta for parameter in self.parameters())
        return self

    monkeypatch.setattr(Network, "train", with_memory)  # what `eval` calls, once it is built
    facts = {"network": network, "scale": 2, "options": options}
    path = written(tmp_path / "own.safetensors", small(), facts)
    assert refused(path).startswith(f"{path}: ")


FEWER_LAYERS: dict[str, dict[str, int]] = {
    "rcan": {"groups": 1, "blocks": 1},
    "rdn": {"blocks": 1, "layers": 1},
    "d-dbpn": {"stages": 2},
}
"""Of networks that are tens of megabytes as published."""


@pytest.mark.parametrize("network", [name for name in ARCHITECTURES if name != "interpolation"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_numbers(tmp_path: Path, network: str, value: float) -> None:
    options = FEWER_LAYERS.get(network, {})
    made = ARCHITECTURES[network](2, **options)
    last = list(made.state_dict())[-1]
    made.state_dict()[last].view(-1)[-1] = value
    facts = {"network": network, "scale": 2, "options": options}
    path = written(tmp_path / "own.safetensors", made, facts)
    assert refused(path) == f"{path}: {last} holds numbers that are infinite, or are none"


def test_weights_of_other_types(tmp_path: Path) -> None:
    """Halves are taken; doubles beyond float32 would become infinite, and integers are none."""
    path, state = tmp_path / "own.safetensors", small().state_dict()

    def kept(name: str, tensor: torch.Tensor) -> Path:
        save_file({**state, name: tensor}, path, {"vsr": json.dumps(FACTS)})
        return path

    weight = state["convs.0.weight"]
    assert load_model(kept("convs.0.weight", weight.half()), 2)
    assert "infinite" in refused(kept("convs.0.weight", weight.double() * 1e300))
    assert "numbers above 1e+06" in refused(kept("convs.0.weight", weight * 1e30))
    assert "no fractions" in refused(kept("convs.0.weight", weight.int()))


def test_an_even_kernel_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    """Not when the first frame comes out one pixel too large."""
    path = tmp_path / "own.safetensors"
    state = small().state_dict()
    state["convs.0.weight"] = torch.zeros(4, 1, 4, 4)
    facts = {**FACTS, "options": {"kernels": [4, 3], "features": [4]}}
    save_file(state, path, {"vsr": json.dumps(facts)})
    assert "own" in refused(path)


def test_tensors_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    state = small().state_dict()
    missing = {name: state[name] for name in list(state)[1:]}
    wrong = {**state, "convs.0.weight": torch.zeros(4, 1, 5, 5)}
    extra = {**state, "convs.2.weight": torch.zeros(4, 1, 5, 5)}
    for tensors in (missing, wrong, extra, {"x": torch.zeros(1)}, {}):
        save_file(tensors, path, {"vsr": json.dumps(FACTS)})
        assert refused(path).startswith(f"{path}: the tensors do not fit the network (")
    save_file(state, path, {"vsr": json.dumps({**FACTS, "options": {}})})
    assert refused(path).startswith(f"{path}: the tensors do not fit the network (")
