"""A video as every browser plays it."""

from __future__ import annotations

from pathlib import Path

import av

from vsr.core.events import ignore
from vsr.core.folders import temporary_folder
from vsr.core.span import Span
from vsr.encoding.codecs import Encoding
from vsr.output.video import VideoSpec, create_video
from vsr.video.reader import open_video

_ALIKE = Encoding("h264", crf=10, preset="veryfast", pix_fmt="yuv420p")  # as near as it must be


def for_browsers(file: Path) -> bytes:
    """An MP4 of H.264, 4:2:0, 8 bits: the file itself where it is that, else encoded once more.

    Raises VsrError.
    """
    if _is_played(file):
        return file.read_bytes()
    with temporary_folder("vsr-preview-") as folder:
        target = Path(folder, "take.mp4")
        with open_video(file, Span(), ignore) as video:  # nobody keeps this file
            spec = VideoSpec(target=target, info=video.info, encoding=_ALIKE, warn=ignore)
            with create_video(spec) as output:
                for frame in video.frames():
                    output.write(frame)
        return target.read_bytes()


def _is_played(file: Path) -> bool:
    if file.suffix.lower() != ".mp4":
        return False
    with av.open(str(file)) as container:
        context = container.streams.video[0].codec_context
        return (context.name, context.pix_fmt) == ("h264", "yuv420p")
