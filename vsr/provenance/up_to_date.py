"""Whether an output is done already, by its record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vsr.core.errors import InputError, OutputError
from vsr.images.listing import is_series, list_images, series_folder
from vsr.provenance.described import absolute, recorded
from vsr.provenance.diff import differences
from vsr.provenance.fingerprint import Fingerprint, fingerprint
from vsr.provenance.sidecar import read_record, record_path, settings_of
from vsr.util.text import one_line

_TOOLS = {"version", "libav"}  # what an older one made is made all the same


def standing(
    source: Path, target: Path, settings: Mapping[str, Any], first: int | None = None
) -> dict[str, Any] | None:
    """The record by which `target` was made of `source` with these settings, as it is now.

    A source of numbered images is read from the number `first` on. The versions of vsr and libav
    may have been others.

    None where nothing is there as yet; a record without its output does not count. A file
    with the recorded path, size and time is taken for the recorded one, unless it was given
    the source's time; any other must have its SHA-256. A folder, or a pattern, must hold all the
    recorded images, and as the source no others.

    Raises OutputError, in one line that says what differs, where something else is there, and
    InputError where a file cannot be read.
    """
    if not _is_there(target):
        return None
    try:
        record = read_record(record_path(target))
    except OutputError as error:
        raise OutputError(_there(target, f"but {error}")) from None
    if record is None:
        raise OutputError(_there(target, "without a record of how it was made"))
    dated = record["run"].get("keep_date", False)  # then its time is any other output's, too
    if not _is_recorded(target, record["output"], is_known=not dated):
        raise OutputError(_there(target, "changed since it was made"))
    if not _is_recorded(source, record["source"], whole=True, first=first):
        before = record["source"].get("path", record["source"].get("address"))
        raise OutputError(_there(target, f"made from another input ({before})"))
    asked = {name: value for name, value in settings.items() if name not in _TOOLS}
    made = {name: value for name, value in settings_of(record).items() if name not in _TOOLS}
    if apart := differences(made, asked):
        raise OutputError(_there(target, f"made with other settings ({'; '.join(apart)})"))
    return record


def _is_there(target: Path) -> bool:
    if is_series(target):
        return bool(_images(target)) or (target.is_dir() and any(target.iterdir()))
    return target.exists()


def _there(target: Path, what: str) -> str:
    return f"{target}: exists already, {one_line(what)}; -y or overwrite=True replaces it"


def _is_recorded(
    path: Path,
    described: Mapping[str, Any],
    whole: bool = False,
    is_known: bool = True,
    first: int | None = None,
) -> bool:
    """Whether a file, a folder or a pattern is the one that a record describes.

    `whole` is whether a series may hold no other images, from the number `first` on, `is_known`
    whether size and time may say so.
    """
    found = recorded(described)
    in_place = is_known and described.get("path") == str(absolute(path))
    if isinstance(found, Fingerprint):
        return path.is_file() and _is_same(path, found, in_place)
    if found is None or not is_series(path):
        return False
    images, folder = _images(path, first), series_folder(path)
    if images != found.keys() if whole else not images >= found.keys():
        return False
    return all(_is_same(folder / name, found[name], in_place) for name in found)


def _is_same(path: Path, found: Fingerprint, in_place: bool) -> bool:
    """Cameras give many files one size and time: only in its place are these enough."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if size != found.size:
        return False
    return fingerprint(path, found if in_place else None).sha256 == found.sha256


def _images(series: Path, first: int | None = None) -> set[str]:
    try:
        return {file.name for file in list_images(series, first)}
    except InputError:  # it holds none
        return set()
