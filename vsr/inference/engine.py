"""Where and how a network runs: the one interface to CPUs and GPUs."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec

import torch

from vsr.core.crop import Box
from vsr.core.errors import DeviceError
from vsr.core.frame import Frame, VideoInfo
from vsr.core.geometry import Geometry
from vsr.core.options import COMPUTE_DEFAULTS, ComputeOptions
from vsr.core.quality import FLAWLESS, Quality
from vsr.core.threads import cores_of
from vsr.inference.bench_answer import Answer, kept_answer
from vsr.inference.compiling import compile_network, telling_of_compilers
from vsr.inference.cpu_workers import side_by_side
from vsr.inference.cuda_graph import replay_cell
from vsr.inference.cuda_streams import in_batches
from vsr.inference.devices import DEVICE_TYPES, DeviceType, name_of, named, type_of
from vsr.inference.ensemble import SelfEnsemble
from vsr.inference.openvino_runtime import on_openvino
from vsr.inference.recurrent_ensemble import RecurrentEnsemble
from vsr.inference.recurrent_tiles import RecurrentTiler, Told
from vsr.inference.step_by_step import step_by_step
from vsr.inference.steps import steps
from vsr.inference.strength import PartialDetail
from vsr.inference.tiles import Tiler, largest_tile
from vsr.inference.upscaler import Enlarger
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.networks.int8 import quantized
from vsr.networks.model import Model
from vsr.networks.recurrent import Recurrent

PRECISIONS = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.bfloat16,  # of all that is not in int8
}
_BATCH_PIXELS = 2**20  # a GPU is busy with so many small pixels at once


@dataclass(frozen=True)
class Engine:
    """The choice made: where the convolutions run, and in what numbers.

    Attributes:
        devices: the CPU, or GPUs that take turns; as `vsr.inference.devices` names them.
        precision: "fp32", "bf16", "fp16" or "int8", for the convolutions; the rest is float32.
        workers: frames computed side by side on a CPU, each on one core.
        tile: side of the tiles in small pixels; 0 for whole frames, None for what memory bears.
        self_ensemble: whether each frame is the mean over its eight positions.
        detail: the share of the network's detail over bicubic that is kept.
        compiled: whether torch.compile makes kernels for the network.
        measured: the day on which `vsr bench` found this device and precision to be the fastest,
            "" where that did not choose them.
        precision_asked: whether the precision was named, and not picked.
    """

    devices: tuple[torch.device, ...]
    precision: str
    workers: int
    tile: int | None = None
    self_ensemble: bool = False
    compiled: bool = False
    detail: float = 1.0
    measured: str = ""
    precision_asked: bool = False

    @property
    def kind(self) -> DeviceType:
        """What holds for the devices, which are of one type."""
        return type_of(self.device)

    @property
    def name(self) -> str:
        """The devices as the option takes them: "cpu", "cuda:0,cuda:1"."""
        return ",".join(map(name_of, self.devices))

    @property
    def at_once(self) -> int:
        """Frames, or parts of them, that are in work on a device at a time."""
        return self.workers if self.kind.on_cores else 2

    @property
    def device(self) -> torch.device:
        """The first of the devices."""
        return self.devices[0]


def choose_engine(options: ComputeOptions = COMPUTE_DEFAULTS) -> Engine:
    """Pick devices and precision. Raises DeviceError for what this machine has not.

    "auto" is what `vsr bench` found to be the fastest on this machine, where it has been run; else
    the first CUDA GPU, or the CPU. Precision is then half on a GPU, bfloat16 on a CPU with
    instructions for it, else float32.
    """
    precision: str = options.precision
    answer = _measured(options)
    devices: tuple[torch.device, ...]
    if answer is not None:
        devices = (named(answer.device),)
        precision = answer.precision if precision == "auto" else precision
    else:
        devices = tuple(_device(name.strip()) for name in options.device.split(","))
    kind = type_of(devices[0])
    if len(devices) > 1 and not _can_take_turns(devices):
        raise DeviceError(f"device {options.device!r}: several must be different GPUs of one type")
    if precision == "auto":
        precision = usual_precision(kind)
    if precision == "fp16" and kind.on_cores:
        raise DeviceError("precision fp16 needs a GPU: on the CPU choose bf16 or fp32")
    if precision == "int8" and not (kind.on_cores and _cpu_has_int8()):
        raise DeviceError("precision int8 needs a CPU with VNNI instructions: choose another")
    if precision not in kind.precisions:
        allowed = " or ".join(kind.precisions)
        raise DeviceError(f"precision {precision} is not for device {kind.name}: choose {allowed}")
    if options.compiled and not _has_compiler(devices[0]):
        raise DeviceError("compiling needs a C++ compiler on CPUs and Triton on GPUs: none found")
    return Engine(
        devices,
        precision,
        cores_of(options.threads),
        options.tile,
        options.self_ensemble,
        options.compiled,
        options.strength / 100,
        "" if answer is None else answer.day,
        options.precision != "auto",
    )


def usual_precision(kind: DeviceType) -> str:
    """What "auto" takes on a type of device."""
    return "fp32" if kind.on_cores and not _cpu_has_bf16() else kind.half


def torch_device(name: str) -> torch.device:
    """The first device of an option, for what learns on it. Raises DeviceError for others."""
    device = choose_engine(ComputeOptions(device=name)).device
    if type_of(device).name != device.type:
        raise DeviceError(f"device {name!r} enlarges, and does not learn: choose another")
    return device


def _measured(options: ComputeOptions) -> Answer | None:
    """What `vsr bench` has found, where it has a say in these options."""
    if options.device != "auto" or options.compiled:
        return None
    answer = kept_answer()
    if answer is None or options.precision in ("auto", answer.precision):
        return answer
    return answer if options.precision in DEVICE_TYPES[answer.kind].precisions else None


def _can_take_turns(devices: tuple[torch.device, ...]) -> bool:
    different = len(set(devices)) == len(devices)
    return different and len(set(map(type_of, devices))) == 1 and type_of(devices[0]).take_turns


def restore(
    frames: Iterator[Frame],
    info: VideoInfo,
    model: Model,
    engine: Engine,
    warn: Callable[[str], None] = lambda message: None,
    box: Box | None = None,
    quality: Quality = FLAWLESS,
    geometry: Geometry | None = None,
) -> Iterator[Frame]:
    """`restore_by` with copies of the model's network, made for this call."""
    networks = copies(model.network, engine)
    return restore_by(networks, frames, info, engine, warn, box, quality, geometry)


