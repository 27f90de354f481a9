"""Folders that are made where they are missing."""

from __future__ import annotations

from pathlib import Path

from vsr.core.errors import OutputError


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
