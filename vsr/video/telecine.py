"""Inverse telecine: the four pictures of film that five frames hold; see `cadence`.

All else is kept: a frame that is in no turn of film gives a picture at its own time, as it is
where it is progressive, and deinterlaced where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from vsr.core.side_data import said_of
from vsr.video.cadence import AHEAD, LOCK, TURN, Anchor, Turns, repeats
from vsr.video.deinterlace import deinterlaced, each_field, layout_of, luma_of, planar
from vsr.video.field_vote import FieldOrder

CONTEXT = LOCK + 6 * TURN
"""How many frames before a wanted picture `film_pictures` must see for the same bits."""

PICTURES = 4
"""That a turn holds."""

_PICTURE = Fraction(TURN, PICTURES)  # frames from one to the next
_UNEVEN = Fraction(13, 10)  # as far as a turn is even
_SOFT = Fraction(27, 20), Fraction(33, 20)  # about 3:2, of the times that two pictures are shown


def film_pictures(
    frames: Iterator[VideoFrame], order: FieldOrder, anchor: Anchor | None
) -> Iterator[VideoFrame]:
    """The pictures of film that was telecined, at even times; all else is kept, see above.

    Ticks must be fine enough for a quarter of a frame. A turn's first picture has the pts of its
    first frame. Where film begins or ends amid a turn at either end of the video, what there is
    of it counts. Film in which the player repeats fields (MPEG-2's flag) gets even times. `anchor`
    says where turns begin as long as nothing moves.
    """
    for layout, run in groupby(map(planar, frames), layout_of):
        if layout.taken:
            yield from _Run(order, anchor).pictures(run)
        else:
            yield from run


class _Run:
    """Frames of one layout, of which pictures are made.

    Attributes:
        frames: those at work, by number.
        turns: where turns begin.
        at: the number of the first frame of which no picture has been made.
        over: whether there are no more.
        noise: that of the turn which ends just before `at`; None where none does.
    """

    def __init__(self, order: FieldOrder, anchor: Anchor | None) -> None:
        self.order = order
        self.frames: dict[int, VideoFrame] = {}
        self.turns = Turns(order, anchor)
        self.at = 0
        self.over = False
        self.noise: float | None = None

    def pictures(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """The pictures, as soon as it is clear which."""
        for frame in frames:
            self.frames[self.turns.count] = frame
            self.turns.add(luma_of(frame), frame.pts)
            ahead = AHEAD if self.at else AHEAD + TURN - 1
            while self.turns.count >= self.at + ahead:
                yield from self._next()
        self.over = True
        while self.at < self.turns.count:
            yield from self._next()

    def _next(self) -> Iterator[VideoFrame]:
        """The pictures of the next turn, part of a turn, or frame."""
        if self.turns.begins(self.at):
            made = list(self._turn(self.at, range(TURN)))
            self.noise, count = self.turns.noise(self.at), TURN
        elif part := self._part():
            made = list(self._turn(self.at - part.start, part))
            self.noise, count = None, len(part)
        else:
            made = [self._single(self.at)]
            self.noise, count = None, 1
        self.at += count
        for number in range(self.at - count - 1, self.at - 1):
            self.frames.pop(number, None)  # one before the next is kept
        yield from made

    def _part(self) -> range | None:
        """Which frames of a turn are left of it at either end; None where there is no such."""
        left = self.turns.count - self.at
        if self.over and self.noise is not None and left < TURN:
            return self._fitting(range(left), self.noise)
        if self.at == 0:
            for count in range(1, TURN):
                if self.turns.begins(count):
                    return self._fitting(range(TURN - count, TURN), self.turns.noise(count))
        return None

    def _fitting(self, part: range, noise: float) -> range | None:
        """The part of a turn that comes next, if it has two frames or more, and may be one."""
        seen = {place: self.turns.seen[self.at + place - part.start] for place in part}
        again = []
        if 1 in part and (third := seen.get(2)):
            again.append(third.earlier)
        if 3 in part and (fifth := seen.get(4)):
            again.append(fifth.later)
        if again:
            return part if all(repeats(blocks, noise) for blocks in again) else None
        whole = map(self.turns.is_whole, (self.at, self.at + 1))
        return part if part == range(2) and all(whole) else None

    def _turn(self, first: int, part: range) -> Iterator[VideoFrame]:
        """The pictures of which a turn's frames at the places of `part` hold some field.

        `first` is the number of the turn's first frame, there or not.
        """
        have = {place: self.frames[first + place] for place in part}
        times = self._times(first, part)
        makers: list[tuple[int, Callable[[], VideoFrame]]] = []
        if 0 in have:
            makers.append((0, lambda: have[0]))
        if 1 in have:
            makers.append((1, lambda: have[1]))
        elif 2 in have:
            makers.append((1, lambda: self._field(first + 2, 0)))
        if 4 in have:
            makers.append((3, lambda: have[4]))
        elif 3 in have:
            makers.append((3, lambda: self._field(first + 3, 1)))
        if 2 in have and 3 in have:
            makers.append((2, lambda: self._woven(have[3], have[2])))
        elif 3 in have:
            makers.append((2, lambda: self._field(first + 3, 0)))
        elif 2 in have:
            makers.append((2, lambda: self._field(first + 2, 1)))
        made = [(number, make()) for number, make in makers]  # the third last: it alters a frame
        made.sort(key=lambda pair: pair[0])
        begin = have[part.start].pts
        for number, picture in made:
            start = begin if number == made[0][0] else times(number)
            picture.pts = start
            if start is not None and (end := times(number + 1)) is not None:
                picture.duration = end - start
            yield picture

    def _times(self, first: int, part: range) -> Callable[[int], int | None]:
        """When the pictures of a turn come, by their numbers in it; the next one's first is 4."""
        known = [self.frames[first + place].pts for place in part]
        begin, end = known[0], known[-1]
        following = self.frames.get(first + part.stop)
        if begin is None or end is None:
            return lambda number: None
        gap = Fraction(end - begin, len(part) - 1)
        if following is not None and following.pts is not None:
            last = following.pts - end
            if gap / _UNEVEN <= last <= gap * _UNEVEN:
                gap = Fraction(following.pts - begin, len(part))

        def time(number: int) -> int:
            frames = min(number * _PICTURE - part.start, Fraction(len(part)))
            return begin + round(frames * gap)

        return time

    def _woven(self, frame: VideoFrame, before: VideoFrame) -> VideoFrame:
        """A frame whose later field is that of the frame before; with what that one says."""
        frame.make_writable()
        frame.opaque = said_of(before).get("A53_CC")  # captions of a frame that is no picture
        late = int(self.order is FieldOrder.TOP)
        for plane, other in zip(frame.planes, before.planes, strict=True):
            rows, others = _bytes_of(plane), _bytes_of(other)
            width = min(rows.shape[1], others.shape[1])
            rows[late::2, :width] = others[late::2, :width]
        return frame

    def _field(self, number: int, which: int) -> VideoFrame:
        """A picture made of a frame's earlier field, 0, or its later one, 1."""
        near = [frame for n in (-1, 0, 1) if (frame := self.frames.get(number + n))]
        place = 1 if number - 1 in self.frames else 0
        made = list(each_field(iter(near), self.order, None))
        return made[2 * place + which]

    def _times_around(self, number: int) -> list[int | None]:
        """When the frame before one comes, it, and the one after, or would after the last."""
        before, now, after = (self.turns.time(number + n) for n in (-1, 0, 1))
        if after is None and before is not None and now is not None:
            first = self.turns.time(number - 2)
            after = None if first is None else now + before - first
        return [before, now, after]

    def _single(self, number: int) -> VideoFrame:
        """The picture of a frame that is in no turn."""
        frame, early = self.frames[number], _too_early(self._times_around(number))
        if early and frame.pts is not None:
            frame.pts += early
        if early is not None or self.turns.is_whole(number):
            return frame
        near = [one for n in (-1, 0, 1) if (one := self.frames.get(number + n))]
        return list(deinterlaced(iter(near), self.order))[int(number - 1 in self.frames)]


def _bytes_of(plane: VideoPlane) -> NDArray[np.uint8]:
    """The rows of a plane as they lie in memory, which they are a view of."""
    memory: Any = plane
    return np.frombuffer(memory, np.uint8).reshape(plane.height, -1)


def _too_early(times: Sequence[int | None]) -> int | None:
    """By how many ticks the second of three pictures comes too early if fields are repeated.

    None where the player does not repeat fields there: it shows one picture for two of them, and
    the next for three.
    """
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        return None
    first, second = (after - before for before, after in pairwise(known))
    if min(first, second) <= 0:
        return None
    ratio = Fraction(max(first, second), min(first, second))
    return max(0, second - first) // 2 if _SOFT[0] <= ratio <= _SOFT[1] else None
