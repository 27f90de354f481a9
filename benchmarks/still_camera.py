"""What standing still saves: the share of each picture that is computed, and the speed gained.

    python benchmarks/still_camera.py CLIP... [--model recurrent] [--scale 4] [--frames 150]

Each clip is restored twice: as `vsr upscale` does, and with every pixel computed in every step. The
pictures of both are compared; in float32 (`--precision fp32`) they are the same to the bit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from vsr.core.frame import Frame, VideoInfo
from vsr.core.options import ComputeOptions
from vsr.core.span import Span
from vsr.inference.engine import Engine, choose_engine, restore
from vsr.inference.recurrent_tiles import RecurrentTiler
from vsr.inference.tiles import Tile
from vsr.networks.model import Model
from vsr.networks.registry import load_model
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="recurrent")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    model = load_model(given.model, given.scale)
    engine = choose_engine(
        ComputeOptions(device="cpu", precision=given.precision, threads=given.threads)
    )
    print("| clip | size | frames | computed | speed gained | same pictures |")
    print("|---|---|---|---|---|---|")
    for clip in given.clips:
        with open_video(clip, Span(), print) as video:
            frames = list(islice(video.frames(), given.frames))
            info = video.info
        few, whole, same = measured(frames, info, model, engine)
        share = few[0] / whole[0]
        print(
            f"| {clip.stem} | {info.width}x{info.height} | {len(frames)} | {share:.0%} "
            f"| {whole[1] / few[1]:.2f} | {'yes' if same else 'nearly'} |"
        )


Spent = tuple[int, float]
"""Pixels that were computed, and seconds."""


def measured(
    frames: Sequence[Frame], info: VideoInfo, model: Model, engine: Engine
) -> tuple[Spent, Spent, bool]:
    """With standing parts left out, and with all computed; and whether the pictures agree."""
    plain = RecurrentTiler.tiles
    computed = 0

    def counting(active: bool) -> Any:
        def tiles(self: RecurrentTiler, given: Any) -> tuple[list[Tile], bool]:
            nonlocal computed
            found, are_all = plain(self, given if active else np.ones_like(given))
            computed += sum(tile.seen_pixels for tile in found)
            return found, are_all

        return tiles

    runs: list[tuple[Spent, list[np.ndarray]]] = []
    try:
        for active in (True, False):
            computed, began = 0, time.perf_counter()
            RecurrentTiler.tiles = counting(active)  # type: ignore[method-assign]
            luma = [frame.planes[0] for frame in restored(frames, info, model, engine)]
            runs.append(((computed, time.perf_counter() - began), luma))
    finally:
        RecurrentTiler.tiles = plain  # type: ignore[method-assign]
    (few, one), (whole, other) = runs
    return few, whole, all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def restored(
    frames: Sequence[Frame], info: VideoInfo, model: Model, engine: Engine
) -> Iterator[Frame]:
    return restore(mark_shots(iter(frames), info.format.peak), info, model, engine, print)


if __name__ == "__main__":
    main()
