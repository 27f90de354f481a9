"""A model file put on the user's shelf: looked at, measured, and given a name."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path

from vsr.core.errors import ModelError
from vsr.core.events import Warn, ignore
from vsr.inference.engine import Engine, suiting
from vsr.networks import shelf
from vsr.networks.catalogue import catalogue
from vsr.networks.community.community import Community
from vsr.networks.literature import LITERATURE
from vsr.networks.model import Model
from vsr.networks.registry import FILES, load_model, scales_of
from vsr.networks.shelf import Shelved
from vsr.speedtest.test_pattern import moving_pictures
from vsr.speedtest.throughput import network_rate
from vsr.util.text import counted

TARGET = 1920, 1080
"""(width, height) of the enlarged frames that a model's speed is told for."""

_PART = 8  # of its width and height, what is enlarged for it: some networks take minutes for all
_SECONDS = 2.0


def add_model(
    file: Path,
    name: str,
    engine: Engine | None,
    licence: str = "",
    overwrite: bool = False,
    warn: Warn = ignore,
) -> Shelved:
    """Copy a model file to the shelf under a name. Returns what is known of it now.

    It is loaded, and thus known to run, and the reach of its network is measured; with an `engine`
    its speed, too. Of weights for several scales both are those of the largest. Raises ModelError
    for a file that is no model, a name that cannot be had, and a shelf that cannot be written to.
    """
    shelf.check_name(name)
    if any(weights.name == name for weights in catalogue()):
        raise ModelError(f"name {name}: is a model of vsr's own; choose another name")
    if name in LITERATURE:
        raise ModelError(f"name {name}: is a network of the literature; choose another name")
    if name in shelf.names() and not overwrite:
        raise ModelError(f"name {name}: is on the shelf already; -y or overwrite=True replaces it")
    if file.suffix.lower() not in FILES:
        raise ModelError(f"{file}: a model file is named {', '.join(FILES)}")
    scales = scales_of(str(file))
    model = load_model(file, max(scales))
    data = file.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != model.weights.sha256:
        raise ModelError(f"{file}: changes as it is read")
    fps, where = (0.0, "") if engine is None else _speed(model, engine, warn)
    entry = Shelved(
        name,
        f"{name}{file.suffix.lower()}",
        sha256,
        len(data),
        scales,
        model.weights.network,
        licence or model.weights.licence,
        _tiles(model),
        fps,
        where,
    )
    if name in shelf.names():
        shelf.remove(name)  # its file may have another suffix
    return shelf.add(entry, data)


def _tiles(model: Model) -> str:
    """What parts of a picture need around them, in words."""
    network = model.network
    if not isinstance(network, Community):
        return f"up to {network.tile_error:.2g} of 255 off" if network.tile_error else "exact"
    discouraged = "; spandrel discourages them" if network.tiling == "discouraged" else ""
    return f"{network.reach}{discouraged}"


def _speed(model: Model, engine: Engine, warn: Warn) -> tuple[float, str]:
    """Frames per second to TARGET, reckoned by pixels from small ones, and where that was."""
    engine = suiting(engine, model.network)
    width, height = (side // (_PART * max(1, model.scale // 2)) for side in TARGET)
    at_once = engine.workers if engine.device.type == "cpu" else 1
    until = time.perf_counter() + _SECONDS
    pictures = moving_pictures(width, height)
    rate = network_rate(model, engine, at_once, warn, pictures, (width, height), until)
    fps = rate * width * height * model.scale**2 / math.prod(TARGET)
    cores = f", {counted(engine.workers, 'core')}" if engine.device.type == "cpu" else ""
    return float(f"{fps:.3g}"), f"{engine.device}{cores}, {engine.precision}"
