"""How much of a CPU's arithmetic each network uses, and what others make of the same network.

    pip install -e ".[bench]"
    python benchmarks/rates.py [--models espcn,vespcn] [--rounds 5] [--peers openvino,opencv]

480x270 luma to 1920x1080, all cores, everything measured in turns in one run:

- matmul: the bfloat16 matrix product of torch that is fastest among three sizes, in GMAC/s.
- stage: `vsr.inference.restore` on frames in memory, chroma and rounding included.
- network: the network alone, frames side by side, from float32 to float32.
- int8: the network alone, in that precision.
- openvino: the same network in OpenVINO, bfloat16, as many requests at once as it likes.
- opencv: the same convolutions in OpenCV's dnn, one frame on all cores; for ESPCN alone.
- compile: the network alone after torch.compile, which needs a C++ compiler.

Rates are the network's multiplications (as `vsr models` lists them) times frames a second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from throughput import onnx_file
from torch import Tensor

import vsr
from vsr.core.errors import DeviceError
from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.core.options import ComputeOptions
from vsr.core.threads import cores
from vsr.inference.engine import Engine, choose_engine, prepared, restore
from vsr.inference.memory import keep_freed_memory
from vsr.networks import Network
from vsr.networks.cost import cost
from vsr.networks.espcn import Espcn
from vsr.networks.model import Model

WIDTH, HEIGHT, SCALE = 480, 270, 4
INFO = VideoInfo(
    WIDTH, HEIGHT, Fraction(1, 25), PIXEL_FORMATS["yuv420p"], ColorTags(1, 1, 1, 1, "left")
)
Run = Callable[[], float]
"""Does its work once, and returns frames (of the matrix product: multiplications) a second."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="espcn,espcn-deep,vespcn", help="names, by commas")
    parser.add_argument("--peers", default="int8,openvino,opencv,compile", help="by commas")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    keep_freed_memory()
    frames = moving(options.frames)
    print(f"| {WIDTH}x{HEIGHT} x{SCALE}, {cores()} cores | fps | GMAC/s | of matmul | of vsr's |")
    print("|---|---|---|---|---|")
    for name in options.models.split(","):
        model = vsr.load_model(name, SCALE)
        runs = {"matmul": matmul(), "stage": stage(model, frames), "network": alone(model, frames)}
        for peer in filter(None, options.peers.split(",")):
            run = PEERS[peer](model, frames)
            if run is not None:
                runs[peer] = run
        found: dict[str, list[float]] = {label: [] for label in runs}
        for _ in range(options.rounds):
            for label, run in runs.items():
                found[label].append(run())
        report(model, {label: statistics.median(rates) for label, rates in found.items()})


def report(model: Model, rates: dict[str, float]) -> None:
    macs = cost(model.network).macs / 1e9
    peak = rates.pop("matmul") / 1e9
    print(f"| matmul | | {peak:.0f} | 1.00 | |")
    for label, fps in rates.items():
        against = fps / rates["network"]
        print(
            f"| {model.name} {label} | {fps:.1f} | {fps * macs:.0f} | {fps * macs / peak:.2f} "
            f"| {against:.2f} |",
            flush=True,
        )


def moving(count: int) -> list[Frame]:
    """Frames in memory, no two alike."""
    random = np.random.default_rng(1)
    made = []
    for number in range(count):
        planes = []
        for index in range(3):
            rows, columns = INFO.format.plane_size(index, WIDTH, HEIGHT)
            y, x = np.mgrid[0:rows, 0:columns]
            wave = 120 + 80 * np.sin((x + 2 * number) / 9) * np.cos((y - number) / 11)
            planes.append((wave + random.integers(0, 8, wave.shape)).astype(np.uint8))
        made.append(Frame(tuple(planes), number, 1))
    return made


def rate(work: Callable[[], Any], amount: float) -> float:
    start = time.perf_counter()
    work()
    return amount / (time.perf_counter() - start)


