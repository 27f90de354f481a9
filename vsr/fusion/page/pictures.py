"""Pictures for a page: of eight bits, upright, of a bounded size, as data URIs."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.frame import Pixels, VideoInfo, as_pixels
from vsr.images.cicp import cicp_of
from vsr.images.encode import encode
from vsr.images.metadata import Metadata

_MOST = 4_000_000  # pixels of a picture: larger ones are reduced
_LOSSLESS = 1_000_000  # pixels, up to which it is a PNG
_QUALITY = 92  # of JPEGs


def is_reduced(height: int, width: int) -> bool:
    """Whether a page shows a picture of such a size reduced."""
    return height * width > _MOST


def picture_uri(picture: Tensor, info: VideoInfo) -> str:
    """A picture (C, H, W) of frames of `info`, 0..1: PNG where it is small, else JPEG."""
    pixels = _upright(picture, info, _fitting(picture.shape[-2], picture.shape[-1]))
    if pixels.shape[0] * pixels.shape[1] > _LOSSLESS:
        return _jpeg(pixels, _QUALITY)
    data = encode(as_pixels(pixels), Path("picture.png"), Metadata(cicp=cicp_of(info.color)))
    return f"data:image/png;base64,{b64encode(data).decode()}"


def small_uri(picture: Tensor, info: VideoInfo, side: int, quality: int = 85) -> str:
    """The same as a JPEG whose longer side has `side` pixels at most."""
    share = min(1.0, side / max(picture.shape[-2:]))
    return _jpeg(_upright(picture, info, share), quality)


def _fitting(height: int, width: int) -> float:
    return float(min(1.0, (_MOST / (height * width)) ** 0.5))


def _upright(picture: Tensor, info: VideoInfo, share: float) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) samples, blue first, each side `share` times as long."""
    planes = [
        np.ascontiguousarray(info.orientation.shown(plane))
        for plane in (picture.clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    ]
    pixels: Pixels = as_pixels(planes[0] if len(planes) == 1 else cv2.merge(planes[::-1]))
    if share < 1:
        height, width = (max(1, round(length * share)) for length in pixels.shape[:2])
        pixels = as_pixels(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))
    return np.asarray(pixels, np.uint8)


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> str:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return f"data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}"
