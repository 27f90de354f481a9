"""Where a point of the world falls in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that hangs still.

    Attributes:
        position: where it hangs, in metres.
        yaw: how far it is turned to the left, in degrees.
        pitch: how far it looks down, in degrees.
        focal: focal length in pixels of its picture.
        width: of its picture, in pixels.
        height: of its picture, in pixels.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float
    focal: float
    width: int
    height: int

    def axes(self) -> Points:
        """Right, up and forward as rows of a (3, 3) matrix."""
        sy, cy = math.sin(math.radians(self.yaw)), math.cos(math.radians(self.yaw))
        sp, cp = math.sin(math.radians(self.pitch)), math.cos(math.radians(self.pitch))
        return np.array([[cy, 0, sy], [-sy * sp, cp, cy * sp], [-sy * cp, -sp, cy * cp]])

    def depth(self, points: Points) -> Points:
        """Distance along the optical axis of (..., 3) points."""
        return (np.asarray(points, float) - self.position) @ self.axes()[2]

    def project(self, points: Points) -> Points:
        """(..., 3) points -> (..., 2) pixel positions; pixel i covers i to i + 1."""
        seen = (np.asarray(points, float) - self.position) @ self.axes().T
        across = self.width / 2 + self.focal * seen[..., 0] / seen[..., 2]
        down = self.height / 2 - self.focal * seen[..., 1] / seen[..., 2]
        return np.stack([across, down], -1)
