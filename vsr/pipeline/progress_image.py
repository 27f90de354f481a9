"""Progress image: the last finished frame of a run, as a file that is refreshed."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.color import known_matrix
from vsr.core.commit import commit_bytes
from vsr.core.errors import OutputError
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.paths import check_output
from vsr.datasets.ground_truth import frame_picture
from vsr.images.encode import encode
from vsr.images.metadata import Metadata
from vsr.util.atomic import followed, remove_abandoned
from vsr.util.text import one_line

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

_WIDEST, _HIGHEST = 1280, 2560  # pixels, as shown
_SHARE = 0.01  # of a run's time, at most


class ProgressImage:
    """Shows how far a run has come: the frame that was finished last, as a picture in a file.

    The file is replaced every now and then, and at any time holds a whole picture. Call
    `check_progress_image` before the work begins.

    Args:
        path: the picture; its suffix is one of SUFFIXES.
        every: seconds from one picture to the next, at least. Where a picture takes long, more,
            so that all of them take no more than a hundredth of the time.
        overwrite: whether one that is there before the first picture is replaced.
        warn: told, once, that the picture cannot be written. No other is tried then: the run is
            worth more.
    """

    def __init__(
        self, path: Path, every: float = 5.0, overwrite: bool = True, warn: Warn = ignore
    ) -> None:
        self._path = path
        self._overwrite = overwrite
        self._every = every
        self._warn = warn
        self._due = -math.inf
        with suppress(OSError):
            remove_abandoned(followed(path))

    def see(self, frame: Frame, info: VideoInfo) -> None:
        """Take note of a finished frame of `info`, and show it if a picture is due.

        The frame is left as it is. Nothing is raised.
        """
        began = time.monotonic()
        if began < self._due:
            return
        try:
            picture = as_shown(frame.planes, info)
            commit_bytes(self._path, encode(picture, self._path, Metadata()), self._overwrite)
            self._overwrite = True  # from now on it is ours
        except Exception as error:  # whatever it is, the run goes on
            self._due = math.inf
            self._warn(f"{self._path}: no progress is shown any more ({_reason(error)})")
            return
        ended = time.monotonic()
        self._due = ended + max(self._every, (ended - began) / _SHARE)


def check_progress_image(path: Path, *taken: Path, overwrite: bool = True) -> None:
    """Raise OutputError, in one line, where no picture of a run could be written to `path`.

    `taken` are the run's own files and folders: it must be none of them, nor lie in one. A file
    that is there already is replaced with `overwrite` alone.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{path}: progress cannot be shown in a {path.suffix!r}; allowed: {', '.join(SUFFIXES)}"
        )
    place = Path(os.path.realpath(path))
    for other in (Path(os.path.realpath(file)) for file in taken):
        if other == place:
            raise OutputError(f"{path}: is the run's own input or output; choose another name")
        if other == place.parent:
            raise OutputError(f"{path}: lies in the run's own folder {other}; choose another one")
    check_output(path, overwrite, taken)


def as_shown(planes: Sequence[Plane], info: VideoInfo) -> NDArray[np.uint8]:
    """A frame of `info` as players show it: (H, W, 3) blue, green and red, uint8.

    By the stream's matrix and range, turned and mirrored by its display matrix, its pixels
    square, what is transparent over black. At most 1280 columns and 2560 rows; chroma and luma
    are reduced before they become colours, which takes a fraction of the time.
    """
    width, height = _reduced_size(info)
    small = replace(known_matrix(info), width=width, height=height)
    layout = info.format
    reduced = [
        _resized(plane, layout.plane_size(number, width, height))
        for number, plane in enumerate(planes)
    ]
    rgb = frame_picture(reduced[:3], replace(small, format=layout.opaque), "rgb").samples
    if layout.has_alpha and not layout.half:  # it is multiplied into light already
        opacity = reduced[3][..., None] / np.float32(layout.peak)
        rgb = np.rint(rgb * opacity).astype(np.uint8)
    upright = info.orientation.shown(rgb[..., ::-1])
    return np.ascontiguousarray(upright)


def _reduced_size(info: VideoInfo) -> tuple[int, int]:
    """Columns and rows of the picture as stored, with square pixels and small enough."""
    aspect = float(info.pixel_aspect or 1)
    width, height = info.width * min(aspect, 1.0), info.height / max(aspect, 1.0)
    shown = info.orientation.pair(width, height)
    share = min(1.0, _WIDEST / shown[0], _HIGHEST / shown[1])
    return max(1, int(width * share)), max(1, int(height * share))


def _resized(plane: Plane, size: tuple[int, int]) -> Plane:
    if plane.shape == size:
        return plane
    rows, columns = size
    small: Any = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
    resized: Plane = small.reshape(size)
    return resized


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    return one_line(getattr(cause, "strerror", None) or str(cause) or type(cause).__name__)
