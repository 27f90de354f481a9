"""What people give as the path of a file or folder, checked in one place."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from vsr.core.errors import InputError, VsrError
from vsr.util.text import one_line

_LONGEST = 80  # characters of a wrong value that a message shows


def as_path(value: object, name: str, error: type[VsrError] = InputError) -> Path:
    """The path that was given as the argument `name`.

    Raises TypeError for what is no path at all, and `error` for text that names nothing.
    """
    if not isinstance(value, str | PathLike):
        raise TypeError(f"{name} {quoted(value)}: must be a path: text or a pathlib.Path")
    text = fspath(value)
    if not isinstance(text, str):
        raise TypeError(f"{name} {quoted(value)}: must be a path as text, not as bytes")
    if not text:
        raise error(f"{name} '': is empty; name a file or folder")
    if "\0" in text:
        raise error(f"{name} {quoted(text)}: no file's name holds a zero character")
    return value if isinstance(value, Path) else Path(text)


def quoted(value: object) -> str:
    """A wrong value as a message shows it: in one line, and not at any length."""
    text = one_line(repr(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
