"""A virtual camera that moves over still pictures: sharp windows whose motion is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vsr.core.resample import symmetric_index
from vsr.datasets.ground_truth import Samples

_MEAN_SPEED = 1.5  # small pixels a frame
_TOP_SPEED = 9.0
_JITTER = 0.2  # deviation in large pixels, and half as much of the speed
_STILL = 0.05  # of the windows do not move at all
_TURN, _ZOOM = 0.02, 0.02  # radians and factor a frame: two deviations
_TURNING = 0.3  # of the windows turn and zoom; all others move by whole large pixels
_OBJECTS = 0.35  # of the windows have an object that moves on its own

Affine = NDArray[np.float64]  # (2, 3): where in the plane a pixel (x, y, 1) of the patch lies


@dataclass(frozen=True)
class Shot:
    """One window that the camera took.

    Attributes:
        frames: (T, side, side) uint8, the true pictures at the large size; of RGB with a last
            dimension of 3.
        flow: (T, 2, patch, patch) float32: where the centre frame's small pixels have gone to
            in each frame, x and y in small pixels.
    """

    frames: NDArray[np.uint8]
    flow: NDArray[np.float32]


def shoot(
    background: Samples,
    other: Samples,
    patch: int,
    scale: int,
    context: int,
    random: np.random.Generator,
) -> Shot:
    """Move over `background` for 2*context + 1 frames, each side = scale * patch pixels square.

    In some windows a piece of `other` crosses on a way of its own. Speeds are natural at the
    small size, whose pixels measure `scale` large ones. Both planes need `side` pixels in both
    directions; beyond their borders they are mirrored.
    """
    side = patch * scale
    ways = _ways(background, side, context, scale, random)
    frames = np.stack([_view(background, way, side) for way in ways])
    flow = np.stack([_flow(ways[context], way, patch, scale) for way in ways])
    if random.random() < _OBJECTS:
        paths = _ways(other, side, context, scale, random)
        outline = _outline(side, random)
        small = outline[scale // 2 :: scale, scale // 2 :: scale]
        for n, way in enumerate(paths):
            mask = _moved(outline, paths[context], way)
            frames[n][mask] = _view(other, way, side)[mask]
            flow[n] = np.where(small, _flow(paths[context], way, patch, scale), flow[n])
    return Shot(frames, flow)


def _ways(
    picture: Samples, side: int, context: int, scale: int, random: np.random.Generator
) -> list[Affine]:
    """Where the camera stands for each frame."""
    height, width = picture.shape[:2]
    speed = 0.0
    if random.random() >= _STILL:
        speed = min(random.exponential(_MEAN_SPEED), _TOP_SPEED) * scale
    angle = random.uniform(0, 2 * np.pi)
    velocity = speed * np.array([np.cos(angle), np.sin(angle)])
    turning = random.random() < _TURNING
    turn, zoom = random.normal(0, (_TURN / 2, _ZOOM / 2)) if turning else (0.0, 0.0)
    corner = np.array([random.integers(width - side + 1), random.integers(height - side + 1)])
    ways = []
    for step in range(-context, context + 1):
        shift = velocity * step
        if step and speed:
            shift = shift + random.normal(0, _JITTER * speed / 2 + _JITTER, 2)
        if not turning:
            shift = np.rint(shift)
        ways.append(_affine(corner + shift, turn * step, 1 + zoom * step, side))
    return ways


def _affine(corner: NDArray[np.float64], turn: float, zoom: float, side: int) -> Affine:
    """Turned and zoomed around the middle of the patch, whose first pixel lies at `corner`."""
    middle = (side - 1) / 2
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]])
    offset = corner + middle - matrix @ np.full(2, middle)
    return np.hstack([matrix, offset[:, None]])


def _view(picture: Samples, way: Affine, side: int) -> Samples:
    """What the camera sees; exact pixels where it only moved by whole ones."""
    height, width = picture.shape[:2]
    if np.array_equal(way[:, :2], np.eye(2)) and np.array_equal(way, np.rint(way)):
        x, y = way[:, 2].astype(int)
        if 0 <= x <= width - side and 0 <= y <= height - side:
            return picture[y : y + side, x : x + side]
    # Cut out what can be seen first, mirrored beyond the borders: OpenCV's remapping takes sides
    # up to 32767, and mirrors only what is near.
    corners = way @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    low, high = corners.min(1).astype(int) - 4, corners.max(1).astype(int) + 6
    columns, rows = (
        symmetric_index(torch.arange(first, end), length).numpy()
        for first, end, length in zip(low, high, (width, height), strict=True)
    )
    local = way - np.array([[0, 0, low[0]], [0, 0, low[1]]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    view = cv2.warpAffine(picture[np.ix_(rows, columns)], local, (side, side), flags=flags)
    return np.asarray(view, np.uint8)


def _flow(centre: Affine, way: Affine, patch: int, scale: int) -> NDArray[np.float32]:
    """(2, patch, patch): from the centre frame's small pixels to the same spots seen from `way`."""
    joined = _inverse(way) @ np.vstack([centre, [0, 0, 1]])
    places = (np.arange(patch) + 0.5) * scale - 0.5
    x, y = places[None, :], places[:, None]
    there = [row[0] * x + row[1] * y + row[2] for row in joined]
    flow = np.stack([there[0] - x, there[1] - y]) / scale
    return flow.astype(np.float32)


def _inverse(way: Affine) -> Affine:
    matrix = np.linalg.inv(way[:, :2])
    return np.hstack([matrix, -matrix @ way[:, 2:]])


def _outline(side: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """The object's shape in the centre frame: a turned ellipse."""
    mask = np.zeros((side, side), np.uint8)
    x, y = (int(v) for v in random.integers(0, side, 2))
    axes = tuple(int(v) for v in random.integers(side // 8, side // 2, 2))
    cv2.ellipse(mask, (x, y), axes, float(random.uniform(0, 180)), 0, 360, 1, -1)
    return mask.astype(bool)


def _moved(outline: NDArray[np.bool_], centre: Affine, way: Affine) -> NDArray[np.bool_]:
    """The outline as seen from `way`."""
    joined = _inverse(centre) @ np.vstack([way, [0, 0, 1]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(outline.astype(np.uint8), joined, outline.shape, flags=flags)
    return np.asarray(moved).astype(bool)
