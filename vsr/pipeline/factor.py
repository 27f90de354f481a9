"""By how much networks must enlarge a source, where that follows from its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vsr.core.errors import InputError, StalledError
from vsr.core.events import ignore
from vsr.core.frame import VideoInfo
from vsr.core.geometry import geometry_of
from vsr.core.options import UpscaleOptions
from vsr.core.picture import USUAL_SCALE
from vsr.core.span import Span
from vsr.core.url import Pipe, Url
from vsr.images.animated import is_still
from vsr.images.info import header_info
from vsr.images.listing import is_series, list_images
from vsr.live.live import look_at
from vsr.video.reader import open_video


def factor_of(source: Path | Url, options: UpscaleOptions) -> Fraction:
    """The larger factor of both sides; of a folder's images the largest.

    Where a size is asked for it is the usual one of what comes from an address, which may be
    opened but once, and of what cannot be read, which is told later. Raises OutputError where the
    size cannot be had.
    """
    picture = options.picture
    usual = picture.factor or USUAL_SCALE
    file = source.file if isinstance(source, Url) else source
    if picture.factor is not None and not picture.square_pixels:
        return usual
    place = source if isinstance(source, Pipe) else file
    if place is None:
        return usual
    factors = []
    try:
        for info in _infos(place, options):
            box = options.read.crop.inside(info) if options.read.crop else None
            factors.append(geometry_of(picture, info, box).factor)
    except StalledError:
        raise
    except InputError:
        return usual
    return max(factors, default=usual)


def _infos(file: Path | Pipe, options: UpscaleOptions) -> Iterator[VideoInfo]:
    """What holds for a video's frames, or for each of some images."""
    if isinstance(file, Pipe):
        yield look_at(file, options.read)
        return
    if is_series(file) or is_still(file):
        several = is_series(file)
        for image in list_images(file, options.read.start_number) if several else [file]:
            yield header_info(image, options.read.limits)
        return
    reading = replace(options.read, deinterlace="off")
    with open_video(file, Span(), ignore, reading) as video:
        yield video.info
