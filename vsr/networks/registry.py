"""The models to choose from: those in the package's manifest, and model files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from vsr.core.errors import ModelError
from vsr.core.paths import quoted
from vsr.networks import ARCHITECTURES, shelf
from vsr.networks.catalogue import ModelCard, bundled_weights, catalogue, default_model
from vsr.networks.community.load import load_community
from vsr.networks.community.state_dict import SUFFIXES
from vsr.networks.file_models import built, community_model, onnx_model, own_model
from vsr.networks.literature import LITERATURE
from vsr.networks.model import Model
from vsr.networks.model_file import build, is_own, read_facts
from vsr.networks.onnx_file import SUFFIX as ONNX
from vsr.networks.onnx_network import load_onnx
from vsr.networks.recurrent import Recurrent

FILES = (*SUFFIXES, ONNX)
"""What the names of model files end with."""


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
    data = bundled_weights(weights)
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        raise ModelError(
            f"{weights.file}: does not match its sha256 in the manifest; reinstall vsr"
        )
    return Model(weights, built(weights, data, weights.file))


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


def _from_file(name: str, path: Path, scale: int) -> Model:
    """A model of a file, which `name` may be on the shelf."""
    shelved = shelf.find(name) if str(path) != name else None
    if path.suffix.lower() == ONNX:
        model = onnx_model(path, scale)
    else:
        model = own_model(path, scale) if is_own(path) else community_model(path, scale)
    if shelved is None:
        return model
    if shelved.sha256 != model.weights.sha256:
        raise ModelError(f"model {name!r}: {path} is not what was added; add it again")
    licence = shelved.licence or model.weights.licence
    return Model(replace(model.weights, name=name, licence=licence), model.network)
