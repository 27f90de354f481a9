"""Gather the frames that a network sees at once: the one it restores, and those around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import is_

from vsr.core.frame import Frame
from vsr.inference.steps import LONGEST


@dataclass(frozen=True)
class Window:
    """What a network sees to restore one picture.

    Attributes:
        frames: 2 * context + 1 frames of one shot, no two neighbours alike, oldest first.
            Where the shot has no more, its first or last frame stands again.
        times: (pts, duration) of each frame that shows the picture in the middle.
    """

    frames: tuple[Frame, ...]
    times: tuple[tuple[int, int], ...]

    @property
    def centre(self) -> Frame:
        """The frame to restore."""
        return self.frames[len(self.frames) // 2]


def windows(frames: Iterator[Frame], context: int) -> Iterator[Window]:
    """A window for each picture of the span, in order, with `context` others on each side.

    Identical frames in a row are one picture with several times; what is overdue is not held back
    for another picture, but seen as the shot's last one is. Frames outside the span are
    neighbours alone; once no window needs them, no more are drawn. Without context a window
    comes with each frame, at once. One that repeats a picture has the very `frames` of the window
    before.
    """
    return _around(frames, context) if context else _alone(frames)


def without_waiting(frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames of a live source; from LONGEST identical ones on in a row, they are overdue."""
    first: Frame | None = None
    count = 0
    for frame in frames:
        if first is None or frame.starts_shot or not frame.shows_same(first):
            first, count = frame, 0
        count += 1
        yield replace(frame, is_overdue=True) if count >= LONGEST else frame


def _alone(frames: Iterator[Frame]) -> Iterator[Window]:
    seen: tuple[Frame, ...] = ()
    begun = False
    for frame in frames:
        if frame.is_context and begun:
            return
        begun = not frame.is_context
        if not seen or not frame.shows_same(seen[0]):
            seen = (frame,)
        if not frame.is_context:
            yield Window(seen, ((frame.pts, frame.duration),))


@dataclass(frozen=True)
class _Picture:
    """Identical frames in a row: the first of them, and the times of those in the span."""

    frame: Frame
    times: list[tuple[int, int]] = field(default_factory=list)


def _around(frames: Iterator[Frame], context: int) -> Iterator[Window]:
    shot: list[_Picture] = []  # its latest pictures: all that a window to come may hold
    waiting = 0  # how many at its end have had no window yet
    begun = False
    seen: tuple[Frame, ...] = ()  # for what is overdue
    for frame in frames:
        if frame.starts_shot:
            yield from _made(shot, range(len(shot) - waiting, len(shot)), context)
            shot, waiting = [], 0
        if not shot or not frame.shows_same(shot[-1].frame):
            shot.append(_Picture(frame))
            waiting += 1
        if not frame.is_context:
            shot[-1].times.append((frame.pts, frame.duration))
            begun = True
        if waiting > context:
            yield from _made(shot, [len(shot) - waiting], context)
            waiting -= 1
            del shot[: -2 * context]
        if frame.is_overdue:
            for window in _made(shot, range(len(shot) - max(waiting, 1), len(shot)), context):
                seen = seen if all(map(is_, seen, window.frames)) and seen else window.frames
                yield replace(window, frames=seen)
            shot[-1].times.clear()
            waiting = 0
        if begun and waiting and not any(picture.times for picture in shot[-waiting:]):
            return  # behind the span, and the last window is made
    yield from _made(shot, range(len(shot) - waiting, len(shot)), context)


def _made(shot: Sequence[_Picture], centres: Iterable[int], context: int) -> Iterator[Window]:
    """The windows around these places of `shot`, but for pictures outside the span."""
    for centre in centres:
        if shot[centre].times:
            places = range(centre - context, centre + context + 1)
            held = (shot[min(max(place, 0), len(shot) - 1)] for place in places)
            yield Window(tuple(picture.frame for picture in held), tuple(shot[centre].times))
