"""The models to choose from: those in the package's manifest, and model files."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from vsr.core.errors import ModelError
from vsr.core.options import Precision
from vsr.core.paths import quoted
from vsr.networks import ARCHITECTURES, Network, shelf
from vsr.networks.community.load import load_community
from vsr.networks.community.state_dict import SUFFIXES
from vsr.networks.cost import cost
from vsr.networks.literature import LITERATURE
from vsr.networks.model_file import build, is_own, network_of, read_facts
from vsr.networks.onnx_file import SUFFIX as ONNX
from vsr.networks.onnx_network import load_onnx
from vsr.networks.recurrent import Recurrent

FILES = (*SUFFIXES, ONNX)
"""What the names of model files end with."""

_PURPOSES = {"SR": "enlarges", "Restoration": "restores"}


@dataclass(frozen=True)
class ModelCard:
    """One entry of the manifest: a model at one scale.

    Attributes:
        name: what a user calls the model.
        scale: the factor these weights are for.
        network: a key of `vsr.networks.ARCHITECTURES`, spandrel's name of an architecture, or
            "onnx".
        options: the network's arguments besides `scale`; of an ONNX file, what it says of itself.
        summary: one line for people.
        file: the weights' file name, "" for a model without weights.
        sha256: of that file.
        licence: of the weights.
        trained_on: the material they learnt from.
        data_licence: of that material.
        parameters: how many numbers were learnt.
        gmacs: multiplications with addition for an output frame of 1920x1080, in 1e9, as
            `vsr.networks.cost` counts them.
        scores: benchmark -> {"psnr": dB, "ssim": 0..1}, for clips "dtssd" too, as `vsr eval`
            measured them.
        minutes: that one core of a CPU spent on teaching it; 0 where that is not told.
        group: "" for the models to choose from, "literature" for those of papers, which are there
            to be compared with.
    """

    name: str
    scale: int
    network: str
    options: dict[str, Any] = field(default_factory=dict)
    summary: str = ""
    file: str = ""
    sha256: str = ""
    licence: str = ""
    trained_on: str = ""
    data_licence: str = ""
    parameters: int = 0
    gmacs: float = 0.0
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    minutes: float = 0.0
    group: str = ""


@dataclass(frozen=True)
class Model:
    """A network ready to run, with what is known of it.

    Attributes:
        weights: the card: name, scale, scores, licences.
        network: a torch module, (N, T*C, H, W) in [0, 1] -> (N, C, scale*H, scale*W), float32; C is
            1 for luma and 3 for RGB, T the frames that it sees; see `vsr.networks.Network`.
    """

    weights: ModelCard
    network: Network

    @property
    def name(self) -> str:
        """What a user calls it."""
        return self.weights.name

    @property
    def scale(self) -> int:
        """The factor for both sides."""
        return self.weights.scale


LITERATURE_GROUP = "literature"
"""The group of the networks of papers."""


@cache
def _manifest() -> dict[str, Any]:
    return tomllib.loads(files("vsr.weights").joinpath("manifest.toml").read_text("utf-8"))


@cache
def _literature() -> dict[str, Any]:
    return tomllib.loads(
        files("vsr.weights").joinpath(f"{LITERATURE_GROUP}.toml").read_text("utf-8")
    )


def default_model(stills: bool = False, precision: Precision = "auto") -> str:
    """The model that `vsr upscale` takes when none is named: for videos, or for still images.

    Recurrent ones do not run in int8: for videos in that there is another.
    """
    usual = "default_in_int8" if precision == "int8" else "default"
    name: str = _manifest()["default_for_stills" if stills else usual]
    return name


def footage_model(stills: bool = False, precision: Precision = "auto") -> str | None:
    """The same for recordings, noisy or compressed; None where the package has no such weights."""
    usual = "default_in_int8_for_footage" if precision == "int8" else "default_for_footage"
    name: str | None = _manifest().get("default_for_footage_stills" if stills else usual)
    return name if any(weights.name == name for weights in catalogue()) else None


def adapted_model() -> str:
    """The model that `vsr adapt` begins from when none is named: recurrent ones are not adapted."""
    name: str = _manifest()["default_to_adapt"]
    return name


def catalogue(all_groups: bool = False) -> tuple[ModelCard, ...]:
    """The models of the package, one entry for each scale, in the manifest's order.

    With `all_groups` those of the literature's networks follow, which have a group of their own.
    """
    known = tuple(ModelCard(**entry) for entry in _manifest()["weights"])
    if not all_groups:
        return known
    return known + tuple(
        ModelCard(**entry, group=LITERATURE_GROUP) for entry in _literature().get("weights", ())
    )


def bundled_bytes(weights: ModelCard) -> int:
    """The size of an entry's file in the package, 0 without one.

    Large ones of the literature may be left out of a package, which is 0, too. Raises ModelError
    for any other that is lost.
    """
    if weights.group and not files("vsr.weights").joinpath(weights.file).is_file():
        return 0
    return len(_bundled(weights)) if weights.file else 0


def file_of(name: str) -> Path | None:
    """The file that a model's name stands for: the path itself, or what the user's shelf holds.

    None for a name of the catalogue, which goes before the shelf's, and for an unknown one.
    """
    if Path(name).suffix.lower() in FILES:
        return Path(name)
    if any(weights.name == name for weights in catalogue()):
        return None
    shelved = shelf.find(name)
    return shelved.path if shelved else None


def weights_path(name: str, scale: int) -> Path:
    """Where a model's weights lie, by its name in the catalogue; a .safetensors file is itself.

    Raises ModelError for an unknown name, or a scale without weights.
    """
    if (path := file_of(name)) is not None:
        if path.suffix.lower() == ONNX:
            raise ModelError(f"{name}: an ONNX file is run as it is: nothing learns from it")
        return path
    weights = _entry(name, scale)
    if not weights.file:
        raise ModelError(f"model {name!r} has no weights: nothing was learnt for it")
    return Path(str(files("vsr.weights").joinpath(weights.file)))


def scales_of(name: str) -> tuple[int, ...]:
    """The scales that a model has weights for, by its name or file. Raises ModelError."""
    if (path := file_of(name)) is not None:
        if path.suffix.lower() == ONNX:
            return (load_onnx(path)[1].scale,)
        return read_facts(path).scales if is_own(path) else (load_community(path).network.scale,)
    return tuple(sorted(_entries(name)))


def own_scale(names: Iterable[str | None]) -> int | None:
    """The scale that all of some models are for, where each is a file with weights for one alone.

    None for names of the catalogue, and for None, which is the default model. Raises ModelError.
    """
    found = set()
    for name in names:
        scales = scales_of(name) if name and file_of(name) is not None else ()
        if len(scales) != 1:
            return None
        found.add(scales[0])
    return found.pop() if len(found) == 1 else None


def has_state(name: str) -> bool:
    """Whether a model, by its name or file, is recurrent, without loading it. Raises ModelError."""
    path = file_of(name)
    if path is not None:
        return is_own(path) and issubclass(ARCHITECTURES[read_facts(path).network], Recurrent)
    network = next(iter(_entries(name).values())).network
    return issubclass(ARCHITECTURES[network], Recurrent)


def load_model(name: str | Path | None = None, scale: int = 4) -> Model:
    """Build a model by its name in the catalogue or on the user's shelf, or from a file.

    A file is a .safetensors of `vsr train` or `vsr adapt`, or a .safetensors, .pth or .ckpt with
    a community model, of any architecture of spandrel's, or an .onnx file; both take an extra.

    None is the default for videos. Raises ModelError for an unknown name, a scale without
    weights, or a file that is not such a model; TypeError for what is no name. Nothing in a model
    file is ever executed.
    """
    if not isinstance(name, str | Path | None):
        raise TypeError(f"model {quoted(name)}: must be a name of vsr.catalogue(), or a file")
    name = default_model() if name is None else str(name)
    if (path := file_of(name)) is not None:
        return _from_file(name, path, scale)
    weights = _entry(name, scale)
    if not weights.file:
        kind = ARCHITECTURES[weights.network]
        return Model(weights, build(kind, weights.scale, weights.options, weights.name))
    data = _bundled(weights)
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        raise ModelError(
            f"{weights.file}: does not match its sha256 in the manifest; reinstall vsr"
        )
    return Model(weights, _loaded(weights, data, weights.file))


def _entry(name: str, scale: int) -> ModelCard:
    """The catalogue's entry for a model at a scale."""
    scales = _entries(name)
    if scale not in scales:
        allowed = ", ".join(str(s) for s in sorted(scales))
        raise ModelError(f"model {name!r} has no weights for scale {scale}: it has {allowed}")
    return scales[scale]


