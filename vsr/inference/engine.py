"""Where and how a network runs: the one interface to CPUs and GPUs."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from vsr.core.crop import Box
from vsr.core.errors import DeviceError, ModelError
from vsr.core.frame import Frame, VideoInfo
from vsr.core.geometry import Geometry
from vsr.core.options import COMPUTE_DEFAULTS, ComputeOptions
from vsr.core.quality import FLAWLESS, Quality
from vsr.core.threads import cores_of
from vsr.inference.cpu_workers import side_by_side
from vsr.inference.cuda_streams import in_batches
from vsr.inference.ensemble import SelfEnsemble
from vsr.inference.recurrent_tiles import RecurrentTiler, Told
from vsr.inference.step_by_step import step_by_step
from vsr.inference.steps import steps
from vsr.inference.strength import PartialDetail
from vsr.inference.tiles import Tiler, largest_tile
from vsr.inference.upscaler import Enlarger
from vsr.inference.windows import windows
from vsr.networks import Network
from vsr.networks.int8 import quantized
from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import Model
from vsr.util.text import shown

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
        devices: the CPU, or GPUs that take turns.
        precision: "fp32", "bf16", "fp16" or "int8", for the convolutions; the rest is float32.
        workers: frames computed side by side on a CPU, each on one core.
        tile: side of the tiles in small pixels; 0 for whole frames, None for what memory bears.
        self_ensemble: whether each frame is the mean over its eight positions.
        detail: the share of the network's detail over bicubic that is kept.
        compiled: whether torch.compile makes kernels for the network.
    """

    devices: tuple[torch.device, ...]
    precision: str
    workers: int
    tile: int | None = None
    self_ensemble: bool = False
    compiled: bool = False
    detail: float = 1.0

    @property
    def device(self) -> torch.device:
        """The first of the devices."""
        return self.devices[0]


def choose_engine(options: ComputeOptions = COMPUTE_DEFAULTS) -> Engine:
    """Pick devices and precision. Raises DeviceError for what this machine has not.

    "auto" is the first GPU where there is one; half precision on a GPU, bfloat16 on a CPU with
    instructions for it, else float32.
    """
    precision: str = options.precision
    devices = tuple(_device(name.strip()) for name in options.device.split(","))
    if len(set(devices)) < len(devices) or (len(devices) > 1 and "cpu" in map(str, devices)):
        raise DeviceError(f"device {options.device!r}: several must be different GPUs")
    if precision == "auto":
        gpu = devices[0].type == "cuda"
        precision = "fp16" if gpu else "bf16" if _cpu_has_bf16() else "fp32"
    if precision == "fp16" and devices[0].type == "cpu":
        raise DeviceError("precision fp16 needs a GPU: on the CPU choose bf16 or fp32")
    if precision == "int8" and (devices[0].type != "cpu" or not _cpu_has_int8()):
        raise DeviceError("precision int8 needs a CPU with VNNI instructions: choose another")
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
    )


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
    """
    first = networks[0]
    if isinstance(first, Recurrent):
        at_once = engine.workers if engine.device.type == "cpu" else 1
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
    at_once = engine.workers if engine.device.type == "cpu" else 2
    size = engine.tile
    if not first.local:
        if size:
            warn(f"tile {size}: this network takes means over whole pictures, and works on those")
        size = 0
    elif size is None:
        size = largest_tile(enlargers[0], at_once, box, geometry)
    tilers = [Tiler(enlarger, size, warn, box, geometry) for enlarger in enlargers]
    if engine.device.type == "cpu":
        yield from side_by_side(seen, tilers[0], engine.workers)
    else:
        batch = max(1, _BATCH_PIXELS // tilers[0].part.seen_pixels)
        yield from in_batches(seen, tilers, batch)


def prepared(network: Network, engine: Engine, device: torch.device | None = None) -> Network:
    """A copy of the network for the engine's precision, on a device, by default its first."""
    if network.state_channels and engine.self_ensemble:
        raise ModelError("self-ensemble is for networks without a state: take another model")
    ready = copy.deepcopy(network).to(device or engine.device).eval().requires_grad_(False)
    if engine.precision == "int8":
        ready = quantized(ready)
    for parameter in ready.parameters():  # buffers hold exact interpolation weights: float32
        layout = torch.channels_last if parameter.ndim == 4 else torch.contiguous_format
        converted = parameter.data.to(PRECISIONS[engine.precision])
        parameter.data = converted.contiguous(memory_format=layout)
    if engine.compiled:
        _compile(ready)
    if engine.self_ensemble:
        ready = SelfEnsemble(ready)
    if engine.detail < 1 and not network.state_channels:
        ready = PartialDetail(ready, engine.detail)
    return ready


def _compile(network: Network) -> None:
    """Let torch.compile make the kernels of what is called of a network."""
    if isinstance(network, Recurrent):
        network.cell = torch.compile(network.cell, dynamic=False)  # type: ignore[method-assign]
        return
    network.compile(dynamic=False)
    network.subpixel = torch.compile(network.subpixel, dynamic=False)  # type: ignore[method-assign]


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise DeviceError(f"unknown device {shown(name)}: auto, cpu, cuda or cuda:N")
    if device.type == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = device.index or 0
    if index >= count:
        raise DeviceError(f"device {name!r} is not there: this machine has {count} CUDA GPUs")
    return torch.device("cuda", index)


def _has_compiler(device: torch.device) -> bool:
    if device.type == "cuda":
        return find_spec("triton") is not None
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++", "cl"))


def _cpu_has_int8() -> bool:
    has_vnni = getattr(torch.cpu, "_is_vnni_supported", bool)()
    return has_vnni and hasattr(torch.ops.onednn, "qconv2d_pointwise")


def _cpu_has_bf16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)
