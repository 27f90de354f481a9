"""Find images and videos in folders, and read their pictures: what training and scoring see."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.events import Warn, ignore, without_hints
from vsr.core.paths import check_input
from vsr.core.span import Span
from vsr.datasets.ground_truth import Picture, Plane, frame_picture, image_picture
from vsr.images.files import read_picture
from vsr.images.images import mended_note
from vsr.images.listing import is_image, is_pattern, is_series, list_images, same_size
from vsr.video.reader import open_video

VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m4v"}
LEAST_FRAMES = 3
"""Images of one size that a folder must hold to be a clip: two may be alike by chance."""


def list_media(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths`, and the images and videos in their folders, in name order.

    Folders are searched recursively, hidden files left out, and patterns of numbered images such
    as f_%04d.png stand for those. Raises InputError for a path
    that does not exist, or cannot be read.
    """
    found: list[Path] = []
    for path in paths:
        if is_pattern(path):
            found += list_images(path)
            continue
        if not os.path.lexists(path):
            raise InputError(f"{path}: no such file or folder")
        check_input(path)
        if path.is_dir():
            found += [file for file in sorted(path.rglob("*")) if _is_media(file)]
        else:
            found.append(path)
    return found


def _is_media(path: Path) -> bool:
    known = is_image(path) or path.suffix.lower() in VIDEO_SUFFIXES
    return known and not path.name.startswith(".") and path.is_file()


def list_items(paths: Iterable[Path], stills: bool = False) -> list[Path]:
    """What there is to score: images, videos, and folders whose images are one clip.

    The images of a folder are a clip where there are LEAST_FRAMES or more, all of one size;
    the folder then stands for them. With `stills` each image stands for itself. Order and
    errors are those of `list_media`; besides, InputError for a file in a folder of several
    images that is none.
    """
    found: list[Path] = []
    for path in paths:
        files = list_media([path])
        if is_pattern(path) and not stills and len(files) >= LEAST_FRAMES and same_size(files):
            files = [path]
        elif path.is_dir() and not stills:
            clips = {f for f in {file.parent for file in files} if _is_clip(f, files)}
            files = [f.parent if is_image(f) and f.parent in clips else f for f in files]
        found += dict.fromkeys(files)
    return found


def _is_clip(folder: Path, files: Iterable[Path]) -> bool:
    images = [file for file in files if file.parent == folder and is_image(file)]
    return len(images) >= LEAST_FRAMES and same_size(images)


def is_clip(item: Path) -> bool:
    """Whether an item of `list_items` has frames: a video, a folder of images or a pattern."""
    return is_series(item) or not is_image(item)


def is_lossless(path: Path) -> bool:
    """Whether an image file, or all in a folder, holds its pixels as they were."""
    if is_series(path):
        return all(is_lossless(file) for file in list_images(path))
    if path.suffix.lower() == ".webp":
        with path.open("rb") as file:
            return file.read(16).endswith(b"VP8L")
    return path.suffix.lower() in {".png", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}


def read_pictures(path: Path, color: str, step: int = 1, warn: Warn = ignore) -> Iterator[Picture]:
    """What networks of `color`, "y" or "rgb", see of an image, or of every `step`-th frame.

    A clip is a video, a pattern, or a folder of images in natural order of their names. Images are
    read by `image_picture`, an EXIF rotation applied, and frames of a video by `frame_picture`.
    Raises InputError, in one line, for a file that cannot be read.
    """
    if is_clip(path) and not is_series(path):
        with open_video(path, Span(), without_hints(warn)) as video:
            for frame in islice(video.frames(), 0, None, step):
                yield frame_picture(frame.planes, video.info, color)
        return
    yield from read_images(list_images(path)[::step] if is_series(path) else [path], color, warn)


def read_images(files: Iterable[Path], color: str, warn: Warn = ignore) -> Iterator[Picture]:
    """What networks of `color` see of image files. Raises InputError for one that is none."""
    for file in files:
        picture = read_picture(file)
        if picture.damage:
            warn(f"{file}: {mended_note(picture)}")
        yield image_picture(picture.pixels, color)


def read_luma(path: Path, step: int = 1, warn: Warn = ignore) -> Iterator[Plane]:
    """The luma (H, W) uint8 of what `read_pictures` reads."""
    return (picture.luma for picture in read_pictures(path, "y", step, warn))
