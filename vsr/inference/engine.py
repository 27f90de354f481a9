"""Where and how a network runs: device, precision, and frames side by side on CPU cores."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from vsr.errors import DeviceError
from vsr.inference.memory import keep_freed_memory
from vsr.inference.windows import Window
from vsr.networks import Network
from vsr.networks.catalogue import Model
from vsr.resample import to_samples
from vsr.threads import cores
from vsr.video.color import enlarge_chroma
from vsr.video.frame import Frame, Plane, VideoInfo

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Engine:
    """The choice made: where the convolutions run, and in what numbers.

    Attributes:
        device: CPU or one GPU.
        precision: "fp32", "bf16" or "fp16", for the convolutions; the rest is float32.
        workers: frames computed side by side. On a CPU each takes one core: no core ever
            waits for another, as it would where all share one frame.
    """

    device: torch.device
    precision: str
    workers: int


def choose_engine(device: str = "auto", precision: str = "auto") -> Engine:
    """Pick the device and precision. Raises DeviceError for what this machine has not.

    "auto" is the first GPU where there is one; half precision on a GPU, bfloat16 on a CPU
    with instructions for it, else float32.
    """
    if precision not in ("auto", *PRECISIONS):
        raise DeviceError(f"unknown precision {precision!r}: auto, {', '.join(PRECISIONS)}")
    chosen = _device(device)
    if precision == "auto":
        fast = "fp16" if chosen.type == "cuda" else "bf16" if _cpu_has_bf16() else "fp32"
        precision = fast
    if precision == "fp16" and chosen.type == "cpu":
        raise DeviceError("precision fp16 needs a GPU: on the CPU choose bf16 or fp32")
    return Engine(chosen, precision, cores() if chosen.type == "cpu" else 1)


def restore(
    windows: Iterator[Window], info: VideoInfo, model: Model, engine: Engine
) -> Iterator[Frame]:
    """A frame for each time of each window, in order: luma by the network, chroma bicubically.

    `info` describes the frames that go in. At most `workers` + 1 windows are held.
    """
    network = prepared(model.network, engine)

    def enlarged(window: Window) -> tuple[Plane, ...]:
        seen = [frame.planes[0] for frame in window.frames]
        luma = enlarge_luma(network, seen, info.format.peak, engine.device)
        return (luma, *enlarge_chroma(window.centre.planes[1:], info, model.scale))

    yield from _side_by_side(enlarged, windows, engine)


def prepared(network: Network, engine: Engine) -> Network:
    """A copy of the network for the engine's device and precision."""
    ready = copy.deepcopy(network).to(engine.device).eval().requires_grad_(False)
    for parameter in ready.parameters():  # buffers hold exact interpolation weights: float32
        layout = torch.channels_last if parameter.ndim == 4 else torch.contiguous_format
        converted = parameter.data.to(PRECISIONS[engine.precision])
        parameter.data = converted.contiguous(memory_format=layout)
    return ready


@torch.inference_mode()
def enlarge_luma(
    network: Network, planes: Sequence[Plane], peak: int, device: torch.device
) -> Plane:
    """The 2 * context + 1 planes of a window -> the middle one enlarged, same dtype, rounded.

    Planes are (H, W) samples in 0..peak, oldest first; the result is (scale*H, scale*W).
    """
    x = torch.from_numpy(np.stack(planes)).to(device).to(torch.float32)[None].div_(peak)
    large: Plane = to_samples(network.phases(x).mul_(peak), network.scale, peak)[0]
    return large


def _side_by_side(
    work: Callable[[Window], tuple[Plane, ...]], windows: Iterator[Window], engine: Engine
) -> Iterator[Frame]:
    before = torch.get_num_threads()
    if engine.device.type == "cpu":
        keep_freed_memory()
        torch.set_num_threads(1)  # new threads begin with it too
    pool = ThreadPoolExecutor(engine.workers, thread_name_prefix="vsr-network")
    running: deque[tuple[Window, Future[tuple[Plane, ...]]]] = deque()
    try:
        for window in windows:
            if running and running[-1][0].frames is window.frames:
                planes = running[-1][1]  # the same picture again
            else:
                planes = pool.submit(work, window)
            running.append((window, planes))
            if len(running) > engine.workers:
                yield from _shown(*running.popleft())
        while running:
            yield from _shown(*running.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def _shown(window: Window, planes: Future[tuple[Plane, ...]]) -> Iterator[Frame]:
    for pts, duration in window.times:
        yield Frame(planes.result(), pts, duration)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise DeviceError(f"unknown device {name!r}: auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise DeviceError(f"device {name!r} is not there: this machine has {count} CUDA GPUs")
    return device


def _cpu_has_bf16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)
