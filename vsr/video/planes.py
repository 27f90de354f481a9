"""From libav's frames to planes and back, and what a stream says about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange as LibavRange
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from vsr.core.color_codes import ColorRange, Matrix
from vsr.core.errors import InputError
from vsr.core.events import Warn
from vsr.core.frame import (
    PIXEL_FORMATS,
    ColorTags,
    PixelFormat,
    Plane,
    VideoInfo,
    find_format,
)
from vsr.core.hdr import light_of, mastering_of
from vsr.core.side_data import dropped_of, said_of, user_data_of
from vsr.core.stereo import stereo_of
from vsr.video.rate import nominal_rate
from vsr.video.siting import siting_of
from vsr.video.unpack import unpacked

_UNSPECIFIED = 2  # of each of H.273's tables
_STRANGEST_ASPECT = 100  # a pixel's sides; beyond, muxers refuse what encoders were told
_SPACES: Mapping[int, Colorspace] = {
    Matrix.BT709: Colorspace.ITU709,
    Matrix.FCC: Colorspace.FCC,
    Matrix.SMPTE240M: Colorspace.SMPTE240M,
    Matrix.BT2020_NCL: Colorspace.BT2020,
    Matrix.BT2020_CL: Colorspace.BT2020,
}
_CODED = {*_SPACES, Matrix.BT470BG, Matrix.SMPTE170M}
# libav reads EXIF into frame side data that PyAV cannot name, and breaks on.
_EXIF_CODECS = {"mjpeg", "png", "apng", "webp", "tiff", "jpegxl", "libjxl"}
# SWS_BICUBIC, with SWS_ACCURATE_RND and SWS_FULL_CHR_H_INT: the faster ways shift colours by 1.
_ACCURATE = 0x4 | 0x40000 | 0x2000


def describe(container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
    """What holds for all frames, from the stream's header and first frame."""
    assert stream.time_base is not None
    rate = nominal_rate(stream)
    expected = stream.frames or None
    length = Fraction(container.duration or 0, av.time_base)
    if expected is None and rate and length > 0:
        expected = round(length * rate)
    has_exif = has_unknown_side_data(stream)
    said = {} if has_exif else said_of(first)
    matrix = said.get("DISPLAYMATRIX")
    aspect = stream.sample_aspect_ratio
    return VideoInfo(
        width=first.width,
        height=first.height,
        time_base=stream.time_base,
        format=_readable(container, first),
        color=_color(container, stream, first),
        pixel_aspect=aspect if aspect and _is_sane(aspect) else None,
        display_matrix=_integers(matrix) if matrix is not None else None,
        frame_rate=rate or None,
        expected_frames=expected,
        mastering=None if has_exif else mastering_of(first),
        light=None if has_exif else light_of(first),
        stereo=stereo_of(stream.metadata.get("stereo_mode", ""), said.get("STEREO3D", b"")),
        dropped=tuple(dict.fromkeys(dropped_of(said))),
        user_data=tuple(user_data_of(said)),
    )


def has_unknown_side_data(stream: VideoStream) -> bool:
    """Whether frames of a stream may not be asked for their side data."""
    return stream.codec_context.name in _EXIF_CODECS


def _is_sane(aspect: Fraction) -> bool:
    return Fraction(1, _STRANGEST_ASPECT) <= aspect <= _STRANGEST_ASPECT


def _readable(container: InputContainer, first: VideoFrame) -> PixelFormat:
    try:
        return nearest_format(first.format)
    except InputError as error:
        raise InputError(f"{container.name.removeprefix('file:')}: {error}") from None


def nearest_format(format_: VideoFormat) -> PixelFormat:
    """The planar format that holds all of `format_`.

    Grey with alpha goes to 4:4:4, palettes and XYZ to RGB. Raises InputError where libav has
    no way to the samples.
    """
    plain = PIXEL_FORMATS.get(_plain(format_))
    if plain is not None:
        return plain
    if not format_.components:
        raise InputError(f"pixel format {format_.name} is not to be read: it lies on a device")
    nearest = find_format(*_layout(format_))
    try:
        _planes(VideoFrame(16, 16, format_.name), nearest, _as_is)
    except (av.FFmpegError, OSError, ValueError):
        raise InputError(f"pixel format {format_.name} is not to be read") from None
    return nearest


