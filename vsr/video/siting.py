"""Where a video's chroma lies, which PyAV tells in no other way than libav's log."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock

import av
import av.logging
from av.container import InputContainer
from av.filter import Graph
from av.video.stream import VideoStream

from vsr.core.color import SITINGS
from vsr.core.errors import InputError, StalledError
from vsr.core.url import Url
from vsr.video.open import open_input
from vsr.video.variants import leave_out_variants

_log_level = Lock()


def read_siting(path: Path | Url, stream_index: int) -> str:
    """The siting of the stream's first frame, a key of SITINGS, or "" where it is unsaid.

    The frame is decoded apart, without threads: with logging on, a decoder's thread may wait
    for Python while Python, closing the decoder, waits for the thread. Raises StalledError.
    """
    try:
        with open_input(path) as container:
            stream = container.streams[stream_index]
            assert isinstance(stream, VideoStream)
            leave_out_variants(container, stream)
            stream.thread_type = "NONE"
            line = _shown(container, stream)
    except StalledError:
        raise
    except (InputError, av.FFmpegError, EOFError, OSError, StopIteration, ValueError):
        return ""
    found = re.search(r"\bcl:(\w+)", line)
    return found.group(1) if found and found.group(1) in SITINGS else ""


def _shown(container: InputContainer, stream: VideoStream) -> str:
    """What libav's showinfo filter logs of the stream's first frame."""
    graph = Graph()
    source, show, sink = (
        graph.add_buffer(template=stream),
        graph.add("showinfo"),
        graph.add("buffersink"),
    )
    source.link_to(show)
    show.link_to(sink)
    graph.configure()
    frame = next(container.decode(stream))
    with _log_level:
        before = av.logging.get_level()
        av.logging.set_level(av.logging.INFO)
        try:
            with av.logging.Capture() as logs:
                graph.push(frame)
                graph.pull()
        finally:
            av.logging.set_level(before)
    return "".join(message for _, _, message in logs)
