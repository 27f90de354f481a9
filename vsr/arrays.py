"""Images as arrays of people's own: what they are taken for, and the same kind back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.errors import InputError
from vsr.core.frame import Pixels, as_pixels
from vsr.core.paths import quoted

Image = NDArray[Any] | Tensor
"""(H, W) or (H, W, 1|3|4) numpy, or (1|3|4, H, W) torch: grey, RGB or RGBA; uint8, uint16, or float
in [0, 1]."""

_MODES = ("L", "RGB", "RGBA", "I;16")
"""Those of Pillow's whose numbers are grey, RGB or RGBA; in others they are a palette's or ink."""

_KINDS = "uint8, uint16, float16, float32 or float64"
_TENSOR_KINDS = {
    getattr(torch, name) for name in ("uint8", "uint16", "float16", "float32", "float64")
} | {torch.bfloat16}


@dataclass(frozen=True)
class Opened:
    """An image as the library handles it, and the way back.

    Attributes:
        pixels: grey (H, W), BGR or BGRA (H, W, C); uint8 or uint16.
        back: makes of such pixels, of any size, an image of the kind that came.
    """

    pixels: Pixels
    back: Callable[[Pixels], Image]


def opened(image: Image) -> Opened:
    """Take an image in. Floats are handled in 16 bits, clipped to [0, 1].

    Raises InputError for what is no image: other shapes, types or channels, nothing in it, or
    numbers that are not finite.
    """
    if isinstance(image, Tensor):
        return _opened_tensor(image)
    array = _as_array(image)
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.size == 0:
        raise InputError(
            f"image of shape {array.shape}: must be (H, W) or (H, W, C) with C of 1, 3 or 4, and "
            "not empty"
        )
    samples, dtype, shape = _samples(array), array.dtype, array.ndim

    def back(pixels: Pixels) -> Image:
        made = _as_type(_swapped(pixels), dtype)
        return made[..., None] if shape == 3 and made.ndim == 2 else made

    return Opened(_swapped(samples[..., 0] if shape == 3 and channels == 1 else samples), back)


def _as_array(image: object) -> NDArray[Any]:
    """An array, or what numpy makes one of, such as an image of another library."""
    if np.ma.is_masked(image):
        raise InputError("image: is masked in places; must not be; see numpy.ma.filled")
    mode = getattr(image, "mode", None)
    if hasattr(image, "convert") and mode not in _MODES:
        raise InputError(
            f"image of mode {quoted(mode)}: must be {', '.join(_MODES)}; its `convert` makes one"
        )
    try:
        array = np.asarray(image)
    except (TypeError, ValueError):
        array = None
    if array is None or (not array.ndim and not isinstance(image, np.ndarray)):
        raise InputError(f"image {quoted(image)}: must be a numpy array or a torch tensor")
    return array


def _opened_tensor(image: Tensor) -> Opened:
    _check_tensor(image)
    kind = torch.float32 if image.dtype == torch.bfloat16 else image.dtype
    plain = image.detach().resolve_neg().to("cpu", kind)
    inner = opened(plain.permute(1, 2, 0).numpy())
    device, dtype = image.device, image.dtype

    def back(pixels: Pixels) -> Image:
        made = torch.from_numpy(np.ascontiguousarray(inner.back(pixels)))
        return made.permute(2, 0, 1).contiguous().to(device, dtype)

    return Opened(inner.pixels, back)


def _check_tensor(image: Tensor) -> None:
    """Raise InputError for a tensor that is no image, or holds no numbers that can be read."""
    if image.is_nested or image.layout != torch.strided:
        raise InputError("tensor: must be dense, with numbers in all places; see Tensor.to_dense()")
    if image.is_meta:
        raise InputError("tensor on the device meta: holds no numbers; must be on one that does")
    if image.ndim != 3 or image.shape[0] not in (1, 3, 4) or not image.numel():
        raise InputError(
            f"tensor of shape {tuple(image.shape)}: must be (C, H, W) with C of 1, 3 or 4, "
            "and not empty"
        )
    if image.dtype not in _TENSOR_KINDS:
        name = str(image.dtype).removeprefix("torch.")
        raise InputError(f"tensor of {name}: must be bfloat16, {_KINDS}")


def _samples(array: NDArray[Any]) -> Pixels:
    """As integers: floats in [0, 1] become 16 bits."""
    if array.dtype.newbyteorder("=") in (np.uint8, np.uint16):  # foreign byte order is fine
        return as_pixels(array.astype(array.dtype.newbyteorder("="), copy=False))
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise InputError(f"image of {array.dtype}: must be {_KINDS}")
    if not np.isfinite(array).all():
        raise InputError("image: holds numbers that are not finite; must be in [0, 1]")
    scaled: NDArray[np.uint16] = np.rint(array.clip(0, 1).astype(np.float64) * 65535).astype(
        np.uint16
    )
    return scaled


def _as_type(pixels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return (pixels.astype(np.float64) / 65535).astype(dtype)
    return pixels.astype(dtype, copy=False)


def _swapped(pixels: Pixels) -> Pixels:
    """RGB as BGR and the other way; grey as it is."""
    if pixels.ndim == 2:
        return as_pixels(np.ascontiguousarray(pixels))
    swap = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return as_pixels(cv2.cvtColor(np.ascontiguousarray(pixels), swap))
