"""The models that come with vsr: what the manifests of its weights say of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from vsr.core.errors import ModelError
from vsr.core.options import Precision


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
    return len(bundled_weights(weights)) if weights.file else 0


def bundled_weights(weights: ModelCard) -> bytes:
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
