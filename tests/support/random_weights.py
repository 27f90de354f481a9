"""Networks as if trained: their weights drawn at random, the same each time."""

from __future__ import annotations

from typing import TypeVar

import torch

from vsr.networks import Network

Some = TypeVar("Some", bound=Network)


def drawn(network: Some, seed: int = 3, last: float = 1.0) -> Some:
    """Every weight drawn anew, so large that flows take all values within their range.

    `last` is what those of the last layer are multiplied with, so that its output is a picture.
    """
    random = torch.Generator().manual_seed(seed)
    parameters = list(network.parameters())
    with torch.no_grad():
        for parameter in parameters:
            fan_in = parameter[0].numel() if parameter.ndim == 4 else 25
            parameter.copy_(torch.randn(parameter.shape, generator=random) * (2 / fan_in) ** 0.5)
        for parameter in parameters[-2:]:
            parameter.mul_(last)
    return network.eval()