_OTHER_WEIGHTS = (".bin", ".pkl", ".param", ".h5", ".pb", ".tflite", ".engine")


def _entries(name: str) -> dict[int, ModelCard]:
    """The catalogue's entries for a model, by scale."""
    known = catalogue(all_groups=True)
    scales = {w.scale: w for w in known if w.name == name}
    if not scales and Path(name).suffix.lower() in _OTHER_WEIGHTS:
        raise ModelError(
            f"{name}: {Path(name).suffix} files are not loaded; take a name that `vsr models` "
            f"lists, or a file of {', '.join(FILES)}"
        )
    if not scales and name in LITERATURE:
        raise ModelError(
            f"model {name!r} has no weights yet: `vsr train --model {name}` makes them",
            hint="--model takes the file",
            python="model=...",
        )
    if not scales:
        own = [*(w.name for w in known if not w.group), *shelf.names()]
        names = ", ".join(dict.fromkeys(own))
        raise ModelError(
            f"unknown model {name!r}: known are {names}, those that `vsr models --all` lists "
            "besides, or a .safetensors, .pth, .ckpt or .onnx file",
            python="model=...",
        )
    return scales


def _bundled(weights: ModelCard) -> bytes:
    try:
        return files("vsr.weights").joinpath(weights.file).read_bytes()
    except OSError:
        if weights.group:
            raise ModelError(
                f"{weights.file}: is too large for the package; a checkout of the repository has "
                f"it in weights/, and `python benchmarks/literature_training.py {weights.name}` "
                "there trains it anew"
            ) from None
        raise ModelError(f"{weights.file}: is missing from the package; reinstall vsr") from None


