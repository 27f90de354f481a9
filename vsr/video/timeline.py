"""Timestamps that are wrong in a file: a rule for each, and strictly increasing ones out.

A time that is missing, repeated or goes back is unknown. Frames of unknown time follow the last
known one at the nominal pace, closer together where the next known one leaves less room. Known
times, gaps between them and starts other than 0 stay what they are. For clocks that begin anew
see `joints`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from vsr.core.damage import Tally
from vsr.core.frame import Frame

_MOST_UNKNOWN = 16  # frames that are held until a known time follows
_FINE_ENOUGH = Fraction(1, 1000)

Timed = tuple[Frame, bool]
"""A frame, and whether its pts is known."""


def finer(base: Fraction) -> int:
    """Into how many parts to cut the ticks of a time base, so that no two frames share one.

    A base of 1/25 s has no room between two frames. One of a millisecond or less has.
    """
    parts = 1
    while base / parts > _FINE_ENOUGH:
        parts *= 2
    return parts


def nominal_step(rate: Fraction | None, base: Fraction) -> int:
    """Ticks from frame to frame at a nominal rate; 1 where there is none."""
    return max(1, round(1 / (rate * base))) if rate else 1


def steady(frames: Iterator[Timed], step: int, tally: Tally) -> Iterator[Frame]:
    """Frames with pts that strictly increase; known ones stay where they are.

    `step` is the nominal time between frames, in ticks. Frames of unknown time are held, a few
    at most, until one of a known time follows; see above for where they come to stand.
    """
    last: int | None = None  # the time of the last frame that was given out
    waiting: list[Frame] = []
    for frame, known in frames:
        if known and last is not None and frame.pts <= last:
            tally.add("repaired_pts")
            known = False
        elif not known:
            tally.add("untimed")
        if known:
            if last is None and waiting:
                last = _before(frame.pts, step * (len(waiting) + 1))
            for held in _spread(waiting, last, frame.pts, step):
                last = held.pts
                yield held
            waiting = []
            if last is not None and frame.pts <= last:  # no room was left
                tally.add("repaired_pts")
                frame = replace(frame, pts=last + 1)
            last = frame.pts
            yield frame
        else:
            waiting.append(frame)
            if len(waiting) > _MOST_UNKNOWN:
                for held in _spread(waiting, last, None, step):
                    last = held.pts
                    yield held
                waiting = []
    yield from _spread(waiting, last, None, step)


def _before(first: int, ticks: int) -> int:
    """A time before the first known one, from which the unknown ones count; not under -1, as
    some containers do not show what comes before 0."""
    return max(first - ticks, -1) if first >= 0 else first - ticks


def _spread(
    frames: Sequence[Frame], last: int | None, following: int | None, step: int
) -> Iterator[Frame]:
    """Frames of unknown time, between the last one and the one that follows."""
    for number, frame in enumerate(frames, 1):
        if last is None:
            pts = step * (number - 1)
        elif following is None:
            pts = last + step * number
        else:
            even = (following - last) * number // (len(frames) + 1)
            pts = last + max(number, min(step * number, even))
        yield replace(frame, pts=pts)


def lasting(frames: Iterator[Frame], ends: Callable[[Frame], int]) -> Iterator[Frame]:
    """Frames that last until the next one, the last one until the tick that `ends` gives for it.

    It is asked once there is no more frame.
    """
    held: Frame | None = None
    for frame in frames:
        if held is not None:
            yield replace(held, duration=frame.pts - held.pts)
        held = frame
    if held is not None:
        yield replace(held, duration=max(ends(held) - held.pts, 1))
