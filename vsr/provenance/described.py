"""How a record tells of a file, a folder or an address, and what it meant by that."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vsr.core.parts import is_part_list, read_parts
from vsr.core.url import Url
from vsr.provenance.fingerprint import Fingerprint, digest_of

Found = Fingerprint | Mapping[str, Fingerprint]
"""A file's identity, or those of a folder's files by their names."""


def described(place: Path | Url, found: Found | None) -> dict[str, Any]:
    """A file, a folder or an address, with its identity; the password is in no address."""
    if isinstance(place, Url) and place.file is None:
        where = {"address": str(place)}
    else:
        path = place.file if isinstance(place, Url) else place
        assert path is not None
        where = {"path": str(absolute(path))}
    if isinstance(found, Mapping):
        files = {name: _facts(found[name]) for name in sorted(found)}
        return {**where, "sha256": digest_of(found), "files": files}
    return {**where, **_facts(found), **_joined(place)}


def _joined(place: Path | Url) -> dict[str, Any]:
    """Of a parts list the camera, and each part with its beginning by the clock."""
    if not (isinstance(place, Path) and is_part_list(place)):
        return {}
    listed = read_parts(place)
    return {
        "camera": listed.camera,
        "parts": [
            {
                "path": part.path,
                "begins": part.begins,
                "seconds": float(Fraction(part.start, 10**6)),
                "frames": part.frames,
                "size": part.size,
                "modified": _instant(part.modified),
                "sha256": part.sha256,
            }
            for part in listed.parts
        ],
    }


def recorded(described: Mapping[str, Any]) -> Found | None:
    """The identity that a record holds of its source or output; None of what had none."""
    if files := described.get("files"):
        return {name: _fingerprint(facts) for name, facts in files.items()}
    return None if described["sha256"] is None else _fingerprint(described)


def absolute(path: Path) -> Path:
    """A path as records tell it: its folder without links, its own name as it is."""
    return path.parent.resolve() / path.name


def _facts(found: Fingerprint | None) -> dict[str, Any]:
    if found is None:
        return {"size": None, "modified": None, "sha256": None}
    return {"size": found.size, "modified": _instant(found.modified), "sha256": found.sha256}


def _fingerprint(facts: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(int(facts["size"]), _nanoseconds(facts["modified"]), str(facts["sha256"]))


def _instant(nanoseconds: int) -> str:
    """ISO 8601 to the nanosecond; datetime has no such times, and none after 9999."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{np.datetime64(seconds, 's')}.{rest:09d}Z"


def _nanoseconds(instant: str) -> int:
    seconds, dot, rest = instant.removesuffix("Z").partition(".")
    if not dot or len(rest) != 9:
        raise ValueError(f"{instant!r}: no time to the nanosecond")
    return int(np.datetime64(seconds, "s").astype(np.int64)) * 10**9 + int(rest)
