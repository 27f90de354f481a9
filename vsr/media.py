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
from vsr.video.reader import open_video
from vsr.video.span import Span

Plane = NDArray[np.uint8]

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m4v"}


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
    known = path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
    return known and not path.name.startswith(".") and path.is_file()


def read_luma(
    path: Path, step: int = 1, warn: Callable[[str], None] = lambda message: None
) -> Iterator[Plane]:
    """The luma (H, W) uint8 of an image, or of every `step`-th frame of a video.

    A video's luma is what is decoded, in its own range; samples of more than 8 bits are
    rounded to 8. Raises InputError, in one line, for a file that cannot be read.
    """
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield read_image(path)
        return
    with open_video(path, Span(), warn) as video:
        for frame in islice(video.frames(), 0, None, step):
            yield _eight_bits(frame, video.info.format.depth)


def read_image(path: Path) -> Plane:
    """Luma (H, W) uint8 of an image file: by `luma` for a coloured one, as it is for a grey.

    That is how the papers' scores are made; Set14 holds a grey picture. Transparency is
    dropped and an EXIF rotation applied. Raises InputError for a file that is no image.
    """
    try:
        data = np.fromfile(path, np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if data.size else None
    except (OSError, cv2.error) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as an image ({line[:200]})") from None
    if picture is None:
        raise InputError(f"{path}: cannot be read as an image")
    samples = np.asarray(picture, np.uint8)
    return samples if samples.ndim == 2 else luma(samples)


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
