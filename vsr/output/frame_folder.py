"""A video's frames as images: a folder of PNGs, one animated WebP, or a single one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import numpy as np

from vsr.core.color_codes import ColorRange, Matrix
from vsr.core.frame import ColorTags, Frame, VideoInfo, find_format
from vsr.core.hdr import TRANSFERS
from vsr.core.recolor import recoloured
from vsr.images.cicp import cicp_of
from vsr.images.hdr_chunks import clli_of, mdcv_of
from vsr.images.metadata import Metadata
from vsr.output.image_files import ImageSpec, create_image, create_image_folder
from vsr.output.sink import Output
from vsr.output.webp_animation import create_webp_animation


@contextmanager
def create_frame_folder(spec: ImageSpec) -> Iterator[Output]:
    """Write a video's frames as numbered PNGs, upright, by its matrix and range, with alpha.

    `spec.info` is the video's; more than 8 bits give 16-bit images. HDR and wide gamuts are told in
    each image's chunks. See `create_image_folder` for the rest.
    """
    with _written(spec, create_image_folder) as output:
        yield output


@contextmanager
def create_image_of_frame(spec: ImageSpec) -> Iterator[Output]:
    """Write the only frame of a video to one image, in the same way. See `create_image`."""
    with _written(spec, create_image) as output:
        yield output


@contextmanager
def _written(
    spec: ImageSpec, create: Callable[[ImageSpec], AbstractContextManager[Output]]
) -> Iterator[Output]:
    picture, images = _as_images(spec)
    told = _told(spec.info)
    with create(replace(images, metadata=lambda number: told)) as output:
        # a chunk that is made here is nothing that was carried over
        yield replace(output, write=lambda f: output.write(picture(f)), others=spec.others)


def _told(info: VideoInfo) -> Metadata:
    """What each image tells of HDR and wide gamuts."""
    cicp = cicp_of(info.color)
    if info.color.transfer not in TRANSFERS:
        return Metadata(cicp=cicp)
    return Metadata(cicp=cicp, mdcv=mdcv_of(info.mastering), clli=clli_of(info.light))


@contextmanager
def create_webp_of_video(spec: ImageSpec) -> Iterator[Output]:
    """Write a video's frames to an animated WebP. See `create_webp_animation`."""
    picture, images = _as_images(spec)
    if cicp_of(spec.info.color):
        spec.warn(f"{spec.target.suffix} tells of no HDR or wide gamut: colours look washed out")
    with create_webp_animation(images) as output:
        yield replace(output, write=lambda f: output.write(picture(f)))


def _as_images(spec: ImageSpec) -> tuple[Callable[[Frame], Frame], ImageSpec]:
    """Turns a video's frames into those of images; `spec` for the images."""
    info = spec.info
    depth = 16 if info.format.depth > 8 else 8
    grey = info.format.planes == 1
    layout = find_format(depth, 1, 1, info.format.planes, rgb=not grey)
    pixels = replace(info, format=layout, color=ColorTags(range=ColorRange.FULL))

    def picture(frame: Frame) -> Frame:
        planes = recoloured(frame.planes, info, pixels)
        planes = [np.ascontiguousarray(info.orientation.shown(plane)) for plane in planes]
        return Frame(tuple(planes), frame.pts, frame.duration)

    width, height = info.orientation.pair(info.width, info.height)
    images = replace(
        info,
        width=width,
        height=height,
        format=layout,
        color=replace(info.color, range=ColorRange.FULL, matrix=Matrix.RGB, siting=""),
        display_matrix=None,
    )
    return picture, replace(spec, info=images, depth=depth)
