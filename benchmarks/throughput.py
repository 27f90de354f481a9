"""Frames per second of the whole command, of its stages, and of the same job done with OpenCV.

    pip install -e ".[bench]"
    python benchmarks/throughput.py CLIP [--models espcn,espcn-deep,vespcn] [--json]

CLIP, any real video, is first turned into 480x270 H.264 of `--frames` frames; every
contestant enlarges that to 1920x1080 and encodes with x264 veryfast, crf 18. All are measured
in one run, in turns, and compared as ratios: on a shared machine seconds mean little.

- decode, network, encode: one stage of vsr at a time, with the CPU seconds it takes.
- ideal: cores / the stages' summed CPU seconds, the most that this many cores allow.
- whole: `vsr.upscale`; command: `vsr upscale` in a process of its own, start-up included.
- opencv: decoded with PyAV to BGR, luma through a network of the same shape in OpenCV's dnn,
  chroma by cv2.resize, back to BGR, encoded with PyAV: what dnn_superres does in a loop. It
  has no counterpart of a network that looks at neighbouring frames.
- whole / first: against the first model of the list.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch

import vsr
from vsr.core.options import ComputeOptions
from vsr.core.span import Span
from vsr.encoding.codecs import Encoding
from vsr.inference.engine import choose_engine, restore
from vsr.networks.espcn import Espcn
from vsr.networks.model import Model
from vsr.output.video import VideoSpec, create_video
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots

WIDTH, HEIGHT, SCALE = 480, 270, 4
RATE = Fraction(25)
ENCODER = {"crf": "18", "preset": "veryfast"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, help="any real video")
    parser.add_argument("--models", default="espcn,espcn-deep,vespcn", help="names, by commas")
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    models = [vsr.load_model(name, SCALE) for name in options.models.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        small = make_input(options.clip, Path(folder) / "small.mp4", options.frames)
        rounds = [
            [measure(small, Path(folder), model, options.frames) for model in models]
            for _ in range(options.rounds)
        ]
    for one in rounds:
        for figures in one:
            figures["whole / first"] = figures["whole fps"] / one[0]["whole fps"]
    reports = [
        {name: statistics.median(one[n][name] for one in rounds) for name in rounds[0][n]}
        for n in range(len(models))
    ]
    if options.json:
        for model, report in zip(models, reports, strict=True):
            print(json.dumps({"model": model.name, **report}))
    else:
        print(table(reports, models))


def measure(small: Path, folder: Path, model: Model, frames: int) -> dict[str, float]:
    """One round: frames per second of everything, and the ratios within the round."""
    out = folder / "large.mp4"
    few = min(frames, 120)  # for the stages held in memory, and for OpenCV
    decode, decode_cpu = timed(lambda: run_decode(small), frames)
    with open_video(small, Span(), print) as video:
        decoded = list(islice(video.frames(), few))
        info = video.info
    restored: list[Any] = []
    engine = choose_engine(ComputeOptions(device="cpu"))

    def run_network() -> None:
        shots = mark_shots(iter(decoded), info.format.peak)
        restored.extend(restore(shots, info, model, engine))

    network, network_cpu = timed(run_network, few)
    encode, encode_cpu = timed(lambda: run_encode(small, out, restored, frames), frames)
    settings = {"model": model.name, "scale": SCALE, "device": "cpu", "overwrite": True}
    whole, _ = timed(lambda: vsr.upscale(small, out, preset=ENCODER["preset"], **settings), frames)
    command, _ = timed(lambda: run_command(small, out, model), frames)
    ideal = (os.cpu_count() or 1) / (decode_cpu + network_cpu + encode_cpu)
    figures = {
        "decode fps": decode,
        "network fps": network,
        "encode fps": encode,
        "ideal fps": ideal,
        "whole fps": whole,
        "command fps": command,
        "whole / ideal": whole / ideal,
    }
    if isinstance(model.network, Espcn):
        opencv, _ = timed(lambda: run_opencv(small, out, model, folder, few), few)
        figures["opencv fps"] = opencv
        figures["whole / opencv"] = whole / opencv
        figures["command / opencv"] = command / opencv
    return figures


def timed(work: Callable[[], Any], frames: int) -> tuple[float, float]:
    """(frames per wall second, CPU seconds per frame) of `work`."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return frames / wall, cpu / frames


