"""The steps that a run takes: how far each goes, and the average of the weights behind them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vsr.training.checkpoint import Run
from vsr.training.recipe import Recipe
from vsr.training.reparam import merged_state
from vsr.training.step_down import step_down

WARM_UP = 500  # steps
RISE = 0.01  # of the run
EMA_EVERY = 8  # steps; averaging merged kernels at each would cost more and change nothing
EMA_DECAY = 0.995  # over EMA_EVERY steps, 0.9994 a step


def rate_at(recipe: Recipe, step: int, done: float, beginnings: tuple[float, ...]) -> float:
    """Along a cosine, but gently at first and wherever further layers begin to learn."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    rise = (step + 1) / WARM_UP
    latest = max(part for part in beginnings if part <= done)
    if latest > 0:
        rise = min(rise, (done - latest) / RISE + 0.01)
    return recipe.lr * min(1.0, rise) * max(cosine, 0.002)


def descend(run: Run, loss: Tensor, rate: float, theta: float = 0.0) -> float:
    """One step down the gradient of `loss`; returns its value.

    The gradient's norm is kept within 1 or, with `theta`, each of its numbers within theta / rate.
    """
    bounds = (math.inf, theta / rate) if theta else (1.0, math.inf)
    value = step_down(run.optimizer, loss, rate, f"step {run.step + 1}", *bounds)
    run.step += 1
    if run.step % EMA_EVERY == 0:
        _follow(run)
    return value


@torch.no_grad()
def _follow(run: Run) -> None:
    """Move the average towards the network: faster at first, when it still averages little."""
    count = run.step // EMA_EVERY
    decay = min(EMA_DECAY, count / (count + 9))
    state = merged_state(run.network)
    for name, value in run.average.state_dict().items():
        value.lerp_(state[name], 1 - decay)
