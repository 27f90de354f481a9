"""Write image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vsr.core.errors import OutputError
from vsr.core.frame import Pixels
from vsr.images.chunks import embed_jpeg, embed_png, embed_webp
from vsr.images.files import shape_of
from vsr.images.film import WRITTEN, encode_film
from vsr.images.formats import image_format
from vsr.images.metadata import Metadata
from vsr.images.quiet import quiet
from vsr.images.tiff import embed_tiff


def encode(pixels: Pixels, target: Path, metadata: Metadata) -> bytes:
    """The bytes of an image file named like `target`.

    `pixels` is of a `nearest_shape`, `metadata` a `nearest_metadata`. Raises OutputError.
    """
    format_, suffix = image_format(target), target.suffix.lower()
    shape = shape_of(pixels)
    if suffix in WRITTEN:
        return encode_film(pixels, target, metadata)
    try:
        with quiet():
            samples = pixels.astype(np.float32) if shape.half else pixels
            done, buffer = cv2.imencode(suffix, samples, format_.parameters)
    except cv2.error:
        done = False
    if not done:
        raise OutputError(f"{target}: {shape} cannot be encoded as {suffix}; choose .png")
    data = buffer.tobytes()
    if suffix in (".tif", ".tiff"):
        return embed_tiff(data, metadata, shape)
    if metadata == Metadata():
        return data
    if suffix == ".png":
        return embed_png(data, metadata)
    return embed_webp(data, metadata, shape) if suffix == ".webp" else embed_jpeg(data, metadata)
