"""Training pairs from any folder of images and videos, degraded as the papers do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.resample import resize

Plane = NDArray[np.uint8]

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m4v"}
FRAME_STEP = 6  # neighbouring frames teach a still-picture network nothing new


def luma(bgr: NDArray[np.uint8]) -> Plane:
    """Luma (H, W) uint8 in 16..235 of a BGR picture (H, W, 3) uint8, by BT.601.

    It is what MATLAB's rgb2ycbcr gives, on which the literature's PSNR is measured.
    """
    blue, green, red = (bgr[..., i].astype(np.float32) for i in range(3))
    y = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    return np.rint(y).astype(np.uint8)


def degrade(plane: Plane, scale: int) -> Plane:
    """Shrink (H, W) uint8, sides divisible by `scale`, by MATLAB's bicubic, rounded to uint8."""
    height, width = plane.shape
    small = resize(torch.from_numpy(plane).float(), height // scale, width // scale)
    small_u8: Plane = small.round_().clamp_(0, 255).to(torch.uint8).numpy()
    return small_u8


def crop_to_multiple(plane: Plane, scale: int) -> Plane:
    """Drop rows and columns at the bottom and right until `scale` divides both sides."""
    height, width = (side - side % scale for side in plane.shape)
    return plane[:height, :width]


def list_media(paths: Iterable[Path]) -> list[Path]:
    """The images and videos among `paths` and, recursively, in its folders, in name order."""
    found: list[Path] = []
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [f for f in files if f.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES]
    return found


def read_luma(path: Path) -> Iterator[Plane]:
    """The luma of an image, or of every FRAME_STEP-th frame of a video."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is not None:
            yield luma(picture.astype(np.uint8))
        return
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % FRAME_STEP == 0:
                yield frame.reformat(format="yuv420p").to_ndarray()[: frame.height].copy()


@dataclass(frozen=True)
class StillPairs:
    """Luma planes and their degraded versions, from which patches are cut.

    Attributes:
        large: (scale*h, scale*w) uint8 each.
        small: (h, w) uint8 each, the bicubic reduction of `large`.
        scale: the factor between them.
    """

    large: list[Plane]
    small: list[Plane]
    scale: int

    @classmethod
    def load(
        cls,
        paths: Iterable[Path],
        scale: int,
        shortest: int,
        reductions: tuple[float, ...] = (1.0, 0.75, 0.5),
    ) -> StillPairs:
        """Read everything in `paths`, each also reduced: smaller copies are sharper ones.

        Pictures whose small side would fall under `shortest` pixels are left out.
        """
        large: list[Plane] = []
        for path in list_media(paths):
            for plane in read_luma(path):
                for factor in reductions:
                    height, width = (round(side * factor) for side in plane.shape)
                    if min(height, width) < shortest * scale:
                        continue
                    copy = plane
                    if factor != 1:
                        shrunk = resize(torch.from_numpy(plane).float(), height, width)
                        copy = shrunk.round_().clamp_(0, 255).to(torch.uint8).numpy()
                    large.append(crop_to_multiple(copy, scale))
        return cls(large, [degrade(plane, scale) for plane in large], scale)

    def sample(
        self, batch: int, patch: int, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Random patches, flipped and turned: (N, 1, p, p) and (N, 1, s*p, s*p) in [0, 1]."""
        areas = np.array([plane.size for plane in self.small], dtype=np.float64)
        chosen = random.choice(len(areas), batch, p=areas / areas.sum())
        small = np.empty((batch, 1, patch, patch), np.uint8)
        large = np.empty((batch, 1, patch * self.scale, patch * self.scale), np.uint8)
        for n, index in enumerate(chosen):
            height, width = self.small[index].shape
            y, x = random.integers(height - patch + 1), random.integers(width - patch + 1)
            turns, flip = random.integers(4), random.integers(2)
            for out, plane, factor in ((small, self.small, 1), (large, self.large, self.scale)):
                ys, xs, size = y * factor, x * factor, patch * factor
                cut = np.rot90(plane[index][ys : ys + size, xs : xs + size], turns)
                out[n, 0] = cut[:, ::-1] if flip else cut
        return torch.from_numpy(small).float() / 255, torch.from_numpy(large).float() / 255
