"""Trains the networks of the literature one after another, each for the same time.

    nice -n 19 python benchmarks/literature_training.py [--data PHOTOS...] [--val PHOTOS...]
        [--minutes 60] [--threads 1] [--output runs/literature] [--go-on] [NAME...]

A NAME is one that `vsr train --model` takes; without any, all whose steps a CPU's core can take.
--data and --val stand for the photos of ../shared, all but ten and those ten. Networks that serve
several scales learn x2, x3 and x4 at once, the others x4 alone. Each has a folder in the output,
and the same command goes on where it was stopped: what is finished is passed over, and of what was
under way at most two minutes are lost. Minutes are those that the CPU spends on steps, all its
threads together, so that what else the machine does takes nothing from them; on a GPU they are the
clock's. Every two minutes the weights are measured on --val, which comes on top: a few small images
do. With --go-on those that have weights in the package begin from these.

`benchmarks/literature.py --runs runs/literature` scores what came of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from material import photos_to_choose_on, photos_to_learn_from

from vsr.core.errors import VsrError
from vsr.networks import ARCHITECTURES
from vsr.networks.catalogue import catalogue
from vsr.networks.cost import cost
from vsr.networks.multi_scale import SCALES, MultiScale
from vsr.networks.registry import weights_path
from vsr.training.checkpoint import UNFIT
from vsr.training.fit import fit
from vsr.training.progress import Progress
from vsr.training.recipe import Recipe
from vsr.training.shapes import LITERATURE_SHAPES

MOST = 50e9
"""Multiplications of a step forwards: above it a network learns too little in an hour of a core."""
SCALE = 4


def main() -> None:
    options = arguments()
    failed = False
    for name in options.names or [n for n in LITERATURE_SHAPES if work(n, options) <= MOST]:
        try:
            train(name, options)
        except VsrError as error:  # the others can still learn
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            failed = True
    sys.exit(failed)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--data", type=Path, nargs="+", help="to learn from")
    parser.add_argument("--val", type=Path, nargs="+", help="to choose the best on")
    parser.add_argument("--minutes", type=float, default=60, help="for each network")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path, default=Path("runs/literature"))
    parser.add_argument("--go-on", action="store_true", help="begin from the package's weights")
    options = parser.parse_args(words)
    options.data = options.data or photos_to_learn_from()
    options.val = options.val or photos_to_choose_on()
    if unknown := [name for name in options.names if name not in LITERATURE_SHAPES]:
        parser.error(f"{', '.join(unknown)}: known are {', '.join(LITERATURE_SHAPES)}")
    return options


def train(name: str, options: argparse.Namespace) -> None:
    """Train one network, or finish its training."""
    folder = options.output / name
    if minutes_of(folder) >= options.minutes:
        print(f"{name}: finished before", flush=True)
        return
    print(f"{name}: training, in {folder}", flush=True)

    def report(progress: Progress) -> None:
        if progress.saved:
            score = "" if progress.psnr is None else f", {progress.psnr:.3f} dB"
            print(f"{name}: {progress.done:.0%}, step {progress.step}{score}", flush=True)

    clock = time.process_time if options.device == "cpu" else time.monotonic
    fit(recipe(name, options), folder, report, clock)


def recipe(name: str, options: argparse.Namespace) -> Recipe:
    """How a shape of the literature is trained here: by its own defaults, for the same time."""
    shape = LITERATURE_SHAPES[name]
    several = issubclass(ARCHITECTURES[shape.network], MultiScale)
    settings: dict[str, Any] = {
        "iterations": None,
        "minutes": options.minutes,
        "threads": options.threads,
        "device": options.device,
        "options": shape.options | ({"scales": SCALES} if several else {}),
    }
    if options.go_on and name in {card.name for card in catalogue(all_groups=True)}:
        settings["warm_start"] = weights_path(name, SCALE)
    paths = (tuple(options.data), tuple(options.val))
    return Recipe(shape.network, SCALE, *paths, **(shape.defaults | settings))


def work(name: str, options: argparse.Namespace) -> float:
    """The multiplications of a step of training, forwards, at the highest scale."""
    asked = recipe(name, options)
    network = ARCHITECTURES[asked.network](asked.scale, **asked.options)
    side = asked.patch * asked.scale
    return asked.batch * cost(network, side, side).macs


def minutes_of(folder: Path) -> float:
    """How long a network has learnt; 0 where it has not begun."""
    try:
        saved = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
        return float(saved["elapsed"]) / 60
    except UNFIT:
        return 0.0


if __name__ == "__main__":
    main()
