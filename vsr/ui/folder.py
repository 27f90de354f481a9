"""The served folder: what lies in it, and that nothing else is reached."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vsr.batch.sources import BESIDE_SUFFIXES, MEDIA_SUFFIXES
from vsr.core.errors import InputError
from vsr.core.parts import is_part_list, read_parts
from vsr.images.formats import IMAGE_SUFFIXES

from .names import to_name, to_text
from .refused import RefusedError

_PAGES = {".html", ".htm"}
_MOST = 20_000  # entries of a folder that are listed


@dataclass(frozen=True)
class ServedFolder:
    """A folder, and the paths in it as the page writes them: relative, with slashes.

    Attributes:
        root: absolute, and free of links.
    """

    root: Path

    def place(self, text: str) -> Path:
        """A file or folder that is there. Raises RefusedError."""
        path = self._path(text)
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise RefusedError(404, f"{text}: is not there") from None
        self._check_inside(text, real)
        if is_part_list(path) and path.is_file():
            self._check_parts(text, path)
        return path

    def file(self, text: str) -> Path:
        """A regular file that is there: no pipe, which may have nobody at its other end."""
        path = self.place(text)
        if not path.is_file():
            raise RefusedError(400, f"{text}: is no file")
        return path

    def new(self, text: str) -> Path:
        """A place to write to, whose folder is there. Raises RefusedError."""
        path = self._path(text)
        if path == self.root:
            raise RefusedError(400, "the served folder itself cannot be written; name a file in it")
        try:
            parent = path.parent.resolve(strict=True)
        except (OSError, RuntimeError):
            raise RefusedError(
                404, f"{to_text(path.parent.name)}: is no folder that is there"
            ) from None
        self._check_inside(text, parent)
        if not parent.is_dir():
            raise RefusedError(400, f"{to_text(path.parent.name)}: is no folder")
        if os.path.lexists(path):
            self.place(text)  # a link that leads out is written through
        if len(os.fsencode(path.name)) > _longest_name(parent):
            raise RefusedError(400, "the name is too long for this disk")
        return path

    def text_of(self, path: Path) -> str | None:
        """How the page writes a path; None for one outside."""
        try:
            return to_text(path.relative_to(self.root).as_posix())
        except ValueError:
            return None

    def listing(self, text: str) -> dict[str, Any]:
        """A folder, its parent (None for the served one) and what lies in it.

        Folders come first, each by name. Hidden files, records and what leads out are left out.
        """
        path = self.place(text)
        if not path.is_dir():
            raise RefusedError(400, f"{text}: is no folder")
        try:
            entries = sorted(self._entries(path), key=_order)
        except OSError as error:
            raise RefusedError(403, f"{text or '.'}: cannot be listed ({error.strerror})") from None
        here = self._text(path)
        parent = None if path == self.root else self._text(path.parent)
        more = len(entries) > _MOST
        return {"path": here, "parent": parent, "entries": entries[:_MOST], "more": more}

    def _text(self, path: Path) -> str:
        return "" if path == self.root else to_text(path.relative_to(self.root).as_posix())

    def _path(self, text: str) -> Path:
        name = to_name(text)
        if "\0" in name:
            raise RefusedError(400, "a name holds a NUL")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts:
            raise RefusedError(403, f"{text}: is outside of the served folder")
        if any(part.startswith(".") for part in parts):
            raise RefusedError(403, f"{text}: hidden files are not served")
        return self.root.joinpath(*parts)

    def _check_inside(self, text: str, real: Path) -> None:
        if not real.is_relative_to(self.root):
            raise RefusedError(403, f"{text}: leads out of the served folder")

    def _check_parts(self, text: str, path: Path) -> None:
        """A list names further files, which must lie in the folder, too."""
        try:
            parts = read_parts(path).parts
        except InputError:
            raise RefusedError(400, f"{text}: is no parts list of vsr, or a damaged one") from None
        for part in parts:
            try:
                real = Path(part.path).resolve()
            except (OSError, RuntimeError):
                raise RefusedError(404, f"{text}: a part of it is not there") from None
            self._check_inside(text, real)

    def _entries(self, folder: Path) -> Iterator[dict[str, Any]]:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.name.startswith(".") or entry.name.endswith(BESIDE_SUFFIXES):
                    continue
                path = folder / entry.name
                try:
                    facts = entry.stat()
                    if entry.is_symlink() and not path.resolve().is_relative_to(self.root):
                        continue
                except (OSError, RuntimeError):
                    continue
                yield {
                    "name": to_text(entry.name),
                    "path": self._text(path),
                    "kind": _kind(path, facts.st_mode),
                    "bytes": facts.st_size if stat.S_ISREG(facts.st_mode) else None,
                    "modified": round(facts.st_mtime, 3),
                }


def _order(entry: dict[str, Any]) -> tuple[bool, str]:
    return entry["kind"] != "folder", entry["name"].casefold()


def _kind(path: Path, mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    suffix = path.suffix.lower()
    if not stat.S_ISREG(mode):
        return "other"
    if suffix in IMAGE_SUFFIXES:
        return "image"
    if suffix in MEDIA_SUFFIXES:
        return "video"
    return "page" if suffix in _PAGES else "other"


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        return 255
