"""What holds for the frames that images become."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vsr.core.color_codes import ColorRange, Matrix, Primaries, Transfer
from vsr.core.frame import HALF_FORMATS, PIXEL_FORMATS, ColorTags, PixelFormat, VideoInfo
from vsr.core.limits import DEFAULTS, Limits
from vsr.images.cicp import told_by
from vsr.images.files import Picture, read_header, read_shape
from vsr.images.film_header import unpacked
from vsr.images.hdr_chunks import light_in, mastering_in
from vsr.images.metadata import Shape


def picture_info(first: Picture, rate: Fraction, frames: int) -> VideoInfo:
    metadata = first.header.metadata
    # without a profile, sRGB is what everyone takes it for
    is_srgb = not metadata.icc and not metadata.cicp
    film = unpacked(metadata.film) if metadata.film else None
    if film:
        is_srgb = film.is_for_displays
    info = image_info(first.shape, is_srgb, rate, frames)
    color = told_by(metadata.cicp, info.color)
    if film and info.format.half:
        color = replace(color, primaries=film.primaries)
    mastering, light = mastering_in(metadata.mdcv), light_in(metadata.clli)
    aspect = film.pixel_aspect if film else None
    return replace(info, color=color, mastering=mastering, light=light, pixel_aspect=aspect)


def header_info(path: Path, limits: Limits = DEFAULTS) -> VideoInfo:
    """What holds for an image's frame, as far as its size goes.

    Raises InputError, also for one that is larger than `limits` allow.
    """
    film = read_header(path, limits).metadata.film
    aspect = unpacked(film).pixel_aspect if film else None
    return replace(image_info(read_shape(path, limits)), pixel_aspect=aspect)


def image_info(
    shape: Shape, is_srgb: bool = True, rate: Fraction = Fraction(25), frames: int = 1
) -> VideoInfo:
    """What holds for the frames that `to_planes` makes of images of a shape."""
    layout = _format(shape)
    return VideoInfo(
        width=shape.width,
        height=shape.height,
        time_base=1 / rate,
        format=layout,
        color=ColorTags(
            range=ColorRange.FULL,
            matrix=Matrix.RGB if layout.rgb else Matrix.BT470BG,
            primaries=Primaries.BT709 if is_srgb else Primaries.UNSPECIFIED,
            transfer=Transfer.SRGB if is_srgb else Transfer.UNSPECIFIED,
        ),
        frame_rate=rate,
        expected_frames=frames,
    )


def _format(shape: Shape) -> PixelFormat:
    if shape.half:
        return HALF_FORMATS[shape.channels]
    if shape.channels == 1:
        return PIXEL_FORMATS["gray" if shape.depth == 8 else "gray16le"]
    names = {(3, 8): "yuv444p16le", (4, 8): "yuva444p16le", (3, 16): "gbrp16le"}
    return PIXEL_FORMATS[names.get((shape.channels, shape.depth), "gbrap16le")]
