"""A video as every browser plays it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from vsr.core.events import ignore
from vsr.core.folders import temporary_folder
from vsr.core.span import Span
from vsr.encoding.codecs import Encoding
from vsr.output.video import VideoSpec, create_video
from vsr.video.reader import open_video

# As near as it must be, and with no frame that seems to last into the next one: see `_overlap`.
_ALIKE = Encoding("h264", crf=10, preset="veryfast", pix_fmt="yuv420p", in_order=True)


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
        stream = container.streams.video[0]
        context = stream.codec_context
        plain = (context.name, context.pix_fmt) == ("h264", "yuv420p")
        return plain and not _overlap(container.demux(stream))


def _overlap(packets: Iterable[Packet[VideoStream]]) -> bool:
    """Whether a frame lasts into the next one, by the file: there Chromium shows the wrong one.

    An MP4 holds how far apart frames are as they are decoded. Where they are shown in another
    order, and at uneven times, that is not how long they last.
    """
    shown = sorted((p.pts, p.pts + (p.duration or 0)) for p in packets if p.pts is not None)
    return any(end > begin for (_, end), (begin, _) in pairwise(shown))
