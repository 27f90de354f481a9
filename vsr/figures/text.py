"""Words as a plane of grey, to be laid over pixels or over a video's planes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FINER = 4  # drawn so many times larger, then reduced: smooth at any size
_STROKE = 0.13  # of the capitals' height
_LEAST = 6  # pixels of a capital that can be read
_ABOVE, _BELOW = 0.4, 0.45  # room around capitals, in their heights: accents, brackets, g and y


def lettered(text: str, capitals: int, widest: int | None = None) -> Mask:
    """A line of words: how much of each pixel they cover, (rows, columns) of 0 to 1.

    Capitals are `capitals` pixels high, less where the line would be wider than `widest` and
    can be made smaller; what is still too wide is cut. There is room above and below them for
    accents and descenders. Characters that cannot be printed become "?".
    """
    drawn = _drawn(text, capitals)
    if widest is None or drawn.shape[1] <= widest:
        return drawn
    smaller = max(_LEAST, capitals * widest // drawn.shape[1])
    return _drawn(text, min(capitals, smaller))[:, : max(widest, 1)]


def lay(pixels: NDArray[Any], mask: Mask, left: int, top: int, color: Any) -> None:
    """Draw words in a colour onto pixels (H, W) or (H, W, C), in place; they must fit there."""
    rows, columns = mask.shape
    part = pixels[top : top + rows, left : left + columns]
    share = mask if part.ndim == 2 else mask[..., None]
    part[:] = np.rint(part + share * (np.asarray(color, np.float32) - part))


@lru_cache(maxsize=64)
def _drawn(text: str, capitals: int) -> Mask:
    shown = "".join(c if c.isprintable() else "?" for c in text)
    tall = capitals * _FINER
    stroke = max(1, round(tall * _STROKE))
    scale = _scale(tall, stroke)
    (width, _), _ = cv2.getTextSize(shown, _FONT, scale, stroke)
    above, below = round(capitals * _ABOVE) * _FINER, round(capitals * _BELOW) * _FINER
    size = (above + tall + below, width + 4 * stroke)
    ink = np.zeros(size, np.uint8)
    place = (2 * stroke, above + tall - 1)
    cv2.putText(ink, shown, place, _FONT, scale, 255, stroke, cv2.LINE_AA)
    columns = np.flatnonzero(ink.any(0))
    ink = ink[:, columns[0] : columns[-1] + 1] if columns.size else ink[:, :1]
    ink = np.pad(ink, ((0, 0), (0, -ink.shape[1] % _FINER)))
    size = ink.shape[0] // _FINER, ink.shape[1] // _FINER
    reduced = cv2.resize(ink, size[::-1], interpolation=cv2.INTER_AREA)
    mask: Mask = reduced.astype(np.float32) / np.float32(255)
    mask.flags.writeable = False  # it is shared
    return mask


def _scale(tall: int, stroke: int) -> float:
    """OpenCV's font scale for capitals of so many pixels: its releases have different fonts."""
    scale = tall / 24
    for _ in range(2):  # the stroke may add to the height
        trial = np.zeros((4 * tall, 4 * tall), np.uint8)
        cv2.putText(trial, "H", (tall, 3 * tall), _FONT, scale, 255, stroke, cv2.LINE_AA)
        scale *= tall / max(1, len(np.flatnonzero((trial > 127).any(1))))
    return scale
