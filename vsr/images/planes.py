"""The pixels of an image as the planes of a frame, and back.

The planes of 8-bit colours are Y, U, V as in a video file, so that networks on luma serve both.
They go to 16 bits and 4:4:4 on the way, full range by BT.601, as in a JPEG: from there they come
back exactly. Colours of 16 bits, which would come back within 1, stay green, blue and red, and so
does light in half floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.frame import PIXEL_FORMATS, PixelFormat, Pixels, Plane, as_pixels
from vsr.core.half import displayed, light_of_samples, of_display, samples_of
from vsr.images.metadata import Shape

# BT.601's weights of red, green and blue in luma, and the matrices from blue, green, red to
# Y, U, V and back. The last column is added; neutral chroma is 32768.
_R, _G, _B = 0.299, 0.587, 0.114


_U, _V, _NEUTRAL = 2 * (1 - _B), 2 * (1 - _R), 32768


_TO_YUV = np.array(
    [
        [_B, _G, _R, 0],
        [(1 - _B) / _U, -_G / _U, -_R / _U, _NEUTRAL],
        [-_B / _V, -_G / _V, (1 - _R) / _V, _NEUTRAL],
    ]
)


_TO_BGR = np.array(
    [
        [1, _U, 0, -_U * _NEUTRAL],
        [1, -_U * _B / _G, -_V * _R / _G, (_U * _B + _V * _R) / _G * _NEUTRAL],
        [1, 0, _V, -_V * _NEUTRAL],
    ]
)


def to_planes(pixels: Pixels) -> tuple[Plane, ...]:
    """The planes of a frame of `image_info`.

    Grey pixels as they are; grey light as green, blue and red alike; 8-bit colour as Y, U, V,
    uint16 in 0..65535, full range; deeper ones as green, blue and red; and alpha.
    """
    if pixels.ndim == 2:
        if pixels.dtype == np.float16:
            return (samples_of(_as_half(pixels)),) * 3
        return (as_plane(pixels),)
    if pixels.dtype != np.uint8:
        blue, green, red, *alpha = (pixels[..., n] for n in range(pixels.shape[2]))
        if pixels.dtype == np.float16:
            colours = [samples_of(_as_half(plane)) for plane in (green, blue, red)]
            return (*colours, *(_of_share(plane) for plane in alpha))
        return tuple(as_plane(np.ascontiguousarray(n)) for n in (green, blue, red, *alpha))
    wide = pixels.astype(np.uint16) * np.uint16(257)
    yuv = cv2.transform(np.ascontiguousarray(wide[..., :3]), _TO_YUV)
    planes = [np.asarray(plane, np.uint16) for plane in cv2.split(yuv)]
    return (*planes, *(np.ascontiguousarray(wide[..., n]) for n in range(3, wide.shape[2])))


def as_plane(array: Any) -> Plane:
    """State what an array that came of pixels of whole numbers is."""
    plane: Plane = array
    return plane


def _as_half(array: Any) -> NDArray[np.float16]:
    light: NDArray[np.float16] = array
    return light


def _of_share(alpha: Any) -> NDArray[np.uint16]:
    samples: NDArray[np.uint16] = np.rint(alpha.astype(np.float32).clip(0, 1) * 65535)
    return samples.astype(np.uint16)


def to_pixels(planes: Sequence[Plane], layout: PixelFormat, shape: Shape) -> Pixels:
    """Planes of `layout`, as `to_planes` makes them, -> pixels as `shape` says, of any size.

    Alpha is dropped where there is no room for it; grey is spread over 3 channels. Light that
    becomes whole numbers is `displayed`, and what is displayed becomes light by the way back.
    """
    if shape.half:
        return _light(planes, layout, shape.channels)
    if layout.half:
        planes = displayed(planes[:1] if layout.grey else planes)
        layout = PIXEL_FORMATS["gbrp16le"]
    if len(planes) == 1:
        picture = planes[0] if shape.channels == 1 else cv2.merge([planes[0]] * 3)
    else:
        if layout.rgb:
            green, blue, red = planes[:3]
            picture = cv2.merge([blue, green, red])
        else:
            picture = cv2.transform(cv2.merge(planes[:3]), _TO_BGR)
        if shape.channels == 4:
            picture = cv2.merge([*cv2.split(picture), planes[3]])
    if picture.dtype == np.uint16 and shape.depth == 8:
        picture = cv2.convertScaleAbs(picture, alpha=1 / 257)
    return as_pixels(picture)


def _light(planes: Sequence[Plane], layout: PixelFormat, channels: int) -> NDArray[np.float16]:
    """(H, W, channels) half floats: blue, green, red, and alpha; (H, W) where it is grey."""
    if not layout.half:
        wide = Shape(0, 0, max(3, layout.planes), 16)
        shown = to_pixels([_wide(plane) for plane in planes], layout, wide)
        planes = of_display(to_planes(as_pixels(shown)))
    green, blue, red = (light_of_samples(plane.astype(np.uint16)) for plane in planes[:3])
    if channels == 1:
        return green
    alpha = [(plane / np.float32(65535)).astype(np.float16) for plane in planes[3:]]
    return np.stack([blue, green, red, *alpha][:channels], axis=2)


def _wide(plane: Plane) -> Plane:
    return plane.astype(np.uint16) * np.uint16(257) if plane.dtype == np.uint8 else plane
