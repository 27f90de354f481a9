"""Frames per second on a GPU: each network, its share of the peak, and the whole command.

    python benchmarks/gpu.py [CLIP] [--models espcn,vespcn] [--device cuda:0] [--compile]

For 480x270 -> 1920x1080 and 960x540 -> 3840x2160, both x4, with the precision that `auto` takes:

- network: `vsr.inference.restore` on frames in memory, copies to the GPU and back included.
- share: of the rate of a bfloat16 matrix product of 8192 x 8192, in the same run.
- memory: the most that torch had allocated, in GiB.
- whole: `vsr.upscale` from a file to a file, with h264_nvenc where the GPU has it, else x264
  ultrafast; idle: the share of that time in which no kernel ran, by nvidia-smi.

CLIP is any real video; without one, drawn frames are encoded. Without a GPU it says so.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from throughput import encode_swing

import vsr
from vsr.core.errors import EncoderError
from vsr.core.options import ComputeOptions
from vsr.core.span import Span
from vsr.inference.engine import Engine, choose_engine, restore
from vsr.networks.cost import cost
from vsr.networks.registry import Model
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots

SIZES, SCALE = ((480, 270), (960, 540)), 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?", help="any real video")
    parser.add_argument("--models", default="", help="names, by commas; all with weights if empty")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--compile", action="store_true", help="with torch.compile's kernels")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no CUDA GPU on this machine: nothing to measure")
    engine = choose_engine(ComputeOptions(device=options.device, compiled=options.compile))
    peak = matmul(engine.device)
    name = torch.cuda.get_device_name(engine.device)
    print(f"{name}, {engine.precision}; matrix product {peak / 1e12:.0f} T multiplications/s")
    print("| model | size | network fps | share | memory GiB | whole fps | idle | encoder |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    known = [w.name for w in vsr.catalogue() if w.file and w.scale == SCALE]
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            small = make_input(options.clip, Path(folder), width, height, options.frames)
            for model_name in options.models.split(",") if options.models else known:
                model = vsr.load_model(model_name, SCALE)
                print(row(model, small, engine, options, peak, (width, height)), flush=True)


def row(
    model: Model,
    small: Path,
    engine: Engine,
    options: argparse.Namespace,
    peak: float,
    size: tuple[int, int],
) -> str:
    torch.cuda.reset_peak_memory_stats(engine.device)
    network = network_fps(model, small, engine, options.frames)
    memory = torch.cuda.max_memory_allocated(engine.device) / 2**30
    macs = cost(model.network, size[0] * SCALE, size[1] * SCALE).macs
    with idle_share() as idle:
        whole, encoder = whole_fps(model, small, options)
    cells = (
        model.name,
        f"{size[0]}x{size[1]} x{SCALE}",
        f"{network:.1f}",
        f"{network * macs / peak:.1%}",
        f"{memory:.2f}",
        f"{whole:.1f}",
        f"{idle():.0%}",
        encoder,
    )
    return f"| {' | '.join(cells)} |"


def matmul(device: torch.device) -> float:
    """Multiplications a second of a bfloat16 matrix product."""
    side, times = 8192, 30
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(times):
        a @ b
    torch.cuda.synchronize(device)
    return times * side**3 / (time.perf_counter() - start)


def network_fps(model: Model, small: Path, engine: Engine, frames: int) -> float:
    """Frames a second of `restore`, after a run that warms up."""
    with open_video(small, Span(), print) as video:
        decoded, info = list(islice(video.frames(), frames)), video.info

    def run() -> None:
        shots = mark_shots(iter(decoded), info.format.peak)
        for _ in restore(shots, info, model, engine, print):
            pass

    run()
    start = time.perf_counter()
    run()
    return len(decoded) / (time.perf_counter() - start)


def whole_fps(model: Model, small: Path, options: argparse.Namespace) -> tuple[float, str]:
    """Frames a second from file to file, and the encoder that it was done with."""
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
        return result.fps, codec
    raise EncoderError("neither h264_nvenc nor libx264 is to be had")


@contextmanager
def idle_share() -> Iterator[Callable[[], float]]:
    """Gives, after it ended, the mean share of the time in which no kernel ran."""
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    process = subprocess.Popen([*query, "-lms", "100"], stdout=subprocess.PIPE, text=True)
    found: list[float] = []
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
    first = drawn(width, height) if clip is None else shrunk(clip, width, height)
    return encode_swing(first, target, frames)


def shrunk(clip: Path, width: int, height: int) -> list[av.VideoFrame]:
    with av.open(str(clip)) as source:
        frames = islice(source.decode(video=0), 100)
        return [f.reformat(width, height, "yuv420p", interpolation="AREA") for f in frames]


def drawn(width: int, height: int) -> list[av.VideoFrame]:
    y, x = np.mgrid[0 : height * 3 // 2, 0:width]
    waves = (np.sin((x + 2 * n) / 9) * np.cos((y - n) / 11) for n in range(100))
    pictures = ((128 + 90 * wave).astype(np.uint8) for wave in waves)
    return [av.VideoFrame.from_ndarray(picture, format="yuv420p") for picture in pictures]


if __name__ == "__main__":
    main()
