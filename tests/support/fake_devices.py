"""Devices that this machine has not: rows of the table that stand for places in its memory."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from vsr.inference import devices
from vsr.inference.devices import DEVICE_TYPES, DeviceType

PLACE = torch.device("cpu", 7)
"""Where `fake_gpu` lies: its tensors are on the CPU, and their device has another number."""


def draw_ahead(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let training on the CPU draw so many steps ahead, as on a GPU."""
    monkeypatch.setitem(DEVICE_TYPES, "cpu", replace(DEVICE_TYPES["cpu"], drawn_ahead=steps))


def fake_gpu(
    monkeypatch: pytest.MonkeyPatch, like: str = "mps", graphs: bool = False
) -> DeviceType:
    """A device by the name "fake", computed by the CPU on the way that a GPU `like` it takes.

    It has no streams and no compiler, and its memory is the host's.
    """
    kind = replace(
        DEVICE_TYPES[like],
        name="fake",
        called="fake GPU",
        count=lambda: 1,
        on_host=False,
        streams=False,
        graphs=graphs,
        compiles=False,
        free=None,
    )
    monkeypatch.setitem(DEVICE_TYPES, "fake", kind)
    monkeypatch.setitem(devices._PLACES, "fake", PLACE)
    monkeypatch.setattr(devices, "synchronise", lambda device: None)
    module = SimpleNamespace(empty_cache=lambda: None)
    monkeypatch.setattr(devices, "_module", lambda device: module)
    return kind