def _plain(format_: VideoFormat) -> str:
    """A format's name without what some say of its range."""
    return format_.name.replace("yuvj", "yuv")


def _layout(format_: VideoFormat) -> tuple[int, int, int, int, bool]:
    """Depth, chroma's width and height, planes, and whether RGB: what holds all of a format."""
    bits = max(component.bits for component in format_.components)
    if format_.is_bayer:
        bits = 16 if "16" in format_.name else 8
    depth = min(max(bits, 8), 16)
    colours = [component for component in format_.components if not component.is_alpha]
    alpha = format_.has_palette or len(colours) < len(format_.components)
    if format_.is_rgb or format_.has_palette or format_.name.startswith("xyz"):
        return depth, 1, 1, 3 + alpha, True
    if len(colours) == 1:
        return depth, 1, 1, 4 if alpha else 1, False
    columns, rows = 16 // format_.chroma_width(16), 16 // format_.chroma_height(16)
    return depth, columns, rows, 3 + alpha, False


def _color(container: InputContainer, stream: VideoStream, first: VideoFrame) -> ColorTags:
    context = stream.codec_context
    primaries = _known(first.color_primaries, context.color_primaries)
    transfer = _known(first.color_trc, context.color_trc)
    if nearest_format(first.format).rgb:
        return ColorTags(ColorRange.FULL, Matrix.RGB, primaries, transfer)
    full = first.format.name.startswith("yuvj")
    return ColorTags(
        range=ColorRange.FULL if full else int(first.color_range or context.color_range or 0),
        matrix=_known(first.colorspace, context.colorspace),
        primaries=primaries,
        transfer=transfer,
        siting=siting_of(container, stream) or ("center" if full else ""),
    )


def _known(*codes: Any) -> int:
    """The first code that says something; 0 (RGB or reserved) and 2 do not."""
    said = (int(code) for code in codes if code is not None)
    return next((code for code in said if code not in (0, _UNSPECIFIED)), _UNSPECIFIED)


def _integers(matrix: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in np.frombuffer(bytes(matrix), dtype="<i4"))


class PlaneReader:
    """Copies the planes out of decoded frames, converting where layout or colours are others."""

    def __init__(self, info: VideoInfo, warn: Warn) -> None:
        self._info = info
        self._warn = warn
        self._warned: set[str] = set()

    def __call__(self, frame: VideoFrame) -> tuple[Plane, ...]:
        info, color = self._info, _color_of(frame, self._info)
        resized = (frame.width, frame.height) != (info.width, info.height)
        if resized:
            self._once(
                f"the picture changes size to {frame.width}x{frame.height} on the way; "
                f"scaled to the first size, {info.width}x{info.height}"
            )
        if color != info.color:
            self._once(
                f"the colours change to {_in_words(color)} on the way; converted to the first, "
                f"{_in_words(info.color)} (matrices of ITU-T H.273)"
            )
        if resized or color != info.color:
            return copied(self._reformat(frame, info.format), info.format)
        return _planes(frame, info.format, self._reformat)

    def _once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self._warn(message)

    def _reformat(self, frame: VideoFrame, format_: PixelFormat) -> VideoFrame:
        """libav's conversion to the stream's first matrix and range, from the frame's own."""
        info, color = self._info, _color_of(frame, self._info)
        if not format_.has_alpha and _layout(frame.format)[3] == 4:
            self._once(f"transparency is dropped ({frame.format.name})")
        changed = color != info.color
        return (_unnamed(frame) if changed else frame).reformat(
            width=info.width,
            height=info.height,
            format=format_.name,
            interpolation=_ACCURATE,
            src_colorspace=_space(color),
            dst_colorspace=_space(info.color),
            src_color_range=_range(color) if changed else None,
            dst_color_range=_range(info.color),
        )


