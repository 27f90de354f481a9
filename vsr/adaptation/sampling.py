"""Sampling of footage: places to train on, and places to hold out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from vsr.core.events import Warn, ignore, without_hints
from vsr.core.options import READ_DEFAULTS, Deinterlace, ReadOptions
from vsr.core.span import Span
from vsr.datasets.media import is_clip
from vsr.images.listing import list_images
from vsr.video.choose import main_video
from vsr.video.open import open_input
from vsr.video.reader import open_video
from vsr.video.seek import seeks

FRAMES = 9  # of a burst: short, but an encoder comes to its stride within them
LEARNT, HELD = 20, 6  # bursts, of all footage together
_HELD_PART = 5  # one in so many
_MANY = 5  # items, of which some can be held back whole
_BLIND = 600  # frames to look at in a video that does not say how long it is, or cannot be sought
_USUAL_RATE = Fraction(25)


@dataclass(frozen=True)
class Item:
    """An image, a video or a folder whose images are a clip.

    Attributes:
        path: where it is.
        frames: how many there are, by the header; 1 in an image.
        rate: of them a second.
        is_sought: whether a time in it is found without reading all before.
        reading: how to read a video.
    """

    path: Path
    frames: int
    rate: Fraction = _USUAL_RATE
    is_sought: bool = True
    reading: ReadOptions = READ_DEFAULTS

    @classmethod
    def look_into(cls, path: Path, warn: Warn) -> Item:
        """What one of `list_items` is. Raises InputError where it cannot be read."""
        if not is_clip(path):
            return cls(path, 1)
        if path.is_dir():
            return cls(path, len(list_images(path)))
        seconds = _seconds(path)
        with open_video(path, Span(), without_hints(warn)) as video:
            # found out once, not at each place
            fields: Deinterlace = "off" if video.fields is None else video.fields.mode
            rate = video.info.frame_rate or _USUAL_RATE
        frames = _count(path) if seconds is None else max(1, int(seconds * rate))
        return cls(
            path, frames, rate, seconds is not None, replace(READ_DEFAULTS, deinterlace=fields)
        )


@dataclass(frozen=True)
class Place:
    """Some successive frames of an item.

    Attributes:
        first: the number of the first one, from 0.
        frames: how many, 1..FRAMES.
        held_back: whether they are for judging alone.
    """

    first: int
    frames: int
    held_back: bool


def places(items: Sequence[Item]) -> list[list[Place]]:
    """Those of each item, about LEARNT and HELD in all, spread evenly; longer items have more.

    Held back is the last fifth of each item; the second before that, or a tenth of the item if that
    is less, is left alone. Of _MANY items and more, or of still pictures, one in five is held
    back as a whole.
    """
    total = sum(item.frames for item in items)
    whole = len(items) >= _MANY or all(item.frames == 1 for item in items)
    held = set(range(_HELD_PART // 2, len(items), _HELD_PART)) or {len(items) - 1}
    found = []
    for number, item in enumerate(items):
        share = Fraction(item.frames, total)
        end = item.frames
        if whole:
            is_held = number in held
            wanted = share * (HELD * _HELD_PART if is_held else LEARNT)
            found.append(_spread(0, end, wanted, is_held))
            continue
        begin = end - max(1, end // _HELD_PART)
        last = begin - min(int(item.rate), item.frames // 10)
        learnt = _spread(0, last, share * LEARNT, False)
        found.append([*learnt, *_spread(begin, end, share * HELD, True)])
    return found


def _spread(begin: int, end: int, wanted: Fraction, held_back: bool) -> list[Place]:
    """About as many places as `wanted`, one at least, between two frames."""
    if end <= begin:
        return []
    frames = min(FRAMES, end - begin)
    count = max(1, min(round(wanted), (end - begin) // frames))
    room = end - begin - frames
    firsts = [begin + room * n // (count - 1) for n in range(count)] if count > 1 else [begin]
    return [Place(first, frames, held_back) for first in firsts]


def _count(path: Path) -> int:
    """The frames of a video, up to _BLIND. Its damage is told when places in it are read."""
    with open_video(path, Span(), ignore) as video:
        return sum(1 for _ in islice(video.frames(), _BLIND))


def _seconds(path: Path) -> Fraction | None:
    """How long a video lasts by its headers; None too where times in it cannot be sought."""
    with open_input(path) as container:
        stream = main_video(container, path)
        if not seeks(container):
            return None
        if stream.duration and stream.duration > 0 and stream.time_base:
            return stream.duration * stream.time_base
        length = container.duration or 0
        return Fraction(length, av.time_base) if length > 0 else None
