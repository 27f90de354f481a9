"""Which encoder an output gets whose user asked for none."""

from __future__ import annotations

import io

import av
from av.codec import Codec

from vsr.core.errors import EncoderError
from vsr.remux.containers import SUFFIXES, Y4M, takes_encoder

_USUAL = "libx264"
# Where H.264 cannot be held, or its times are not read back right.
_PREFERRED = {
    "webm": ("libsvtav1",),
    **dict.fromkeys(("rawvideo", Y4M), ("rawvideo",)),
    **dict.fromkeys(("ogg", "ogv"), ("theora", "vp8")),
    **dict.fromkeys(("avi", "asf"), ("mpeg4",)),
    **dict.fromkeys(("mpeg", "vob", "dvd", "svcd"), ("mpeg2video",)),
}
# Where frames have alpha, which the usual one would drop.
_WITH_ALPHA = {"webm": ("libvpx-vp9",)}


def default_encoder(format_name: str, suffix: str, has_alpha: bool = False) -> str:
    """libav's name of the encoder for a container whose user asked for none.

    H.264 where it can be held, else what the container usually holds; with alpha, WebM gets one
    that keeps it. Raises EncoderError
    where this libav has no encoder for that.
    """
    usual = _container_codecs(format_name)
    names = _PREFERRED.get(format_name, (_USUAL, *usual))
    if has_alpha:
        names = (*_WITH_ALPHA.get(format_name, ()), *names)
    for name in names:
        encoder = _encoder(name)
        if encoder and takes_encoder(format_name, encoder):
            return encoder
    raise EncoderError(
        f"{suffix} holds {' or '.join(usual) or 'no video'}, which cannot be encoded here; "
        f"choose another suffix, for instance {', '.join(SUFFIXES)}"
    )


def _container_codecs(format_name: str) -> tuple[str, ...]:
    with av.open(io.BytesIO(), "w", format=format_name) as output:
        name = output.default_video_codec
    return () if name == "none" else (name,)


def _encoder(codec: str) -> str | None:
    """An encoder for a codec, or of this name."""
    try:
        return Codec(codec, "w").name
    except (av.codec.codec.UnknownCodecError, ValueError):
        return None
