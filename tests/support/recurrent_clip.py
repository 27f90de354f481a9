"""A short clip of known motion, and what a recurrent network makes of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vsr.networks.recurrent import Recurrent

QUALITY = torch.tensor([0.4, 0.1]).view(1, 2, 1, 1)


def clip(frames: int) -> Tensor:
    torch.manual_seed(9)
    return torch.rand(frames, 1, 16, 20)


def flows(frames: int) -> Tensor:
    torch.manual_seed(8)
    return torch.randn(frames, 2, 16, 20) * 2


def shown(network: Recurrent, pictures: Tensor, moves: Tensor) -> Tensor:
    """What the clip becomes: (frames, 1, H, W)."""
    count = len(pictures) - network.future
    state, outputs = network.start(pictures[:1]), []
    for n in range(count):
        seen = pictures[n : n + 1 + network.future].transpose(0, 1)
        coming = moves[n + 1 : n + 1 + network.future][None]
        phases, state = network.step(seen, state, QUALITY, moves[n : n + 1], coming)
        outputs.append(F.pixel_shuffle(phases, network.scale))
    return torch.cat(outputs)
