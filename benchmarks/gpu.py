"""Frames per second on a GPU: each network in each precision, and the whole command.

    python benchmarks/gpu.py [CLIP] [--models espcn,vespcn] [--device cuda:0] [--precisions bf16]

Runs from a checkout on a machine that has torch, OpenCV and safetensors. Each network enlarges
480x270 to 1920x1080, x4, in each precision:

- test: whether the device passes the test at the start (`vsr.inference.self_test`).
- network: `vsr.inference.restore` on frames in memory, copies to the GPU and back included.
- share: of the rate of a bfloat16 matrix product of 8192 x 8192, in the same run.
- memory: the most that torch had allocated, in GiB.

Where PyAV is installed, the whole command follows, in the precision that `auto` takes, at 480x270
and 960x540: `vsr.upscale` from a file to a file, with h264_nvenc where the GPU has it, else x264
ultrafast; idle: the share of that time in which no kernel ran, by nvidia-smi.

CLIP is any real video; without one, drawn frames are encoded. Without a GPU it says so; `--device
cpu` measures the networks there, which shows whether the script itself runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]


def from_checkout() -> None:
    """Let `vsr` be imported as it lies, where it is not installed."""
    if importlib.util.find_spec("vsr") is not None:
        return
    sys.path.insert(0, str(ROOT))
    folder = ROOT / "weights"
    spec = importlib.util.spec_from_file_location("vsr.weights", folder / "__init__.py")
    assert spec is not None
    sys.modules["vsr.weights"] = importlib.util.module_from_spec(spec)


from_checkout()

import numpy as np  # noqa: E402
import torch  # noqa: E402

from vsr.core.errors import DeviceError, EncoderError  # noqa: E402
from vsr.core.options import ComputeOptions, Precision  # noqa: E402
from vsr.inference.devices import synchronise, title, type_of  # noqa: E402
from vsr.inference.drawn_clip import drawn_clip  # noqa: E402
from vsr.inference.engine import Engine, choose_engine, restore  # noqa: E402
from vsr.inference.self_test import proven  # noqa: E402
from vsr.networks.catalogue import catalogue  # noqa: E402
from vsr.networks.cost import cost  # noqa: E402
from vsr.networks.model import Model  # noqa: E402
from vsr.networks.registry import load_model  # noqa: E402

if TYPE_CHECKING:
    import av

SIZE, WHOLE_SIZES, SCALE = (480, 270), ((480, 270), (960, 540)), 4
DRAWN = 12  # different frames, which come again and again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?", help="any real video")
    parser.add_argument("--models", default="", help="names, by commas; all with weights if empty")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--precisions", default="", help="by commas; all of the device if empty")
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--compile", action="store_true", help="with torch.compile's kernels")
    options = parser.parse_args()
    try:
        device = choose_engine(ComputeOptions(device=options.device)).device
    except DeviceError as error:
        sys.exit(f"nothing to measure: {error}")
    kind = type_of(device)
    known = [w.name for w in catalogue() if w.file and w.scale == SCALE]
    names = options.models.split(",") if options.models else known
    models = [load_model(name, SCALE) for name in names]
    mine = [p for p in kind.precisions if p != "int8"]
    precisions = options.precisions.split(",") if options.precisions else mine
    peak = matmul(device)
    print(f"{title(device)}, torch {torch.__version__}; {SIZE[0]}x{SIZE[1]} x{SCALE}", end="; ")
    print(f"matrix product {peak / 1e12:.2f} T multiplications/s")
    print("| model | precision | test | network fps | share | memory GiB |")
    print("|---|---|---|---|---|---|", flush=True)
    for model in models:
        for precision in precisions:
            print(network_row(model, precision, options, peak), flush=True)
    try:
        import av  # noqa: F401
    except ImportError:
        print("PyAV is not installed: the whole command is left out")
        return
    print("| model | size | precision | whole fps | idle | encoder |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for width, height in WHOLE_SIZES:
            small = make_input(options.clip, Path(folder), width, height, options.frames)
            for model in models:
                print(whole_row(model, small, options, (width, height)), flush=True)


def network_row(
    model: Model, precision: Precision, options: argparse.Namespace, peak: float
) -> str:
    engine = choose_engine(
        ComputeOptions(device=options.device, precision=precision, compiled=options.compile)
    )
    faults: list[str] = []
    passes = proven([model], engine, faults.append) == engine
    with peak_memory(engine.device) as memory:
        rate = network_fps(model, engine, options.frames)
    macs = cost(model.network, SIZE[0] * SCALE, SIZE[1] * SCALE).macs
    cells = (
        model.name,
        precision,
        "passes" if passes else faults[0],
        f"{rate:.1f}",
        f"{rate * macs / peak:.1%}",
        memory(),
    )
    return f"| {' | '.join(cells)} |"


def whole_row(model: Model, small: Path, options: argparse.Namespace, size: tuple[int, int]) -> str:
    with idle_share() as idle:
        whole, encoder, precision = whole_fps(model, small, options)
    cells = (
        model.name,
        f"{size[0]}x{size[1]} x{SCALE}",
        precision,
        f"{whole:.1f}",
        f"{idle():.0%}",
        encoder,
    )
    return f"| {' | '.join(cells)} |"


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Callable[[], str]]:
    """Gives, after it ended, the most that torch had allocated, where it counts that."""
    counts = device.type == "cuda"
    if counts:
        torch.cuda.reset_peak_memory_stats(device)
    yield lambda: f"{torch.cuda.max_memory_allocated(device) / 2**30:.2f}" if counts else "-"


def matmul(device: torch.device) -> float:
    """Multiplications a second of a bfloat16 matrix product."""
    side, times = (8192, 30) if device.type != "cpu" else (1024, 10)
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    synchronise(device)
    start = time.perf_counter()
    for _ in range(times):
        a @ b
    synchronise(device)
    return times * side**3 / (time.perf_counter() - start)


def network_fps(model: Model, engine: Engine, frames: int) -> float:
    """Frames a second of `restore`, after a run that warms up."""
    drawn, info = drawn_clip(DRAWN, *SIZE)

    def run(count: int) -> None:
        frames = (replace(f, pts=n, starts_shot=not n) for n, f in zip(range(count), cycle(drawn)))
        for _ in restore(frames, info, model, engine, print):
            pass
        synchronise(engine.device)

    run(min(frames, 2 * DRAWN))
    start = time.perf_counter()
    run(frames)
    return frames / (time.perf_counter() - start)


def whole_fps(model: Model, small: Path, options: argparse.Namespace) -> tuple[float, str, str]:
    """Frames a second from file to file, the encoder that it was done with, and the precision."""
    import vsr

    settings: dict[str, Any] = {"model": model.name, "scale": SCALE, "device": options.device}
    for codec, preset in (("h264_nvenc", "p1"), ("libx264", "ultrafast")):
        try:
            result = vsr.upscale(
                small,
                small.with_name("large.mp4"),
                codec=codec,
                preset=preset,
                overwrite=True,
                compiled=options.compile,
                **settings,
            )
        except EncoderError:
            continue
        return result.fps, codec, result.precision
    raise EncoderError("neither h264_nvenc nor libx264 is to be had")


@contextmanager
def idle_share() -> Iterator[Callable[[], float]]:
    """Gives, after it ended, the mean share of the time in which no kernel ran."""
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    found: list[float] = []
    if shutil.which(query[0]) is None:
        yield lambda: float("nan")
        return
    process = subprocess.Popen([*query, "-lms", "100"], stdout=subprocess.PIPE, text=True)
    try:
        yield lambda: statistics.fmean(found) if found else float("nan")
    finally:
        process.terminate()
        text, _ = process.communicate()
        busy = [float(line) for line in text.splitlines() if line.strip().isdigit()]
        while busy and busy[0] == 0:  # the start of the command, before its first frame
            busy.pop(0)
        found.extend(1 - percent / 100 for percent in busy)


def make_input(clip: Path | None, folder: Path, width: int, height: int, frames: int) -> Path:
    """`frames` frames in H.264 of this size, of the clip to and fro, or drawn."""
    target = folder / f"{width}x{height}.mp4"
    from throughput import encode_swing

    first = drawn(width, height) if clip is None else shrunk(clip, width, height)
    return encode_swing(first, target, frames)


def shrunk(clip: Path, width: int, height: int) -> list[av.VideoFrame]:
    import av

    with av.open(str(clip)) as source:
        frames = islice(source.decode(video=0), 100)
        return [f.reformat(width, height, "yuv420p", interpolation="AREA") for f in frames]


def drawn(width: int, height: int) -> list[av.VideoFrame]:
    import av

    y, x = np.mgrid[0 : height * 3 // 2, 0:width]
    waves = (np.sin((x + 2 * n) / 9) * np.cos((y - n) / 11) for n in range(100))
    pictures = ((128 + 90 * wave).astype(np.uint8) for wave in waves)
    return [av.VideoFrame.from_ndarray(picture, format="yuv420p") for picture in pictures]


if __name__ == "__main__":
    main()