def copies(network: Network, engine: Engine) -> list[Network]:
    """The network as each of the engine's devices needs it. Nothing changes them any more."""
    return [prepared(network, engine, device) for device in engine.devices]


def restore_by(
    networks: Sequence[Network],
    frames: Iterator[Frame],
    info: VideoInfo,
    engine: Engine,
    warn: Callable[[str], None] = lambda message: None,
    box: Box | None = None,
    quality: Quality = FLAWLESS,
    geometry: Geometry | None = None,
) -> Iterator[Frame]:
    """An enlarged frame for each of the span, in order: of all of it, or of the part in `box`.

    Args:
        networks: the `copies` for the engine; several calls may share them.
        frames: with shots marked, and with the context that the network sees.
        info: what holds for the frames that go in.
        engine: where and how to run.
        warn: told, in one line, when memory does not suffice and smaller tiles are taken, of which
            no frame is lost, or when tiles are asked for that the network cannot work in.
        box: as `CropRegion.inside` gives it. The part is, in float32 on a CPU to the bit, what
            would be cut out of the whole frame; with a recurrent network nearly so, see
            `vsr.inference.recurrent_tiles`.
        quality: what a recurrent network is told of the source.
        geometry: the large picture, where that is not just `box` enlarged by the network: which
            part it shows, and how large. One reduction, before samples are rounded, makes it.

    Raises DeviceError where memory does not suffice, or torch.compile fails.
    """
    with telling_of_compilers() if engine.compiled else nullcontext():
        yield from _restored(networks, frames, info, engine, warn, box, quality, geometry)


