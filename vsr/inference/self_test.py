"""Whether a device computes what it should: a small clip through the very network, before any work.

Devices have been wrong without a word: Apple's GPUs were in 2026, in convolutions of slices. The
CPU in float32 is what all others are held against.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from vsr.core.errors import DeviceError
from vsr.core.events import Warn, ignore
from vsr.core.frame import PIXEL_FORMATS
from vsr.inference.devices import name_of
from vsr.inference.drawn_clip import drawn_clip
from vsr.inference.engine import Engine, prepared, restore_by, usual_precision
from vsr.networks import Network
from vsr.networks.model import Model
from vsr.util.text import one_line

_WIDTH, _HEIGHT, _FRAMES = 48, 32, 3
_WARM_UP = 1  # steps of a recurrent network, before those of the frames themselves
_ALLOWED = 1.0  # levels of 255
_ON_CPU = ("gray16le",)  # the network, to a 256th of a level
_ON_GPU = ("yuv420p", "gbrp16le")  # which together go through all conversions
_EXACT = Engine((torch.device("cpu"),), "fp32", 1, 0)

Key = tuple[str, int, str, str, str]

_passed: set[Key] = set()  # for all of the process: a batch takes the same network many times


def proven(models: Sequence[Model], engine: Engine, warn: Warn = ignore) -> Engine:
    """The engine, where it computes these models rightly; else the next that does.

    In float32 no sample may be more than one level of 255 off what the CPU computes in float32. In
    half precision, which rounds, the root mean square difference may not be more. Else float32 on
    the same device is tried, then the CPU, in its half precision and in float32, which needs no
    test. int8 is none: it is coarse on purpose. `warn` is told of each that fails, in one line.
    """
    if _needs_none(engine):
        return engine
    for candidate, further in _candidates(engine):
        fault = next(filter(None, (_fault(model, candidate) for model in models)), "")
        if not fault:
            return candidate
        where = f"{candidate.name} in {candidate.precision}"
        instead = f"{further.name} in {further.precision}"
        warn(f"{where} fails the test at the start, {fault}: {instead} is taken instead")
    return further


def _candidates(engine: Engine) -> Iterator[tuple[Engine, Engine]]:
    """The engine and those that may stand in for it, each with the next; not the last, float32 on
    the CPU."""
    on_cpu = replace(engine, devices=_EXACT.devices, compiled=False, measured="")
    order = [engine]
    if not engine.kind.on_cores:
        order.append(replace(engine, precision="fp32", measured=""))
        order.append(replace(on_cpu, precision=usual_precision(on_cpu.kind)))
    order.append(replace(on_cpu, precision="fp32"))
    distinct = list(dict.fromkeys(order))
    return pairwise(distinct)


def _needs_none(engine: Engine) -> bool:
    return engine.kind.on_cores and engine.precision in ("fp32", "int8")


def _fault(model: Model, engine: Engine) -> str:
    """What is wrong with a model on an engine, in some words; "" where nothing is."""
    if _needs_none(engine):
        return ""
    key = _key(model, engine)
    if key in _passed:
        return ""
    for device in engine.devices:
        one = replace(_EXACT, devices=(device,), precision=engine.precision)
        try:
            off = _difference(model, one)
        except (RuntimeError, TypeError, DeviceError) as error:
            said = one_line(error, 120) or type(error).__name__
            return f"{_place(model)} does not run on {name_of(device)} ({said})"
        if not off <= _ALLOWED:  # what is no number fails, too
            return f"{_place(model)} is {off:.3g} levels of 255 off"
    if model.weights.sha256 or not any(True for _ in model.network.parameters()):
        _passed.add(key)
    return ""


def _place(model: Model) -> str:
    return f"{model.name} x{model.scale}"


def _key(model: Model, engine: Engine) -> Key:
    weights = model.weights
    return weights.name, weights.scale, weights.sha256, engine.name, engine.precision


def _difference(model: Model, engine: Engine) -> float:
    """How far the engine's samples are from those of the CPU in float32, in levels of 255.

    The largest difference in float32, else the root of the mean square, of the worst plane.
    """
    exact, tested = (_ready(model, one) for one in (_EXACT, engine))
    worst = 0.0
    for name in _ON_CPU if engine.kind.on_cores else _ON_GPU:
        layout = PIXEL_FORMATS[name]
        frames, info = drawn_clip(_FRAMES, _WIDTH, _HEIGHT, layout)
        expected = restore_by([exact], iter(frames), info, _EXACT)
        found = restore_by([tested], iter(frames), info, engine)
        for one, other in zip(expected, found, strict=True):
            for a, b in zip(one.planes, other.planes, strict=True):
                off = np.abs(a.astype(np.float64) - b) * (255 / layout.peak)
                most = off.max() if engine.precision == "fp32" else np.sqrt(np.mean(off**2))
                worst = max(worst, float(most))
    return worst


def _ready(model: Model, engine: Engine) -> Network:
    network = prepared(model.network, engine)
    network.warmup = min(network.warmup, _WARM_UP)
    return network
