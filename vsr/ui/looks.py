"""What a file holds and how it looks: probing, single frames, a strip of them, a telling moment."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.frame import VideoInfo
from vsr.core.options import READ_DEFAULTS
from vsr.core.span import Span
from vsr.images.animated import is_still
from vsr.model_selection.select import judged
from vsr.pipeline.probe import probe
from vsr.pipeline.progress_image import as_shown
from vsr.pipeline.routes import open_file
from vsr.previews.pick_moment import telling

from .names import to_text

Picture = NDArray[np.uint8]
T = TypeVar("T")

_KEPT, _LARGEST = 64, 1 << 19  # answers that are kept, and bytes of one
_QUALITY = 85  # of JPEGs
_BACK = (Fraction(0), Fraction(1, 5), Fraction(1), Fraction(5))  # seconds, behind the last frame


class Looks:
    """Looks into files, and keeps the last answers as long as the files stay as they are."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._lock = Lock()

    def probe(self, path: Path) -> dict[str, Any]:
        """What `vsr probe --json` gives, and the size of the picture as players show it."""
        return self._known(("probe", path), path, lambda: _probe(path))

    def moment(self, path: Path, duration: Fraction) -> dict[str, Any]:
        """Where `vsr preview` would begin, and why there."""
        return self._known(("moment", path, duration), path, lambda: _moment(path, duration))

    def frame(self, path: Path, at: Fraction, width: int) -> bytes:
        """The frame at a time as a JPEG, at most so wide."""
        return self._known(
            ("frame", path, at, width), path, lambda: _jpeg(_narrowed(_shown(path, at), width))
        )

    def strip(self, path: Path, count: int, height: int) -> dict[str, Any]:
        """Frames spread over a video, side by side in one JPEG, and their times in seconds."""
        return self._known(
            ("strip", path, count, height), path, lambda: _strip(path, count, height)
        )

    def _known(self, key: tuple[object, ...], path: Path, look: Callable[[], T]) -> T:
        facts = path.stat()
        key = (*key, facts.st_mtime_ns, facts.st_size)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key]
                return found
        found = look()
        if _size(found) > _LARGEST:
            return found
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


def _size(found: object) -> int:
    """The bytes of the picture in an answer, if there is one."""
    picture = found.get("jpeg", b"") if isinstance(found, dict) else found
    return len(picture) if isinstance(picture, bytes) else 0


def _probe(path: Path) -> dict[str, Any]:
    facts, judgement = probe(path), judged(path)
    turned, layout = facts.video.orientation, facts.video.format
    width, height = turned.pair(facts.video.width, facts.video.height)
    columns, rows = turned.pair(layout.chroma_width, layout.chroma_height)
    grid = {"columns": columns, "rows": rows, "right": turned.flip_x, "bottom": turned.flip_y}
    return {
        **asdict(facts),
        "path": to_text(path.name),
        "judgement": None if judgement is None else asdict(judgement),
        "shown": {"width": width, "height": height, "grid": grid},
    }


def _moment(path: Path, duration: Fraction) -> dict[str, Any]:
    if is_still(path):
        return {"start": 0.0, "why": "an image"}
    found = telling(path, duration)
    return {"start": float(found.start), "why": found.why}


def _shown(path: Path, at: Fraction) -> Picture:
    """The first frame from a time on, or the last one before it. Raises InputError."""
    if is_still(path):
        return _first(path, Span())
    for back in _BACK:
        try:
            return _first(path, Span(max(Fraction(0), at - back)))
        except InputError:
            if at <= back:
                raise
    return _first(path, Span())


def _first(path: Path, span: Span) -> Picture:
    reading = READ_DEFAULTS
    with open_file(path, span, reading.clip_rate, ignore, reading) as source:
        frame = next(iter(source.frames()), None)
        if frame is None:
            raise InputError(f"{path.name}: holds no frame there")
        info: VideoInfo = source.info
        return as_shown(frame.planes, info)


def _narrowed(picture: Picture, width: int) -> Picture:
    rows, columns = picture.shape[:2]
    if columns <= width:
        return picture
    return _resized(picture, width, max(1, round(rows * width / columns)))


def _resized(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _strip(path: Path, count: int, height: int) -> dict[str, Any]:
    seconds = Fraction(probe(path).duration or 0).limit_denominator(1000)
    count = 1 if is_still(path) or not seconds else count
    times = [seconds * (2 * number + 1) / (2 * count) for number in range(count)]
    width = 0
    pictures: list[Picture | None] = []
    for time in times:
        try:
            picture = _shown(path, time)
        except InputError:  # a broken place is a gap in the strip
            if not pictures and time == times[-1]:
                raise
            pictures.append(None)
            continue
        rows, columns = picture.shape[:2]
        width = width or min(4 * height, max(1, round(columns * height / rows)))
        pictures.append(_resized(picture, width, height))
    gap = np.zeros((height, max(width, 1), 3), np.uint8)
    strip = np.hstack([gap if one is None else one for one in pictures])
    return {
        "times": [float(time) for time in times],
        "width": max(width, 1),
        "height": height,
        "jpeg": _jpeg(strip),
    }


def _jpeg(picture: Picture) -> bytes:
    done, buffer = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise InputError("the picture cannot be encoded")
    return buffer.tobytes()
