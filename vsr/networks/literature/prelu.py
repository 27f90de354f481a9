"""PReLU in whatever numbers the features come."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Prelu(nn.PReLU):
    """(N, C, H, W) -> the same; each channel has a slope of its own below zero.

    He et al. 2015, "Delving Deep into Rectifiers", arXiv 1502.01852, section 2.1.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features)

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight.to(x.dtype))  # autocast gives bfloat16, weights are float32
