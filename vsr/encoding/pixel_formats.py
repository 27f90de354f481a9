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
from vsr.encoding.raw import holds_raw

# Other layouts of the same samples, which libav converts to without loss.
_TWINS = {
    "gbrp": ("bgr0", "rgb24", "bgr24", "rgb0", "0rgb", "0bgr"),
    "gbrap": ("bgra", "rgba", "argb", "abgr"),
    "gbrp10le": ("x2rgb10le",),
    "gbrp16le": ("rgb48le", "rgb48be"),
    "gbrap16le": ("rgba64le", "rgba64be"),
    "gray16le": ("gray16be",),
    "yuv420p10le": ("p010le",),
    "yuv422p": ("uyvy422", "yuyv422"),
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
_RAW = "rawvideo"
_MOTION_JPEG = "mjpeg"


def encodable_format(
    codec: Codec, source: PixelFormat, wish: str, container: str = ""
) -> PixelFormat:
    """The pixel format to encode: the wish, else the source's, else the nearest above it.

    A wish also means the same samples in another layout: gbrp is bgr0 to ffv1. Uncompressed, it is
    one that the `container` can hold, by libav's name. Raises EncoderError where there is none.
    """
    if codec.name == "gif":  # it could do grey, but all that come have colours
        if wish not in ("", "pal8"):
            raise EncoderError(f"encoder gif cannot write {wish!r}: it can pal8")
        return _PALETTE
    names = {f.name for f in codec.video_formats or []} or _UNCOMPRESSED
    if codec.name == _RAW and container:
        names = {name for name in _ENCODABLE if holds_raw(container, name)}
        if not names:
            raise EncoderError(
                f"{container} holds no uncompressed pictures: choose .nut, .avi or .mov, or "
                "--codec ffv1, which loses nothing",
                python="codec='ffv1'",
            )
    offered = {name: f for name, f in _ENCODABLE.items() if name in names}
    if wish:
        found = next((name for name in _alike(wish) if name in offered), None)
        if found is None:
            allowed = ", ".join(offered)
            where = f" in {container}" if codec.name == _RAW and container else ""
            raise EncoderError(
                f"encoder {codec.name} cannot write {wish!r}{where}: it can {allowed}"
            )
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
    if codec.lossless and not codec.lossy:
        found = encodable_format(codec, images, "", container)
        if images.planes == 1 and found.planes > 1:  # grey in limited range would lose levels
            rgb = find_format(images.depth, 1, 1, 3, rgb=True)
            return encodable_format(codec, rgb, "", container)
        return found
    usual = find_format(usual_depth, 2, 2, 4 if images.has_alpha else 3)
    found = encodable_format(codec, usual, "", container)
    layout = found.rgb, found.chroma_width, found.chroma_height
    return found if layout == (False, 2, 2) else encodable_format(codec, images, "", container)


def format_note(encoder: str, source: PixelFormat, encoded: PixelFormat) -> str:
    """What to tell people of another format than the source's; "" where nothing is lost.

    Of lost alpha the first transparent frame tells. RGB as YUV at every pixel is no news.
    """
    plain = source.opaque if not encoded.has_alpha else source
    lost = any(_loss(plain, encoded)[:_RGB_LOSS]) or (encoded.rgb and not plain.rgb)
    return f"encoder {encoder} has no {source.name}: encoded as {encoded.name}" if lost else ""


def encoded_color(
    color: ColorTags, source: VideoInfo, encoded: PixelFormat, encoder: str = ""
) -> ColorTags:
    """The tags for frames of `source`, whose colours are to be `color`, in the encoded format.

    RGB that becomes YUV takes the matrix that players guess for its size, in limited range.
    Motion JPEG says nothing of its colours: they are JPEG's, as all players take them.
    """
    if encoder == _MOTION_JPEG:
        siting = "center" if encoded.chroma_width == 2 else ""
        return replace(color, range=ColorRange.FULL, matrix=Matrix.BT470BG, siting=siting)
    if encoded.rgb:
        return replace(color, range=ColorRange.FULL, matrix=Matrix.RGB, siting="")
    if source.format.rgb and color.matrix == Matrix.RGB:
        matrix = guessed_matrix(source.height)
        return replace(color, range=ColorRange.LIMITED, matrix=matrix)
    return color


def color_note(encoder: str, source: VideoInfo) -> str:
    """What to tell people of colours that an encoder takes in one way alone, or "" for these."""
    full = source.color.range == ColorRange.FULL
    alike = full and source.color.matrix in (Matrix.BT470BG, Matrix.SMPTE170M)
    if encoder != _MOTION_JPEG or source.format.rgb or alike:
        return ""
    return f"encoder {encoder} takes colours as JPEG has them, in full range by BT.601: converted"


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