def make_input(clip: Path, target: Path, frames: int) -> Path:
    """The clip at 480x270 in H.264, to and fro until there are `frames` frames."""
    with av.open(str(clip)) as source:
        first = [
            f.reformat(WIDTH, HEIGHT, "yuv420p", interpolation="AREA")
            for f in islice(source.decode(video=0), 240)
        ]
    return encode_swing(first, target, frames)


def encode_swing(first: list[av.VideoFrame], target: Path, frames: int) -> Path:
    """`frames` frames in H.264: the first ones to and fro, so that there are no further cuts."""
    swing = cycle(first + first[-2:0:-1])
    with av.open(str(target), "w") as out:
        stream: Any = out.add_stream("libx264", rate=RATE, options={"crf": "20"})
        stream.width, stream.height = first[0].width, first[0].height
        for number, frame in enumerate(islice(swing, frames)):
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target


def run_decode(small: Path) -> None:
    with open_video(small, Span(), print) as video:
        for _ in video.frames():
            pass


def run_encode(small: Path, out: Path, restored: list[Any], frames: int) -> None:
    encoding = Encoding(preset=ENCODER["preset"])
    swing = cycle(restored + restored[-2:0:-1])
    with open_video(small, Span(), print) as video:
        info = video.info.enlarged(SCALE)
        step = round(1 / RATE / info.time_base)
        spec = VideoSpec(
            target=out,
            info=info,
            encoding=encoding,
            warn=print,
            others_of=video,
            overwrite=True,
        )
        with create_video(spec) as output:
            for number, frame in enumerate(islice(swing, frames)):
                output.write(type(frame)(frame.planes, number * step, step))


def run_command(small: Path, out: Path, model: Model) -> None:
    command = shutil.which("vsr", path=str(Path(sys.executable).parent)) or "vsr"
    arguments = ["upscale", "-y", "-q", "-m", model.name, "--preset", ENCODER["preset"]]
    subprocess.run([command, *arguments, str(small), str(out)], check=True)


def run_opencv(small: Path, out: Path, model: Model, folder: Path, frames: int) -> None:
    network = cv2.dnn.readNetFromONNX(str(onnx_file(model, folder)))
    with av.open(str(small)) as source, av.open(str(out), "w") as target:
        stream: Any = target.add_stream("libx264", rate=RATE, options=ENCODER)
        stream.width, stream.height = WIDTH * SCALE, HEIGHT * SCALE
        for large in islice(opencv_frames(source, network), frames):
            target.mux(stream.encode(large))
        target.mux(stream.encode(None))


def opencv_frames(source: Any, network: Any) -> Iterator[av.VideoFrame]:
    size = (WIDTH * SCALE, HEIGHT * SCALE)
    for frame in source.decode(video=0):
        y, *chroma = cv2.split(cv2.cvtColor(frame.to_ndarray(format="bgr24"), cv2.COLOR_BGR2YCrCb))
        network.setInput(cv2.dnn.blobFromImage(y, 1 / 255))
        luma = (network.forward()[0, 0] * 255).clip(0, 255).astype(np.uint8)
        planes = [luma, *(cv2.resize(c, size, interpolation=cv2.INTER_CUBIC) for c in chroma)]
        bgr = cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2BGR)
        large = av.VideoFrame.from_ndarray(bgr, format="bgr24")
        large.pts, large.time_base = frame.pts, frame.time_base
        yield large.reformat(format="yuv420p")


def onnx_file(model: Model, folder: Path) -> Path:
    """The model's convolutions alone, as the paper stacks them, in a file OpenCV reads."""
    path = folder / f"{model.name}.onnx"
    if not path.exists():
        layers: list[torch.nn.Module] = []
        for conv in model.network.convs:  # type: ignore[union-attr]
            layers += [conv, torch.nn.ReLU()]
        plain = torch.nn.Sequential(*layers[:-1], torch.nn.PixelShuffle(SCALE)).eval()
        torch.onnx.export(plain, (torch.zeros(1, 1, HEIGHT, WIDTH),), str(path), dynamo=False)
    return path


def table(reports: list[dict[str, float]], models: list[Model]) -> str:
    size = f"{WIDTH}x{HEIGHT} -> {WIDTH * SCALE}x{HEIGHT * SCALE}, {os.cpu_count()} cores"
    names = dict.fromkeys(name for report in reports for name in report)
    rows = [f"| {size} | {' | '.join(model.name for model in models)} |"]
    rows.append("|---" * (len(models) + 1) + "|")
    for name in names:
        cells = [f"{report[name]:.2f}" if name in report else "-" for report in reports]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
