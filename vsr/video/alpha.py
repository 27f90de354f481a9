"""Decoders for the alpha of VP8 and VP9, which libav's own decoders leave out."""

from __future__ import annotations

from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

# A WebM's alpha is a second stream in the same packets, which only these look at.
_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def alpha_decoder(stream: VideoStream) -> VideoCodecContext | None:
    """A decoder to feed a stream's packets to so that its frames have alpha.

    None where the stream has no alpha that its own decoder would leave out. Frames, their pts
    and time base are those of the stream's own decoder. Feed None to it for the last frames.
    """
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    name = _DECODERS.get(stream.codec_context.codec.canonical_name)
    if name is None or tags.get("alpha_mode") != "1":
        return None
    try:
        decoder = CodecContext.create(name, "r")
    except ValueError:  # a libav without it
        return None
    assert isinstance(decoder, VideoCodecContext)
    return decoder
