"""Networks as if trained: their weights drawn at random, the same each time."""

from __future__ import annotations

from typing import TypeVar

import torch

from vsr.networks import Network

Some = TypeVar("Some", bound=Network)


def drawn(network: Some, seed: int = 3) -> Some:
    """Every weight drawn anew, so large that flows take all values within their range."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = parameter[0].numel() if parameter.ndim == 4 else 25
            parameter.copy_(torch.randn(parameter.shape, generator=random) * (2 / fan_in) ** 0.5)
    return network.eval()
