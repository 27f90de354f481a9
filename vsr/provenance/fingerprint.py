"""A file's identity: its SHA-256, and what shows that it was not touched since."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vsr.core.errors import InputError
from vsr.core.parts import check_parts, is_part_list
from vsr.images.listing import is_series, list_images


@dataclass(frozen=True)
class Fingerprint:
    """A file at one moment.

    Attributes:
        size: in bytes.
        modified: when it was written last, in nanoseconds since 1970.
        sha256: of its contents, in hexadecimal.
    """

    size: int
    modified: int
    sha256: str


def fingerprint(path: Path, known: Fingerprint | None = None) -> Fingerprint:
    """The identity of a file, whatever its size, in constant memory.

    Its contents are not read again where its size and time are those that are `known`. That of
    a parts list stands for its parts, whose hashes it holds.
    Raises InputError where it cannot be read, or is written to meanwhile, and where a part of a
    list is missing or was changed.
    """
    if is_part_list(path):
        check_parts(path)
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # opening a pipe would wait for who writes to it
            raise InputError(f"{path}: is no regular file, and has no fingerprint")
        if known and (facts.st_size, facts.st_mtime_ns) == (known.size, known.modified):
            return known
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    found = Fingerprint(after.st_size, after.st_mtime_ns, digest)
    if (before.st_size, before.st_mtime_ns) != (found.size, found.modified):
        raise InputError(f"{path}: is still being written; wait until it is complete")
    return found


def fingerprints(path: Path, first: int | None = None) -> Fingerprint | dict[str, Fingerprint]:
    """The identity of a file, or those of a series' images by their names, in their order.

    A series is a folder or a pattern of numbered images, read from the number `first` on. What
    else lies in the folder is no part of it, as it is not read. Raises InputError.
    """
    if not is_series(path):
        return fingerprint(path)
    files = sorted(list_images(path, first), key=lambda file: file.name)
    return {file.name: fingerprint(file) for file in files}


def digest_of(found: Fingerprint | Mapping[str, Fingerprint]) -> str:
    """One SHA-256 for a file, its own, or for a folder, in hexadecimal.

    A folder's is that of the list which `sha256sum` prints of its files, in order of their names.
    """
    if isinstance(found, Fingerprint):
        return found.sha256
    lines = (f"{found[name].sha256}  {name}\n" for name in sorted(found))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
