"""The journal: an append-only file of JSON lines, whole wherever it was cut."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from vsr.core.errors import writing


class Journal:
    """Facts, one JSON object a line, each on the disk before the next.

    A line without its end, or that is no object, was cut while it was written: it counts for
    nothing, and the next fact takes its place.

    Attributes:
        facts: all there are, oldest first.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there. Raises OSError."""
        if path.exists() and not path.is_file():  # a FIFO would be waited for, and for ever
            raise OSError(errno.EINVAL, "is no file", str(path))
        self._path = path
        self._lock = Lock()  # readers' and writers' threads have something to enter
        self.facts: list[dict[str, Any]] = []
        self._end = 0  # of the last whole line
        for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
            fact = _parsed(line)
            if fact is None:
                break
            self.facts.append(fact)
            self._end += len(line)

    def add(self, fact: Mapping[str, Any]) -> None:
        """Append a fact. Raises OutputError; then it counts for nothing."""
        line = json.dumps(fact).encode() + b"\n"
        with self._lock:
            mode = "r+b" if self._path.exists() else "wb"
            with writing(self._path), self._path.open(mode) as file:
                file.seek(self._end)
                file.truncate()
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            self._end += len(line)
            self.facts.append(dict(fact))


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        fact = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fact if isinstance(fact, dict) else None
