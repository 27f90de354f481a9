"""The average of the weights of two networks that learn from each other."""

from __future__ import annotations

import torch
from torch import nn

_DECAY = 0.999


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int) -> None:
    """Move the average towards the network: faster at first, when it still averages little."""
    decay = min(_DECAY, step / (step + 9))
    for kept, value in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(value, 1 - decay)
