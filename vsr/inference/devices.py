"""What each type of device is: one table, from which all that differs between them is read.

Torch is asked through `torch.accelerator` where that serves all types alike, and through the type's
own module, such as `torch.xpu`, for the rest. AMD's GPUs are "cuda" here, as torch's ROCm builds
have it. Of the types in the table CPUs alone have been run; the others are covered by doubles.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from vsr.core.errors import DeviceError
from vsr.inference.openvino_runtime import gpu, gpu_title, why_no_gpu
from vsr.util.text import shown


@dataclass(frozen=True)
class DeviceType:
    """What holds for all devices of a type.

    Attributes:
        name: as the option has it; torch's own but for "igpu".
        called: what people call one of them.
        half: the precision that "auto" takes; on CPUs where they have instructions for it.
        precisions: those that it can compute in, the most exact first.
        count: tells how many there are.
        why_none: tells, where there is none, why, in more words than their number.
        on_cores: whether it is the CPU: frames, or parts of them, get a core each.
        on_host: whether tensors stay in the host's memory.
        memory_format: of the networks' weights.
        streams: whether copies and computing overlap, each on a stream of its own.
        compiles: whether torch.compile makes kernels for it.
        graphs: whether a recurrent network's cell is captured once and then replayed.
        take_turns: whether several may share the frames of a video.
        drawn_ahead: steps that training draws ahead; a CPU has no core to spare for it.
        shares_memory: whether its memory is the host's, too.
        free: tells the bytes that can still be had on one; None where it has the host's memory.
        signs: what its errors say where memory ran out.
    """

    name: str
    called: str
    half: str
    precisions: tuple[str, ...]
    count: Callable[[], int]
    why_none: Callable[[], str] | None = None
    on_cores: bool = False
    on_host: bool = False
    memory_format: torch.memory_format = torch.channels_last
    streams: bool = False
    compiles: bool = False
    graphs: bool = False
    take_turns: bool = False
    drawn_ahead: int = 0
    shares_memory: bool = False
    free: Callable[[torch.device], int] | None = None
    signs: tuple[str, ...] = ()


def _cuda_count() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _xpu_count() -> int:
    return torch.xpu.device_count() if torch.xpu.is_available() else 0


def _mps_count() -> int:
    return 1 if torch.backends.mps.is_available() else 0


def _cuda_free(device: torch.device) -> int:
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _xpu_free(device: torch.device) -> int:
    taken = torch.xpu.memory_allocated(device)
    try:
        free, _ = torch.xpu.mem_get_info(device)
    except RuntimeError:  # drivers need not tell
        return int(torch.xpu.get_device_properties(device).total_memory) - taken
    return int(free) + torch.xpu.memory_reserved(device) - taken


def _mps_free(_device: torch.device) -> int:
    return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()


DEVICE_TYPES = {
    kind.name: kind
    for kind in (
        DeviceType(
            "cpu",
            "CPU",
            "bf16",
            ("fp32", "bf16", "int8"),
            lambda: 1,
            on_cores=True,
            on_host=True,
            compiles=True,
            signs=(
                "out of memory",
                "can't allocate memory",
                "not enough memory",
                "bad_alloc",
                "could not create a ",  # of oneDNN: memory, or a primitive that needs some
            ),
        ),
        DeviceType(
            "cuda",
            "CUDA GPU",
            "fp16",
            ("fp32", "bf16", "fp16"),
            _cuda_count,
            streams=True,
            compiles=True,
            graphs=True,
            take_turns=True,
            drawn_ahead=4,
            free=_cuda_free,
            signs=("out of memory", "ALLOC_FAILED"),
        ),
        DeviceType(
            "xpu",
            "Intel GPU",
            "fp16",
            ("fp32", "bf16", "fp16"),
            _xpu_count,
            compiles=True,
            take_turns=True,
            drawn_ahead=4,
            free=_xpu_free,
            signs=("out of memory", "OUT_OF_DEVICE_MEMORY", "OUT_OF_RESOURCES"),
        ),
        DeviceType(
            "mps",
            "Apple GPU",
            "fp16",
            ("fp32", "fp16"),
            _mps_count,
            memory_format=torch.contiguous_format,
            drawn_ahead=4,
            shares_memory=True,
            free=_mps_free,
            signs=("out of memory", "Invalid buffer size"),
        ),
        DeviceType(
            "igpu",
            "integrated Intel GPU by OpenVINO",
            "fp16",
            ("fp32", "fp16"),
            lambda: 1 if gpu() else 0,
            why_none=why_no_gpu,
            on_host=True,
            signs=("CL_OUT_OF", "CL_MEM_OBJECT_ALLOCATION_FAILURE", "Exceeded max size of memory"),
        ),
    )
}
"""All types that vsr knows, by the names that `--device` takes."""

ALLOWED = "auto, cpu, cuda, cuda:N, mps, xpu, xpu:N or igpu"
_NAME = re.compile(r"[a-z]+(:[0-9]{1,5})?", re.ASCII)
_NUMBERED = ("cuda", "xpu")  # of which a machine may have several
_PLACES = {"igpu": torch.device("cpu", 99)}  # a place of its own in the host's memory


def type_of(device: torch.device) -> DeviceType:
    """The table's row for a device of torch's, or for `named("igpu")`."""
    return DEVICE_TYPES[_type_name(device)]


def _type_name(device: torch.device) -> str:
    """igpu has tensors on the CPU, under a number that no CPU has."""
    return next((name for name, place in _PLACES.items() if place == device), device.type)


def name_of(device: torch.device) -> str:
    """As `--device` takes it: "cpu", "cuda:0", "mps" or "igpu"."""
    kind = type_of(device)
    return kind.name if kind.name not in _NUMBERED else str(device)


def named(name: str) -> torch.device:
    """The device that an option's part names, "auto" apart. Raises DeviceError."""
    kind, _, digits = name.partition(":")
    known = DEVICE_TYPES.get(kind)
    if known is None or not _NAME.fullmatch(name) or (kind not in _NUMBERED and int(digits or 0)):
        raise DeviceError(f"unknown device {shown(name)}: {ALLOWED}")
    index, count = int(digits or 0), known.count()
    if index >= count:
        why = known.why_none() if known.why_none else f"this machine has {count} {known.called}s"
        raise DeviceError(f"device {shown(name)} is not there: {why}")
    if kind in _PLACES:
        return _PLACES[kind]
    return torch.device(kind, index) if kind in _NUMBERED else torch.device(kind)


