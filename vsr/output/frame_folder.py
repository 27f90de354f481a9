"""A video's frames as a folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2

from vsr.core.color_codes import ColorRange, Matrix
from vsr.core.frame import ColorTags, Frame, as_pixels, find_format
from vsr.core.recolor import recoloured
from vsr.core.stream_report import Others
from vsr.images.cicp import cicp_of
from vsr.images.images import to_planes
from vsr.images.metadata import Metadata
from vsr.output.image_files import ImageSpec, create_image_folder
from vsr.output.sink import Output


@contextmanager
def create_frame_folder(spec: ImageSpec) -> Iterator[Output]:
    """Write a video's frames as numbered PNGs, converted by its matrix and range, with alpha.

    `spec.info` is the video's; more than 8 bits give 16-bit images. HDR and wide gamuts are told in
    each image's cICP chunk. See `create_image_folder`
    for the rest.
    """
    info = spec.info
    depth, has_alpha = (16 if info.format.depth > 8 else 8), info.format.has_alpha
    grey = info.format.planes == 1
    layout = find_format(depth, 1, 1, info.format.planes, rgb=not grey)
    pixels = replace(info, format=layout, color=ColorTags(range=ColorRange.FULL))

    def picture(frame: Frame) -> Frame:
        planes = recoloured(frame.planes, info, pixels)
        if not grey:
            green, blue, red, *alpha = planes
            planes = list(to_planes(as_pixels(cv2.merge([blue, green, red, *alpha]))))
        return Frame(tuple(planes), frame.pts, frame.duration)

    stored = layout if grey else find_format(16, 1, 1, 4 if has_alpha else 3)
    images = replace(
        info, format=stored, color=ColorTags(range=ColorRange.FULL, matrix=Matrix.BT470BG)
    )
    told = Metadata(cicp=cicp_of(info.color))
    images_spec = replace(spec, info=images, depth=depth, metadata=lambda number: told)
    with create_image_folder(images_spec) as output:
        # a chunk that is made here is nothing that was carried over
        yield replace(output, write=lambda f: output.write(picture(f)), others=Others())
