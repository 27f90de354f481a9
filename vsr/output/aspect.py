"""Whether a file will tell players the shape of its pixels: tried with a picture in memory."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache

import av
from av.video.stream import VideoStream

from vsr.encoding.priority import ordinary_priority

_SIDE = 64  # pixels: all encoders take them


@cache
def keeps_aspect(format_name: str, encoder: str, pixels: str, aspect: Fraction) -> bool:
    """Whether what libav's `encoder` and muxer write is read back with this pixel aspect.

    Some codecs have no place for it, and not all containers get to know it. True where it cannot
    be tried.
    """
    held = io.BytesIO()
    try:
        with ordinary_priority(), av.open(held, "w", format=format_name) as output:
            stream = output.add_stream(encoder, rate=25)
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = _SIDE
            stream.pix_fmt = pixels
            stream.codec_context.sample_aspect_ratio = aspect
            frame = av.VideoFrame(_SIDE, _SIDE, pixels)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = 0
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        held.seek(0)
        with av.open(held) as again:
            found = again.streams.video[0].sample_aspect_ratio
    except (av.FFmpegError, OSError, ValueError, IndexError):
        return True
    return found == aspect