def _color_of(frame: VideoFrame, info: VideoInfo) -> ColorTags:
    """The colours of a frame of Y, U and V: the stream's, but for what the frame plainly says else.

    Nothing said, and another code of the same numbers, is no change.
    """
    color = info.color
    if info.format.rgb or info.format.planes < 3 or _layout(frame.format)[4]:
        return color
    # decoders keep the first picture's format: yuvj or not, it says nothing of later ones
    told = replace(
        color,
        range=int(frame.color_range or color.range),
        matrix=_known(frame.colorspace, color.matrix),
    )
    if _range(told) != _range(color):
        color = replace(color, range=told.range)
    if {color.matrix, told.matrix} <= _CODED and _space(told) != _space(color):
        color = replace(color, matrix=told.matrix)
    return color


def _unnamed(frame: VideoFrame) -> VideoFrame:
    """A frame whose format says nothing of its range: libav takes yuvj for full in any case."""
    name = _plain(frame.format)
    if name == frame.format.name:
        return frame
    made, format_ = VideoFrame(frame.width, frame.height, name), PIXEL_FORMATS[name]
    for index, plane in enumerate(copied(frame, format_)):
        write_plane(made, index, plane, format_)
    return made


def _in_words(color: ColorTags) -> str:
    """Range and matrix."""
    return f"{'full' if color.range == ColorRange.FULL else 'limited'} range, matrix {color.matrix}"


def _planes(
    frame: VideoFrame,
    format_: PixelFormat,
    reformat: Callable[[VideoFrame, PixelFormat], VideoFrame],
) -> tuple[Plane, ...]:
    """The planes of a frame in `format_`: by `reformat` unless that would lose something."""
    if _plain(frame.format) == format_.name:
        return copied(frame, format_)
    if find_format(*_layout(frame.format)) == format_:
        planes = unpacked(frame, format_)
        if planes is not None:
            return planes
    return copied(reformat(frame, format_), format_)


def _as_is(frame: VideoFrame, format_: PixelFormat) -> VideoFrame:
    return frame.reformat(format=format_.name)


def copied(frame: VideoFrame, format_: PixelFormat) -> tuple[Plane, ...]:
    """The planes of a frame of `format_`."""
    return tuple(
        _plane(frame.planes[n], format_, format_.plane_size(n, frame.width, frame.height))
        for n in range(format_.planes)
    )


def libav_frame(planes: Sequence[Plane], info: VideoInfo) -> VideoFrame:
    """Planes in libav's memory. Where `info` is larger than they are, the edge is repeated."""
    frame = VideoFrame(info.width, info.height, info.format.name)
    for index, plane in enumerate(planes):
        write_plane(frame, index, plane, info.format)
    frame.color_range, frame.colorspace = info.color.range, info.color.matrix
    return frame


def write_plane(frame: VideoFrame, index: int, plane: Plane, format_: PixelFormat) -> None:
    """Put samples into a plane of a frame of `format_`, their edge repeated where it is larger."""
    rows, columns = format_.plane_size(index, frame.width, frame.height)
    height, width = plane.shape
    view = _samples(frame.planes[index], format_)[:rows, :columns]
    view[:height, :width] = plane
    view[:height, width:] = plane[:, -1:]
    view[height:] = view[height - 1]


def converted(
    frame: VideoFrame, source: VideoInfo, format_name: str, color: ColorTags
) -> VideoFrame:
    """A frame of `source` in another pixel format, matrix and range; by libav."""
    return frame.reformat(
        format=format_name,
        interpolation=_ACCURATE,
        src_colorspace=_space(source.color),
        dst_colorspace=_space(color),
        src_color_range=_range(source.color),
        dst_color_range=_range(color),
    )


def _space(color: ColorTags) -> Colorspace:
    return _SPACES.get(color.matrix, Colorspace.ITU601)


def _range(color: ColorTags) -> LibavRange:
    return LibavRange.JPEG if color.range == ColorRange.FULL else LibavRange.MPEG


def _plane(plane: VideoPlane, format_: PixelFormat, size: tuple[int, int]) -> Plane:
    rows, columns = size
    copied: Plane = _samples(plane, format_)[:rows, :columns].copy()
    return copied


def _samples(plane: VideoPlane, format_: PixelFormat) -> Any:
    """A plane's memory as (rows, columns) samples, with libav's padding at the right."""
    samples: Any = np.frombuffer(plane, format_.dtype)  # type: ignore[call-overload]
    return samples.reshape(-1, plane.line_size // samples.itemsize)