def _restored(
    networks: Sequence[Network],
    frames: Iterator[Frame],
    info: VideoInfo,
    engine: Engine,
    warn: Callable[[str], None],
    box: Box | None,
    quality: Quality,
    geometry: Geometry | None,
) -> Iterator[Frame]:
    first = networks[0]
    if isinstance(first, Recurrent):
        at_once = engine.workers if engine.kind.on_cores else 1
        told = Told(quality, engine.detail)
        tiler = RecurrentTiler(
            first, info, engine.device, at_once, engine.tile, told, warn, box, geometry
        )
        taken = steps(frames, first.future, first.warmup, info.time_base)
        yield from step_by_step(taken, tiler, at_once)
        return
    seen = windows(frames, first.context)
    enlargers = [
        Enlarger(network, info, device)
        for network, device in zip(networks, engine.devices, strict=True)
    ]
    size = engine.tile
    if not first.local:
        if size:
            warn(f"tile {size}: this network takes means over whole pictures, and works on those")
        size = 0
    elif first.runtime and first.runtime.tiles:
        size = 0
    elif size is None:
        size = largest_tile(enlargers[0], engine.at_once, box, geometry)
    tilers = [Tiler(enlarger, size, warn, box, geometry) for enlarger in enlargers]
    if engine.kind.on_host:
        yield from side_by_side(seen, tilers[0], engine.at_once)
    else:
        batch = max(1, _BATCH_PIXELS // tilers[0].part.seen_pixels)
        yield from in_batches(seen, tilers, batch)


def prepared(network: Network, engine: Engine, device: torch.device | None = None) -> Network:
    """A copy of the network for the engine's precision, on a device, by default its first."""
    if engine.compiled and network.runtime:
        raise DeviceError("compiling is for networks that torch runs: an ONNX file is none")
    engine = suiting(engine, network)
    device = engine.device if device is None else device
    ready = copy.deepcopy(network).to(device).eval().requires_grad_(False)
    kind = type_of(device)
    if kind.name == "igpu":
        ready = on_openvino(ready, engine.precision)
    else:
        if engine.precision == "int8":
            ready = quantized(ready)
        ready.to_numbers(PRECISIONS[engine.precision], kind.memory_format)
    if engine.compiled:
        compile_network(ready)
    elif kind.graphs:
        replay_cell(ready)
    if engine.self_ensemble:
        ready = RecurrentEnsemble(ready) if isinstance(ready, Recurrent) else SelfEnsemble(ready)
    if engine.detail < 1 and not network.state_channels:
        ready = PartialDetail(ready, engine.detail)
    return ready


def suiting(engine: Engine, network: Network) -> Engine:
    """The engine at a precision that the network bears.

    Raises DeviceError where another one was asked for, and for a device that cannot take it.
    """
    if engine.kind.name == "igpu" and not network.traceable:
        raise DeviceError("device igpu is for vsr's own networks: choose another for this model")
    if engine.precision in network.precisions:
        return engine
    if engine.precision_asked:
        allowed = ", ".join(network.precisions)
        raise DeviceError(f"precision {engine.precision}: the model bears {allowed}")
    has_bf16 = engine.device.type != "cuda" or torch.cuda.is_bf16_supported()
    bears = "bf16" in network.precisions and "bf16" in engine.kind.precisions and has_bf16
    return replace(engine, precision="bf16" if bears else "fp32")


def _device(name: str) -> torch.device:
    return named(name if name != "auto" else "cuda" if DEVICE_TYPES["cuda"].count() else "cpu")


def _has_compiler(device: torch.device) -> bool:
    kind = type_of(device)
    if kind.on_cores:
        return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++", "cl"))
    return kind.compiles and find_spec("triton") is not None


def _cpu_has_int8() -> bool:
    has_vnni = getattr(torch.cpu, "_is_vnni_supported", bool)()
    return has_vnni and hasattr(torch.ops.onednn, "qconv2d_pointwise")


def _cpu_has_bf16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)
