"""Files on the nodes of a cluster: those that a node sees by itself, and those it is sent."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from filelock import FileLock

from vsr.errors import InputError, OutputError
from vsr.jobs.fingerprint import Fingerprint, fingerprint

Parcels: TypeAlias = Mapping[str, Sequence[Any]]
"""The contents of files by their SHA-256, each a list of references into Ray's object store."""

_seen: dict[Path, Fingerprint] = {}  # what this process has found at a path


def pieces(path: Path, size: int) -> Iterator[bytes]:
    """The contents of a file, at most `size` bytes at a time."""
    with path.open("rb") as file:
        while data := file.read(size):
            yield data


def find(
    path: Path, known: Fingerprint, parcels: Parcels, run: str, get: Callable[[Any], bytes]
) -> Path | None:
    """Where a file is on this node: at its path, or where it is put when it was sent.

    Args:
        path: where the machine that began the run has it.
        known: what it is.
        parcels: the files that were sent.
        run: the name of the run, which has a folder for such files.
        get: gives the piece of a reference.

    None where it is neither to be seen nor sent. Raises InputError where what was sent is
    another file, OutputError where it cannot be put anywhere.
    """
    if is_there(path, known):
        return path
    if known.sha256 not in parcels:
        return None
    try:
        return _received(path, known, map(get, parcels[known.sha256]), folder_of(run))
    except OSError as error:
        raise OutputError(f"{folder_of(run)}: cannot be written ({error.strerror})") from None


def is_there(path: Path, known: Fingerprint) -> bool:
    """Whether this node has the very file at that path. It is read once at most."""
    try:
        if path.stat().st_size != known.size:
            return False
        found = fingerprint(path, _seen.get(path, known))
    except (OSError, InputError):
        return False
    _seen[path] = found
    return found.sha256 == known.sha256


def folder_of(run: str) -> Path:
    """Where a node puts what it is sent in a run."""
    return Path(tempfile.gettempdir(), f"vsr-cluster-{run}")


def sweep(run: str) -> None:
    """Remove what this node was sent in a run."""
    shutil.rmtree(folder_of(run), ignore_errors=True)


def _received(path: Path, known: Fingerprint, contents: Iterator[bytes], folder: Path) -> Path:
    """Put a file together, once for all workers of the node."""
    folder.mkdir(mode=0o700, exist_ok=True)
    place = folder / f"{known.sha256}{path.suffix}"
    with FileLock(place.with_suffix(".lock")):
        if place.exists():
            return place
        part, digest = place.with_suffix(".part"), hashlib.sha256()
        try:
            with part.open("wb") as file:
                for data in contents:
                    file.write(data)
                    digest.update(data)
            if digest.hexdigest() != known.sha256:
                raise InputError(f"{path}: is not the file any more that the work began with")
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    return place
