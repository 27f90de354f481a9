"""Drawing with fine edges onto a part of a picture.

A patch is drawn several times larger than the picture and then averaged down, so that edges
move by small fractions of a pixel.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Points

Picture = NDArray[np.uint8]
Color = tuple[float, float, float] | NDArray[np.float64]

FINE = 3  # patch pixels per picture pixel
FRACTION = 4  # binary digits of sub-pixel position given to OpenCV
AIR = np.array([205, 214, 222], np.float32)  # the colour of haze
SHADE = np.array([1.0, 0.95, 0.86])  # shadows keep some of the sky's blue


class Patch:
    """A part of a picture of (height, width), large enough for some points of it.

    Attributes:
        area: rows and columns of the picture that it covers.
        pixels: its colours, RGB, FINE times larger than that area.
        mask: 255 where something was drawn.
    """

    def __init__(self, shape: tuple[int, ...], points: Points, margin: float = 2) -> None:
        low = np.floor(points.reshape(-1, 2).min(0) - margin).astype(int)
        high = np.ceil(points.reshape(-1, 2).max(0) + margin).astype(int)
        left, top = np.clip(low, 0, (shape[1], shape[0]))
        right, bottom = np.clip(high, 0, (shape[1], shape[0]))
        self.area = (slice(top, max(top, bottom)), slice(left, max(left, right)))
        self._origin = np.array([left, top], float)
        size = (FINE * max(0, bottom - top), FINE * max(0, right - left))
        self.pixels = np.zeros((*size, 3), np.uint8)
        self.mask = np.zeros(size, np.uint8)

    @property
    def empty(self) -> bool:
        """Whether all of it lies outside the picture."""
        return self.mask.size == 0

    def fill(self, polygon: Points, color: Color) -> None:
        """Fill a convex (N, 2) polygon, given in the picture's pixels."""
        # OpenCV counts from the middle of the first pixel.
        place = (polygon - self._origin) * FINE - 0.5
        corners = np.round(place * (1 << FRACTION)).astype(np.int32)
        rgb = tuple(float(min(255.0, max(0.0, c))) for c in color)
        cv2.fillConvexPoly(self.pixels, corners, rgb, cv2.LINE_8, FRACTION)
        cv2.fillConvexPoly(self.mask, corners, (255,), cv2.LINE_8, FRACTION)

    def paste(self, chart: Picture, corners: Points, alpha: Picture | None = None) -> None:
        """Lay a flat chart over the four `corners`: clockwise from its top left."""
        height, width = chart.shape[:2]
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
        place = (corners - self._origin) * FINE - 0.5
        limit = (self.mask.shape[1], self.mask.shape[0])
        left, top = np.clip(np.floor(place.min(0)).astype(int) - 1, 0, limit)
        right, bottom = np.clip(np.ceil(place.max(0)).astype(int) + 2, 0, limit)
        if right <= left or bottom <= top:
            return
        view = cv2.getPerspectiveTransform(source, (place - (left, top)).astype(np.float32))
        size = (int(right - left), int(bottom - top))
        # Repeated edges keep colours true under the chart's own soft border.
        seen = cv2.warpPerspective(chart, view, size, borderMode=cv2.BORDER_REPLICATE)
        alpha = np.full((height, width), 255, np.uint8) if alpha is None else alpha
        cover = cv2.warpPerspective(alpha, view, size)
        weight = cv2.merge([cover] * 3)
        part = (slice(top, bottom), slice(left, right))
        self.pixels[part] = cv2.add(
            cv2.multiply(seen, weight, scale=1 / 255),
            cv2.multiply(self.pixels[part], 255 - weight, scale=1 / 255),
        )
        self.mask[part] = cv2.max(self.mask[part], cover)

    def blend(self, picture: Picture, haze: float = 0.0) -> None:
        """Put it on the picture, `haze` of it lost in the air."""
        if self.empty:
            return
        rows, columns = self.area
        below = picture[rows, columns]
        size = (below.shape[1], below.shape[0])
        # Nothing drawn is black, so the averaged colour is already weighted by the mask.
        drawn = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)
        cover = cv2.merge([cv2.resize(self.mask, size, interpolation=cv2.INTER_AREA)] * 3)
        if haze:
            lost = (cover * (AIR / 255)).astype(np.uint8)
            drawn = cv2.addWeighted(drawn, 1 - haze, lost, haze, 0)
        kept = cv2.multiply(below, 255 - cover, scale=1 / 255)
        picture[rows, columns] = cv2.add(drawn, kept)

    def darken(self, picture: Picture, strength: float, blur: float) -> None:
        """Put it on the picture as a shadow, its edge `blur` pixels soft."""
        if self.empty:
            return
        rows, columns = self.area
        below = picture[rows, columns]
        size = (below.shape[1], below.shape[0])
        cover = cv2.resize(self.mask, size, interpolation=cv2.INTER_AREA)
        if blur:
            cover = cv2.GaussianBlur(cover, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)
        light = 1 - strength * SHADE.astype(np.float32) * (cover[..., None] / np.float32(255))
        picture[rows, columns] = below * light + 0.5
