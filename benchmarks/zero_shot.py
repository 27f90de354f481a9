"""Restoring single images without training data: ZSSR and Deep Image Prior beside bicubic.

    python benchmarks/zero_shot.py FOLDER [--limit 3] [--minutes 2] [--scales 2,4] [--only zssr]

FOLDER holds true images. For ZSSR they are reduced by a kernel that is not bicubic, a Gaussian of
1.0 by 0.5 small pixels that lies askew, and rounded to 8 bits: bicubic and edsr-8x32, which know
nothing of it, beside ZSSR with the kernel given, and with what it estimates. For Deep Image Prior
they are reduced by MATLAB's bicubic, at x4; beside it stands bicubic that is back-projected as its
result is. PSNR of the luma in dB, `scale` border pixels left out,
as `vsr eval` measures it. All learn for --minutes an image; a line comes with each image.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from vsr.core.options import ComputeOptions
from vsr.core.resample import resize
from vsr.datasets.ground_truth import Picture, Samples
from vsr.datasets.media import list_items, read_pictures
from vsr.degradation.degradations import Blur
from vsr.evaluation.measure import bounded_psnr
from vsr.evaluation.protocol import cropped
from vsr.inference.engine import Engine, choose_engine
from vsr.networks.registry import load_model
from vsr.zero_shot.back_projection import back_projected
from vsr.zero_shot.course import Course, Learning
from vsr.zero_shot.estimated import Reduction, estimated
from vsr.zero_shot.kernel import Kernel, bicubic
from vsr.zero_shot.methods import PUT_BACK, DeepImagePrior, Method, ZeroShot

BLUR = Blur("anisotropic", sigma=1.0, other=0.5, angle=0.6)
_REACH = 3  # deviations of the kernel, on each side


@dataclass
class Counter:
    """Counts the steps of a method."""

    steps: int = 0

    def __call__(self, learning: Learning) -> None:
        self.steps = learning.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, metavar="N", help="take the N smallest images")
    parser.add_argument("--minutes", type=float, default=2.0, help="that each may learn")
    parser.add_argument("--scales", default="2,4", help="of ZSSR")
    parser.add_argument("--only", choices=("zssr", "prior"), help="one of the two")
    parser.add_argument("--features", type=int, default=64, help="of the prior's network")
    parser.add_argument("--gradual", action="store_true", help="ZSSR to x3 and x4 by way of x2")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    pictures = read(given.folder, given.limit)
    engine = choose_engine(ComputeOptions(device=given.device))
    course = Course(minutes=given.minutes)
    if given.only != "prior":
        for scale in map(int, given.scales.split(",")):
            print(f"x{scale}, reduced by a Gaussian askew, {given.minutes:g} minutes an image")
            zero_shot(pictures, scale, ZeroShot(course, given.gradual), engine)
    if given.only != "zssr":
        print(f"x4, reduced by bicubic, {given.minutes:g} minutes an image")
        prior(pictures, DeepImagePrior(course, given.features), engine)


def read(folder: Path, limit: int | None) -> list[tuple[str, Picture]]:
    """The true images of a folder, small ones first."""
    items = list_items([folder], stills=True)
    pictures = [(item.name, next(iter(read_pictures(item, "rgb")))) for item in items]
    pictures.sort(key=lambda one: one[1].luma.size)
    return pictures[:limit]


def zero_shot(
    pictures: list[tuple[str, Picture]], scale: int, method: Method, engine: Engine
) -> None:
    """The table of ZSSR."""
    side = 2 * _REACH * scale + 1
    kernel = Kernel(BLUR.kernel(scale, side)[0].double().numpy(), scale)

    def with_given(small: Tensor, count: Counter) -> Tensor:
        return method.restored(small, Reduction(kernel), engine, count)

    def with_estimated(small: Tensor, count: Counter) -> Tensor:
        return method.restored(small, estimated([small], scale, 1), engine, count)

    table(
        pictures,
        scale,
        kernel.reduce,
        {
            "bicubic": lambda small, _: by_model("bicubic", scale, small),
            "edsr-8x32": lambda small, _: by_model("edsr-8x32", scale, small),
            "ZSSR, kernel given": with_given,
            "ZSSR, estimated": with_estimated,
        },
    )


def prior(pictures: list[tuple[str, Picture]], method: Method, engine: Engine) -> None:
    """The table of Deep Image Prior."""
    scale = 4
    reduction = Reduction(bicubic(scale))
    table(
        pictures,
        scale,
        lambda large: resize(large, large.shape[-2] // scale, large.shape[-1] // scale),
        {
            "bicubic": lambda small, _: by_model("bicubic", scale, small),
            "and back-projected": lambda small, _: back_projected(
                by_model("bicubic", scale, small), small, reduction.kernel, PUT_BACK
            ),
            "deep image prior": lambda small, count: method.restored(
                small, reduction, engine, count
            ),
        },
    )


Restore = Callable[[Tensor, Counter], Tensor]


def table(
    pictures: list[tuple[str, Picture]],
    scale: int,
    reduce: Callable[[Tensor], Tensor],
    ways: dict[str, Restore],
) -> None:
    """A line for each picture, and the means."""
    width = max(len(name) for name, _ in pictures) + 2
    print(" " * width + "".join(f"{name:>20}" for name in ways))
    found: list[list[float]] = []
    for name, picture in pictures:
        truth = cropped(picture, scale)
        small = (reduce(tensor(truth.samples)) * 255).round().clamp(0, 255) / 255
        scores, steps, began = [], [], time.monotonic()
        for restore in ways.values():
            count = Counter()
            made = samples(restore(small, count))
            scores.append(bounded_psnr(truth.luma_of(made), truth.luma, scale))
            steps.append(count.steps)
        found.append(scores)
        took = f"  {max(steps)} steps, {time.monotonic() - began:.0f} s"
        print(f"{name:<{width}}" + "".join(f"{s:20.2f}" for s in scores) + took, flush=True)
    means = [mean(column) for column in zip(*found, strict=True)]
    print(f"{'mean':<{width}}" + "".join(f"{one:20.2f}" for one in means))
    print(f"{'over bicubic':<{width}}" + "".join(f"{one - means[0]:+20.2f}" for one in means))


@torch.inference_mode()
def by_model(name: str, scale: int, small: Tensor) -> Tensor:
    """What a bundled model makes of RGB (1, 3, h, w)."""
    network = load_model(name, scale).network
    if network.color == "rgb":
        return network(small)
    return network(small[0][:, None])[:, 0][None]


def tensor(picture: Samples) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(picture.copy()).movedim(-1, 0)[None] / 255


def samples(picture: Tensor) -> Samples:
    """The way back."""
    rounded: Samples = (picture[0] * 255).round().clamp(0, 255).byte().movedim(0, -1).numpy()
    return rounded


if __name__ == "__main__":
    main()
