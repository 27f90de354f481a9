"""A video's frames as a folder of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vsr.video.frame import PIXEL_FORMATS, ColorTags, Frame, VideoInfo
from vsr.video.image_files import as_pixels
from vsr.video.image_metadata import Metadata
from vsr.video.image_output import create_image_folder
from vsr.video.images import to_planes
from vsr.video.planes import converted, libav_frame
from vsr.video.writer import Output

_RGB = ColorTags(range=2)


@contextmanager
def create_frame_folder(
    folder: Path, info: VideoInfo, warn: Callable[[str], None], overwrite: bool
) -> Iterator[Output]:
    """Write frames of `info` as numbered PNGs, converted by its matrix and range.

    Videos of more than 8 bits give 16-bit images. See `create_image_folder` for the rest.
    """
    deep = info.format.depth > 8
    if info.format.planes == 1:
        layout = pixels = "gray16le" if deep else "gray"
    else:
        layout, pixels = "yuv444p16le", "bgr48le" if deep else "bgr24"

    def picture(frame: Frame) -> Frame:
        rgb = converted(libav_frame(frame.planes, info), info, pixels, _RGB)
        return Frame(to_planes(as_pixels(rgb.to_ndarray())), frame.pts, frame.duration)

    images = replace(info, format=PIXEL_FORMATS[layout], color=ColorTags(range=2, matrix=5))
    with create_image_folder(
        folder, None, images, 16 if deep else 8, lambda number: Metadata(), warn, overwrite
    ) as output:
        yield replace(output, write=lambda frame: output.write(picture(frame)))
