"""Names with a number in them, as ffmpeg's users write them: frame_%04d.png."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import InputError, VsrError
from vsr.images.formats import IMAGE_SUFFIXES

_MARK = re.compile(r"%%|%(?:0([1-9]))?d")


@dataclass(frozen=True)
class Numbered:
    """The files of a folder that differ in one number.

    Attributes:
        folder: where they lie.
        before, after: what stands around the number.
        digits: how many it has at least; missing ones are zeros in front.
    """

    folder: Path
    before: str
    after: str
    digits: int = 1

    def name(self, number: int) -> str:
        """The name of the file with a number."""
        return f"{self.before}{number:0{self.digits}d}{self.after}"

    def number_of(self, name: str) -> int | None:
        """The number in a name; None for a name that `name` does not give."""
        end = len(name) - len(self.after)
        inner = name[len(self.before) : end]
        if not (re.fullmatch("[0-9]+", inner) and name == self.name(int(inner))):
            return None
        return int(inner)

    def files(self, first: int = 0) -> list[tuple[int, Path]]:
        """The numbers from `first` on that are there, in order, each with its file.

        Raises InputError where the folder cannot be listed.
        """
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 (names alone, of which thousands)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be listed ({error.strerror})") from None
        numbers = map(self.number_of, names)
        found = sorted(number for number in numbers if number is not None and number >= first)
        return [(number, self.folder / self.name(number)) for number in found]


def pattern_of(path: Path, error: type[VsrError] = InputError) -> Numbered | None:
    """The pattern that a path is: %d or %04d in an image's name, where %% is a percent sign.

    None for all else, and for a file that is there under the very name. Raises `error` for a
    name with several numbers.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES or os.path.lexists(path):
        return None
    marks = [mark for mark in _MARK.finditer(path.name) if mark[0] != "%%"]
    if not marks:
        return None
    if len(marks) > 1:
        raise error(
            f"{path}: has {len(marks)} numbers; a pattern has one %d or %04d (and %% for a percent "
            "sign)"
        )
    mark = marks[0]
    before, after = path.name[: mark.start()], path.name[mark.end() :]
    return Numbered(
        path.parent, before.replace("%%", "%"), after.replace("%%", "%"), int(mark[1] or 1)
    )


def numbered_images(path: Path, pattern: Numbered, first: int | None) -> list[Path]:
    """The images of a pattern, which `path` is, in the order of their numbers, from `first` on.

    Raises InputError where there is none.
    """
    files = [file for _, file in pattern.files(first or 0) if file.is_file()]
    if files:
        return files
    there = [number for number, file in pattern.files() if file.is_file()]
    if there:
        raise InputError(f"{path}: no image from number {first} on; the last is {there[-1]}")
    raise InputError(f"{path}: {_why(pattern)}")


def _why(pattern: Numbered) -> str:
    """Why no name fits, by one that nearly does."""
    shape = re.compile(rf"{re.escape(pattern.before)}[0-9]+{re.escape(pattern.after)}")
    near = sorted(filter(shape.fullmatch, os.listdir(pattern.folder)))  # noqa: PTH208
    example = f"no such image; {pattern.name(1)} would be one"
    return f"{example}, but {near[0]} has another number of digits" if near else example
