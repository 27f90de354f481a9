"""Tell a video of which one frame is taken, as of a still GIF: it may become an image."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.options import ReadOptions
from vsr.core.url import Url
from vsr.images.animated import is_still
from vsr.images.listing import is_series
from vsr.video.reader import open_video


def gives_one_frame(source: Path | Url, read: ReadOptions) -> bool:
    """Whether one frame is all that is taken of a video file. What cannot be read gives none."""
    if not isinstance(source, Path) or is_series(source) or is_still(source):
        return False
    with suppress(InputError), open_video(source, read.span, ignore, read) as video:
        return len(list(islice(video.frames(), 2))) == 1
    return False
