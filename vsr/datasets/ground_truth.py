"""True pictures in the colour that a network sees, and the luma by which all are measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vsr.core.color import from_rgb, known_matrix, to_rgb
from vsr.core.frame import PIXEL_FORMATS, Pixels, VideoInfo
from vsr.core.frame import Plane as AnyPlane
from vsr.core.half import displayed, displayed_light

Plane = NDArray[np.uint8]
Samples = NDArray[np.uint8]
"""A plane (H, W) or an RGB picture (H, W, 3)."""

_GREY = np.array([0.299, 0.587, 0.114])  # BT.601's weights of red, green and blue


@dataclass(frozen=True)
class Picture:
    """A true picture, as networks of one colour see it.

    Attributes:
        samples: what such a network sees: luma (H, W) or RGB (H, W, 3), uint8.
        luma: what all networks are measured against, (H, W) uint8.
        luma_of: the luma (h, w) uint8 of other samples of this kind, as of a restored copy.
    """

    samples: Samples
    luma: Plane
    luma_of: Callable[[Samples], Plane]


def luma_picture(plane: Plane) -> Picture:
    """What a luma network sees of luma (H, W) uint8."""
    return Picture(plane, plane, _itself)


def image_picture(pixels: Pixels, color: str) -> Picture:
    """What a network of `color`, "y" or "rgb", sees of an image.

    `pixels` are grey (H, W), BGR (H, W, 3) or BGRA (H, W, 4). 16 bits are rounded to 8, light is
    seen as it is shown, alpha is dropped. Luma is `luma` of a coloured image, and a grey one as it
    is, spread over three channels for RGB: so are the papers' scores made, whose Set14 holds one.
    """
    if pixels.dtype == np.float16:
        pixels = displayed_light(pixels)
    deep = pixels.dtype == np.uint16
    bgr = np.asarray(cv2.convertScaleAbs(pixels, alpha=1 / 257) if deep else pixels, np.uint8)
    grey = bgr.ndim == 2
    plane = bgr if grey else luma(bgr[..., :3])
    if color == "y":
        return luma_picture(plane)
    if grey:
        return Picture(np.repeat(bgr[..., None], 3, axis=2), plane, _grey_luma)
    return Picture(np.ascontiguousarray(bgr[..., 2::-1]), plane, _image_luma)


def frame_picture(planes: Sequence[AnyPlane], info: VideoInfo, color: str) -> Picture:
    """What a network of `color`, "y" or "rgb", sees of a frame of a video.

    `planes` are as decoded; more than 8 bits are rounded to 8 first. RGB is by the matrix and
    range of `info`, rounded and clamped; luma is Y in its own range. A frame of RGB is seen as
    an image is.
    """
    if info.format.half:
        planes = displayed(planes[:3])
    if info.format.rgb:
        green, blue, red = (_eight_bits(plane, info.format.depth) for plane in planes[:3])
        return image_picture(np.dstack([blue, green, red]), color)
    seen = planes if color == "rgb" else planes[:1]
    samples = [_eight_bits(plane, info.format.depth) for plane in seen]
    if color == "y":
        return luma_picture(samples[0])
    info = replace(known_matrix(info), format=replace(info.format, depth=8))
    rgb = to_rgb([torch.from_numpy(plane)[None] for plane in samples], info)[0]
    rounded = rgb.mul_(255).round_().clamp_(0, 255).to(torch.uint8).movedim(0, -1)
    grey = replace(info, format=PIXEL_FORMATS["gray"])
    return Picture(rounded.contiguous().numpy(), samples[0], partial(_frame_luma, info=grey))


def luma(bgr: NDArray[np.uint8]) -> Plane:
    """Luma (H, W) uint8 in 16..235 of a BGR picture (H, W, 3) uint8, by BT.601.

    It is what MATLAB's rgb2ycbcr gives, on which the literature's PSNR is measured.
    """
    blue, green, red = (bgr[..., i].astype(np.float32) for i in range(3))
    y = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    rounded: Plane = np.rint(y).astype(np.uint8)
    return rounded


def _itself(plane: Samples) -> Plane:
    return plane


def _image_luma(rgb: Samples) -> Plane:
    return luma(rgb[..., ::-1])


def _grey_luma(rgb: Samples) -> Plane:
    """In full range, in which grey stays what it is."""
    rounded: Plane = np.rint(rgb @ _GREY).astype(np.uint8)
    return rounded


def _frame_luma(rgb: Samples, info: VideoInfo) -> Plane:
    """By the matrix and range of `info`, whose format is grey: chroma is not wanted."""
    channels = torch.from_numpy(rgb).movedim(-1, 0)[None] / 255
    (plane,) = from_rgb(channels, info)
    found: Plane = plane[0].numpy()
    return found


def _eight_bits(plane: AnyPlane, depth: int) -> Plane:
    if depth == 8:
        return plane.astype(np.uint8, copy=False)
    step = 2 ** (depth - 8)
    rounded = (plane.astype(np.uint32) + step // 2) // step
    samples: Plane = np.minimum(rounded, 255).astype(np.uint8)
    return samples
