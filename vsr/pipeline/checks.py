"""Checks on input and output paths before any work is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vsr.core.errors import InputError, OutputError, writing
from vsr.core.options import ReadOptions
from vsr.core.url import Url
from vsr.images.animated import is_still
from vsr.images.images import is_image
from vsr.output.image_files import names_folder


def file_of(source: Path | Url) -> Path | None:
    """The file or folder that a source is on this machine, if it is one."""
    return source.file if isinstance(source, Url) else source


def check_paths(source: Path | Url, target: Path, overwrite: bool) -> None:
    """Raise InputError or OutputError where this job could not end well."""
    file = file_of(source)
    try:
        missing = file is not None and not file.exists()
    except OSError as error:  # too long a name, or a folder that may not be looked into
        raise InputError(f"{source}: cannot be read ({error.strerror})") from None
    if missing:
        raise InputError(f"{source}: no such file")
    with writing(target):
        _check_target(file, target, overwrite)


def _check_target(file: Path | None, target: Path, overwrite: bool) -> None:
    if file is not None and target.exists() and target.samefile(file):
        raise OutputError(f"{target}: is the input itself; choose another name")
    folder = target.resolve().parent
    if not folder.is_dir():
        raise OutputError(f"{target}: the folder {folder} does not exist")
    if target.is_file() and not overwrite:
        raise OutputError(f"{target}: exists already; -y or overwrite=True replaces it")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{target}: the folder {folder} is not writable")


def idle_options(source: Path | Url, target: Path, read: ReadOptions) -> Iterator[str]:
    """A line for each option that was asked for and does nothing in this job.

    They are those for images; in a batch, which may hold all kinds, they are no error.
    """
    images = isinstance(source, Path) and (source.is_dir() or is_still(source))
    if read.stills and not images:
        yield f"{source}: stills does nothing: it is for folders of images, not for videos"
    if read.video_stream is not None and images:
        yield f"{source}: video_stream does nothing: it is for videos, not for images"
    if read.rate is None:
        return
    if not images:
        yield f"{source}: rate does nothing: it is for images, and a video keeps its own times"
    elif names_folder(target) or is_image(target):
        yield f"{target}: rate does nothing: it is for images that become a video"
