"""A file's identity: its SHA-256, and what shows that it was not touched since."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


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
    """The identity of a file. Raises OSError.

    Its contents are not read again where its size and time are those that are `known`.
    """
    facts = path.stat()
    if known and (facts.st_size, facts.st_mtime_ns) == (known.size, known.modified):
        return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Fingerprint(facts.st_size, facts.st_mtime_ns, digest)
