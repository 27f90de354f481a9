"""What a degradation learnt from unpaired recordings is worth, where the truth is known.

    python benchmarks/degradation_gan.py VIDEOS PHOTOS -o FOLDER [--fit-iterations 1500]
        [--cycle-iterations 3000]

VIDEOS is a folder of clips, PHOTOS one of sharp pictures. The clips are reduced to 0.6, as sharp as
photos, and one hidden camera (blur, noise, H.264) records them at half that size. The recordings of
the scenes that are not scored are real footage; its truth is never shown. From it and from PHOTOS a
degradation is learnt, and from its pairs ESPCN x2 learns on, beginning at the bundled weights.

The recordings of the scored scenes, whose truth is known, are then enlarged: by bicubic; by the
bundled ESPCN; by one that learnt on for as many steps from plain reductions; by the one that was
taught by the learned degradation; by one that learnt in cycles (Yuan et al. 2018: with a cleaner
before it, from the same photos and recordings); and by one that was taught by the hidden camera
itself, which nobody could be outside this experiment: the most there is to gain. PSNR of luma in
dB, the mean over the frames of each scene. Before that it is printed how much two recordings of a
scored scene differ, and two pictures that are generated of it, and how far either is from the
other.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from unittest.mock import patch

import cv2
import numpy as np
import torch
from material import REPORTED
from numpy.typing import NDArray

import vsr
from vsr.datasets.ground_truth import Plane, Samples
from vsr.datasets.media import list_media, read_luma
from vsr.degradation.compression import Compression
from vsr.degradation.degradations import Blur, Degradation, Noise, Resize
from vsr.evaluation.metrics import psnr
from vsr.evaluation.protocol import crop_to_multiple, enlarge, shrink
from vsr.training import learned
from vsr.training.cycle import CycleProgress, fit_in_cycles
from vsr.training.cycle_recipe import CycleRecipe
from vsr.training.fit import fit
from vsr.training.learn_degradation import Learning, learn_degradation
from vsr.training.progress import Progress
from vsr.training.recipe import DegradationRecipe, Recipe

SCALE = 2
REDUCTION = 0.6
BORDER = 8
CAMERA = Degradation(
    (
        Blur("isotropic", 0.5),
        Resize("bicubic"),
        Noise("gaussian", 5.0),
        Compression("h264", 30, "medium"),
    )
)
SCORED = ("udacity_lanes", "hhoppe_palmtrees")


@dataclass(frozen=True)
class Scene:
    """A clip as it was, (T, 2h, 2w) uint8 luma, and as the hidden camera recorded it, (T, h, w)."""

    truth: Samples
    small: Samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=3000, help="to learn the degradation")
    parser.add_argument("--fit-iterations", type=int, default=1500, help="for each ESPCN")
    parser.add_argument("--cycle-iterations", type=int, default=3000, help="cycle-in-cycle")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    clips = [file for file in list_media([options.videos]) if not file.name.startswith(REPORTED)]
    real = options.output / "real"
    if not real.is_dir():
        record([file for file in clips if not file.name.startswith(SCORED)], real)
    scenes = {
        name: [filmed(file) for file in clips if file.name.startswith(name)] for name in SCORED
    }

    common = {"seed": options.seed, "threads": options.threads, "device": "cpu"}
    recipe = DegradationRecipe(SCALE, "y", (options.photos,), (real,), options.iterations, **common)
    generator = learn_degradation(recipe, options.output / "degradation", tell_learning)
    compare(learned.Learned.load(generator, SCALE, "y"), scenes)
    ways = {
        "plain pairs": {"degradation": "bicubic"},
        "learned pairs": {"degradation": "learned", "generator": generator},
        "the hidden camera's": {"degradation": "learned", "generator": Path("hidden")},
    }
    models = {name: vsr.load_model(name, SCALE) for name in ("bicubic", "espcn")}
    report(models, scenes)
    cycles = CycleRecipe(
        Recipe(
            "espcn",
            SCALE,
            (options.photos,),
            iterations=options.cycle_iterations,
            batch=8,
            patch=32,
            lr=1e-4,
            reparam_width=0,
            warm_start=Path("weights/espcn_x2.safetensors"),
            **common,
        ),
        (real,),
    )
    weights = fit_in_cycles(cycles, options.output / "cycle-in-cycle", tell_cycles)
    report({"espcn, cycle-in-cycle": vsr.load_model(str(weights), SCALE)}, scenes)
    for way, settings in ways.items():
        taught = Recipe(
            "espcn",
            SCALE,
            (options.photos,),
            iterations=options.fit_iterations,
            lr=3e-4,
            warm_start=Path("weights/espcn_x2.safetensors"),
            **settings,
            **common,
        )
        hidden = patch.object(learned.Learned, "load", lambda *facts: CAMERA)
        folder = options.output / way.replace(" ", "-").replace("'", "")
        if way == "the hidden camera's":
            with hidden:
                weights = fit(taught, folder, tell)
        else:
            weights = fit(taught, folder, tell)
        report({f"espcn, {way}": vsr.load_model(str(weights), SCALE)}, scenes)


def filmed(file: Path) -> Scene:
    """What the hidden camera makes of a clip."""
    truth = np.stack([reduced(plane) for plane in read_luma(file)])
    return Scene(truth, CAMERA.apply(truth, SCALE, np.random.default_rng(5)))


def reduced(plane: Plane) -> Plane:
    """A true frame, as sharp as photos are: clips that were compressed are so when reduced."""
    height, width = (round(side * REDUCTION) for side in plane.shape)
    return crop_to_multiple(shrink(plane, height, width), SCALE)


def record(files: list[Path], folder: Path) -> None:
    """Its recordings, frame by frame, without their truth."""
    for file in files:
        place = folder / file.stem
        place.mkdir(parents=True)
        for number, plane in enumerate(filmed(file).small):
            cv2.imwrite(str(place / f"{number:03}.png"), plane)


def compare(generated: learned.Learned, scenes: dict[str, list[Scene]]) -> None:
    """Root mean squares of differences, of 255."""
    for name, clips in scenes.items():
        truth, small = clips[0].truth, clips[0].small
        other = CAMERA.apply(truth, SCALE, np.random.default_rng(6))
        one, two = (generated.apply(truth, SCALE, np.random.default_rng(n)) for n in (7, 8))
        mean = np.mean(
            [generated.apply(truth, SCALE, np.random.default_rng(n)) for n in range(8)], 0
        )
        print(
            f"{name}: two recordings {apart(small, other):.2f}, "
            f"two generated {apart(one, two):.2f}; "
            f"from the recording: generated {apart(one, small):.2f}, "
            f"mean of eight {apart(mean, small):.2f}, pooled {apart(pooled(truth), small):.2f}",
            flush=True,
        )


def apart(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean((one.astype(np.float64) - other) ** 2)))


def pooled(truth: Samples) -> NDArray[np.float64]:
    frames, height, width = truth.shape
    blocks = truth.reshape(frames, height // SCALE, SCALE, width // SCALE, SCALE)
    return blocks.mean((2, 4))


def report(models: dict[str, vsr.Model], scenes: dict[str, list[Scene]]) -> None:
    for name, model in models.items():
        scores = {
            scene: fmean(score for clip in clips for score in scored(model, clip))
            for scene, clips in scenes.items()
        }
        line = "  ".join(f"{scene} {score:.3f}" for scene, score in scores.items())
        print(f"{name:<28}{line}  mean {fmean(scores.values()):.3f}", flush=True)


def scored(model: vsr.Model, clip: Scene) -> Iterator[float]:
    for truth, small in zip(clip.truth, clip.small, strict=True):
        yield psnr(enlarge(model.network, [small], torch.device("cpu")), truth, BORDER)


def tell_learning(progress: Learning) -> None:
    if progress.saved:
        print(
            f"{progress.done:6.1%} step {progress.step}: changed {progress.changed:.2f}, "
            f"noise {progress.noise:.2f}, verdict {progress.verdict:.3f}, "
            f"apart {progress.apart:.3f}",
            flush=True,
        )


def tell_cycles(progress: CycleProgress) -> None:
    if progress.saved:
        print(
            f"{progress.done:6.1%} step {progress.step}: inner {progress.inner:.4f}, "
            f"outer {progress.outer:.4f}, apart {progress.apart:.3f}",
            flush=True,
        )


def tell(progress: Progress) -> None:
    if progress.saved:
        print(f"{progress.done:6.1%} step {progress.step}: {progress.loss:.5f}", flush=True)


if __name__ == "__main__":
    main()
