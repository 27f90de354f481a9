"""Preroll: the frames before a span that a network sees beside its first ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.core.damage import Tally
from vsr.core.errors import InputError
from vsr.core.frame import Frame, Plane
from vsr.core.url import Url
from vsr.video.fields import Fields, Pictures
from vsr.video.open import open_input
from vsr.video.seek import decode_from, has_times, lowest_tick
from vsr.video.variants import leave_out_variants

ReadPlanes = Callable[[VideoFrame], tuple[Plane, ...]]


def lead_in(
    path: Path | Url,
    stream_index: int,
    start: Fraction,
    count: int,
    read_planes: ReadPlanes,
    fields: Fields | None = None,
) -> Sequence[Frame]:
    """The last `count` distinct pictures before the stream's tick `start`, oldest first.

    All are outside. They are fewer where the video begins, or where something before `start`
    cannot be decoded: that is no error of the span. The file is opened once more for it, so that
    whoever reads on from `start` is not disturbed.
    """
    found: Sequence[Frame] = ()
    with suppress(av.FFmpegError, InputError, EOFError, OSError), open_input(path) as container:
        stream, lowest, back = _opened(container, stream_index)
        while True:
            begin = _begin(container, lowest, start - back)
            frames = _frames(container, stream, begin, path, fields)
            until = start * Pictures.of(stream, fields).parts
            found = _last_pictures(frames, until, count, read_planes)
            if len(found) == count or begin == lowest:
                break
            back *= 2  # a picture may stand still for long
    return found


def warm_up(
    path: Path | Url,
    stream_index: int,
    life: Fraction,
    start: Fraction,
    count: int,
    read: Callable[[VideoFrame], Frame],
    fields: Fields | None = None,
) -> Iterator[Frame]:
    """The pictures from the stream's tick `life` to `start`, and `count` before, oldest first.

    All outside the span. They are fewer where the video begins; where something cannot be decoded
    they end there.
    """
    with suppress(av.FFmpegError, InputError, EOFError, OSError), open_input(path) as container:
        stream, lowest, back = _opened(container, stream_index)
        parts = Pictures.of(stream, fields).parts
        while True:
            begin = _begin(container, lowest, life - back)
            frames = _frames(container, stream, begin, path, fields)
            before: deque[Frame] = deque(maxlen=count)
            following = None
            number = 0
            for decoded in frames:
                assert decoded.pts is not None
                if decoded.pts >= life * parts:
                    following = decoded
                    break
                before.append(replace(read(decoded), is_context=True))
                number += 1
            if number >= count or begin == lowest:
                break
            back *= 2  # frames may be seconds apart
        yield from before
        while following is not None and following.pts is not None and following.pts < start * parts:
            yield replace(read(following), is_context=True)
            following = next(frames, None)


def _opened(container: InputContainer, index: int) -> tuple[VideoStream, int, Fraction]:
    """A video stream, the tick where it begins at the latest, and a second in ticks."""
    stream = container.streams[index]
    assert isinstance(stream, VideoStream)
    assert stream.time_base is not None
    leave_out_variants(container, stream)
    stream.thread_type = "NONE"
    return stream, lowest_tick(stream), 1 / stream.time_base


def _begin(container: InputContainer, lowest: int, wanted: Fraction) -> Fraction:
    """Where to read from: what has no times in it is read from its beginning, once."""
    return max(Fraction(lowest), wanted) if has_times(container) else Fraction(lowest)


def _frames(
    container: InputContainer,
    stream: VideoStream,
    begin: Fraction,
    path: Path | Url,
    fields: Fields | None,
) -> Iterator[VideoFrame]:
    """The pictures about the tick `begin` and all after it, each with a time."""
    pictures = Pictures.of(stream, fields)
    frames = decode_from(container, stream, begin - pictures.reach, Tally(path))
    cut = fields is not None and begin > lowest_tick(stream)  # what is made without all before it
    return pictures.made_from(frames, begin if cut else None)


def _last_pictures(
    frames: Iterator[VideoFrame], start: Fraction, count: int, read_planes: ReadPlanes
) -> Sequence[Frame]:
    latest: deque[Frame] = deque(maxlen=count)
    for decoded in frames:
        assert decoded.pts is not None
        if decoded.pts >= start:
            break
        frame = Frame(read_planes(decoded), decoded.pts, is_context=True)
        if not latest or not frame.shows_same(latest[-1]):
            latest.append(frame)
    return tuple(latest)
