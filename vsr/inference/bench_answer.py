"""What `vsr bench` found to be the fastest on this machine, kept for those who run it later."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import torch

from vsr.core.errors import DeviceError, OutputError
from vsr.inference.devices import DEVICE_TYPES, named, title
from vsr.util.atomic import atomic_write
from vsr.util.version import machine

_SCHEMA = "vsr-bench-1"
_LONGEST = 2**16  # bytes: what is larger is no such file


@dataclass(frozen=True)
class Answer:
    """A device and a precision.

    Attributes:
        device: as `--device` takes it, one of torch's.
        precision: as `--precision` takes it.
        day: on which that was measured, as ISO 8601 has it.
    """

    device: str
    precision: str
    day: str

    def __post_init__(self) -> None:
        kind = DEVICE_TYPES[self.kind]
        if kind.name == "igpu" or self.precision not in kind.precisions:
            raise ValueError(f"{self.device} in {self.precision}: is never taken by itself")
        date.fromisoformat(self.day)

    @property
    def kind(self) -> str:
        """The name of the device's type."""
        return self.device.partition(":")[0]


def answer_path() -> Path:
    """Where it is kept: in the user's configuration folder."""
    from platformdirs import user_config_path  # networks run without it, too

    return user_config_path("vsr") / "bench.json"


def kept_answer() -> Answer | None:
    """What was kept for this very machine and torch; None where nothing was, or it is damaged."""
    path = answer_path()
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST:
            return None
        kept = json.loads(path.read_bytes())
        if kept["schema"] != _SCHEMA or kept["machine"] != _here():
            return None
        facts = kept["answer"]
        answer = Answer(str(facts["device"]), str(facts["precision"]), str(facts["day"]))
        named(answer.device)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, DeviceError):
        return None
    return answer


def keep_answer(answer: Answer) -> Path:
    """Keep it, and return where. Raises OutputError in one line."""
    path = answer_path()
    text = json.dumps({"schema": _SCHEMA, "machine": _here(), "answer": asdict(answer)}, indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, f"{text}\n".encode())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path


def forget_answer() -> Path | None:
    """Remove what was kept, and return where it was; None where nothing was.

    Raises OutputError in one line.
    """
    path = answer_path()
    try:
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed ({error.strerror or error})") from None
    return path


@cache
def _here() -> dict[str, Any]:
    """What the answer depends on: the processor, the GPUs that torch sees, and torch."""
    facts = machine()
    kinds = [kind for kind in DEVICE_TYPES.values() if not kind.on_host]
    gpus = [title(named(f"{k.name}:{n}" if n else k.name)) for k in kinds for n in range(k.count())]
    return {
        "processor": facts["processor"],
        "instructions": facts["instructions"],
        "gpus": gpus,
        "torch": torch.__version__,
    }
