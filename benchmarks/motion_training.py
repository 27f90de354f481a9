"""Teaches a recurrent network's motion net of another width what the one that it has knows.

    nice -n 19 python benchmarks/motion_training.py runs/m12 --features 12 --minutes 45

Pairs of frames are drawn from many takes, turned and flipped, as they were recorded; the teacher's
flow is found in the frames before recording. What learns is judged as `vsr train --motion-fraction`
judges, by what its flow makes of those and a little by the teacher's. The same command goes on
where it was stopped. Minutes are those that the cores work. best.safetensors is --network with the
new motion net, whose cell has yet to get used to it; the score is that of recurrent_training.py.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from material import clips_to_choose_on, clips_to_learn_from, photos_to_learn_from
from torch import Tensor

import vsr
from vsr.core.errors import VsrError
from vsr.core.resample import resize
from vsr.inference.ensemble import POSITIONS, moved
from vsr.networks.recurrent import Recurrent
from vsr.networks.registry import scales_of
from vsr.training.checkpoint import load_parts, read_checkpoint, save_parts, save_weights
from vsr.training.loop import run_trainer
from vsr.training.motion_error import flow_error
from vsr.training.recipe import Recipe
from vsr.training.recurrent_validation import validate_recurrent
from vsr.training.run_folder import RunFiles, run_folder
from vsr.training.running_average import follow
from vsr.training.step_down import step_down
from vsr.training.takes import SIDE, draw_take
from vsr.training.validation import RECORDED
from vsr.training.window_pairs import WindowPairs

PAIRS, PATCH = 64, 64  # a step; small pixels a side
TAKES, STEPS_A_TAKE = 700, 3  # kept, 3.3 MB each; a new one takes the place of one of them
WARMUP, LEAST_RATE = 300, 1e-6

Pairs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Frames and those beside them as recorded, the same as they were, (N, 1, p, p) in [0, 1] each,
and the teacher's flows between the latter, (N, 2, p, p)."""


@dataclass(frozen=True)
class Settings:
    """What is taught.

    Attributes:
        network: a name or file, whose motion net teaches, and whose cell is kept.
        features: of the motion net that learns.
        minutes, lr, seed: as `vsr.training.recipe.Recipe` has them.
    """

    network: str
    features: int
    minutes: float
    lr: float
    seed: int = 1

    @property
    def scale(self) -> int:
        """Of the network; of one that has several, the largest."""
        return max(scales_of(self.network))

    def done(self, _step: int, elapsed: float) -> float:
        return min(1.0, elapsed / (60 * self.minutes))


@dataclass(frozen=True)
class Stand:
    """How it goes, as the log has it: see `vsr.training.progress.Progress`."""

    step: int
    done: float
    loss: float
    rate: float
    psnr: float | None
    saved: bool


@dataclass(frozen=True)
class Filmed:
    """A take, and the flows between its frames.

    Attributes:
        recorded: (T, p, p) uint8.
        clean: (T, p, p) float16 in [0, 1], as it was.
        flows: (2, T-1, 2, p, p) float16, from each frame to the one before, and back.
    """

    recorded: Tensor
    clean: Tensor
    flows: Tensor

    def pair(self, random: np.random.Generator) -> Tensor:
        """(6, PATCH, PATCH): two frames as recorded and as they were, and the flow, turned."""
        first, ways = int(random.integers(len(self.recorded) - 1)), int(random.integers(2))
        order = [first + 1, first] if ways == 0 else [first, first + 1]
        y, x = (int(n) for n in random.integers(0, SIDE - PATCH + 1, 2))
        here = (..., slice(y, y + PATCH), slice(x, x + PATCH))
        frames = [self.recorded[order].float() / 255, self.clean[order].float()]
        planes = torch.cat([*frames, self.flows[ways, first].float()])
        return turned(planes[here], int(random.integers(len(POSITIONS))))


def turned(planes: Tensor, position: int) -> Tensor:
    """Frames and the flow after them, (K + 2, p, p), in one of `POSITIONS`."""
    is_turned, flips = POSITIONS[position]
    planes = moved(planes, position)
    x, y = planes[-2:].flip(0) if is_turned else planes[-2:]
    flow = torch.stack([-x if -1 in flips else x, -y if -2 in flips else y])
    return torch.cat([planes[:-2], flow])


