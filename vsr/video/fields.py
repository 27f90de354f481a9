"""Whether a video's frames are made of fields, and are to be made whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.url import Url
from vsr.video.deinterlace import deinterlaced, detect
from vsr.video.field_vote import FieldOrder
from vsr.video.seek import Frames

DEINTERLACE = ("auto", "on", "off")


@dataclass(frozen=True)
class Fields:
    """Frames are deinterlaced; `order` is None where only each frame's header may know it."""

    order: FieldOrder | None


def choose_fields(mode: str, path: Path | Url, stream_index: int, warn: Warn) -> Fields | None:
    """What to do with a video's frames by `mode`, one of DEINTERLACE; None leaves them.

    "auto" decides by the file's first frames, and tells where it deinterlaces.
    """
    if mode not in DEINTERLACE:
        raise InputError(f"deinterlace {mode!r}: must be {', '.join(DEINTERLACE)}")
    if mode == "off":
        return None
    order = detect(path, stream_index)
    if order is None:
        return Fields(None) if mode == "on" else None
    if mode == "auto":
        warn(f"the video is interlaced, {order.value}: deinterlaced (--deinterlace off keeps it)")
    return Fields(order)


def made_whole(frames: Frames, fields: Fields | None) -> Frames:
    """The frames, deinterlaced where they are made of fields."""
    return frames if fields is None else deinterlaced(frames, fields.order)
