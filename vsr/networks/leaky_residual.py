"""A residual block of two convolutions: what cleaners and what learns degradations are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class LeakyResidual(nn.Module):
    """(N, C, H, W) -> (N, C, H, W), which sees 2 pixels on each side.

    Args:
        features: C.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.leaky_relu(self.first(x), 0.2))
        return x + change
