"""Small pictures in colour, as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from support.clips import picture


def colour_stills(folder: Path, width: int, height: int) -> Path:
    """A new folder of two PNG files whose channels differ."""
    folder.mkdir()
    for number in range(2):
        plane = picture(number, width, height)
        cv2.imwrite(str(folder / f"{number}.png"), np.dstack([plane, 255 - plane, plane // 2]))
    return folder
