"""The frames that a region is looked for in, in the order in which it is followed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vsr.core.color import known_matrix, to_rgb
from vsr.core.crop import Box, cropped
from vsr.core.errors import InputError
from vsr.core.events import Progress
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.half import displayed
from vsr.core.source import Source
from vsr.video.shots import mark_shots

Luma = NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """A frame, as the region is looked for in it.

    Attributes:
        number: of the frame in the span, counted from 0.
        frame: as it was decoded.
        luma: (H, W) float32, 0..1 nominally, as it is shown.
    """

    number: int
    frame: Frame
    luma: Luma


@dataclass(frozen=True)
class Sights:
    """Frames of one shot.

    Attributes:
        reference: the one in which the region was named.
        later: those after it, in order.
        earlier: those before it, the nearest first.
    """

    reference: Sight
    later: Iterator[Sight]
    earlier: Iterator[Sight]


def sights(source: Source, at: Fraction | None, most: int) -> Sights:
    """At most so many frames of the shot that is shown at a tick, as evenly around it as may be.

    None is the first frame. `later` is decoded as it is drawn; `earlier` must be drawn after it.
    Raises InputError where no frame is shown then.
    """
    info = source.info
    marked = enumerate(mark_shots(source.frames(), info.format.peak, info.format.half))
    before: deque[tuple[int, Frame]] = deque(maxlen=max(1, most))
    for number, frame in marked:
        if frame.starts_shot:
            before.clear()
        if before and at is not None and frame.pts > at:  # the one before was shown then
            return _around(before, (number, frame), marked, info, most)
        before.append((number, frame))
        if at is None or frame.pts <= at < frame.pts + max(frame.duration, 1):
            return _around(before, None, marked, info, most)
    if not before:
        raise InputError(f"{source.path}: no frame to take a region from")
    if at is not None and at >= before[-1][1].pts + before[-1][1].duration:
        last = before[-1][1]
        late = float((at - last.pts) * info.time_base)
        raise InputError(
            f"{source.path}: at: no frame is shown then; the last one begins {late:.3g} s before"
        )
    return _around(before, None, marked, info, most)


def _around(
    before: deque[tuple[int, Frame]],
    following: tuple[int, Frame] | None,
    marked: Iterator[tuple[int, Frame]],
    info: VideoInfo,
    most: int,
) -> Sights:
    reference = before.pop()
    behind = max((most - 1) // 2, most - 1 - len(before))
    found = 0

    def later() -> Iterator[Sight]:
        nonlocal found
        coming = marked if following is None else chain([following], marked)
        for number, frame in coming:
            if frame.starts_shot or found >= behind:
                return
            found += 1
            yield sight_of(number, frame, info)

    def earlier() -> Iterator[Sight]:
        left = most - 1 - found
        for number, frame in list(reversed(before))[:left]:
            yield sight_of(number, frame, info)

    return Sights(sight_of(*reference, info), later(), earlier())


def told(seen: Sights, expected: int, progress: Callable[[Progress], None]) -> Sights:
    """The same sights, each told once it is done with; `expected` is how many there may be."""
    done = count(1)

    def each(sights: Iterator[Sight]) -> Iterator[Sight]:
        for sight in sights:
            yield sight
            progress(Progress(next(done), expected))

    return Sights(seen.reference, each(seen.later), each(seen.earlier))


def sight_of(number: int, frame: Frame, info: VideoInfo) -> Sight:
    """A frame with the luma, or green, that it shows."""
    return Sight(number, frame, luma_of(frame.planes[0], info))


def colours_of(frame: Frame, info: VideoInfo, box: Box) -> Tensor:
    """What a frame shows in a box on chroma's grid: (C, h, w) float32, RGB or grey."""
    planes = []
    for number, plane in enumerate(frame.planes[: 3 if info.format.planes > 2 else 1]):
        down, across = info.format.steps(number)
        rows = slice(box.y // down, -(-(box.y + box.height) // down))
        columns = slice(box.x // across, -(-(box.x + box.width) // across))
        planes.append(torch.from_numpy(np.ascontiguousarray(plane[rows, columns]))[None])
    if len(planes) == 1:
        return torch.from_numpy(luma_of(planes[0][0].numpy(), info))[None]
    return to_rgb(planes, known_matrix(cropped(info, box)))[0]


def luma_of(plane: Plane, info: VideoInfo) -> Luma:
    """(H, W) samples as float32, 0..1 nominally."""
    layout = info.format
    if layout.half:
        (plane,) = displayed([plane])
    found: Luma = plane.astype(np.float32) / np.float32(layout.peak)
    return found
