"""Folders that are made where they are missing, or for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vsr.core.errors import OutputError


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error


@contextmanager
def temporary_folder(prefix: str = "vsr-") -> Iterator[Path]:
    """A folder that goes with the block. Raises OutputError where none can be made."""
    try:
        folder = TemporaryDirectory(prefix=prefix)
    except OSError as error:
        raise OutputError(
            f"no temporary folder can be made ({error.strerror or error}); "
            "set TMPDIR to a folder that can be written"
        ) from error
    with folder as name:
        yield Path(name)