@dataclass
class Teaching:
    """A motion net that learns from another: a `vsr.training.loop.Trainer`."""

    settings: Settings
    files: RunFiles
    source: WindowPairs
    teacher: torch.nn.Module
    network: Recurrent
    average: Recurrent
    optimizer: torch.optim.Adam
    step: int = 0
    elapsed: float = 0.0
    best: float | None = None
    score: float | None = None
    rate: float = 0.0
    loss_sum: float = 0.0
    summed: int = 0
    takes: list[Filmed] = field(default_factory=list)

    @property
    def run(self) -> Teaching:
        return self

    @property
    def parts(self) -> dict[str, Any]:
        return {"network": self.network, "average": self.average, "optimizer": self.optimizer}

    @property
    def identity(self) -> dict[str, Any]:
        return {"features": self.settings.features}

    def examples(self) -> Iterator[Pairs]:
        for step in count(self.step):
            random = np.random.default_rng((self.settings.seed, step))
            if not self.takes:
                self.takes = [self.filmed(random) for _ in range(TAKES // 10)]
            elif step % STEPS_A_TAKE == 0:
                if len(self.takes) == TAKES:
                    del self.takes[int(random.integers(TAKES))]
                self.takes.append(self.filmed(random))
            chosen = random.integers(len(self.takes), size=PAIRS)
            planes = torch.stack([self.takes[int(n)].pair(random) for n in chosen])
            here, there, shown, before = (planes[:, n : n + 1] for n in range(4))
            yield here, there, shown, before, planes[:, 4:]

    @torch.no_grad()
    def filmed(self, random: np.random.Generator) -> Filmed:
        take = draw_take(self.source, random)
        large = torch.from_numpy(take.large).float() / 255
        clean = resize(large, SIDE, SIDE).clamp(0, 1)
        later, earlier = clean[1:, None], clean[:-1, None]
        with torch.autocast("cpu", torch.bfloat16):
            pairs = ((later, earlier), (earlier, later))
            flows = torch.stack([self.teacher(*pair)[:, 0].float() for pair in pairs])
        return Filmed(torch.from_numpy(take.small), clean.half(), flows.half())

    def train(self, examples: Pairs, fraction: float) -> None:
        here, there, shown, before, wanted = examples
        cosine = 0.5 * (1 + math.cos(math.pi * fraction))
        self.rate = self.settings.lr * min(1.0, (self.step + 1) / WARMUP) * cosine + LEAST_RATE
        with torch.autocast("cpu", torch.bfloat16):
            flow = self.network.motion(here, there)[:, 0].float()
            loss = flow_error(flow, wanted, shown, before)
        self.loss_sum += step_down(self.optimizer, loss, self.rate, f"step {self.step + 1}")
        self.summed += 1
        self.step += 1
        follow(self.average.motion, self.network.motion, self.step)

    def save(self) -> None:
        clips = clips_to_choose_on()
        gains = validate_recurrent(self.average, clips, torch.device("cpu"), RECORDED)
        self.score = gains.score
        if self.best is None or self.score > self.best:
            recipe = recipe_of(self.network, self.settings)
            save_weights(self.average, recipe, self.files.best)
            self.best = self.score
        self.save_checkpoint()

    def save_checkpoint(self) -> None:
        more = {"best": self.best}
        save_parts(self.parts, self, self.identity, self.files.checkpoint, more)

    def go_on(self) -> None:
        """From the checkpoint, if there is one."""
        if self.files.checkpoint.exists():
            saved = read_checkpoint(self.files.checkpoint, torch.device("cpu"))
            load_parts(self.parts, self, self.identity, saved, self.files.checkpoint)
            self.best = saved.get("best")

    def progress(self, fraction: float, saved: bool) -> Stand:
        loss = self.loss_sum / max(1, self.summed)
        if saved:
            self.loss_sum, self.summed = 0.0, 0
        return Stand(self.step, fraction, loss, self.rate, self.score, saved)


def begin(settings: Settings, files: RunFiles, source: WindowPairs) -> Teaching:
    """Before the first step: the cell as it is, the motion net at random."""
    known = vsr.load_model(settings.network, settings.scale).network
    if not isinstance(known, Recurrent):
        raise VsrError(f"{settings.network}: is not recurrent")
    cell = {n: value for n, value in known.state_dict().items() if not n.startswith("motion.")}
    torch.manual_seed(settings.seed)
    options = options_of(known) | {"flow_features": settings.features}
    network, average = (Recurrent(known.scale, **options) for _ in range(2))
    network.load_state_dict(cell, strict=False)
    average.load_state_dict(network.state_dict())
    average.eval().requires_grad_(False)
    network.motion.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.motion.parameters(), lr=settings.lr, betas=(0.9, 0.99))
    teacher = known.motion.eval().requires_grad_(False)
    return Teaching(settings, files, source, teacher, network, average, optimizer)


def options_of(network: Recurrent) -> dict[str, Any]:
    """What its model file says of its shape."""
    return {
        "features": network.features,
        "pairs": len(network.blocks),
        "hidden": network.hidden,
        "grades": network.grades,
        "future": network.future,
        "coming_aligned": network.coming_aligned,
    }


def recipe_of(network: Recurrent, settings: Settings) -> Recipe:
    """What names the network in its file."""
    options = options_of(network) | {"flow_features": settings.features}
    return Recipe("recurrent", network.scale, (), options=options, iterations=1)


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    settings = Settings(options.network, options.features, options.minutes, options.lr)
    try:
        teach(settings, options.output, (*clips_to_learn_from(), *photos_to_learn_from()))
    except VsrError as error:
        sys.exit(f"motion_training: {error}")


def teach(settings: Settings, folder: Path, data: Sequence[Path]) -> Path:
    """Teach until the minutes are over; the file of the best weights."""
    files = RunFiles.of(folder, list(data))
    source = WindowPairs.load(data, settings.scale, 1, SIDE, reductions=(1.0, 0.7, 0.5), warn=print)
    teaching = begin(settings, files, source)
    with run_folder(folder):
        teaching.go_on()
        device = torch.device("cpu")
        run_trainer(teaching, settings.done, files.log, device, report, time.process_time)
    return files.best


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="the folder of the run")
    parser.add_argument("--network", default="recurrent", metavar="NAME|FILE")
    parser.add_argument("--features", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(words)


def report(stand: Stand) -> None:
    if stand.saved:
        print(f"{stand.done:.1%}, step {stand.step}: {stand.psnr:.3f} dB", flush=True)


if __name__ == "__main__":
    main()
