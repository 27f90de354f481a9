"""Numbered images as a job's source and target."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from vsr.core.errors import OutputError
from vsr.core.job import Job
from vsr.core.options import ReadOptions
from vsr.core.paths import check_output
from vsr.core.url import Url
from vsr.images.animated import is_animated_webp, is_still
from vsr.images.listing import is_image, list_images
from vsr.images.numbered import Numbered, pattern_of

FIRST = 1
"""The number of the first image that is written, unless another is asked for."""


def source_pattern(source: Path | Url) -> Numbered | None:
    """The pattern that a source is. Raises InputError."""
    return pattern_of(source) if isinstance(source, Path) else None


def target_pattern(source: Path | Url, target: Path) -> Numbered | None:
    """The pattern that a target is, for this source; None for a name that is taken literally.

    One image needs no number, nor does an animation that becomes one of its kind: whatever names
    they have, copies of them may have. Raises OutputError.
    """
    if isinstance(source, Path) and is_image(source) and source_pattern(source) is None:
        moves = not is_still(source) or is_animated_webp(source)
        if not moves or source.suffix.lower() == target.suffix.lower():
            return None
    return pattern_of(target, OutputError)


def reading_of(job: Job) -> ReadOptions:
    """How a job's source is read: `start_number` is the target's where that is a pattern."""
    read = job.options.read
    if read.start_number is None or target_pattern(job.source, job.target) is None:
        return read
    return replace(read, start_number=None)


def target_names(
    pattern: Numbered, source: Path | Url, files: Sequence[Path], first: int | None
) -> list[str]:
    """The names that images get: numbered from `first` on.

    Where nobody asked for a number, those of a numbered source stay, gaps too.
    """
    before = source_pattern(source)
    if first is None and before is not None:
        kept = (before.number_of(file.name) for file in files)
        return [pattern.name(number) for number in kept if number is not None]
    start = FIRST if first is None else first
    return [pattern.name(number) for number in range(start, start + len(files))]


def check_numbered_target(
    source: Path | Url,
    pattern: Numbered,
    overwrite: bool,
    read: ReadOptions,
    inputs: Iterable[Path],
) -> None:
    """Raise OutputError where images of a pattern could not be written: never over `inputs`.

    Of a video nobody knows how many there will be: no number from the first on may be taken.
    """
    if not pattern.folder.is_dir():
        if pattern.folder.exists():
            raise OutputError(f"{pattern.folder}: is a file; name a folder")
        check_output(pattern.folder, overwrite, folder=True)
        return
    images = _images_of(source)
    if images:
        names = target_names(pattern, source, images, read.start_number)
        taken = [pattern.folder / name for name in names]
    else:
        first = FIRST if read.start_number is None else read.start_number
        taken = [file for _, file in pattern.files(first)]
        taken = taken or [pattern.folder / pattern.name(first)]
    own = set(_identities(inputs))
    for file in taken:
        if not own.isdisjoint(_identities([file])):
            raise OutputError(f"{file}: is an input itself; choose another name or folder")
        check_output(file, overwrite)


def check_beside(path: Path, source: Path | Url, target: Path) -> None:
    """Raise OutputError where another output may be one of the source's or the target's images."""
    for images, pattern in (
        (source, source_pattern(source)),
        (target, target_pattern(source, target)),
    ):
        if pattern is None or pattern.number_of(path.name) is None:
            continue
        if os.path.realpath(path.parent) == os.path.realpath(pattern.folder):
            raise OutputError(f"{path}: may be one of {images}; choose another name")


def _identities(files: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """What tells one file from all others, of those that are there."""
    for file in files:
        with suppress(OSError):
            facts = file.stat()
            yield facts.st_dev, facts.st_ino


def _images_of(source: Path | Url) -> list[Path]:
    """The images that a folder or pattern gives; none of what else there is."""
    if not isinstance(source, Path):
        return []
    if source.is_dir() or source_pattern(source) is not None:
        return list_images(source)
    return []
