"""Trains a recurrent network on all scenes but those that choose or report, or scores its weights.

    nice -n 19 python benchmarks/recurrent_training.py runs/a5 --scale 2 --minutes 110 --lr 1.5e-4
    nice -n 19 python benchmarks/recurrent_training.py runs/b5 --model recurrent-large
    nice -n 19 python benchmarks/recurrent_training.py runs/s5 --anew --symmetry 4 --lr 1e-3
    python benchmarks/recurrent_training.py --score runs/a5/best.safetensors

The same command goes on where it was stopped. Minutes are those that the cores work for the run, of
all of them together. Without --warm-start a run begins from the package's weights of that model and
scale; given the smaller network's, recurrent-large begins as that and its mirror image; with --anew
all but the motion net begins at random. The score is the mean gain over bicubic in dB, half of it
on clean clips and half on recorded ones, as the training log has it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from material import clips_to_choose_on, clips_to_learn_from, photos_to_learn_from

import vsr
from vsr.core.errors import VsrError
from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import scales_of, weights_path
from vsr.training.fit import fit
from vsr.training.progress import Progress
from vsr.training.recipe import Recipe
from vsr.training.recurrent_validation import validate_recurrent
from vsr.training.shapes import SHAPES
from vsr.training.symmetry import SYMMETRIES
from vsr.training.validation import RECORDED


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    try:
        if options.score:
            for file in options.score:
                print(scored(file), flush=True)
        else:
            fit(recipe(options), options.output, report, time.process_time)
    except VsrError as error:
        sys.exit(f"recurrent_training: {error}")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, nargs="?", help="the folder of the run")
    parser.add_argument("--score", type=Path, nargs="+", metavar="FILE", help="measure these")
    parser.add_argument("--model", choices=("recurrent", "recurrent-large"), default="recurrent")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4), default=4)
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--lr", type=float, default=2e-4)
    begun = parser.add_mutually_exclusive_group()
    begun.add_argument("--warm-start", type=Path, metavar="FILE")
    begun.add_argument("--anew", action="store_true", help="begin without weights")
    parser.add_argument("--symmetry", type=int, choices=SYMMETRIES, help="as vsr train has it")
    parser.add_argument("--batch", type=int, help="lanes, where not the shape's own")
    parser.add_argument("--recorded-only", action="store_true", help="hold the flawless grade")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(words)
    if (options.output is None) == (options.score is None):
        parser.error("give the folder of a run, or files to --score")
    return options


def recipe(options: argparse.Namespace) -> Recipe:
    """A run's settings: the shape's own, but for what is asked for."""
    shape, usual = SHAPES[options.model], weights_path(options.model, options.scale)
    settings: dict[str, Any] = {
        "data": (*clips_to_learn_from(), *photos_to_learn_from()),
        "validation": tuple(clips_to_choose_on()),
        "options": shape.options,
        "iterations": None,
        "minutes": options.minutes,
        "lr": options.lr,
        "warm_start": None if options.anew else options.warm_start or usual,
        "recorded_only": options.recorded_only,
        "threads": options.threads,
    }
    asked = {"symmetry": options.symmetry, "batch": options.batch}
    settings |= {name: value for name, value in asked.items() if value}
    return Recipe(shape.network, options.scale, **(shape.defaults | settings))


def report(progress: Progress) -> None:
    if progress.saved:
        print(f"{progress.done:.1%}, step {progress.step}: {progress.psnr:.3f} dB", flush=True)


def scored(file: Path) -> str:
    """A line on one file."""
    network = vsr.load_model(file, scales_of(str(file))[0]).network
    if not isinstance(network, Recurrent):
        return f"{file}: not recurrent"
    gains = validate_recurrent(network, clips_to_choose_on(), torch.device("cpu"), RECORDED)
    clean, recorded = gains.means
    clips = ", ".join(f"{n} {gains.clean[n]:.2f} / {gains.recorded[n]:.2f}" for n in gains.clean)
    return f"{file}: {gains.score:.3f} (clean {clean:.3f}, recorded {recorded:.3f}; {clips})"


if __name__ == "__main__":
    main()
