"""A fused still as pixels of an image file."""

from __future__ import annotations

from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.frame import Pixels, VideoInfo, as_pixels
from vsr.images.cicp import cicp_of
from vsr.images.encode import encode
from vsr.images.metadata import Metadata

_WORST = 16.0  # steps of 255: what the error's picture shows as white


def png_of(picture: Tensor, info: VideoInfo, target: Path, said: str = "") -> bytes:
    """A picture (C, H, W) of frames of `info`, 0..1, upright, as the bytes of a PNG.

    8 bits, or 16 where the frames have more; HDR and wide gamuts are told in it, and what is `said`
    of it in its XMP.
    """
    kind = np.uint8 if info.format.depth == 8 else np.uint16
    peak = np.iinfo(kind).max
    planes = [
        np.ascontiguousarray(info.orientation.shown(plane))
        for plane in (picture.clamp(0, 1) * peak).round().numpy().astype(kind)
    ]
    pixels: NDArray[np.generic] = planes[0] if len(planes) == 1 else cv2.merge(planes[::-1])
    return encode(as_pixels(pixels), target, Metadata(xmp=_xmp(said), cicp=cicp_of(info.color)))


def error_shown(error: Tensor) -> Tensor:
    """The standard error (H, W) as grey in 0..1: 1 is _WORST steps of 255 or more."""
    return (error * 255 / _WORST).clamp(0, 1)


def _xmp(said: str) -> bytes:
    """A packet that says it in dc:description; none where nothing is to be said."""
    if not said:
        return b""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(said)}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def error_png_of(error: Tensor, info: VideoInfo, target: Path) -> bytes:
    """The standard error (H, W) as a grey PNG: black is none, white _WORST steps of 255 or more."""
    grey: Pixels = as_pixels(np.rint(error_shown(error).numpy() * 255).astype(np.uint8))
    turned = np.ascontiguousarray(info.orientation.shown(grey))
    return encode(as_pixels(turned), target, Metadata())