def _from_file(name: str, path: Path, scale: int) -> Model:
    """A model of a file, which `name` may be on the shelf."""
    shelved = shelf.find(name) if str(path) != name else None
    if path.suffix.lower() == ONNX:
        model = _onnx_file(path, scale)
    else:
        model = _own_file(path, scale) if is_own(path) else _community_file(path, scale)
    if shelved is None:
        return model
    if shelved.sha256 != model.weights.sha256:
        raise ModelError(f"model {name!r}: {path} is not what was added; add it again")
    licence = shelved.licence or model.weights.licence
    return Model(replace(model.weights, name=name, licence=licence), model.network)


def _own_file(path: Path, scale: int) -> Model:
    facts = read_facts(path)
    if scale not in facts.scales:
        held = ", ".join(map(str, facts.scales))
        raise ModelError(f"{path}: is for scale {held}, not {scale}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    weights = ModelCard(
        path.stem,
        scale,
        facts.network,
        facts.options,
        file=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return Model(weights, _loaded(weights, data, str(path)))


def _community_file(path: Path, scale: int) -> Model:
    model = load_community(path)
    if model.network.scale != scale:
        raise ModelError(f"{path}: is for scale {model.network.scale}, not {scale}")
    weights = ModelCard(
        path.stem,
        scale,
        model.architecture,
        {"tags": list(model.tags)},
        f"{model.architecture}, {_PURPOSES[model.purpose]}",
        str(path),
        model.sha256,
        model.licence,
        parameters=model.parameters,
    )
    return Model(weights, model.network)


def _onnx_file(path: Path, scale: int) -> Model:
    file, network = load_onnx(path)
    if network.scale != scale:
        raise ModelError(f"{path}: is for scale {network.scale}, not {scale}")
    needed = cost(network)
    weights = ModelCard(
        path.stem,
        scale,
        "onnx",
        {
            "producer": file.producer,
            "opset": file.opset,
            "input": str(file.input),
            "output": str(file.output),
            "overlap": network.traits.overlap,
            "exact": network.traits.exact,
        },
        f"ONNX, {file.producer}".removesuffix(", "),
        str(path),
        file.sha256,
        parameters=needed.parameters,
        gmacs=needed.macs / 1e9,
    )
    return Model(weights, network)


def _loaded(weights: ModelCard, data: bytes, where: str) -> Network:
    kind = ARCHITECTURES[weights.network]
    return network_of(kind, weights.scale, weights.options, data, where)
