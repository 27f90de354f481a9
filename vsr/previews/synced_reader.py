"""Takes read side by side, frame by frame: no more of them is held than one frame each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import zip_longest

from vsr.core.errors import OutputError
from vsr.core.events import ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.limits import Limits
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.previews.variant import Take
from vsr.video.reader import Video, open_video

# They are our own: whole frames already, and as large as an encoder takes them.
_READING = ReadOptions(deinterlace="off", limits=Limits(pixels=2**28))


@contextmanager
def open_takes(takes: Sequence[Take]) -> Iterator[list[Video]]:
    """The videos of at least one take. Raises OutputError where they are not alike."""
    with ExitStack() as stack:
        videos = [
            stack.enter_context(open_video(take.file, Span(), ignore, _READING)) for take in takes
        ]
        first = videos[0].info
        for take, video in zip(takes, videos, strict=True):
            info = video.info
            one, other = _kind(first), _kind(info)
            if one != other:
                raise OutputError(
                    f"{take.label} is {other}, {takes[0].label} is {one}: takes must be alike"
                )
        yield videos


def in_step(takes: Sequence[Take], videos: Sequence[Video]) -> Iterator[tuple[Frame, ...]]:
    """A frame of each take at a time. Raises OutputError where their numbers or times differ."""
    for number, frames in enumerate(zip_longest(*(video.frames() for video in videos))):
        for take, frame in zip(takes, frames, strict=True):
            if frame is None:
                raise OutputError(f"{take.label} has {number} frames and another take has more")
            if frame.pts != frames[0].pts:
                raise OutputError(
                    f"{take.label} and {takes[0].label} show frame {number} at different times"
                )
        yield frames


def _kind(info: VideoInfo) -> str:
    """What takes must have in common."""
    return f"{info.width}x{info.height} {info.format.name} with ticks of {info.time_base} s"
