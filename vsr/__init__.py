"""Video super-resolution that keeps every frame, timestamp, colour and audio packet.

The names below are imported when first used: what is behind them needs a second to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vsr.api import upscale
    from vsr.consistency.check import Consistency, check
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
    from vsr.core.events import Progress
    from vsr.core.limits import Limits
    from vsr.core.options import (
        ComputeOptions,
        EncodeOptions,
        ReadOptions,
        RunOptions,
        StreamOptions,
        UpscaleOptions,
    )
    from vsr.core.picture import PictureOptions
    from vsr.core.result import Result
    from vsr.estimation.estimate import Estimate, estimate
    from vsr.evaluation.evaluate import evaluate
    from vsr.fusion.fuse import Fusion, fuse
    from vsr.fusion.options import FuseOptions
    from vsr.fusion.page.pick_page import Picker, pick_region
    from vsr.networks.catalogue import ModelCard, catalogue
    from vsr.networks.model import Model
    from vsr.networks.onnx_export import Exported, export
    from vsr.networks.registry import load_model
    from vsr.pipeline.probe import probe
    from vsr.previews.preview import Preview, preview
    from vsr.upscaler import UpscaledFrame, Upscaler, open_video
    from vsr.util.version import __version__

    Weights = ModelCard

__all__ = [
    "ComputeOptions",
    "Consistency",
    "DeviceError",
    "DoneError",
    "EncodeOptions",
    "EncoderError",
    "Estimate",
    "Exported",
    "FuseOptions",
    "Fusion",
    "InputError",
    "Limits",
    "Model",
    "ModelCard",
    "ModelError",
    "OutputError",
    "Picker",
    "PictureOptions",
    "Preview",
    "Progress",
    "ReadOptions",
    "Result",
    "RunOptions",
    "StalledError",
    "StoppedError",
    "StreamOptions",
    "TrainingError",
    "UpscaleOptions",
    "UpscaledFrame",
    "Upscaler",
    "VsrError",
    "__version__",
    "catalogue",
    "check",
    "estimate",
    "evaluate",
    "export",
    "fuse",
    "load_model",
    "open_video",
    "pick_region",
    "preview",
    "probe",
    "upscale",
]

_HOMES = {
    "upscale": "vsr.api",
    **dict.fromkeys(("Consistency", "check"), "vsr.consistency.check"),
    **dict.fromkeys(
        [
            "DeviceError",
            "DoneError",
            "EncoderError",
            "InputError",
            "ModelError",
            "OutputError",
            "StalledError",
            "StoppedError",
            "TrainingError",
            "VsrError",
        ],
        "vsr.core.errors",
    ),
    "Limits": "vsr.core.limits",
    **dict.fromkeys(
        [
            "ComputeOptions",
            "EncodeOptions",
            "ReadOptions",
            "RunOptions",
            "StreamOptions",
            "UpscaleOptions",
        ],
        "vsr.core.options",
    ),
    "PictureOptions": "vsr.core.picture",
    "Progress": "vsr.core.events",
    "Result": "vsr.core.result",
    **dict.fromkeys(("Estimate", "estimate"), "vsr.estimation.estimate"),
    "evaluate": "vsr.evaluation.evaluate",
    **dict.fromkeys(("Fusion", "fuse"), "vsr.fusion.fuse"),
    **dict.fromkeys(("Picker", "pick_region"), "vsr.fusion.page.pick_page"),
    "FuseOptions": "vsr.fusion.options",
    **dict.fromkeys(("Preview", "preview"), "vsr.previews.preview"),
    **dict.fromkeys(("Exported", "export"), "vsr.networks.onnx_export"),
    "Model": "vsr.networks.model",
    **dict.fromkeys(("ModelCard", "catalogue"), "vsr.networks.catalogue"),
    "load_model": "vsr.networks.registry",
    **dict.fromkeys(
        ("UpscaledFrame", "Upscaler", "open_video"),
        "vsr.upscaler",
    ),
    "__version__": "vsr.util.version",
    "probe": "vsr.pipeline.probe",
}


_OLD_NAMES = {"Weights": "ModelCard"}
"""They serve this release yet, with a DeprecationWarning."""


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        from warnings import warn

        new = _OLD_NAMES[name]
        warn(f"vsr.{name} is an old name that will go: use vsr.{new}", DeprecationWarning, 2)
        name = new
    if name not in _HOMES:
        raise AttributeError(f"module 'vsr' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
