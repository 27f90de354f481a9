"""Subtitles, lyrics and chapters that lie beside a video, copied beside its output."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from vsr.batch.sources import MEDIA_SUFFIXES
from vsr.images.animated import is_still
from vsr.util.atomic import give_name, new_part

# What may stand between the stem and these: a language, and what it is for: .en.forced.srt.
_ENDING = re.compile(
    r"(?:\.[A-Za-z0-9-]+){0,2}\.(?:srt|vtt|ass|ssa|lrc|chapters\.txt|chapters\.xml)", re.IGNORECASE
)


def sidecars(video: Path) -> list[Path]:
    """The files beside a video that belong to it by their names, in name order.

    `clip.v2.srt` belongs to `clip.v2.mp4` where that is there, and not to `clip.mp4`. Still
    images have none. Raises OSError.
    """
    if is_still(video):
        return []
    start = f"{video.stem}."
    near = [path for path in video.parent.iterdir() if path.name.startswith(start)]
    longer = [
        f"{path.stem}."
        for path in near
        if path.suffix.lower() in MEDIA_SUFFIXES and path.stem.startswith(start)
    ]
    return sorted(
        path
        for path in near
        if _ENDING.fullmatch(path.name.removeprefix(video.stem))
        and not path.name.startswith(tuple(longer))
        and path.is_file()
    )


def copy_sidecars(
    source: Path, target: Path, overwrite: bool, warn: Callable[[str], None]
) -> list[Path]:
    """Copy what lies beside `source` beside `target`, under its stem. Returns the copies made.

    What is there already in the same words stays; another file is replaced with `overwrite`
    alone, and never where it belongs to another video. What cannot be copied is a warning: the
    video itself is done.
    """
    made = list[Path]()
    try:
        found = sidecars(source)
    except OSError as error:
        warn(f"{source.parent}: cannot be listed for subtitles ({error.strerror or error})")
        return made
    for file in found:
        place = target.with_name(target.stem + file.name.removeprefix(source.stem))
        try:
            if _copied(file, place, target, overwrite, warn):
                made.append(place)
        except FileExistsError:
            warn(f"{place}: has been made by somebody else meanwhile, and stays")
        except OSError as error:
            warn(f"{place}: cannot be copied from {file} ({error.strerror or error})")
    return made


def _copied(
    file: Path, place: Path, target: Path, overwrite: bool, warn: Callable[[str], None]
) -> bool:
    """Copy a file, whole or not at all. Whether that was to be done. Raises OSError."""
    if os.path.lexists(place):
        if place.is_file() and (place.samefile(file) or filecmp.cmp(file, place, shallow=False)):
            return False
        if not overwrite:
            warn(f"{place}: exists already and stays, {file} is not copied; -y replaces it")
            return False
        if place.is_symlink() or not place.is_file():
            warn(f"{place}: is no plain file and stays, {file} is not copied")
            return False
        if owner := _owner(place, target):
            warn(f"{place}: belongs to {owner} and stays, {file} is not copied")
            return False
    with new_part(place) as part:
        shutil.copyfile(file, part)
        give_name(part, place, overwrite)
    return True


def _owner(place: Path, target: Path) -> Path | None:
    """Another video than `target` that a file belongs to: it may be an input."""
    for path in place.parent.iterdir():
        if path.suffix.lower() in MEDIA_SUFFIXES and path.name != target.name:
            start = f"{path.stem}."
            if place.name.startswith(start) and place in sidecars(path):
                return path
    return None
