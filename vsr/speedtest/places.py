"""Which device, and which precision on it, is the fastest on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

from vsr.core.errors import DeviceError
from vsr.core.events import Warn, ignore
from vsr.core.options import ComputeOptions, Precision
from vsr.inference.bench_answer import Answer
from vsr.inference.devices import DEVICE_TYPES, named, title
from vsr.inference.engine import choose_engine, usual_precision
from vsr.inference.self_test import proven
from vsr.networks.model import Model
from vsr.speedtest.test_pattern import moving_pictures
from vsr.speedtest.throughput import network_rate

SIZE = (480, 270)
"""Of the small pictures that a model for x4 enlarges to 1920x1080."""

_ALIKE = 0.95  # of the fastest rate: what is more exact and not slower than that is taken


@dataclass(frozen=True)
class Place:
    """A device in a precision.

    Attributes:
        device, precision: as the options take them.
        title: with the name that the maker gave the device.
        fps: frames a second of the network, conversions and copies included; 0 where it fails.
        fault: why it cannot be taken, in one line; "" where it can.
    """

    device: str
    precision: str
    title: str
    fps: float
    fault: str


def places(threads: float = 0) -> list[ComputeOptions]:
    """All that there is on this machine, but int8, which is coarse on purpose.

    A precision that a CPU has no instructions for is left out.
    """
    found = []
    for kind in DEVICE_TYPES.values():
        for index in range(kind.count()):
            name = f"{kind.name}:{index}" if kind.take_turns else kind.name
            for precision in kind.precisions:
                slow = kind.on_cores and precision not in ("fp32", usual_precision(kind))
                if precision != "int8" and not slow:
                    options = ComputeOptions(device=name, threads=threads)
                    found.append(replace(options, precision=cast(Precision, precision)))
    return found


def measure_places(
    model: Model, wanted: Sequence[ComputeOptions], seconds: float, warn: Warn = ignore
) -> Iterator[Place]:
    """How fast a model is at each of the places, in about so many seconds; in their order."""
    pictures = moving_pictures(*SIZE)
    for number, options in enumerate(wanted):
        began = time.perf_counter()
        share = seconds / (len(wanted) - number)
        device, precision = options.device, options.precision
        name = title(named(device))
        faults: list[str] = []
        engine = choose_engine(options)
        if proven([model], engine, faults.append) != engine:
            yield Place(device, precision, name, 0.0, faults[0])
            continue
        at_once = engine.workers if engine.kind.on_cores else 1
        try:
            until = began + share
            fps = network_rate(model, engine, at_once, warn, pictures, SIZE, until)
        except DeviceError as error:
            yield Place(device, precision, name, 0.0, str(error))
            continue
        yield Place(device, precision, name, fps, "")
        seconds = max(0.0, seconds - (time.perf_counter() - began))


def fastest(measured: Sequence[Place]) -> Place:
    """The fastest; of those that are as good as that the most exact, on the device that has it."""
    best = max(measured, key=lambda place: place.fps)
    same = [p for p in measured if p.device == best.device and p.fps >= _ALIKE * best.fps]
    order = list(DEVICE_TYPES[best.device.partition(":")[0]].precisions)
    return min(same, key=lambda place: order.index(place.precision))


def answer_of(measured: Sequence[Place], today: date) -> Answer:
    """What "auto" may take: the fastest but for "igpu", which is taken only where it is named."""
    usual = [place for place in measured if DEVICE_TYPES["igpu"].name != place.device]
    best = fastest(usual)
    return Answer(best.device, best.precision, today.isoformat())
