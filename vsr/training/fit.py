"""The training loop: patches in, the best weights and a resumable checkpoint out."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from vsr.evaluation.metrics import psnr
from vsr.networks import ARCHITECTURES
from vsr.training.data import StillPairs, crop_to_multiple, degrade, list_media, read_luma
from vsr.training.widen import merged_state, widen


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run.

    Attributes:
        network: a key of `vsr.networks.ARCHITECTURES`.
        scale: 2, 3 or 4.
        options: the network's own arguments.
        data: images, videos and folders of them to learn from.
        validation: images to choose the best weights on; never those a result is reported on.
        iterations: steps to take; the learning rate falls over them along a cosine.
        minutes: if given, end after this much training instead, wherever the steps stand.
        batch, patch: patches a step, and their side in small pixels.
        rate: Adam's highest learning rate.
        width: kernels in the bank behind each convolution (see `widen`); 0 trains plainly.
        warm_start: weights to begin from; layers whose shape differs begin anew.
        mse_part: the last part of the run that minimises squared error, the metric itself.
        seed: everything random follows from it and the step number.
        device: "cpu" or "cuda".
        threads: for torch on the CPU; 0 leaves its choice.
    """

    network: str
    scale: int
    data: tuple[Path, ...]
    validation: tuple[Path, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    iterations: int = 100_000
    minutes: float | None = None
    batch: int = 16
    patch: int = 48
    rate: float = 1e-3
    width: int = 256
    warm_start: Path | None = None
    mse_part: float = 0.15
    seed: int = 1
    device: str = "cpu"
    threads: int = 0


@dataclass(frozen=True)
class Progress:
    """How a run stands: `done` in [0, 1], `loss` since the last report, `psnr` when measured."""

    step: int
    done: float
    loss: float
    rate: float
    psnr: float | None
    best: float | None


WARM_UP = 500  # steps
EMA_EVERY = 8  # steps; averaging merged kernels at each would cost more and change nothing
EMA_DECAY = 0.995  # over EMA_EVERY steps, 0.9994 a step
REPORT_EVERY = 200  # steps
SAVE_EVERY = 120.0  # seconds


def fit(recipe: Recipe, folder: Path, report: Callable[[Progress], None]) -> Path:
    """Train, and return the path of the best weights, `folder`/best.safetensors.

    `folder` also holds log.jsonl and checkpoint.pt, written every two minutes and at the
    end; the same call continues from it.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    folder.mkdir(parents=True, exist_ok=True)
    device = torch.device(recipe.device)
    average = ARCHITECTURES[recipe.network](recipe.scale, **recipe.options).to(device)
    network = ARCHITECTURES[recipe.network](recipe.scale, **recipe.options).to(device)
    if recipe.warm_start:
        _load_matching(network, load_file(recipe.warm_start))
    average.load_state_dict(network.state_dict())
    if recipe.width:
        widen(network, recipe.width)
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.rate, betas=(0.9, 0.99))

    checkpoint, best_file = folder / "checkpoint.pt", folder / "best.safetensors"
    step, elapsed, best = 0, 0.0, -math.inf
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        step, elapsed, best = saved["step"], saved["elapsed"], saved["best"]

    pairs = StillPairs.load(recipe.data, recipe.scale, recipe.patch)
    truths = [
        crop_to_multiple(y, recipe.scale) for f in list_media(recipe.validation) for y in read_luma(f)
    ]
    losses: list[float] = []
    last = saved_at = time.monotonic()
    while True:
        done = step / recipe.iterations
        if recipe.minutes is not None:
            done = max(done, elapsed / (60 * recipe.minutes))
        if done >= 1 or time.monotonic() - saved_at > SAVE_EVERY:
            score = _validate(average, truths, device) if truths else None
            if score is None or score > best:
                best = best if score is None else score
                _replace(best_file, lambda path: save_file(average.state_dict(), path))
            state = {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
                "elapsed": elapsed,
                "best": best,
            }
            _replace(checkpoint, lambda path: torch.save(state, path))
            mean = sum(losses) / max(len(losses), 1)
            progress = Progress(step, min(done, 1.0), mean, _rate(recipe, step, done), score, best)
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(asdict(progress)) + "\n")
            report(progress)
            losses.clear()
            last = saved_at = time.monotonic()
            if done >= 1:
                return best_file
        for group in optimizer.param_groups:
            group["lr"] = _rate(recipe, step, done)
        random = np.random.default_rng((recipe.seed, step))
        small, large = pairs.sample(recipe.batch, recipe.patch, random)
        small, large = small.to(device), large.to(device)
        with torch.autocast(device.type, torch.bfloat16):
            guess = network(small.to(memory_format=torch.channels_last))
        loss = F.mse_loss(guess, large) if done > 1 - recipe.mse_part else _charbonnier(guess, large)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % EMA_EVERY == 0:
            _average(average, merged_state(network), EMA_DECAY)
        if step % REPORT_EVERY == 0:
            losses.append(loss.item())
        now = time.monotonic()
        elapsed, last = elapsed + now - last, now


def _rate(recipe: Recipe, step: int, done: float) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return recipe.rate * min(1.0, (step + 1) / WARM_UP) * max(cosine, 0.002)


def _charbonnier(guess: Tensor, truth: Tensor) -> Tensor:
    return ((guess - truth) ** 2 + 1e-6).sqrt().mean()


@torch.no_grad()
def _average(average: nn.Module, state: dict[str, Tensor], decay: float) -> None:
    for name, value in average.state_dict().items():
        value.lerp_(state[name], 1 - decay)


@torch.no_grad()
def _validate(network: nn.Module, truths: list[Any], device: torch.device) -> float:
    scale = int(network.scale)  # type: ignore[arg-type]
    scores = []
    for truth in truths:
        small = torch.from_numpy(degrade(truth, scale))[None, None].float().to(device) / 255
        guess = (network(small)[0, 0] * 255).round().clamp(0, 255).byte().cpu().numpy()
        scores.append(psnr(guess, truth, border=scale))
    return sum(scores) / len(scores)


def _load_matching(network: nn.Module, state: dict[str, Tensor]) -> None:
    own = network.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict(fitting, strict=False)


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)
