"""What all training loops share: prefetching of examples, the log, the run's folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from vsr.core.errors import OutputError
from vsr.core.threads import ahead

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

SAVE_EVERY = 120.0  # seconds
AHEAD = {"cuda": 4}  # steps drawn ahead, by device: the CPU has no core to spare for it


@contextmanager
def drawn_ahead(examples: Iterator[T], device: torch.device) -> Iterator[Iterator[T]]:
    """The examples of each step, for a GPU drawn some steps ahead, so that it does not wait."""
    depth = AHEAD.get(device.type, 0)
    if depth:
        with ahead(examples, depth) as coming:
            yield coming
    else:
        yield examples


def make_folder(folder: Path) -> None:
    """Make a run's folder unless it is there. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from None


def log(progress: DataclassInstance, path: Path) -> None:
    """Add how a run stands, without `saved`, as a line of JSON. Raises OutputError."""
    facts: dict[str, Any] = asdict(progress)
    line = {name: value for name, value in facts.items() if name != "saved"}
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
