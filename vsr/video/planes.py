"""From libav's frames to planes and back, and what a stream says about them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from vsr.video.frame import PIXEL_FORMATS, ColorTags, PixelFormat, Plane, VideoInfo

_UNKNOWN = 2  # of ITU-T H.273's code points
_BT709, _BT601 = 1, 6
_SPACES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# libav reads EXIF into frame side data that PyAV cannot name, and breaks on.
_EXIF_CODECS = {"mjpeg", "png", "apng", "webp", "tiff", "jpegxl", "libjxl"}
# SWS_BICUBIC, with SWS_ACCURATE_RND and SWS_FULL_CHR_H_INT: the faster ways shift colours by 1.
_ACCURATE = 0x4 | 0x40000 | 0x2000


def describe(
    container: InputContainer, stream: VideoStream, first: VideoFrame, siting: str
) -> VideoInfo:
    """What holds for all frames, from the stream's header, siting and first frame."""
    assert stream.time_base is not None
    rate = stream.average_rate or stream.guessed_rate
    expected = stream.frames or None
    if expected is None and rate and container.duration:
        expected = round(Fraction(container.duration, av.time_base) * rate)
    has_exif = stream.codec_context.name in _EXIF_CODECS
    matrix = None if has_exif else first.side_data.get("DISPLAYMATRIX")
    aspect = stream.sample_aspect_ratio
    return VideoInfo(
        width=first.width,
        height=first.height,
        time_base=stream.time_base,
        format=nearest_format(first.format),
        color=_color(stream, first, siting),
        pixel_aspect=aspect if aspect else None,
        display_matrix=_integers(matrix) if matrix is not None else None,
        frame_rate=rate or None,
        expected_frames=expected,
    )


def nearest_format(format_: VideoFormat) -> PixelFormat:
    """The planar format that holds all of `format_` but alpha."""
    plain = PIXEL_FORMATS.get(format_.name.replace("yuvj", "yuv"))
    if plain is not None:
        return plain
    bits = max(component.bits for component in format_.components)
    depth = next(d for d in (8, 10, 12, 16) if d >= min(bits, 16))
    if len(format_.components) < 3 and not format_.has_palette:
        columns, rows, planes = 1, 1, 1
    else:
        planes = 3
        columns, rows = (16 // format_.chroma_width(16), 16 // format_.chroma_height(16))
        if format_.is_rgb or format_.has_palette or columns == 1:
            columns, rows = 1, 1
    layout = (depth, min(columns, 2), min(rows, 2), planes)
    return next(
        f
        for f in PIXEL_FORMATS.values()
        if (f.depth, f.chroma_width, f.chroma_height, f.planes) == layout
    )


def _color(stream: VideoStream, first: VideoFrame, siting: str) -> ColorTags:
    context = stream.codec_context
    if first.format.is_rgb or first.format.has_palette:
        matrix = _BT709 if first.height >= 720 else _BT601
        return ColorTags(1, matrix, _known(context.color_primaries), _known(context.color_trc))
    full = first.format.name.startswith("yuvj")
    return ColorTags(
        range=2 if full else int(first.color_range or context.color_range or 0),
        matrix=_known(first.colorspace, context.colorspace),
        primaries=_known(first.color_primaries, context.color_primaries),
        transfer=_known(first.color_trc, context.color_trc),
        siting=siting or ("center" if full else ""),
    )


def _known(*codes: Any) -> int:
    """The first code that says something; 0 (RGB or reserved) and 2 do not."""
    return next((int(c) for c in codes if c is not None and int(c) not in (0, _UNKNOWN)), _UNKNOWN)


def _integers(matrix: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in np.frombuffer(bytes(matrix), dtype="<i4"))


class PlaneReader:
    """Copies the planes out of decoded frames, converting where the layout is another."""

    def __init__(self, info: VideoInfo, warn: Callable[[str], None]) -> None:
        self._info = info
        self._warn = warn
        self._warned: set[str] = set()

    def __call__(self, frame: VideoFrame) -> tuple[Plane, ...]:
        info = self._info
        if (frame.width, frame.height) != (info.width, info.height):
            self._once(
                f"the picture changes size to {frame.width}x{frame.height} on the way; "
                f"scaled to the first size, {info.width}x{info.height}"
            )
            frame = self._reformat(frame)
        elif frame.format.name.replace("yuvj", "yuv") != info.format.name:
            if any(component.is_alpha for component in frame.format.components):
                self._once(f"transparency is dropped ({frame.format.name})")
            frame = self._reformat(frame)
        return tuple(
            _plane(frame.planes[i], info.format, info.format.plane_size(i, info.width, info.height))
            for i in range(info.format.planes)
        )

    def _once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self._warn(message)

    def _reformat(self, frame: VideoFrame) -> VideoFrame:
        """libav's conversion, by the stream's own matrix and range."""
        info = self._info
        return frame.reformat(
            width=info.width,
            height=info.height,
            format=info.format.name,
            interpolation=_ACCURATE,
            src_colorspace=_space(info.color),
            dst_colorspace=_space(info.color),
            dst_color_range=_range(info.color),
        )


def libav_frame(planes: tuple[Plane, ...], info: VideoInfo) -> VideoFrame:
    """Planes in libav's memory. Where `info` is larger than they are, the edge is repeated."""
    frame = VideoFrame(info.width, info.height, info.format.name)
    for index, (plane, target) in enumerate(zip(planes, frame.planes, strict=False)):
        rows, columns = info.format.plane_size(index, info.width, info.height)
        height, width = plane.shape
        view = _samples(target, info.format)[:rows, :columns]
        view[:height, :width] = plane
        view[:height, width:] = plane[:, -1:]
        view[height:] = view[height - 1]
    frame.color_range, frame.colorspace = info.color.range, info.color.matrix
    return frame


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


def _range(color: ColorTags) -> ColorRange:
    return ColorRange.JPEG if color.range == 2 else ColorRange.MPEG


def _plane(plane: VideoPlane, format_: PixelFormat, size: tuple[int, int]) -> Plane:
    rows, columns = size
    copied: Plane = _samples(plane, format_)[:rows, :columns].copy()
    return copied


def _samples(plane: VideoPlane, format_: PixelFormat) -> Any:
    """A plane's memory as (rows, columns) samples, with libav's padding at the right."""
    samples: Any = np.frombuffer(plane, format_.dtype)  # type: ignore[call-overload]
    return samples.reshape(-1, plane.line_size // samples.itemsize)
