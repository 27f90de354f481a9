"""Video super-resolution that keeps every frame, timestamp, colour and audio packet."""

from vsr.errors import (
    DeviceError,
    EncoderError,
    InputError,
    ModelError,
    OutputError,
    TrainingError,
    VsrError,
)
from vsr.networks.catalogue import Model, Weights, catalogue, load_model
from vsr.pipeline import Progress, Result, upscale

__all__ = [
    "DeviceError",
    "EncoderError",
    "InputError",
    "Model",
    "ModelError",
    "OutputError",
    "Progress",
    "Result",
    "TrainingError",
    "VsrError",
    "Weights",
    "catalogue",
    "load_model",
    "upscale",
]
