"""Which reader and which writer a job takes, by its paths."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vsr.errors import InputError, OutputError
from vsr.video.encoders import Encoding
from vsr.video.frame import ColorTags, VideoInfo
from vsr.video.image_output import create_image, create_image_folder
from vsr.video.images import Images, is_image, open_images
from vsr.video.passthrough import Selection
from vsr.video.pictures import create_frame_folder
from vsr.video.reader import Video, open_video
from vsr.video.span import Span
from vsr.video.writer import Output, create_video

Warn = Callable[[str], None]

# What players take for granted: BT.709, limited range, chroma at the left.
_USUAL_COLOR = ColorTags(range=1, matrix=1, primaries=1, transfer=1, siting="left")
_USUAL_FORMAT = "yuv420p"


def names_folder(path: Path) -> bool:
    """Whether an output path means a folder: it is one, or has no suffix."""
    return path.is_dir() or not path.suffix


def open_source(
    source: Path, span: Span, rate: Fraction, warn: Warn, hwaccel: bool = False
) -> AbstractContextManager[Video | Images]:
    """Open a video file, an image, or a folder of images as a clip of `rate` frames a second.

    With `hwaccel` a GPU decodes the video, where there is one that can. Raises InputError.
    """
    if not (is_image(source) or source.is_dir()):
        return open_video(source, span, warn, hwaccel)
    if not span.whole:
        raise InputError(f"{source}: start and end are for video files, not for images")
    return open_images(source, warn, rate)


def create_target(
    target: Path,
    video: Video | Images,
    info: VideoInfo,
    encoding: Encoding,
    wants: Selection,
    overwrite: bool,
    warn: Warn,
) -> AbstractContextManager[Output]:
    """Open the output for frames of `info`, the enlarged size. Raises OutputError.

    The target's name decides: a folder takes an image per frame, an image suffix one image,
    anything else is a video with all else that a video source holds.
    """
    if isinstance(video, Images):
        if names_folder(target):
            names = [file.name for file in video.files]
            return create_image_folder(
                target, names, info, video.depth, video.metadata, warn, overwrite
            )
        if not is_image(target):
            wish = replace(encoding, pix_fmt=encoding.pix_fmt or _USUAL_FORMAT)
            return create_video(target, info, wish, warn, color=_USUAL_COLOR)
        if len(video.files) > 1:
            raise OutputError(
                f"{target}: one image cannot hold {len(video.files)}; name a folder or a video"
            )
        return create_image(target, info, video.depth, video.metadata(0), warn)
    if names_folder(target):
        return create_frame_folder(target, info, warn, overwrite)
    if is_image(target):
        raise OutputError(f"{target}: one image cannot hold a video; name a folder for its frames")
    return create_video(target, info, encoding, warn, video, wants)
