"""What makes a difference to an output: the settings that a record and the resume key hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from vsr.core.crop import CropRegion
from vsr.core.options import GROUP_OF, UpscaleOptions
from vsr.core.picture import Size
from vsr.core.quality import FLAWLESS, Quality
from vsr.inference.passes import LoadedModel
from vsr.networks import Network
from vsr.networks.community.community import Community
from vsr.networks.onnx_network import OnnxNetwork
from vsr.util.version import VERSION

_DIGITS = 16  # of a hash

Plain = str | int | float | bool | None

# These change nothing in the file: all devices, cores and tiles give the same picture, but for the
# tiles of others' networks, which are told; the model that content chose is named itself. Where
# numbered images begin is told if it was asked for, and pipes have neither record nor segments. An
# option that is not here makes another key.
_WITHOUT_EFFECT = {
    *("device", "threads", "tile", "hwaccel", "content", "output_format"),
    *("strict", "stall_timeout", "limits", "start_number"),
    *("overwrite", "verify", "resume", "record", "keep_date", "between", "cluster"),
}


def job_settings(
    options: UpscaleOptions, tools: LoadedModel, quality: Quality = FLAWLESS
) -> dict[str, Plain]:
    """All that makes a difference to the output, as strings, numbers and None.

    `tools` are those chosen for the job, `quality` what a recurrent model is told.
    """
    factor, first = options.picture.factor, options.read.start_number
    flat = {**options.flat(), "rate": options.read.clip_rate, "scale": None}
    if factor is not None:
        flat["scale"] = factor.numerator if factor.denominator == 1 else factor
    model, engine = tools.model, tools.engine
    asked = {name: _plain(flat[name]) for name in GROUP_OF if name not in _WITHOUT_EFFECT}
    return {
        "version": VERSION,
        "libav": av.__version__,
        "weights": model.weights.sha256,
        **asked,
        "model": model.name,
        **({} if first is None else {"start_number": first}),
        **({"then": _further(tools)} if tools.then else {}),
        **({"tile": options.compute.tile} if _tiles_tell(model.network) else {}),
        "precision": engine.precision,
        **(_told(quality) if model.network.state_channels else {}),
    }


def _tiles_tell(network: Network) -> bool:
    """Whether tiles may make a difference to the output."""
    if isinstance(network, OnnxNetwork):
        return not network.traits.exact
    return isinstance(network, Community)


def _told(quality: Quality) -> dict[str, Plain]:
    return {
        "quantiser": round(quality.quantiser, 3),
        "quantiser_per_frame": quality.beyond is not None,
        "noise": round(quality.noise, 3),
    }


def _further(tools: LoadedModel) -> str:
    """The models that go on, with the beginning of their hashes."""
    return ", ".join(
        f"{model.name} x{model.scale} {model.weights.sha256[:_DIGITS]}".rstrip()
        for model in tools.then
    )


def _plain(value: Any) -> Plain:
    return str(value) if isinstance(value, (Fraction, CropRegion, Size)) else value
