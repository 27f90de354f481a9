"""Words as a plane of grey, to be laid over pixels or over a video's planes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.util.text import printable

Mask = NDArray[np.float32]

REGULAR = 400
"""How heavy strokes are; 700 is bold."""

_CAPITALS = 0.75  # height of capitals over the size of OpenCV's font
_LEAST = 6  # pixels of a capital that can be read
_ABOVE, _BELOW = 0.4, 0.45  # room around capitals, in their heights: accents, brackets, g and y


def lettered(text: str, capitals: int, widest: int | None = None, weight: int = REGULAR) -> Mask:
    """A line of words: how much of each pixel they cover, (rows, columns) of 0 to 1.

    Capitals are `capitals` pixels high, less where the line would be wider than `widest` and
    can be made smaller; what is still too wide is cut. There is room above and below them for
    accents and descenders. Characters that cannot be printed, and those that OpenCV's font has
    not, become "?". `weight` is that of the strokes, 100 to 900.
    """
    drawn = _drawn(text, capitals, weight)
    if widest is None or drawn.shape[1] <= widest:
        return drawn
    smaller = max(_LEAST, capitals * widest // drawn.shape[1])
    return _drawn(text, min(capitals, smaller), weight)[:, : max(widest, 1)]


def lay(pixels: NDArray[Any], mask: Mask, left: int, top: int, color: Any) -> None:
    """Draw words in a colour onto pixels (H, W) or (H, W, C), in place; they must fit there."""
    rows, columns = mask.shape
    part = pixels[top : top + rows, left : left + columns]
    share = mask if part.ndim == 2 else mask[..., None]
    part[:] = np.rint(part + share * (np.asarray(color, np.float32) - part))


@lru_cache(maxsize=64)
def _drawn(text: str, capitals: int, weight: int) -> Mask:
    font, size = cv2.FontFace("sans"), round(capitals / _CAPITALS)
    shown = printable(text)
    _, _, width, _ = cv2.getTextSize((0, 0), shown, (0, 0), font, size, weight)
    above, below = round(capitals * _ABOVE), round(capitals * _BELOW)
    # Room on both sides: letters may lean out of their place, and a line that is full is broken.
    ink = np.zeros((above + capitals + below, width + 2 * size), np.uint8)
    cv2.putText(ink, shown, (size // 2, above + capitals), 255, font, size, weight)
    columns = np.flatnonzero(ink.any(0))
    ink = ink[:, columns[0] : columns[-1] + 1] if columns.size else ink[:, :1]
    mask: Mask = ink.astype(np.float32) / np.float32(255)
    mask.flags.writeable = False  # it is shared
    return mask
