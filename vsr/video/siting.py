"""Where a video's chroma lies, which PyAV tells in no way of its own."""

from __future__ import annotations

import re
from io import BytesIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_BY_STANDARD = {"dvvideo": "topleft", "h263": "center", "speedhq": "center"}
_SAID = {(1, 2): "left", (2, 2): "center", (1, 1): "topleft", (2, 1): "top"}
# ChromaSitingHorz and ChromaSitingVert, a byte each: RFC 9559, 5.1.4.1.28.26.
_MATROSKA = re.compile(rb"\x55\xb7\x81(.)\x55\xb8\x81(.)", re.DOTALL)
_Y4M = {b" C420mpeg2": "left", b" C420paldv": "topleft", b" C420jpeg": "center"}


def siting_of(container: InputContainer, stream: VideoStream) -> str:
    """The siting of a stream's chroma, a key of SITINGS, or "" where it is unsaid.

    What libav has found out while it opened the container is read from the header of a file that
    it would write. (Its log tells more, but a log that Python hears may halt all: a decoder's
    thread waits for Python then, while Python, closing the decoder, waits for the thread.) Chroma
    at the bottom, which Matroska has no code for, counts as unsaid.
    """
    codec = stream.codec_context.name
    if codec in _BY_STANDARD:
        return _BY_STANDARD[codec]
    if codec == "rawvideo":
        return _of_raw(container, stream)
    found = _MATROSKA.search(_header(stream, "matroska"))
    return _SAID.get((found[1][0], found[2][0]), "") if found else ""


def _of_raw(container: InputContainer, stream: VideoStream) -> str:
    """Of bare samples, Y4M alone says where they lie."""
    if container.format.name != "yuv4mpegpipe":
        return ""
    header = _header(stream, "yuv4mpegpipe")
    return next((siting for word, siting in _Y4M.items() if word in header), "")


def _header(stream: VideoStream, container_format: str) -> bytes:
    """What a file with such a stream would begin with; b"" where it cannot hold it."""
    file = BytesIO()
    try:
        with av.open(file, "w", format=container_format) as made:
            made.add_stream_from_template(stream)
            made.start_encoding()
            return file.getvalue()
    except (av.FFmpegError, OSError, ValueError):
        return b""
