"""How well cores share a recurrent network's pictures, beside windows that have a core each.

    python benchmarks/cores.py [--model recurrent] [--beside vespcn] [--scale 4] [--size 480x270]
        [--workers 1,2,3] [--frames 40] [--rounds 3]

Frames per second of both models' network stage with each number of workers, in turns, the best of
the rounds; `gain` is against one worker of the same model, `share` the gain of the first over that
of the second. More workers than cores show what a wrong guess costs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import torch

from vsr.core.frame import PIXEL_FORMATS, Frame, VideoInfo
from vsr.core.options import ComputeOptions
from vsr.inference.engine import Engine, choose_engine, restore
from vsr.networks.model import Model
from vsr.networks.registry import load_model

_FIRST = 4  # frames that are not counted
_STEP = 2  # pixels from frame to frame: nothing stands still


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="recurrent")
    parser.add_argument("--beside", default="vespcn")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--size", default="480x270")
    parser.add_argument("--workers", default="1,2,3")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    workers = [int(number) for number in given.workers.split(",")]
    frames = list(moving(given.frames, width, height))
    models = [load_model(name, given.scale) for name in (given.model, given.beside)]
    precision = choose_engine(ComputeOptions(device="cpu")).precision
    best: dict[tuple[str, int], float] = {}
    for _ in range(given.rounds):
        for model in models:
            for count in workers:
                engine = Engine((torch.device("cpu"),), precision, count)
                key = (model.name, count)
                best[key] = max(best.get(key, 0.0), rate(model, engine, frames, width, height))
    first, second = ({n: best[model.name, n] for n in workers} for model in models)
    print(f"| workers | {models[0].name} | gain | {models[1].name} | gain | share |")
    print("|---|---|---|---|---|---|")
    for count in workers:
        one, other = (rates[count] / rates[workers[0]] for rates in (first, second))
        print(
            f"| {count} | {first[count]:.1f} | {one:.2f} | {second[count]:.1f} | {other:.2f} "
            f"| {one / other:.2f} |"
        )


def moving(count: int, width: int, height: int) -> Iterator[Frame]:
    """Noise under a moving camera, neutral chroma."""
    random = np.random.default_rng(1)
    size = (height + _STEP * count, width + _STEP * count)
    scene = cv2.GaussianBlur(random.integers(0, 256, size).astype(np.uint8), (0, 0), 1.5)
    chroma = np.full((-(-height // 2), -(-width // 2)), 128, np.uint8)
    for n in range(count):
        at = _STEP * n
        luma = np.ascontiguousarray(scene[at : at + height, at : at + width])
        yield Frame((luma, chroma, chroma.copy()), 40 * n, 40, starts_shot=n == 0)


def rate(model: Model, engine: Engine, frames: list[Frame], width: int, height: int) -> float:
    """Frames per second, once it runs."""
    info = VideoInfo(width, height, Fraction(1, 1000), PIXEL_FORMATS["yuv420p"])
    began = 0.0
    for number, _ in enumerate(restore(iter(frames), info, model, engine), 1):
        if number == _FIRST:
            began = time.perf_counter()
    return (len(frames) - _FIRST) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
