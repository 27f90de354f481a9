"""RGB networks that need no training, for what only the colour of a network changes."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from support.clips import picture
from vsr.core.resample import Upsample
from vsr.networks import Network
from vsr.networks.catalogue import ModelCard
from vsr.networks.model import Model


class RgbBicubic(Network):
    """Bicubic, channel by channel, of the frame at `place` of those that it sees."""

    color = "rgb"

    def __init__(self, scale: int = 2, context: int = 0, place: int | None = None) -> None:
        super().__init__()
        self.scale, self.context = scale, context
        self.place = context if place is None else place
        self.base = Upsample(scale)
        self.receptive_field = 2 * self.base.reach + 1

    def forward(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        assert channels == 3 * (2 * self.context + 1)
        planes = x.unflatten(1, (-1, 3))[:, self.place].flatten(0, 1)[:, None]
        return self.base(planes).view(count, 3, height * self.scale, width * self.scale)


def rgb_bicubic(scale: int = 2) -> Model:
    return Model(ModelCard("rgb-bicubic", scale, "test"), RgbBicubic(scale))


def colours(number: int, width: int, height: int) -> np.ndarray:
    """A BGR picture (H, W, 3) uint8 whose channels move on their own."""
    return cv2.merge([picture(number + 31 * n, width, height) for n in range(3)])
