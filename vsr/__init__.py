"""Video super-resolution that keeps every frame, timestamp, colour and audio packet.

The names below are imported when first used: what is behind them needs a second to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vsr.errors import (
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
    from vsr.networks.catalogue import Model, Weights, catalogue, load_model
    from vsr.pipeline import upscale
    from vsr.result import Progress, Result
    from vsr.video.limits import Limits

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
    **dict.fromkeys(["Model", "Weights", "catalogue", "load_model"], "vsr.networks.catalogue"),
    **dict.fromkeys(["Progress", "Result"], "vsr.result"),
    "upscale": "vsr.pipeline",
    "Limits": "vsr.video.limits",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'vsr' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "vsr.errors")), name)


def __dir__() -> list[str]:
    return __all__
