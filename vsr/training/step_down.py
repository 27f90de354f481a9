"""One step of an optimizer down the gradient of a loss, whoever trains."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vsr.core.errors import TrainingError


def step_down(
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    rate: float,
    step: str,
    longest: float = 1.0,
    largest: float = math.inf,
) -> float:
    """Take the step; returns the value of `loss`. What it leaves alone stays as it is.

    Args:
        optimizer: of all its groups.
        rate: its learning rate.
        step: which one it is, in words, for the error.
        longest: the gradient is shortened to this norm; that of all groups together.
        largest: each of the gradient's numbers is kept within this.

    Raises TrainingError where the loss or its gradient is not finite; the weights are as before.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(weights, longest)
    value = loss.item()
    if not math.isfinite(value + norm.item()):  # before it reaches the weights
        raise TrainingError(
            f"{step}: the loss is {value}, its gradient {norm.item()}; training diverged, a rate "
            f"below {rate:.2g} may help"
        )
    if largest < math.inf:
        nn.utils.clip_grad_value_(weights, largest)
    optimizer.step()
    return value
