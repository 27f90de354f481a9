"""Read what is learnt from, and tell what of it is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vsr.core.damage import damage_words
from vsr.core.events import Warn, ignore
from vsr.core.span import Span
from vsr.datasets.ground_truth import Picture, frame_picture
from vsr.datasets.media import is_clip, read_pictures
from vsr.images.listing import is_series
from vsr.util.text import counted
from vsr.video.reader import open_video


def read_examples(path: Path, color: str, step: int = 1, warn: Warn = ignore) -> Iterator[Picture]:
    """As `read_pictures`; of a video that is damaged, one warning tells how much could be read."""
    if not is_clip(path) or is_series(path):
        yield from read_pictures(path, color, step, warn)
        return
    number = 0
    with open_video(path, Span(), ignore) as video:
        for number, frame in enumerate(video.frames(), 1):
            if number % step == 1 % step:
                yield frame_picture(frame.planes, video.info, color)
        if words := damage_words(video.damage):
            promised = video.expected_frames or 0
            of = f"{number} of about " if promised > number else ""
            read = f"{of}{counted(max(number, promised), 'frame')}"
            warn(f"{path}: {read} could be read; {'; '.join(words)}")