def matmul() -> Run:
    sides = (1024, 2048, 4096)
    pairs = [tuple(torch.randn(n, n).bfloat16() for _ in range(2)) for n in sides]

    def run() -> float:
        torch.set_num_threads(cores())
        best = 0.0
        for (a, b), n in zip(pairs, sides, strict=True):
            times = max(1, 4096**3 // n**3)

            def products(a: Tensor = a, b: Tensor = b, times: int = times) -> None:
                for _ in range(times):
                    torch.mm(a, b)

            best = max(best, rate(products, times * n**3))
        return best

    return run


def stage(model: Model, frames: list[Frame]) -> Run:
    engine = choose_engine(ComputeOptions(device="cpu"))

    def work() -> None:
        for _ in restore(iter(frames), INFO, model, engine):
            pass

    return lambda: rate(work, len(frames))


def inputs(network: Network, frames: list[Frame]) -> list[Tensor]:
    """What the network sees, (1, T, H, W) float32."""
    count = (2 * network.context + 1) * (3 if network.color == "rgb" else 1)
    luma = [torch.from_numpy(frame.planes[0]).float() / 255 for frame in frames]
    return [
        torch.stack([luma[(n + t) % len(luma)] for t in range(count)])[None]
        for n in range(len(luma))
    ]


def side_by_side(work: Callable[[Tensor], Any], given: Iterable[Tensor]) -> None:
    torch.set_num_threads(1)

    def one(x: Tensor) -> None:
        with torch.inference_mode():
            work(x)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(one, given))


def alone(model: Model, frames: list[Frame], engine: Engine | None = None) -> Run:
    network = prepared(model.network, engine or choose_engine(ComputeOptions(device="cpu")))
    given = inputs(network, frames)
    return lambda: rate(lambda: side_by_side(of(network), given), len(given))


def of(network: Network) -> Callable[[Tensor], Tensor]:
    """A luma network without its pixel shuffle, which the stage does on bytes."""
    return network.subpixel if network.color == "y" else network


def int8(model: Model, frames: list[Frame]) -> Run | None:
    try:
        return alone(model, frames, choose_engine(ComputeOptions(device="cpu", precision="int8")))
    except DeviceError as error:
        print(f"int8: {error}")
        return None


def compiled(model: Model, frames: list[Frame]) -> Run:
    network = prepared(model.network, choose_engine(ComputeOptions(device="cpu")))
    phases = torch.compile(of(network), dynamic=False)
    given = inputs(network, frames)
    side_by_side(phases, given[:2])
    return lambda: rate(lambda: side_by_side(phases, given), len(given))


def openvino(model: Model, frames: list[Frame]) -> Run | None:
    try:
        import openvino as ov
    except ImportError:
        print("openvino: not installed")
        return None
    given = inputs(model.network, frames)
    with torch.no_grad():
        traced = torch.jit.trace(Phases(model.network), given[0], check_trace=False)
        graph = ov.convert_model(traced, example_input=given[0])
    graph.reshape(list(given[0].shape))
    settings = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": cores(),
    }
    compiled = ov.Core().compile_model(graph, "CPU", settings)
    queue = ov.AsyncInferQueue(compiled)

    def work() -> None:
        for x in given:
            queue.start_async({0: x.numpy()})
        queue.wait_all()

    work()
    return lambda: rate(work, len(given))


def opencv(model: Model, frames: list[Frame]) -> Run | None:
    if not isinstance(model.network, Espcn):
        return None  # it has no warping
    with tempfile.TemporaryDirectory() as folder:
        network = cv2.dnn.readNetFromONNX(str(onnx_file(model, Path(folder))))
    given = [x.numpy() for x in inputs(model.network, frames)]

    def work() -> None:
        for x in given:
            network.setInput(x)
            network.forward()

    work()
    return lambda: rate(work, len(given))


class Phases(torch.nn.Module):
    """A network without its pixel shuffle, for tracing."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return of(self.network)(x)


PEERS: dict[str, Callable[[Model, list[Frame]], Run | None]] = {
    "int8": int8,
    "openvino": openvino,
    "opencv": opencv,
    "compile": compiled,
}


if __name__ == "__main__":
    main()
