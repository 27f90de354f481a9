"""Which of its pixel formats an encoder is given, and what the colours in it are called."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
from av.codec import Codec, CodecContext
from av.video.codeccontext import VideoCodecContext

from vsr.core.color import guessed_matrix
from vsr.core.color_codes import ColorRange, Matrix
from vsr.core.errors import EncoderError
from vsr.core.frame import PIXEL_FORMATS, ColorTags, PixelFormat, VideoInfo, find_format
from vsr.encoding.priority import ordinary_priority
from vsr.remux.containers import Y4M

# Other layouts of the same samples, which libav converts to without loss.
_TWINS = {
    "gbrp": ("bgr0", "rgb24", "bgr24", "rgb0", "0rgb", "0bgr"),
    "gbrap": ("bgra", "rgba", "argb", "abgr"),
    "gbrp10le": ("x2rgb10le",),
    "gbrp16le": ("rgb48le", "rgb48be"),
    "gbrap16le": ("rgba64le", "rgba64be"),
    "gray16le": ("gray16be",),
    "yuv420p10le": ("p010le",),
    "yuv422p10le": ("p210le",),
}
_ENCODABLE = PIXEL_FORMATS | {
    twin: replace(PIXEL_FORMATS[name], name=twin)
    for name, twins in _TWINS.items()
    for twin in twins
}
_PALETTE = replace(PIXEL_FORMATS["gbrap"], name="pal8")
"""What a GIF takes: made of RGB with alpha, for each picture by itself."""

# For encoders that name none. AVI and QuickTime take 8-bit RGB for packed, whatever it is.
_UNCOMPRESSED = set(PIXEL_FORMATS) - {"gbrp", "gbrap"} | {"bgr24", "bgra"}
_RAW_RGB_DEPTHS = {"avi": 8, "mov": 8, "nut": 16}
"""Containers that tell which RGB is in them uncompressed, and the bits that it may have."""


_IN_Y4M = {
    *("gray", "yuv411p", "yuv420p", "yuv422p", "yuv444p"),
    *(f"gray{depth}le" for depth in (9, 10, 12, 16)),
    *(f"yuv{kind}p{d}le" for kind in (420, 422, 444) for d in (9, 10, 12, 14, 16)),
}


def encodable_format(
    codec: Codec, source: PixelFormat, wish: str, container: str = ""
) -> PixelFormat:
    """The pixel format to encode: the wish, else the source's, else the nearest above it.

    A wish also means the same samples in another layout: gbrp is bgr0 to ffv1. Of raw pictures
    the `container` may hold some formats alone. Raises EncoderError where the encoder has none.
    """
    if codec.name == "gif":  # it could do grey, but all that come have colours
        if wish not in ("", "pal8"):
            raise EncoderError(f"encoder gif cannot write {wish!r}: it can pal8")
        return _PALETTE
    raw = _IN_Y4M if container == Y4M else _UNCOMPRESSED
    names = {f.name for f in codec.video_formats or []} or raw
    offered = {name: f for name, f in _ENCODABLE.items() if name in names}
    if wish:
        found = next((name for name in _alike(wish) if name in offered), None)
        if found is None:
            allowed = ", ".join(offered)
            raise EncoderError(f"encoder {codec.name} cannot write {wish!r}: it can {allowed}")
        return offered[found]
    for format_ in sorted(offered.values(), key=lambda f: _loss(source, f)):
        if format_.rgb and codec.name.endswith("_nvenc"):
            continue  # it makes YUV of RGB, in its own way
        if not format_.has_alpha or _opens(codec, format_):
            return format_
    raise EncoderError(f"encoder {codec.name} takes no YUV, RGB or grey pictures of 8 to 16 bits")


def images_format(
    codec: Codec, images: PixelFormat, container: str = "", usual_depth: int = 8
) -> PixelFormat:
    """The pixel format for images of RGB or grey, `images`, that become a video in a container.

    An encoder that loses nothing is given RGB, or grey, as the images are. Others are given what
    players take for granted, 4:2:0 of `usual_depth` bits, with alpha where they hold some; one
    that has no 4:2:0 the nearest to the images. Raises EncoderError where there is none.
    """
    depth, raw = images.depth, codec.name == "rawvideo"
    if raw:
        depth = min(depth, _RAW_RGB_DEPTHS.get(container, 0))
    if codec.lossless and not codec.lossy and depth:
        images = find_format(depth, 1, 1, images.planes, images.rgb)
        found = encodable_format(codec, images, "")
        if images.planes == 1 and found.planes > 1:  # grey in limited range would lose levels
            return encodable_format(codec, find_format(depth, 1, 1, 3, rgb=True), "")
        return found
    usual = find_format(usual_depth, 2, 2, 4 if images.has_alpha and not raw else 3)
    found = encodable_format(codec, usual, "")
    layout = found.rgb, found.chroma_width, found.chroma_height
    return found if layout == (False, 2, 2) else encodable_format(codec, images, "")


def format_note(encoder: str, source: PixelFormat, encoded: PixelFormat) -> str:
    """What to tell people of another format than the source's; "" where nothing is lost.

    Of lost alpha the first transparent frame tells. RGB as YUV at every pixel is no news.
    """
    plain = source.opaque if not encoded.has_alpha else source
    lost = any(_loss(plain, encoded)[:_RGB_LOSS]) or (encoded.rgb and not plain.rgb)
    return f"encoder {encoder} has no {source.name}: encoded as {encoded.name}" if lost else ""


def encoded_color(color: ColorTags, source: VideoInfo, encoded: PixelFormat) -> ColorTags:
    """The tags for frames of `source`, whose colours are to be `color`, in the encoded format.

    RGB that becomes YUV takes the matrix that players guess for its size, in limited range.
    """
    if encoded.rgb:
        return replace(color, range=ColorRange.FULL, matrix=Matrix.RGB, siting="")
    if source.format.rgb and color.matrix == Matrix.RGB:
        matrix = guessed_matrix(source.height)
        return replace(color, range=ColorRange.LIMITED, matrix=matrix)
    return color


def _alike(name: str) -> tuple[str, ...]:
    """A pixel format's name, then those of the same samples in other layouts."""
    group = next(((key, *twins) for key, twins in _TWINS.items() if name in (key, *twins)), ())
    return (name, *group)


_RGB_LOSS = 5  # where in `_loss` it stands


def _loss(source: PixelFormat, target: PixelFormat) -> tuple[int, ...]:
    """What turning `source` into `target` costs, worst first; all zero for the same samples."""
    grey = source.planes == 1
    columns, rows = (2, 2) if grey else (source.chroma_width, source.chroma_height)
    if target.planes == 1:
        columns, rows = target.chroma_width, target.chroma_height
    return (
        int(target.planes == 1 and not grey),
        int(source.has_alpha and not target.has_alpha),
        max(0, target.chroma_width - columns),
        max(0, target.chroma_height - rows),
        max(0, source.depth - target.depth),
        int(source.rgb != target.rgb),
        abs(source.planes - target.planes),
        abs(target.chroma_width - columns),
        abs(target.chroma_height - rows),
        abs(source.depth - target.depth),
    )


def _opens(codec: Codec, format_: PixelFormat) -> bool:
    """Whether an encoder takes a format in truth: some list alpha that they were built without."""
    trial = CodecContext.create(codec.name, "w")
    assert isinstance(trial, VideoCodecContext)
    trial.width, trial.height, trial.pix_fmt = 64, 64, format_.name
    trial.time_base = Fraction(1, 25)
    try:
        with ordinary_priority():
            trial.open()
    except (av.FFmpegError, OSError, ValueError):
        return False
    return True
