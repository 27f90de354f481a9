"""Checks on input and output paths before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from vsr.core.errors import InputError, OutputError
from vsr.core.url import Url


def file_of(source: Path | Url) -> Path | None:
    """The file or folder that a source is on this machine, if it is one."""
    return source.file if isinstance(source, Url) else source


def check_paths(source: Path | Url, target: Path, overwrite: bool) -> None:
    """Raise InputError or OutputError where this job could not end well."""
    file = file_of(source)
    if file is not None and not file.exists():
        raise InputError(f"{source}: no such file")
    if file is not None and target.exists() and target.samefile(file):
        raise OutputError(f"{target}: is the input itself; choose another name")
    folder = target.resolve().parent
    if not folder.is_dir():
        raise OutputError(f"{target}: the folder {folder} does not exist")
    if target.is_file() and not overwrite:
        raise OutputError(f"{target}: exists already; -y or overwrite=True replaces it")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{target}: the folder {folder} is not writable")
