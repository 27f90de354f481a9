"""Our networks as ONNX files, for other programs: what a user has trained runs anywhere.

torch's exporter by tracing, not the one by torch.export: the latter (torch 2.13, onnxscript 0.7)
refuses sizes that are free in `Upsample`, and needs one more package.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.core.commit import commit_bytes
from vsr.core.errors import ModelError, OutputError
from vsr.core.paths import as_path, check_output, quoted
from vsr.networks.model import Model
from vsr.networks.network import Network
from vsr.networks.onnx_file import METADATA, SUFFIX, OwnFacts
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import QUALITY_PLANES, State
from vsr.networks.registry import load_model, scales_of
from vsr.util.text import one_line
from vsr.util.version import VERSION

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
"""Of the operators: grid_sample came with 16, and 17 is what all runtimes of today know."""

_USUAL_SCALE = 4
_SIDES = (24, 32)  # of the picture that is traced; others are as good


@dataclass(frozen=True)
class Described:
    """An input or an output.

    Attributes:
        name: in the graph.
        means: what it is, for people.
        free: its sides that may have any length, by their number: their names.
    """

    name: str
    means: str
    free: Mapping[int, str]


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        file: where it is.
        model: the name of what it holds.
        scale: of that.
        opset: of its operators.
        size: in bytes.
        sha256: of it.
        inputs, outputs: what goes in and comes out, by name.
    """

    file: Path
    model: str
    scale: int
    opset: int
    size: int
    sha256: str
    inputs: dict[str, str]
    outputs: dict[str, str]


def export(
    model: str | Path,
    target: str | Path,
    *,
    scale: int | None = None,
    half: bool = False,
    overwrite: bool = False,
) -> Exported:
    """Write one of vsr's own networks as an ONNX file.

    Args:
        model: a name of `vsr.catalogue()`, or a .safetensors file.
        target: the file to write; its name ends with .onnx.
        scale: the factor whose weights are taken; None is 4, or a file's own.
        half: keep the learnt numbers in float16, half the size; pictures stay float32.
        overwrite: replace a file that is there.

    Raises ModelError, and OutputError for a target that cannot be written; TypeError for a model
    that is neither, as a loaded one.
    """
    if not isinstance(model, str | Path):
        raise TypeError(f"model {quoted(model)}: must be a name of vsr.catalogue(), or a file")
    target = as_path(target, "target", OutputError)
    if target.suffix != SUFFIX:
        raise OutputError(f"{target}: must be named {SUFFIX}")
    check_output(target, overwrite, [Path(model)])
    if scale is None:
        scales = scales_of(str(model))
        scale = _USUAL_SCALE if _USUAL_SCALE in scales else max(scales)
    loaded = load_model(model, scale)
    data, inputs, outputs = to_onnx(loaded, half)
    commit_bytes(target, data, overwrite)
    return Exported(
        file=target,
        model=loaded.name,
        scale=scale,
        opset=OPSET,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        inputs={one.name: one.means for one in inputs},
        outputs={one.name: one.means for one in outputs},
    )


_Parts = tuple[bytes, list[Described], list[Described]]
"""A file, its inputs and its outputs."""


def to_onnx(model: Model, half: bool = False) -> _Parts:
    """A model as an ONNX file, and what goes in and out.

    Networks for single pictures and for windows take and give what `vsr.networks.Network` says,
    in float32, of any size. A recurrent one is its step: the state goes in and comes out.

    Args:
        model: as `vsr.load_model` gives it, of vsr's own networks.
        half: keep the learnt numbers in float16, half the size; pictures stay float32.

    Raises ModelError where torch cannot export it, or packages are missing.
    """
    if model.network.runtime is not None:
        raise ModelError(f"model {model.name}: is an ONNX file already")
    if not model.network.traceable:
        raise ModelError(f"{model.name}: community models are not exported; choose another model")
    if half and model.network.state_channels:
        raise ModelError(
            "--half is for networks without a state: it saves nothing here", python="half=True"
        )
    network = copy.deepcopy(model.network).cpu().float().eval().requires_grad_(False)
    if half:
        for parameter in network.parameters():
            parameter.data = parameter.data.half()
    if isinstance(network, Recurrent):
        traced, given, inputs, outputs = _step(network)
        facts: dict[str, object] = {"model": model.name, "scale": model.scale, "step": True}
        facts |= {"future": network.future, "warmup": network.warmup}
        means = "a step of a recurrent network for luma"
    else:
        traced, given, inputs, outputs = _whole(network)
        own = OwnFacts(
            model.name,
            model.scale,
            network.context,
            network.color,
            network.chroma_kernel,
            network.receptive_field,
            network.local,
            network.block,
        )
        facts = json.loads(own.written())
        means = f"a network for {'RGB' if network.color == 'rgb' else 'luma'}"
    data = _exported(traced, given, inputs, outputs, model.name)
    described = {one.name: one.means for one in (*inputs, *outputs)}
    facts |= {"half": half, "weights": model.weights.sha256, "tensors": described}
    line = f"{model.name} x{model.scale} of vsr {VERSION}: {means}"
    return _with_facts(data, facts, described, line), inputs, outputs


