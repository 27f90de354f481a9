"""A network that looks at its neighbours: small, exact, and different for every order of frames."""

from __future__ import annotations

import torch
from torch import Tensor

from vsr.networks import Network
from vsr.networks.registry import Model, ModelCard


class Blend(Network):
    """The weighted mean of a window's frames, each pixel repeated. The oldest weighs least."""

    receptive_field = 1

    def __init__(self, scale: int = 2, context: int = 1) -> None:
        super().__init__()
        self.scale, self.context = scale, context

    def subpixel(self, x: Tensor) -> Tensor:
        weights = torch.arange(1, 2 * self.context + 2, dtype=torch.float32)
        mean = torch.einsum("nthw,t->nhw", x, weights / weights.sum())
        return mean[:, None].repeat(1, self.scale**2, 1, 1)


def blend(context: int = 1, scale: int = 2) -> Model:
    return Model(ModelCard("blend", scale, "test"), Blend(scale, context))
