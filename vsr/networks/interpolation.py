"""Interpolation without learning, behind the same interface as the networks."""

from __future__ import annotations

from torch import Tensor

from vsr.core.resample import Upsample
from vsr.networks.network import Network


class Interpolation(Network):
    """(N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W) float32 by a fixed kernel.

    Args:
        scale: 2, 3 or 4.
        kernel: "cubic" (a = -0.5, as in MATLAB and in the papers' tables), "lanczos" (three
            lobes), "linear" or "nearest".
    """

    def __init__(self, scale: int, kernel: str = "cubic") -> None:
        super().__init__()
        if scale < 1:
            raise ValueError(f"scale {scale}: must be positive")
        self.scale = scale
        self.base = Upsample(scale, kernel)
        self.receptive_field = 2 * self.base.reach + 1
        self.chroma_kernel = "nearest" if kernel == "nearest" else "cubic"

    def subpixel(self, x: Tensor) -> Tensor:
        return self.base.subpixel(x)