_Ports = tuple[nn.Module, tuple[Tensor, ...], list[Described], list[Described]]
"""What is traced, what it is given, its inputs and its outputs."""


def _whole(network: Network) -> _Ports:
    free = {0: "n", 2: "height", 3: "width"}
    colors = 3 if network.color == "rgb" else 1
    kind = "RGB" if colors == 3 else "luma"
    frames = "" if network.seen == 1 else f" of {network.seen} frames, the middle one is restored"
    picture = Described(
        "picture",
        f"(n, {colors * network.seen}, height, width) float32 in [0, 1]: {kind}{frames}",
        free,
    )
    large = Described(
        "large",
        f"(n, {colors}, {network.scale}*height, {network.scale}*width) float32, about [0, 1]: "
        f"{kind}",
        {0: "n", 2: "large_height", 3: "large_width"},
    )
    given = _grey(2, colors * network.seen)
    return network, (given,), [picture], [large]


def _grey(*counts: int) -> Tensor:
    """Something to trace with: what is recorded does not depend on it."""
    return torch.full((*counts, *_SIDES), 0.5)


class _Step(nn.Module):
    """A recurrent network's step, from tensors to tensors."""

    def __init__(self, network: Recurrent) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        frames: Tensor,
        quality: Tensor,
        previous: Tensor,
        hidden: Tensor,
        detail: Tensor,
        still: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        phases, after = self.network.step(frames, State(previous, hidden, detail, still), quality)
        large = F.pixel_shuffle(phases, self.network.scale)
        return large, after.previous.clone(), after.hidden, after.detail, after.still


def _step(network: Recurrent) -> _Ports:
    free = {2: "height", 3: "width"}
    phases = network.scale**2
    state = [
        (1, "previous", "the frame before; of a shot's first frame itself"),
        (network.hidden, "hidden", "of the trunk; zeros to begin with"),
        (phases, "detail", "what was added to bicubic, before its pixel shuffle; zeros"),
        (1, "still", "for how many frames a pixel has stood still; zeros"),
    ]
    planes = [
        (1 + network.future, "frames", "luma in [0, 1]: the frame, and those that come next"),
        *state,
    ]
    inputs = [
        Described(name, f"(1, {channels}, height, width) float32: {means}", free)
        for channels, name, means in planes
    ]
    quality = Described(
        "quality",
        f"(1, {QUALITY_PLANES}, 1, 1) float32: the quantiser of H.264 that coded the source over "
        "51, and the deviation of its noise over 25 of 255; zeros for a flawless one",
        {},
    )
    inputs.insert(1, quality)
    large = Described(
        "large",
        f"(1, 1, {network.scale}*height, {network.scale}*width) float32, about [0, 1]: luma",
        {2: "large_height", 3: "large_width"},
    )
    after = [
        Described(f"next_{name}", f"(1, {channels}, height, width) float32: the next {name}", free)
        for channels, name, _ in state
    ]
    given = [_grey(1, channels) for channels, _, _ in planes]
    given.insert(1, torch.zeros(1, QUALITY_PLANES, 1, 1))
    return _Step(network), tuple(given), inputs, [large, *after]


def _exported(
    traced: nn.Module,
    given: tuple[Tensor, ...],
    inputs: Sequence[Described],
    outputs: Sequence[Described],
    name: str,
) -> bytes:
    file: Any = io.BytesIO()  # which the exporter takes, but its annotation does not know
    ports = [*inputs, *outputs]
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old age, and of constants that are meant to be
            torch.onnx.export(
                traced,
                given,
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=[one.name for one in inputs],
                output_names=[one.name for one in outputs],
                dynamic_axes={one.name: dict(one.free) for one in ports if one.free},
            )
    except Exception as error:  # torch's exporter raises of all kinds
        raise ModelError(f"model {name}: torch cannot export it ({one_line(error, 200)})") from None
    exported: bytes = file.getvalue()
    return exported


def _with_facts(
    data: bytes, facts: Mapping[str, object], described: Mapping[str, str], means: str
) -> bytes:
    """The file with all that it says of itself."""
    try:
        import onnx  # of an extra
    except ImportError:
        raise ModelError("an export needs more: pip install 'vsr-video[onnx]'") from None
    model: ModelProto = onnx.ModelProto.FromString(data)
    model.producer_name, model.producer_version, model.doc_string = "vsr", VERSION, means
    model.graph.name = "vsr"
    for port in (*model.graph.input, *model.graph.output):
        port.doc_string = described[port.name]
    model.metadata_props.add(key=METADATA, value=json.dumps(facts))
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written
