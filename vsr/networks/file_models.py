"""Models of files: of vsr train and vsr adapt, of the community, and in ONNX."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vsr.core.errors import ModelError
from vsr.networks import ARCHITECTURES, Network
from vsr.networks.catalogue import ModelCard
from vsr.networks.community.load import load_community
from vsr.networks.cost import cost
from vsr.networks.model import Model
from vsr.networks.model_file import network_of, read_facts
from vsr.networks.onnx_network import load_onnx

_PURPOSES = {"SR": "enlarges", "Restoration": "restores"}


def own_model(path: Path, scale: int) -> Model:
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
    return Model(weights, built(weights, data, str(path)))


def community_model(path: Path, scale: int) -> Model:
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


def onnx_model(path: Path, scale: int) -> Model:
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


def built(weights: ModelCard, data: bytes, where: str) -> Network:
    kind = ARCHITECTURES[weights.network]
    return network_of(kind, weights.scale, weights.options, data, where)
