"""The time of a connection's first picture, which libav does not know by RTSP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from av.video.frame import VideoFrame

from vsr.live.connection import Arrived

Came = tuple[VideoFrame, Arrived]
"""A frame, and the packet after which it came out of the decoder."""

_LONGEST_OPENING = 16  # frames that are held until two times are known


def with_times(
    decoded: Iterator[Came], step: Fraction
) -> Iterator[tuple[Fraction | None, VideoFrame, Arrived]]:
    """The frames with their times in seconds on their connection's clock; None is unknown.

    Frames of unknown time at a connection's beginning are dated back from the first two known
    ones, for the sound is in step with them; by `step` seconds each where only one is known.
    """
    opening: list[Came] = []
    number = -1  # of the connection that is past its opening
    for frame, arrived in decoded:
        if opening and opening[0][1].connection is not arrived.connection:
            yield from _dated(opening, step)
            opening = []
        if arrived.connection.number == number:
            yield _when(frame, arrived), frame, arrived
            continue
        opening.append((frame, arrived))
        known = sum(each.pts is not None for each, _ in opening)
        if opening[0][0].pts is not None or known == 2 or len(opening) > _LONGEST_OPENING:
            yield from _dated(opening, step)
            opening, number = [], arrived.connection.number
    yield from _dated(opening, step)


def _dated(
    opening: Sequence[Came], step: Fraction
) -> Iterator[tuple[Fraction | None, VideoFrame, Arrived]]:
    times = [_when(frame, arrived) for frame, arrived in opening]
    known = [when for when in times if when is not None]
    if known:
        if len(known) > 1 and known[1] > known[0]:
            step = known[1] - known[0]
        first = times.index(known[0])
        times[:first] = [known[0] - step * (first - n) for n in range(first)]
    for when, (frame, arrived) in zip(times, opening, strict=True):
        yield when, frame, arrived


def _when(frame: VideoFrame, arrived: Arrived) -> Fraction | None:
    return None if frame.pts is None else frame.pts * arrived.connection.base
