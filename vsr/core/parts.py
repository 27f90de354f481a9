"""Parts lists: files that are read as one video, each from its place on one clock on.

A list is JSON beside an output that was joined of recordings. It names files of this machine,
and is opened by its suffix alone: no other file leads anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from vsr.core.errors import InputError, OutputError, writing
from vsr.core.url import Url
from vsr.util.atomic import atomic_write
from vsr.util.text import shown

SUFFIX = ".parts.json"
FORMATS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
"""The containers of parts, by libav's names: those in which times are found again when joined."""

_SCHEMA, _NUMBER = "vsr-parts", 1
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Part:
    """One file of several.

    Attributes:
        path: where it is, from the root on.
        begins: by its clock, in UTC: "2026-11-28T22:00:00Z".
        start: its beginning on the joined clock, in microseconds.
        length: microseconds from there to its end.
        frames: how many packets of pictures it holds.
        format: of its container, by libav's names.
        size: in bytes.
        modified: when it was written last, in nanoseconds since 1970.
        sha256: of its contents, in hexadecimal.
    """

    path: str
    begins: str
    start: int
    length: int
    frames: int
    format: str
    size: int
    modified: int
    sha256: str


@dataclass(frozen=True)
class PartList:
    """Files of one camera, in their order.

    Attributes:
        camera: its name.
        rule: by which its files were put together, in words.
        parts: the files; none begins before another has ended.
    """

    camera: str
    rule: str
    parts: tuple[Part, ...]

    @property
    def state(self) -> tuple[int, int]:
        """Bytes of all parts as they are now, and when one was changed last, in nanoseconds."""
        size = modified = 0
        for part in self.parts:
            try:
                facts = os.stat(part.path)  # noqa: PTH116 (a thousand of them)
            except OSError:
                continue
            size, modified = size + facts.st_size, max(modified, facts.st_mtime_ns)
        return size, modified


def is_part_list(path: Path | Url) -> bool:
    """Whether a source is a parts list, by its name."""
    return isinstance(path, Path) and path.name.endswith(SUFFIX)


def write_parts(path: Path, parts: PartList, overwrite: bool = False) -> None:
    """Write a list, whole or not at all; its time is that of its last part.

    A list that is there is replaced, any other file with `overwrite` alone. Raises OutputError.
    """
    if not overwrite and os.path.lexists(path):
        try:
            read_parts(path)
        except InputError as error:
            raise OutputError(f"{error}; -y or overwrite=True replaces it") from None
    text = json.dumps({"schema": _SCHEMA, "schema_number": _NUMBER, **asdict(parts)}, indent=1)
    with writing(path):
        atomic_write(path, text.encode() + b"\n", durable=True)
        modified = parts.parts[-1].modified
        os.utime(path, ns=(modified, modified))


def read_parts(path: Path) -> PartList:
    """A list. Raises InputError, in one line, for what is none."""
    try:
        facts = path.stat()
        if facts.st_size > _MOST_BYTES:
            raise InputError(f"{path}: is no parts list: has more than {_MOST_BYTES >> 20} MiB")
        return _read(path, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def check_parts(path: Path) -> PartList:
    """The list, whose parts are all there and unchanged. Raises InputError where one is not."""
    parts = read_parts(path)
    for part in parts.parts:
        try:
            facts = os.stat(part.path)  # noqa: PTH116
        except OSError as error:
            raise InputError(f"{path}: its part {part.path}: {error.strerror}") from None
        if (facts.st_size, facts.st_mtime_ns) != (part.size, part.modified):
            raise InputError(f"{path}: its part {part.path} was changed since it was listed")
    return parts


@lru_cache(maxsize=4)
def _read(path: Path, size: int, modified: int, changed: int) -> PartList:
    """The list as it is at this size and these times; a job asks for it again and again."""
    try:
        held = json.loads(path.read_bytes())
        if held["schema"] != _SCHEMA or held["schema_number"] != _NUMBER:
            raise ValueError
        parts = tuple(_part(facts) for facts in held["parts"])
        if not parts or not isinstance(held["camera"], str) or not isinstance(held["rule"], str):
            raise ValueError
        if any(b.start < a.start + a.length for a, b in pairwise(parts)):
            raise ValueError
        return PartList(held["camera"], held["rule"], parts)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: is no parts list of vsr, or a damaged one") from None


def _part(facts: Mapping[str, Any]) -> Part:
    """One part. Raises ValueError, LookupError or TypeError for what cannot be one."""
    values = {field.name: facts[field.name] for field in fields(Part)}
    for field in fields(Part):
        if type(values[field.name]).__name__ != field.type:
            raise TypeError
        if field.type == "int" and not 0 <= values[field.name] < 2**63:
            raise ValueError
    datetime.fromisoformat(values["begins"])
    part = Part(**values)
    if "\n" in part.path or "\r" in part.path or "\0" in part.path or not part.length:
        raise ValueError(shown(part.path))
    if not Path(part.path).is_absolute() or part.format not in FORMATS:
        raise ValueError
    return part
