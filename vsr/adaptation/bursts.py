"""Short pieces of a camera's footage: some to learn from, and some held back to judge by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from vsr.adaptation.sampling import FRAMES, HELD, LEARNT, Item, Place, places
from vsr.core.damage import NO_DAMAGE, Damage, damage_words
from vsr.core.errors import InputError, TrainingError
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame
from vsr.core.span import Span
from vsr.datasets.ground_truth import Picture, Samples, frame_picture
from vsr.datasets.media import is_clip, list_items, read_images
from vsr.images.listing import is_series, list_images
from vsr.util.text import counted
from vsr.video.reader import open_video
from vsr.video.shots import mark_shots

LEAST = 24
"""Small pixels a side, so LEAST * scale of the footage's."""
_BYTES = 160_000_000  # that all bursts take together, at most


@dataclass(frozen=True)
class Burst:
    """Successive frames of one shot, or a still picture.

    Attributes:
        frames: (T, H, W) luma or (T, H, W, 3) RGB, uint8; of a large picture a part.
        path: what it is from.
        held_back: whether it is for judging alone.
    """

    frames: Samples
    path: Path
    held_back: bool


@dataclass(frozen=True)
class Sample:
    """What is seen of the footage.

    Attributes:
        learnt: bursts to learn from, one at least.
        held_back: bursts to judge by, one at least, apart from these: see `places.places`.
    """

    learnt: tuple[Burst, ...]
    held_back: tuple[Burst, ...]


def sample(
    paths: Sequence[Path],
    scale: int,
    color: str,
    random: np.random.Generator,
    warn: Warn = ignore,
) -> Sample:
    """Take bursts, spread evenly over the images, videos and folders in `paths`.

    They are what networks of `color` see. A video is sought, so that a long one costs no more than
    a short one. Of pictures that are too large to be kept, `random` chooses a part. What is broken
    at a place is passed over, and of each video that is damaged `warn` is told once.

    Raises InputError for a path that does not exist or a file that cannot be read, TrainingError
    where there is too little, or all is under LEAST * `scale` pixels a side.
    """
    listed = list_items(paths)
    where = ", ".join(map(str, paths))
    if not listed:
        raise TrainingError(f"{where}: nothing to learn from, no image and no video")
    items = [Item.look_into(path, warn) for path in _evenly(listed, LEARNT + HELD)]
    bursts: list[Burst] = []
    small: list[str] = []
    for item, chosen in zip(items, places(items), strict=True):
        for place, pictures in _read(item, chosen, color, warn):
            height, width = pictures[0].luma.shape
            if min(height, width) < LEAST * scale:
                small.append(f"{item.path}: {width}x{height} pixels")
                break
            frames = _part(_longest_shot(pictures), random)
            bursts.append(Burst(frames, item.path, place.held_back))
    wanted = f"adapting at x{scale} needs {LEAST * scale} a side"
    if small and not bursts:
        raise TrainingError(f"{small[0]}: {wanted}")
    for line in small:
        warn(f"{line}: left out, {wanted}")
    learnt, held = (tuple(b for b in bursts if b.held_back == kind) for kind in (False, True))
    if not learnt or not held:
        raise TrainingError(
            f"{where}: too little to learn from some and hold back other frames: a video, two "
            "still images, or more are needed"
        )
    return Sample(learnt, held)


def _read(
    item: Item, chosen: Sequence[Place], color: str, warn: Warn
) -> Iterator[tuple[Place, list[Picture]]]:
    """The places at which something can be read, with their frames."""
    if not is_clip(item.path) or is_series(item.path):
        files = list_images(item.path) if is_series(item.path) else [item.path]
        for place in chosen:
            seen = files[place.first : place.first + place.frames]
            yield place, list(read_images(seen, color, warn))
        return
    looks: list[Damage] = []
    each = _sought if item.is_sought else _read_through
    for place, pictures, damage in each(item, chosen, color):
        looks.append(damage)
        if pictures:
            yield place, pictures
    if words := _damage_words(looks):
        warn(f"{item.path}: {words}")


def _damage_words(looks: Sequence[Damage]) -> str:
    """What is amiss with a video by its places; "" for nothing.

    Damage is not added up: places within reach of one keyframe share what is broken there.
    """
    missing = max((damage.missing_bytes for damage in looks), default=0)
    words = damage_words(Damage(missing_bytes=missing))
    broken = sum(damage.is_in_pictures for damage in looks)
    if broken:
        of = counted(len(looks), "place")
        words.append(f"damaged, or not to be decoded, at {broken} of the {of} looked at")
    return "; ".join(words)


_Look: TypeAlias = tuple[Place, list[Picture], Damage]


def _sought(item: Item, chosen: Sequence[Place], color: str) -> Iterator[_Look]:
    for place in chosen:
        span = Span(place.first / item.rate)
        try:
            # what else there is to say of the file was said when it was first opened
            with open_video(item.path, span, ignore, item.reading) as video:
                frames = islice(video.frames(), place.frames)
                seen = [frame_picture(frame.planes, video.info, color) for frame in frames]
                damage = video.damage
        except InputError:  # the file as such could be opened
            seen, damage = [], Damage(undecodable=1)
        yield place, seen, damage


def _read_through(item: Item, chosen: Sequence[Place], color: str) -> Iterator[_Look]:
    at, before = 0, NO_DAMAGE
    with open_video(item.path, Span(), ignore, item.reading) as video:
        frames = video.frames()
        for place in chosen:
            there = islice(frames, place.first - at, place.first - at + place.frames)
            seen = [frame_picture(frame.planes, video.info, color) for frame in there]
            at = place.first + place.frames
            new = Counter(asdict(video.damage)) - Counter(asdict(before))
            before = video.damage
            yield place, seen, Damage(**new)


def _longest_shot(pictures: Sequence[Picture]) -> Samples:
    """Its frames (T, H, W[, 3]), of all from cut to cut."""
    shots: list[list[Samples]] = []
    frames = (Frame((picture.luma,), number, 1) for number, picture in enumerate(pictures))
    for picture, frame in zip(pictures, mark_shots(frames, 255), strict=True):
        if frame.starts_shot:
            shots.append([])
        shots[-1].append(picture.samples)
    return np.stack(max(shots, key=len))


def _part(frames: Samples, random: np.random.Generator) -> Samples:
    """All of the picture, or as large a part of its shape as may be kept."""
    height, width = frames.shape[1:3]
    most = _BYTES / ((LEARNT + HELD) * FRAMES * (frames[0].size / (height * width)))
    factor = min(1.0, (most / (height * width)) ** 0.5)
    rows, columns = int(height * factor), int(width * factor)
    y, x = random.integers(height - rows + 1), random.integers(width - columns + 1)
    return np.ascontiguousarray(frames[:, y : y + rows, x : x + columns])


def _evenly(items: Sequence[Path], most: int) -> list[Path]:
    """At most so many of them, spread over all."""
    step = max(1.0, len(items) / most)
    return [items[int(n * step)] for n in range(min(len(items), most))]
