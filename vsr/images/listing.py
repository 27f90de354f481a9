"""What is an image or a series of them by its path, and which files a series has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.limits import DEFAULTS, Limits
from vsr.images.files import read_shape
from vsr.images.formats import IMAGE_SUFFIXES
from vsr.images.numbered import numbered_images, pattern_of


def is_image(path: Path) -> bool:
    """Whether a path is named like an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_image_folder(path: Path) -> bool:
    """Whether a path is a folder with at least one image in it."""
    return path.is_dir() and any(_is_listed(file) for file in path.iterdir())


def is_series(path: Path) -> bool:
    """Whether a path stands for images of any number: a folder, or a pattern as frame_%04d.png.

    Raises InputError for a pattern that is wrong.
    """
    return path.is_dir() or is_pattern(path)


def is_pattern(path: Path) -> bool:
    """Whether a path stands for numbered images, as frame_%04d.png. Raises InputError."""
    return pattern_of(path) is not None


def series_folder(path: Path) -> Path:
    """The folder that the images of a series, see `is_series`, lie in."""
    return path if path.is_dir() else path.parent


def list_images(folder: Path, first: int | None = None) -> list[Path]:
    """The images of a folder, numbers in their names in natural order: frame2, frame10.

    Hidden files and subfolders are left out. `folder` may be a pattern instead, see `pattern_of`:
    then those that fit, from the number `first` on. Raises InputError where there is none.
    """
    if pattern := pattern_of(folder):
        return numbered_images(folder, pattern, first)
    try:
        found = [file for file in folder.iterdir() if _is_listed(file)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror})") from None
    if not found:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"{folder}: holds no image ({suffixes})")
    return sorted(found, key=_natural)


def _is_listed(file: Path) -> bool:
    return is_image(file) and not file.name.startswith(".") and file.is_file()


def _natural(file: Path) -> tuple[list[tuple[str, int]], str]:
    words = re.findall(r"(\D*)(\d*)", file.name.casefold())
    return [(text, int(digits or 0)) for text, digits in words], file.name


def same_size(paths: Sequence[Path], limits: Limits = DEFAULTS) -> bool:
    """Whether images have one size, upright: whether they can be a clip.

    PNG, JPEG and TIFF tell by their headers; other formats are decoded for it. Raises
    InputError for a file that is no image, or is larger than `limits` allow.
    """
    shapes = (read_shape(path, limits) for path in paths)
    return len({(shape.width, shape.height) for shape in shapes}) <= 1
