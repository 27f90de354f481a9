"""Sizes that no network has: what they cost, and what they bring over bicubic.

    python benchmarks/sizes.py [--factors 3/2,9/4,7/2,6,8] [--model vespcn] [PATH ...]

For each factor: the networks that make it, the time of a frame against that of the first network
at its own scale (a drawn clip of 480x270, one core, all in turn in every round), and, for true
pictures or clips at PATH, the PSNR of the luma over that of bicubic, as `vsr eval` measures it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median

import torch

from vsr.core.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.core.geometry import geometry_of
from vsr.core.options import ComputeOptions
from vsr.core.picture import PictureOptions, short
from vsr.evaluation.evaluate import compare, find_items
from vsr.evaluation.score import mean
from vsr.inference.engine import choose_engine
from vsr.inference.passes import LoadedModel, enlarge, load_for
from vsr.speedtest.test_pattern import moving_pictures
from vsr.video.shots import mark_shots

WIDTH, HEIGHT, FRAMES = 480, 270, 6
COMPUTE = ComputeOptions(device="cpu", threads=1)
INFO = VideoInfo(WIDTH, HEIGHT, Fraction(1, 25), PIXEL_FORMATS["yuv420p"], ColorTags(1, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--factors", default="3/2,9/4,7/2,6,8")
    parser.add_argument("--model", default="vespcn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=24, help="of each clip, for the PSNR")
    given = parser.parse_args()
    factors = [Fraction(text) for text in given.factors.split(",")]
    tools = {factor: load_for(given.model, factor, choose_engine(COMPUTE)) for factor in factors}
    costs = times(tools, given.rounds)
    gained = {f: gain(given.paths, given.model, f, given.frames) for f in factors if given.paths}
    print("factor  networks                      time  over bicubic")
    for factor, chosen in tools.items():
        names = " then ".join(f"{m.name} x{m.scale}" for m in (chosen.model, *chosen.then))
        over = f"{gained[factor]:+.2f} dB" if gained else "-"
        print(f"x{short(factor):<6} {names:<28} {costs[factor]:5.2f}  {over}")


def times(tools: dict[Fraction, LoadedModel], rounds: int) -> dict[Fraction, float]:
    """Time of a frame at each factor, against the first network alone."""
    frames = [replace(frame, pts=n) for n, frame in enumerate(moving_pictures(WIDTH, HEIGHT))]
    frames = frames[:FRAMES]
    took: dict[Fraction, list[float]] = {factor: [] for factor in tools}
    for _ in range(rounds):
        for factor, chosen in tools.items():
            alone = LoadedModel(chosen.model, chosen.engine)
            own = seconds(frames, alone, Fraction(chosen.model.scale))
            took[factor].append(seconds(frames, chosen, factor) / own)
    return {factor: median(ratios) for factor, ratios in took.items()}


def seconds(frames: Sequence[Frame], tools: LoadedModel, factor: Fraction) -> float:
    """Of all frames but the first, with which kernels are made."""
    geometry = geometry_of(PictureOptions(scale=factor), INFO)
    shots = mark_shots(iter(frames), 255)
    began = 0.0
    for number, _ in enumerate(enlarge(shots, INFO, tools, geometry)):
        began = began if number else time.perf_counter()
    return time.perf_counter() - began


def gain(paths: Sequence[Path], model: str, factor: Fraction, frames: int) -> float:
    """dB over bicubic, the mean of all items."""
    engine = choose_engine(COMPUTE)
    models = [load_for(name, factor, engine).model for name in ("bicubic", model)]
    scores = list(compare(find_items(paths), models, COMPUTE, frames=frames, factor=factor))
    bicubic, own = (mean([pair[n] for pair in scores]).psnr for n in (0, 1))
    return own - bicubic


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
