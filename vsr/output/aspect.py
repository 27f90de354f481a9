"""Whether a file can be read, and tells the shape of its pixels: tried with a picture in memory."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache

import av
from av.codec import Codec
from av.video.stream import VideoStream

from vsr.encoding.priority import ordinary_priority

_SIDE = 64  # pixels: all encoders take them


@cache
def keeps_aspect(format_name: str, encoder: str, pixels: str, aspect: Fraction) -> bool:
    """Whether what libav's `encoder` and muxer write is read back with this pixel aspect.

    Some codecs have no place for it, and not all containers get to know it. True where it cannot
    be tried.
    """
    found = _read_again(format_name, encoder, pixels, aspect)
    return found is None or found[1] == aspect


@cache
def reads_again(format_name: str, encoder: str, pixels: str) -> bool:
    """Whether what libav's `encoder` and muxer write is read back as that codec's video.

    Some muxers take what no reader knows any more. True where it cannot be tried.
    """
    found = _read_again(format_name, encoder, pixels, Fraction(1))
    return found is None or found[0] == Codec(encoder, "w").canonical_name


def _read_again(
    format_name: str, encoder: str, pixels: str, aspect: Fraction
) -> tuple[str, Fraction | None] | None:
    """The codec and the pixel aspect of one written picture; None where it cannot be tried."""
    held = io.BytesIO()
    try:
        with ordinary_priority(), av.open(held, "w", format=format_name) as output:
            stream = output.add_stream(encoder, rate=25)
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = _SIDE
            stream.pix_fmt = pixels
            stream.codec_context.sample_aspect_ratio = aspect
            if encoder == "libx265":  # which writes to stderr past libav's log
                stream.codec_context.options = {"x265-params": "log-level=error"}
            frame = av.VideoFrame(_SIDE, _SIDE, pixels)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = 0
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        held.seek(0)
        with av.open(held) as again:
            for video in again.streams.video:
                context = video.codec_context
                name = "" if context is None else context.codec.canonical_name
                return name, video.sample_aspect_ratio
            return "", None
    except (av.FFmpegError, OSError, ValueError):
        return None
