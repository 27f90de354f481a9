"""JPEG's pixels, decoded by libjpeg-turbo's own interface.

OpenCV decodes with the same library and gives the same pixels, but lets it say on stderr what is
wrong with a file, and tells nobody else.
"""

from __future__ import annotations

import numpy as np
import simplejpeg

from vsr.core.frame import Pixels, as_pixels
from vsr.images.chunks import jpeg_components
from vsr.util.text import one_line

_GREY, _COLOR, _INKS = "GRAY", "BGR", "CMYK"
_LAYOUTS = {1: _GREY, 4: _INKS}  # of so many components
_NO_NAME = "Could not determine subsampling"  # 4:1:0, say; or its header is damaged
_WORDS = 100  # characters of the library's


def decode_jpeg(data: bytes) -> tuple[Pixels, str]:
    """The pixels, (H, W) or (H, W, 3) in blue, green, red, uint8, and what is damaged, "" for none.

    A picture that is damaged comes as the decoder mends it. Raises ValueError, struct.error or
    IndexError for one that it cannot mend.
    """
    layout = _LAYOUTS.get(jpeg_components(data), _COLOR)
    try:
        return _arranged(simplejpeg.decode_jpeg(data, layout), layout), ""
    except ValueError as error:
        damage = one_line(error, _WORDS)
    try:
        return _arranged(simplejpeg.decode_jpeg(data, layout, strict=False), layout), damage
    except ValueError:
        if _NO_NAME in damage:
            damage = "its header; or its chroma has a size that is not read"
        raise ValueError(f"it is damaged ({damage})") from None


def _arranged(found: Pixels, layout: str) -> Pixels:
    if layout == _GREY:
        return as_pixels(found[..., 0])
    return _printed(found) if layout == _INKS else found


def _printed(inks: Pixels) -> Pixels:
    """Cyan, magenta, yellow and black, all stored as what they leave of the light, in BGR.

    The same rounding as OpenCV's.
    """
    wide = inks.astype(np.int32)
    black = wide[..., 3:]
    rgb = black - ((255 - wide[..., :3]) * black >> 8)
    return as_pixels(np.ascontiguousarray(rgb[..., ::-1].astype(np.uint8)))
