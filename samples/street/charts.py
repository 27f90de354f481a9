"""Flat pictures measured in metres: bricks, slabs, leaves, lettering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .patch import Color, Picture

Field = NDArray[np.float32]


def noise(rng: Generator, height: int, width: int, cell: float) -> Field:
    """Smooth noise of zero mean and about unit deviation, its features `cell` pixels large."""
    rows, columns = max(2, round(height / cell)), max(2, round(width / cell))
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, np.float32)


def rough(rng: Generator, height: int, width: int, cells: Sequence[float]) -> Field:
    """Noise of several sizes together, unit deviation or so."""
    layers = [noise(rng, height, width, cell) for cell in cells]
    return np.sum(layers, 0) / np.float32(len(layers) ** 0.5)


@lru_cache(maxsize=256)
def lettering(text: str, width: int, height: int) -> Picture:
    """Text that fills a (height, width) mask exactly, whatever font OpenCV has."""
    scale, stroke = 8.0, 22
    (long, tall), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, stroke)
    canvas = np.zeros((tall + 2 * below + 160, long + 160), np.uint8)
    place = (80, tall + below)
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_DUPLEX, scale, (255,), stroke, cv2.LINE_AA)
    x, y, w, h = cv2.boundingRect(canvas)
    ink = cv2.resize(canvas[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(ink, np.uint8)


@dataclass(frozen=True)
class Chart:
    """A flat picture with a scale; places on it are metres from its lower left corner.

    Attributes:
        pixels: (H, W, 3), RGB; drawn on in place.
        per_metre: pixels per metre.
    """

    pixels: Picture
    per_metre: float

    def place(self, x: float, y: float) -> tuple[int, int]:
        """Column and row of a place."""
        return round(x * self.per_metre), self.pixels.shape[0] - round(y * self.per_metre)

    def part(self, x0: float, y0: float, x1: float, y1: float) -> Picture:
        """The pixels of a rectangle, to be changed in place."""
        (left, bottom), (right, top) = self.place(x0, y0), self.place(x1, y1)
        return self.pixels[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]

    def box(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle."""
        self.part(x0, y0, x1, y1)[:] = np.asarray(color)

    def light(self, x0: float, y0: float, x1: float, y1: float, low: float, high: float) -> None:
        """Multiply a rectangle by a ramp, `low` at its lower edge to `high` at its upper."""
        part = self.part(x0, y0, x1, y1)
        ramp = np.linspace(high, low, part.shape[0], dtype=np.float32)[:, None, None]
        part[:] = (part * ramp).clip(0, 255)

    def text(
        self, text: str, x0: float, y0: float, x1: float, y1: float, color: Color, ink: float = 1
    ) -> None:
        """Write text that fills a rectangle."""
        part = self.part(x0, y0, x1, y1)
        weight = lettering(text, part.shape[1], part.shape[0])[..., None] * np.float32(ink / 255)
        part[:] = part * (1 - weight) + np.asarray(color, np.float32) * weight


def plain(width: float, height: float, per_metre: float, color: Color) -> Chart:
    """A chart of one colour."""
    shape = (round(height * per_metre), round(width * per_metre), 3)
    pixels = np.empty(shape, np.uint8)
    pixels[:] = np.asarray(color)
    return Chart(pixels, per_metre)


def speckle(rng: Generator, part: Picture, cells: Sequence[float], strength: float) -> None:
    """Roughen pixels in place."""
    field = rough(rng, part.shape[0], part.shape[1], cells)
    part[:] = (part * (1 + strength * field[..., None])).clip(0, 255)


def tiles(
    rng: Generator,
    part: Picture,
    size: tuple[float, float],
    joint: tuple[float, Color],
    colors: Sequence[Color],
    bond: float = 0.5,
) -> None:
    """Cover pixels with tiles of `size` (width, height) pixels, each of its own tint.

    `joint` is the width of the gaps and their colour; `bond` how far each row is shifted.
    """
    height, width = part.shape[:2]
    tile_width, tile_height = size
    row = np.arange(height) / tile_height
    column = np.arange(width)[None, :] / tile_width + bond * (row.astype(int) % 2)[:, None]
    columns = int(column.max()) + 1
    palette = np.asarray(colors, np.float32)
    tint = palette[rng.integers(0, len(palette), (int(row.max()) + 1, columns))]
    tint *= 1 + 0.06 * rng.standard_normal((*tint.shape[:2], 1)).astype(np.float32)
    surface = tint[row.astype(int)[:, None], column.astype(int)]
    # Upper edges catch the light, lower ones lie in their own shade.
    inside_x, inside_y = column % 1 * tile_width, (row % 1 * tile_height)[:, None]
    surface *= (1.05 - 0.1 * inside_y / tile_height)[..., None]
    gap = (inside_x < joint[0]) | (inside_y < joint[0])
    surface[gap] = np.asarray(joint[1], np.float32)
    field = rough(rng, height, width, (2, 5, 60))
    part[:] = (surface * (1 + 0.05 * field[..., None])).clip(0, 255)


def leaf(
    center: tuple[float, float], length: float, angle: float, width: float = 0.45
) -> NDArray[np.float64]:
    """Outline of a pointed leaf, (10, 2)."""
    along = np.array([-1, -0.6, -0.1, 0.4, 0.8, 1, 0.8, 0.4, -0.1, -0.6])
    across = np.array([0, 0.7, 1, 0.8, 0.35, 0, -0.35, -0.8, -1, -0.7]) * width
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([along * cos - across * sin, along * sin + across * cos], -1)
    return turned * length / 2 + center


def leaves(
    rng: Generator, crown: Picture, count: int, length: float, greens: Sequence[Color]
) -> tuple[Picture, Picture]:
    """Leaves where the `crown` mask is set: colours and alpha, both of the mask's size.

    Deep leaves are drawn first and dark, the last ones lie in the light.
    """
    height, width = crown.shape
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:] = np.asarray(greens[0]) * 0.4
    alpha = np.zeros_like(crown)
    clump = noise(rng, height, width, 9 * length)
    palette = np.asarray(greens, float)
    for index in range(count):
        x, y = rng.random() * width, rng.random() * height
        if not crown[int(y), int(x)]:
            continue
        depth = index / count
        light = 0.35 + 0.65 * depth + 0.14 * clump[int(y), int(x)] - 0.2 * (y / height - 0.5)
        color = palette[rng.integers(len(palette))] * max(0.15, light + 0.08 * rng.normal())
        outline = leaf((x, y), length * rng.uniform(0.6, 1.3), rng.uniform(0, 2 * np.pi))
        corners = np.round(outline * 16).astype(np.int32)
        rgb = tuple(float(min(255.0, c)) for c in color)
        cv2.fillConvexPoly(pixels, corners, rgb, cv2.LINE_AA, 4)
        cv2.fillConvexPoly(alpha, corners, (255,), cv2.LINE_AA, 4)
    return pixels, alpha
