"""What each camera of a batch is to have of its own: a part of the picture, a model."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vsr.core.crop import parse_crop
from vsr.core.errors import InputError, VsrError
from vsr.core.options import UpscaleOptions
from vsr.util.text import one_line, shown

_MOST_BYTES = 1 << 20


def _of_kind(*kinds: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if type(value) not in kinds:
            raise InputError(f"must be a {'number' if int in kinds else 'text'}")
        return value

    return checked


def _crop(value: Any) -> Any:
    return parse_crop(_of_kind(str)(value))


_ENTRIES: Mapping[str, Callable[[Any], Any]] = {
    "crop": _crop,
    "model": _of_kind(str),
    "content": _of_kind(str),
    "denoise": _of_kind(int, float),
}
"""The options that a camera may have of its own, and how each is read."""


@dataclass(frozen=True)
class Cameras:
    """Options by camera.

    Attributes:
        path: the file that they come from; None for none.
        own: for each camera by its name its options, by their names in `vsr.UpscaleOptions`.
    """

    path: Path | None = None
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def own_of(self, camera: str) -> tuple[tuple[str, Any], ...]:
        """The options of a camera, as names and values; none where it has none of its own."""
        return tuple(self.own.get(camera, {}).items())

    @property
    def models(self) -> list[str]:
        """The models of single cameras."""
        return [own["model"] for own in self.own.values() if "model" in own]

    def unknown(self, cameras: Iterable[str]) -> list[str]:
        """The names of cameras of which there is no file."""
        there = set(cameras)
        return [name for name in self.own if name not in there]


def read_cameras(path: Path, general: UpscaleOptions) -> Cameras:
    """Read a TOML file with a table for each camera: `[door]`, `crop = "40%,20%,30%,70%"`.

    The entries are those of `_ENTRIES`; they go before `general`, with which they are checked.
    Raises InputError in one line, with the camera and the entry.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise InputError(f"{path}: has more than {_MOST_BYTES >> 20} MiB")
        tables = tomllib.loads(data.decode())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError, too
        raise InputError(f"{path}: is no TOML ({one_line(error, 120)})") from None
    own = {}
    for camera, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(f"{path}: {shown(camera)} stands alone; write it below [camera]")
        own[camera] = {name: _entry(path, camera, name, table[name]) for name in table}
        try:
            general.but(**own[camera])
        except VsrError as error:
            raise InputError(f"{path}: [{one_line(camera, 40)}]: {one_line(error)}") from None
    return Cameras(path, own)


def _entry(path: Path, camera: str, name: str, value: Any) -> Any:
    where = f"{path}: [{one_line(camera, 40)}]"
    read = _ENTRIES.get(name)
    if read is None:
        raise InputError(f"{where}: no entry {shown(name)}; allowed are {', '.join(_ENTRIES)}")
    try:
        return read(value)
    except InputError as error:
        raise InputError(f"{where}: {name} {shown(value)}: {one_line(error)}") from None


def read_globs(path: Path) -> list[str]:
    """The globs of a text file, one a line; empty lines and those that begin with # are none.

    Raises InputError where it cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise InputError(f"{path}: is no text in UTF-8") from None
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
