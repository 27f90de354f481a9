"""Steps: the pictures of a video in the order in which a recurrent network goes through them.

Its state begins anew with each shot and each lifetime (`vsr.core.lifetime`), and is warmed up first
on a few steps that are not shown: at a lifetime over the frames before it, at a cut over the shot's
own first ones, backwards. Where these are too few, or one, they come again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import is_

from vsr.core.frame import Frame
from vsr.core.lifetime import lifetime

LONGEST = 8
"""Identical frames that one picture stands for, where one must not wait for it to change."""


@dataclass(frozen=True)
class Step:
    """What a recurrent network sees to restore one picture, besides its state.

    Attributes:
        frames: the picture, and those to come, of one shot, no two neighbours alike but where a
            lifetime begins. Where the shot has no more, its last frame stands again.
        times: (pts, duration) of each frame that shows the picture; none where it is only to be
            remembered.
        fresh: whether the state is empty before it.
    """

    frames: tuple[Frame, ...]
    times: tuple[tuple[int, int], ...] = ()
    fresh: bool = False

    def comes_after(self, before: Step) -> bool:
        """Whether it sees what was to come in the step `before`, and one frame more.

        All its flows but one are known then.
        """
        return not self.fresh and all(map(is_, before.frames[1:], self.frames[:-1]))


def steps(frames: Iterable[Frame], future: int, warmup: int, time_base: Fraction) -> Iterator[Step]:
    """A step for each picture of the span, in order, and before them what warms the state up.

    Args:
        frames: with shots marked; pts increase. Those outside the span are stepped through where
            the state of one inside depends on them; once nothing does, no more are drawn.
        future: how many coming pictures are seen.
        warmup: how many steps warm the state up, over as many frames at most.
        time_base: seconds per tick.

    Identical frames in a row are one picture with several times, but for where a lifetime begins,
    and no more than LONGEST of them: who looks on must not wait for a picture to change.
    """
    return _needed(_every(frames, future, warmup, time_base), 2 * warmup + 2)


def since_lifetime(
    frames: Iterable[Frame], begin: int, count: int, time_base: Fraction
) -> Iterator[Frame]:
    """The frames from the lifetime on that the tick `begin` lies in, and `count` before them."""
    life = lifetime(begin, time_base)
    latest: deque[Frame] = deque(maxlen=count)
    reached = False
    for frame in frames:
        reached = reached or lifetime(frame.pts, time_base) >= life
        if reached:
            yield from latest
            latest.clear()
            yield frame
        else:
            latest.append(frame)


@dataclass
class _Picture:
    """Identical frames in a row.

    Attributes:
        frame: the first of them.
        number: its place in the shot, in frames.
        before: where a lifetime begins with it, the frames before it, the latest first; else None.
        times: of those in the span.
    """

    frame: Frame
    number: int
    before: Sequence[Frame] | None = None
    times: list[tuple[int, int]] = field(default_factory=list)


def _every(
    frames: Iterable[Frame], future: int, warmup: int, time_base: Fraction
) -> Iterator[Step]:
    """The steps through all that is drawn."""
    shot: list[_Picture] = []  # its pictures that no step has been made for
    latest: deque[Frame] = deque(maxlen=warmup)
    number, begins, life, last = 0, 0, 0, None
    begun = False
    for frame in frames:
        if frame.starts_shot or last is None:
            while shot:
                yield from _steps(shot, future, warmup)
            latest.clear()
            number, begins, last = 0, 0, None
        now = lifetime(frame.pts, time_base)
        long = number - begins >= LONGEST
        if last is None or now != life or long or not frame.shows_same(last):
            begins = number
            before = _distinct(latest)[::-1] if last is not None and now != life else None
            shot.append(_Picture(frame, number, before))
        if not frame.is_context:
            shot[-1].times.append((frame.pts, frame.duration))
            begun = True
        latest.append(frame)
        number, life, last = number + 1, now, shot[-1].frame
        while len(shot) > max(future, 1) and (shot[0].number or number > warmup):
            yield from _steps(shot, future, warmup)
        if begun and not any(picture.times for picture in shot):
            return  # behind the span, and the last step is made
    while shot:
        yield from _steps(shot, future, warmup)


def _steps(shot: list[_Picture], future: int, warmup: int) -> Iterator[Step]:
    """The steps to the first of these pictures and through it. It is taken away."""
    picture = shot[0]
    coming = [other.frame for other in shot[: future + 1]]
    before = picture.before
    if picture.number == 0:
        before = [other.frame for other in shot[1:] if other.number <= warmup]
    way = [*_way_to(picture.frame, before, warmup), *coming] if before is not None else coming
    length = len(way) - len(coming)
    for place in range(length + 1):
        seen = [way[min(place + n, len(way) - 1)] for n in range(future + 1)]
        times = tuple(picture.times) if place == length else ()
        yield Step(tuple(seen), times, fresh=place == 0 and before is not None)
    del shot[0]


def _way_to(picture: Frame, others: Sequence[Frame], count: int) -> list[Frame]:
    """So many frames that end beside `picture`: over `others`, the nearest first, and back again
    as often as it takes."""
    road = [picture, *others]
    turn = max(1, len(road) - 1)
    places = [turn - abs(turn - n % (2 * turn)) for n in range(count, 0, -1)]
    return [road[min(place, len(road) - 1)] for place in places]


def _distinct(frames: Iterable[Frame]) -> list[Frame]:
    """The frames, without those that show the same as the one before."""
    found: list[Frame] = []
    for frame in frames:
        if not found or not frame.shows_same(found[-1]):
            found.append(frame)
    return found


def _needed(made: Iterator[Step], most: int) -> Iterator[Step]:
    """The steps, without those whose state no shown one has, as far as `most` of them tell."""
    held: list[Step] | None = []  # since the state began; None once they have been given away
    for step in made:
        if step.fresh:
            held = []
        if held is None:
            yield step
            continue
        held.append(step)
        if step.times or len(held) > most:
            yield from held
            held = None