def title(device: torch.device) -> str:
    """The name that its maker gave it, and its own: "NVIDIA H200 (cuda:0)"."""
    kind, name = type_of(device), name_of(device)
    if kind.on_cores:
        return name
    if kind.name == "igpu":
        return f"{gpu_title()} ({name})"
    module = _module(device)
    made = module.get_device_name(device) if hasattr(module, "get_device_name") else kind.called
    return f"{made} ({name})"


def synchronise(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if not type_of(device).on_host:
        torch.accelerator.synchronize(device)


def release(device: torch.device) -> None:
    """Give cached memory of a GPU back to its driver, so that smaller pieces can be had."""
    if not type_of(device).on_host:
        synchronise(device)  # what streams still use is freed after it
        _module(device).empty_cache()


def free_on(device: torch.device) -> int | None:
    """Bytes that can still be had in a device's own memory; None where it has the host's."""
    free = type_of(device).free
    return None if free is None else max(0, free(device))


def says_out_of_memory(text: str) -> bool:
    """Whether an error's text is some device's way of refusing memory."""
    return any(sign in text for kind in DEVICE_TYPES.values() for sign in kind.signs)


def exact_kernels(device: torch.device) -> AbstractContextManager[object]:
    """All frames have one size, so trying out kernels pays; float32 means float32."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)


def _module(device: torch.device) -> Any:
    return getattr(torch, type_of(device).name)
