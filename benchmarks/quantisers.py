"""What it brings a recurrent network to be told of each frame how coarsely it was coded.

    python benchmarks/quantisers.py CLIP... [--model recurrent] [--scale 4] [--noise 2]

Each clip is reduced, made noisy and coded with x264 in several ways, and restored twice: told of
the source as a whole, and frame by frame. Both are luma PSNR in dB, the mean over all frames.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import av
import numpy as np

from vsr.core.options import ComputeOptions
from vsr.core.quality import Quality
from vsr.core.span import Span
from vsr.datasets.media import read_pictures
from vsr.evaluation.degrade import seen
from vsr.evaluation.measure import CLIP_BORDER
from vsr.evaluation.metrics import psnr
from vsr.inference.engine import choose_engine, restore
from vsr.model_selection.quality import told_quality
from vsr.networks.model import Model
from vsr.networks.registry import load_model
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots

Planes = Sequence[np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="recurrent")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--noise", type=float, default=2.0)
    given = parser.parse_args()
    model = load_model(given.model, given.scale)
    print("| clip | coded | as a whole | frame by frame | gain |")
    print("|---|---|---|---|---|")
    for clip in given.clips:
        pairs = list(seen(read_pictures(clip, "y"), given.scale, None))
        small, truth = [one.small for one in pairs], [one.truth.luma for one in pairs]
        for name, options in encodings(len(small)).items():
            with tempfile.TemporaryDirectory() as folder:
                file = encode(Path(folder) / "in.mp4", small, given.noise, options)
                told = told_quality(file, model.network, None)
                whole, each = (
                    score(file, model, quality, truth)
                    for quality in (replace(told, beyond=None), told)
                )
            print(f"| {clip.stem} | {name} | {whole:.3f} | {each:.3f} | {each - whole:+.3f} |")


def encodings(count: int) -> dict[str, dict[str, str]]:
    """x264's options by what they are called."""
    third, half = count // 3, count // 2
    crf = f"zones=0,{third},crf=18/{third + 1},{2 * third},crf=28/{2 * third + 1},{count},crf=36"
    quantiser = f"zones=0,{half},q=16/{half + 1},{count},q=36"
    return {
        "crf 23": {"crf": "23"},
        "crf 30": {"crf": "30"},
        "150 kbit/s": {"b": "150k"},
        "crf 18, 28, 36 in turn": {"crf": "28", "x264-params": crf},
        "quantiser 16, then 36": {"crf": "28", "x264-params": quantiser},
    }


def encode(file: Path, small: Planes, noise: float, options: dict[str, str]) -> Path:
    """The frames with noise in H.264, their last odd row and column cut off."""
    random = np.random.default_rng(1)
    height, width = (side // 2 * 2 for side in small[0].shape)
    with av.open(str(file), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for one in small:
            noisy = one[:height, :width] + random.normal(0, noise, (height, width))
            luma = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
            planes = np.concatenate([luma, np.full((height // 2, width), 128, np.uint8)])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        out.mux(stream.encode(None))
    return file


def score(file: Path, model: Model, quality: Quality, truth: Planes) -> float:
    engine = choose_engine(ComputeOptions(device="cpu"))
    scores = []
    with open_video(file, Span(), print) as video:
        shots = mark_shots(video.frames(0, model.network.warmup), video.info.format.peak)
        large = restore(shots, video.info, model, engine, quality=quality)
        for frame, whole in zip(large, truth, strict=True):
            luma = frame.planes[0]
            height, width = luma.shape
            scores.append(psnr(luma, whole[:height, :width], CLIP_BORDER))
    return fmean(scores)


if __name__ == "__main__":
    main()
