"""Frames as an encoder takes them: RGB, YUV and grey into each other, alpha with or without.

libav converts depth, matrix and range. It takes all chroma to lie in the middle of its block of
luma, grey to have full range, and loses bits of RGB between depths; that is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame

from vsr.core.color import SITINGS, known_matrix, relaid_chroma, rgb_matrix
from vsr.core.events import Warn
from vsr.core.frame import PixelFormat, Plane, VideoInfo, find_format
from vsr.core.half import displayed
from vsr.core.recolor import alpha_of, recoloured
from vsr.encoding.palette import paletted
from vsr.video.planes import converted, copied, libav_frame, write_plane

_KEEPERS = "libvpx-vp9, prores_ks or ffv1"


class Converter:
    """Turns planes of `source` into frames of `target` for the encoder called `encoder`.

    `target` may be larger by a column or row, in which the last is repeated. Transparency that
    the target has no room for is told of once there is some.
    """

    def __init__(self, source: VideoInfo, target: VideoInfo, encoder: str, warn: Warn) -> None:
        self._is_light = source.format.half
        if self._is_light:
            layout = source.format
            source = replace(source, format=find_format(16, 1, 1, layout.planes, rgb=True))
        self._source, self._target = source, target
        self._encoder, self._warn = encoder, warn
        self._warned = False

    def __call__(self, planes: Sequence[Plane]) -> VideoFrame:
        """The frame, without a time."""
        if self._is_light:
            planes = displayed(planes)
        target, want = self._target, self._target.format
        if self._source.format.has_alpha and not want.has_alpha:
            self._tell_of(planes[3])
        alpha = alpha_of(planes, self._source.format, want)
        source = replace(self._source, format=self._source.format.opaque)
        colours, source = _in_kind(planes[:3], source, target)
        colours, source = _placed(colours, source, target)
        large = replace(source, width=target.width, height=target.height)
        stored = _planar(want)
        if (source.format, source.color) == (stored.opaque, target.color):
            frame = libav_frame([*colours, *alpha], replace(target, format=stored))
            same = stored.name == want.name
            if want.name == "pal8":
                return paletted(converted(frame, target, "bgra", target.color))
            return frame if same else converted(frame, target, want.name, target.color)
        frame = converted(libav_frame(colours, large), source, want.name, target.color)
        for plane in alpha:
            write_plane(frame, 3, plane, want)
        return frame

    def _tell_of(self, alpha: Plane) -> None:
        if not self._warned and int(alpha.min()) < self._source.format.peak:
            self._warned = True
            self._warn(
                f"transparency is dropped ({self._source.format.name}): {self._encoder} cannot "
                f"hold it; --codec {_KEEPERS} can"
            )


def _planar(format_: PixelFormat) -> PixelFormat:
    """The format of planes that holds the same samples."""
    columns, rows = format_.chroma_width, format_.chroma_height
    return find_format(format_.depth, columns, rows, format_.planes, format_.rgb)


def _in_kind(
    planes: Sequence[Plane], source: VideoInfo, target: VideoInfo
) -> tuple[Sequence[Plane], VideoInfo]:
    """Planes of RGB, YUV or grey, whichever the target's are; what then holds for them."""
    have, want = source.format, _planar(target.format).opaque
    if have.rgb and not want.rgb:
        made = replace(source, format=find_format(want.depth, 1, 1, 3), color=target.color)
        planes = _yuv_of_rgb(planes, source, made)
        if want.planes > 1:
            return planes, made
        return planes[:1], replace(made, format=want)
    if want.rgb:
        made = replace(source, format=want, color=target.color)
        return (planes if have == want else recoloured(planes, source, made)), made
    if have.planes == 1 and want.planes > 1:
        made = replace(source, format=want, color=target.color)
        neutral = want.blank(1, source.width, source.height)
        neutral[:] = 1 << (want.depth - 1)
        luma, *_ = recoloured(
            planes, source, replace(made, format=find_format(want.depth, 1, 1, 1))
        )
        return [luma, neutral, neutral], made
    return planes, source


def _yuv_of_rgb(planes: Sequence[Plane], source: VideoInfo, made: VideoInfo) -> list[Plane]:
    """Y, U, V 4:4:4 of green, blue, red: as `recoloured`, many times as fast."""
    pixels = cv2.merge([plane.astype(np.uint16, copy=False) for plane in planes])
    matrix = rgb_matrix(known_matrix(made)) / [*[source.format.peak] * 3, 1]
    found: list[Any] = list(cv2.split(cv2.transform(pixels, matrix)))
    peak, dtype = made.format.peak, made.format.dtype
    return [np.minimum(plane, peak).astype(dtype, copy=False) for plane in found]


def _placed(
    planes: Sequence[Plane], source: VideoInfo, target: VideoInfo
) -> tuple[Sequence[Plane], VideoInfo]:
    """Planes with chroma laid out as the target's, where libav would move it."""
    have, want = source.format, _planar(target.format).opaque
    offsets = SITINGS.get(source.color.siting, SITINGS["left"])
    widths, heights = (
        (have.chroma_width, want.chroma_width),
        (have.chroma_height, want.chroma_height),
    )
    moves = any(
        offset and mine != its
        for offset, (mine, its) in zip(offsets, (widths, heights), strict=True)
    )
    if not moves or want.rgb or 1 in (have.planes, want.planes):
        return planes, source
    # Another matrix wants chroma laid out as it is: libav's part comes first.
    before = _layout_of(have, want.depth)
    if before and (before, target.color) != (have, source.color):
        frame = converted(libav_frame(planes, source), source, before.name, target.color)
        planes, source = copied(frame, before), replace(source, format=before, color=target.color)
    after = _layout_of(want, source.format.depth)
    if after is None:
        return planes, source
    made = replace(source, format=after)
    return [planes[0], *relaid_chroma(planes[1:], source, made)], made


def _layout_of(format_: PixelFormat, depth: int) -> PixelFormat | None:
    """The YUV format with chroma as in another, but of `depth` bits, if libav has it."""
    try:
        found = find_format(depth, format_.chroma_width, format_.chroma_height, 3)
    except LookupError:
        return None
    return found if found.depth == depth else None
