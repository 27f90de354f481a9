"""Video super-resolution that keeps every frame, timestamp, colour and audio packet.

The names below are imported when first used: what is behind them needs a second to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vsr.api import upscale
    from vsr.core.errors import (
        DeviceError,
        DoneError,
        EncoderError,
        InputError,
        ModelError,
        OutputError,
        StalledError,
        StoppedError,
        TrainingError,
        VsrError,
    )
    from vsr.core.limits import Limits
    from vsr.core.result import Progress, Result
    from vsr.networks.registry import Model, Weights, catalogue, load_model

__all__ = [
    "DeviceError",
    "DoneError",
    "EncoderError",
    "InputError",
    "Limits",
    "Model",
    "ModelError",
    "OutputError",
    "Progress",
    "Result",
    "StalledError",
    "StoppedError",
    "TrainingError",
    "VsrError",
    "Weights",
    "catalogue",
    "load_model",
    "upscale",
]

_HOMES = {
    **dict.fromkeys(["Model", "Weights", "catalogue", "load_model"], "vsr.networks.registry"),
    **dict.fromkeys(["Progress", "Result"], "vsr.core.result"),
    "upscale": "vsr.api",
    "Limits": "vsr.core.limits",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'vsr' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "vsr.core.errors")), name)


def __dir__() -> list[str]:
    return __all__
