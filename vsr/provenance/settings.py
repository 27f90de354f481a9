"""What makes a difference to an output: the settings that a record and the resume key hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from vsr.core.crop import CropRegion
from vsr.core.options import GROUP_OF, UpscaleOptions
from vsr.core.quality import FLAWLESS, Quality
from vsr.inference.engine import Engine
from vsr.networks.registry import Model
from vsr.util.version import VERSION

Plain = str | int | float | bool | None

# These change nothing in the file: all devices, cores and tiles give the same picture, and the
# model that content chose is named itself. An option that is not here makes another key.
_WITHOUT_EFFECT = {
    *("device", "threads", "tile", "hwaccel", "content"),
    *("strict", "stall_timeout", "limits"),
    *("overwrite", "verify", "resume", "record", "cluster"),
}


def job_settings(
    options: UpscaleOptions, model: Model, engine: Engine, quality: Quality = FLAWLESS
) -> dict[str, Plain]:
    """All that makes a difference to the output, as strings, numbers and None.

    `model` and `engine` are those chosen for the job, `quality` what a recurrent model is told.
    """
    flat = {**options.flat(), "rate": options.read.clip_rate}
    asked = {name: _plain(flat[name]) for name in GROUP_OF if name not in _WITHOUT_EFFECT}
    return {
        "version": VERSION,
        "libav": av.__version__,
        "weights": model.weights.sha256,
        **asked,
        "model": model.name,
        "precision": engine.precision,
        **(_told(quality) if model.network.state_channels else {}),
    }


def _told(quality: Quality) -> dict[str, Plain]:
    return {"quantiser": round(quality.quantiser, 3), "noise": round(quality.noise, 3)}


def _plain(value: Any) -> Plain:
    return str(value) if isinstance(value, (Fraction, CropRegion)) else value
