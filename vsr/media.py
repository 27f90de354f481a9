"""Find images and videos in folders, and read their luma: what training and scoring see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.errors import InputError
from vsr.video.frame import Frame
from vsr.video.image_files import read_picture
from vsr.video.images import is_image, list_images, same_size
from vsr.video.reader import open_video
from vsr.video.span import Span

Plane = NDArray[np.uint8]
Rgb = NDArray[np.uint8]  # (H, W, 3)

VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m4v"}
LEAST_FRAMES = 3
"""Images of one size that a folder must hold to be a clip: two may be alike by chance."""


def list_media(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths`, and the images and videos in their folders, in name order.

    Folders are searched recursively, hidden files left out. Raises InputError for a path
    that does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [file for file in sorted(path.rglob("*")) if _is_media(file)]
        elif path.exists():
            found.append(path)
        else:
            raise InputError(f"{path}: no such file or folder")
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
        if path.is_dir() and not stills:
            clips = {f for f in {file.parent for file in files} if _is_clip(f, files)}
            files = [f.parent if is_image(f) and f.parent in clips else f for f in files]
        found += dict.fromkeys(files)
    return found


def _is_clip(folder: Path, files: Iterable[Path]) -> bool:
    images = [file for file in files if file.parent == folder and is_image(file)]
    return len(images) >= LEAST_FRAMES and same_size(images)


def is_clip(item: Path) -> bool:
    """Whether an item of `list_items` has frames: a video, or a folder of images."""
    return item.is_dir() or not is_image(item)


def is_lossless(path: Path) -> bool:
    """Whether an image file, or all in a folder, holds its pixels as they were."""
    if path.is_dir():
        return all(is_lossless(file) for file in list_images(path))
    if path.suffix.lower() == ".webp":
        with path.open("rb") as file:
            return file.read(16).endswith(b"VP8L")
    return path.suffix.lower() in {".png", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}


def read_luma(
    path: Path, step: int = 1, warn: Callable[[str], None] = lambda message: None
) -> Iterator[Plane]:
    """The luma (H, W) uint8 of an image, or of every `step`-th frame of a clip.

    A clip is a video, or a folder of images in natural order of their names. A video's luma
    is what is decoded, in its own range; samples of more than 8 bits are rounded to 8. Raises
    InputError, in one line, for a file that cannot be read.
    """
    if not is_clip(path):
        yield read_image(path)
        return
    if path.is_dir():
        for file in list_images(path)[::step]:
            yield read_image(file)
        return
    with open_video(path, Span(), warn) as video:
        for frame in islice(video.frames(), 0, None, step):
            yield _eight_bits(frame, video.info.format.depth)


def read_image(path: Path) -> Plane:
    """Luma (H, W) uint8 of an image file: by `luma` for a coloured one, as it is for a grey.

    That is how the papers' scores are made; Set14 holds a grey picture. Samples of 16 bits
    are rounded to 8, transparency is dropped and an EXIF rotation applied. Raises InputError
    for a file that is no image.
    """
    samples = _eight_bit_pixels(path)
    return samples if samples.ndim == 2 else luma(samples[..., :3])


def read_rgb(path: Path, step: int = 1) -> Iterator[Rgb]:
    yield read_rgb_image(path)


def read_rgb_image(path: Path) -> Rgb:
    """RGB (H, W, 3) uint8 of an image file; a grey one is spread over the three.

    Samples of 16 bits are rounded to 8, transparency is dropped and an EXIF rotation applied.
    Raises InputError for a file that is no image.
    """
    samples = _eight_bit_pixels(path)
    if samples.ndim == 2:
        return np.repeat(samples[..., None], 3, axis=2)
    return np.ascontiguousarray(samples[..., 2::-1])


def _eight_bit_pixels(path: Path) -> NDArray[np.uint8]:
    pixels = read_picture(path).pixels
    deep = pixels.dtype == np.uint16
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=1 / 257) if deep else pixels, np.uint8)


def luma(bgr: NDArray[np.uint8]) -> Plane:
    """Luma (H, W) uint8 in 16..235 of a BGR picture (H, W, 3) uint8, by BT.601.

    It is what MATLAB's rgb2ycbcr gives, on which the literature's PSNR is measured.
    """
    blue, green, red = (bgr[..., i].astype(np.float32) for i in range(3))
    y = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    rounded: Plane = np.rint(y).astype(np.uint8)
    return rounded


def _eight_bits(frame: Frame, depth: int) -> Plane:
    plane = frame.planes[0]
    if depth == 8:
        return plane.astype(np.uint8, copy=False)
    step = 2 ** (depth - 8)
    rounded = (plane.astype(np.uint32) + step // 2) // step
    samples: Plane = np.minimum(rounded, 255).astype(np.uint8)
    return samples
