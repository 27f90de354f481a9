"""Files on the nodes of a cluster: those that a node sees by itself, and those it is sent."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from filelock import FileLock

from vsr.core.errors import InputError, OutputError, writing
from vsr.provenance.fingerprint import Fingerprint, fingerprint
from vsr.util.atomic import atomic_path

Parcels: TypeAlias = Mapping[str, Sequence[Any]]
"""The contents of files by their SHA-256, each a list of references into Ray's object store."""

_seen: dict[Path, Fingerprint] = {}  # what this process has found at a path


def pieces(path: Path, size: int) -> Iterator[bytes]:
    """The contents of a file, at most `size` bytes at a time."""
    with path.open("rb") as file:
        while data := file.read(size):
            yield data


def write_checked(path: Path, contents: Iterable[bytes], sha256: str) -> None:
    """Bring what was sent to the disk. Raises OutputError where it came otherwise."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for data in contents:
            file.write(data)
            digest.update(data)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        raise OutputError(f"{path}: came otherwise than it was sent")


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

    None where it is neither to be seen nor sent. Raises OutputError where what was sent is
    another file, as it was changed meanwhile, or cannot be put anywhere.
    """
    if is_there(path, known):
        return path
    if known.sha256 not in parcels:
        return None
    with writing(folder_of(run)):
        return _received(path, known, map(get, parcels[known.sha256]), open_folder(run))


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
    """Where a node keeps files of a run, besides the work folder."""
    return Path(tempfile.gettempdir(), f"vsr-cluster-{run}")


def open_folder(run: str) -> Path:
    """That folder, for nobody else to look into. Raises OSError."""
    folder = folder_of(run)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def sweep(run: str) -> None:
    """Remove that folder."""
    shutil.rmtree(folder_of(run), ignore_errors=True)


def _received(path: Path, known: Fingerprint, contents: Iterator[bytes], folder: Path) -> Path:
    """Put a file together, once for all workers of the node."""
    place = folder / f"{known.sha256}{path.suffix}"
    with FileLock(place.with_suffix(".lock")):
        if place.exists():
            return place
        with atomic_path(place) as part:
            write_checked(part, contents, known.sha256)
    return place
