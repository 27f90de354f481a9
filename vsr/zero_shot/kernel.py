"""The reduction that a picture went through: weights of large pixels under each small one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vsr.core.errors import InputError
from vsr.core.paths import check_input
from vsr.core.resample import cubic, resize, symmetric_index
from vsr.util.text import one_line

Weights = NDArray[np.float64]

LARGEST = 255
"""Rows and columns of a kernel that is read, at most."""
_HALF_STEP = np.array([-1, 9, 9, -1]) / 16  # cubic interpolation in the middle of two samples
_REACH = 3  # deviations of a Gaussian, on each side
_FADED = 1e-4  # of the largest weight: what is less makes no difference between kernels


@dataclass(frozen=True, eq=False)  # arrays cannot be compared so
class Kernel:
    """How small pixels come of large ones: the blur of lens and sensor, and the reduction, in one.

    The middle of the weights lies over the middle of the small pixel, so that pictures keep their
    place, as with MATLAB's bicubic. Borders are mirrored.

    Attributes:
        weights: (k, k) float64, adding up to 1, over the large pixels around a small one; k is
            even where `scale` is, and at least `scale`. Weights that come otherwise are brought
            into that shape: padded, or moved by half a pixel.
        scale: large pixels to a small one, on each side.

    Raises ValueError for weights that are not of two axes, or whose sum is not above 0.
    """

    weights: Weights
    scale: int
    reach: int = field(init=False)
    """Large pixels beyond `scale` x `scale` ones, on each side."""

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or not np.isfinite(self.weights).all():
            raise ValueError("a kernel is rows and columns of finite numbers")
        total = float(self.weights.sum())
        if not total > 1e-6 * float(np.abs(self.weights).max()):
            raise ValueError("a kernel's weights must add up to more than 0")
        fitted = _fitted(self.weights.astype(np.float64) / total, self.scale)
        object.__setattr__(self, "weights", fitted / fitted.sum())
        object.__setattr__(self, "reach", (len(fitted) - self.scale) // 2)

    def reduce(self, large: Tensor) -> Tensor:
        """(N, C, H, W) float, sides divisible by `scale` -> (N, C, H/scale, W/scale)."""
        return self.reduce_padded(self.pad(large))

    def pad(self, large: Tensor) -> Tensor:
        """(..., H, W) with `reach` mirrored pixels at each border."""
        for axis in (-2, -1):
            length = large.shape[axis]
            index = torch.arange(-self.reach, length + self.reach, device=large.device)
            large = large.index_select(axis, symmetric_index(index, length))
        return large

    def reduce_padded(self, padded: Tensor) -> Tensor:
        """The same as `reduce` of what `pad` gives, or of a part of that."""
        count, channels = padded.shape[:2]
        weight = torch.from_numpy(self.weights).to(padded.device, padded.dtype)[None, None]
        planes = padded.flatten(0, 1)[:, None]
        small = F.conv2d(planes, weight, stride=self.scale)[:, 0]
        return small.view(count, channels, *small.shape[-2:])

    def at(self, scale: int) -> Kernel:
        """The kernel of the same camera for another scale: as wide in small pixels."""
        if scale == self.scale:
            return self
        wide = self.weights
        while (len(wide) * scale) % self.scale or (len(wide) * scale // self.scale - scale) % 2:
            wide = np.pad(wide, 1)
        side = len(wide) * scale // self.scale
        return Kernel(resize(torch.from_numpy(wide).float(), side, side).double().numpy(), scale)

    def looks_alike(self, turned: Weights) -> bool:
        """Whether weights, such as these flipped or turned, are the same reduction."""
        return bool(np.abs(self.weights - turned).max() <= _FADED * self.weights.max())


def bicubic(scale: int, blur: float = 0.0) -> Kernel:
    """MATLAB's antialiased bicubic, after a Gaussian blur of so many small pixels' deviation."""
    reach = 2 * scale
    places = torch.arange(-reach, reach + 1, dtype=torch.float64) + (0.5 if scale % 2 == 0 else 0)
    row = cubic(places / scale).numpy()
    row = row[: -1 if scale % 2 == 0 else None]
    if blur > 0:
        row = np.convolve(row, _gaussian(blur * scale))
    return Kernel(np.outer(row, row), scale)


def _gaussian(sigma: float) -> Weights:
    reach = max(1, math.ceil(_REACH * sigma))
    return np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)


def read_kernel(path: Path, scale: int) -> Kernel:
    """A kernel from an array of two axes (.npy) or a grey picture (.png), in any units.

    Its rows and columns are those of the large picture; the weights are used as they lie, without
    turning them (correlation). Raises InputError, in one line.
    """
    check_input(path)
    weights = _array(path) if path.suffix.lower() == ".npy" else _picture(path)
    if weights.ndim != 2 or not 1 <= min(weights.shape) <= max(weights.shape) <= LARGEST:
        shape = "x".join(map(str, weights.shape)) or "one number"
        raise InputError(
            f"{path}: is {shape}: a kernel has rows and columns, 1 to {LARGEST} of each"
        )
    try:
        return Kernel(weights, scale)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def _array(path: Path) -> Weights:
    try:
        # Nothing in it is executed, and no memory taken that the file does not fill.
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be read as an array ({one_line(error, 200)})") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise InputError(f"{path}: must hold one array of real numbers")
    return found.astype(np.float64)


def _picture(path: Path) -> Weights:
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: a kernel is an array (.npy) or a picture (.png)")
    found = (
        cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if path.stat().st_size
        else None
    )
    if found is None:
        raise InputError(f"{path}: cannot be read as a picture")
    if found.ndim == 3 and (found[..., :3] == found[..., :1]).all():
        found = found[..., 0]  # grey, written as colour
    return found.astype(np.float64)


def _fitted(weights: Weights, scale: int) -> Weights:
    """Weights (h, w) as (k, k): k - scale even and not below 0, the middle where it was."""
    for axis in (0, 1):
        if (weights.shape[axis] - scale) % 2:
            weights = np.apply_along_axis(lambda row: np.convolve(row, _HALF_STEP), axis, weights)
    side = max(*weights.shape, scale)
    rows, columns = ((side - length) // 2 for length in weights.shape)
    return np.pad(weights, ((rows, rows), (columns, columns)))
