"""How a watching batch is, for other processes: a small file in its output folder."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vsr.batch.outcome import Ended, Happening, Paused, Resting, Started
from vsr.core.errors import InputError, OutputError
from vsr.util.atomic import atomic_write
from vsr.util.text import counted, one_line

FILE_NAME = ".vsr-watch.json"
"""In the output folder; hidden, so that nothing takes it for a source."""

_SCHEMA = "vsr-watch"
_EVERY = 5.0  # seconds between two writings
_SILENT = 60.0  # seconds without a sign of life that are too many
_UNSEEN = 120.0  # seconds without a look at the folders that are too many, where nothing is done
_LOOKS = 15  # or so many times as long as a look takes: slow shares are looked at more seldom
_MOST_BYTES = 1 << 20


class StatusFile:
    """Keeps the file up to date: what happened, when the folders were looked at, that it lives.

    Raises OutputError where another file has its name.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        if os.path.lexists(self._path):
            try:
                read_status(folder)
            except InputError as error:
                raise OutputError(f"{error}; remove it") from None
        self._began = _now()
        self._looked: float | None = None
        self._look_seconds = 0.0
        self._waiting = 0
        self._working: dict[int, str] = {}
        self._counts: Counter[str] = Counter()
        self._last: dict[str, str] | None = None
        self._until: datetime | None = None  # the end of a rest, in local time
        self._pause: Path | None = None  # the file of a pause
        self._written = 0.0

    def looked(self, waiting: int, seconds: float) -> None:
        """The folders have been looked at, which took so long; so many files wait now."""
        self._looked, self._look_seconds, self._waiting = time.time(), seconds, waiting

    def tell(self, happening: Happening) -> None:
        """Take what happens to the files."""
        match happening:
            case Started(item, slot, attempt):
                self._working[slot] = str(item.source)
                self._waiting = max(0, self._waiting - (attempt == 1))
            case Ended(outcome, slot):
                self._working.pop(slot, None)
                self._counts[outcome.status] += 1
                self._last = {
                    "source": str(outcome.item.source),
                    "status": outcome.status,
                    "reason": outcome.reason,
                    "ended": _now(),
                }
            case Resting(_, until):
                self._until = until
            case Paused(file):
                self._pause = file
            case _:
                return
        self._write()

    def beat(self) -> None:
        """A sign of life; written now and then."""
        if time.monotonic() - self._written >= _EVERY:
            self._write()

    def close(self) -> None:
        """Say that it has ended by itself."""
        self._write(ended=True)

    def _rests(self) -> str:
        """How long no file is begun; "" where one may be."""
        if self._pause is not None and self._pause.exists():
            return f"as long as {self._pause} exists"
        if self._until is not None and datetime.now() < self._until:
            return f"until {self._until:%Y-%m-%dT%H:%M}"
        return ""

    def _write(self, ended: bool = False) -> None:
        """What cannot be written is let be: the work goes on, and the status grows old."""
        self._written = time.monotonic()
        with suppress(OSError):
            text = json.dumps(self._facts(ended), indent=1)
            atomic_write(self._path, text.encode() + b"\n")

    def _facts(self, ended: bool) -> dict[str, Any]:
        return {
            "schema": _SCHEMA,
            "host": platform.node(),
            "process": os.getpid(),
            "began": self._began,
            "alive": _now(),
            "ended": ended,
            "looked": None if self._looked is None else _instant(self._looked),
            "look_seconds": round(self._look_seconds, 3),
            "rests": self._rests(),
            "working": list(self._working.values()),
            "waiting": self._waiting,
            "done": self._counts["done"],
            "skipped": self._counts["skipped"],
            "failed": self._counts["failed"],
            "stopped": self._counts["stopped"],
            "last": self._last,
        }


def read_status(folder: Path) -> dict[str, Any]:
    """What the file of an output folder says. Raises InputError where there is none."""
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            status: dict[str, Any] = json.loads(file.read(_MOST_BYTES))
        if status["schema"] != _SCHEMA:
            raise ValueError
        amiss(status), status_text(status)
    except FileNotFoundError:
        raise InputError(f"{folder}: no watching batch writes here") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: is no status of vsr, or a damaged one") from None
    return status


def amiss(status: Mapping[str, Any]) -> str:
    """Why a watcher is not well, in one line; "" where it is."""
    silent, unseen = ago(status["alive"]), ago(status["looked"] or status["began"])
    most = max(_UNSEEN, _LOOKS * float(status["look_seconds"]))
    if status["ended"]:
        return f"the watcher has ended, {_text(silent)} ago"
    if silent > _SILENT:
        return f"no sign of life for {_text(silent)}"
    if status["working"] or status["rests"]:
        return ""
    if unseen > most:
        return f"the folders have not been looked at for {_text(unseen)}"
    return ""


def status_text(status: Mapping[str, Any]) -> str:
    """What a watcher is at, in one line."""
    looked = status["looked"]
    parts = [f"looked {_text(ago(looked))} ago" if looked else "has not looked as yet"]
    if status["rests"]:
        parts.append(f"rests {status['rests']}")
    parts.append(f"{len(status['working'])} in work, {status['waiting']:d} waiting")
    parts.append(", ".join(f"{status[name]:d} {name}" for name in ("done", "skipped", "failed")))
    if last := status["last"]:
        reason = f" ({last['reason']})" if last["reason"] else ""
        parts.append(f"last {last['source']}: {last['status']}{reason}, {last['ended']}")
    return one_line("; ".join(parts))


def ago(instant: str) -> float:
    """Seconds since then. Raises ValueError."""
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(instant)).total_seconds())


def _text(seconds: float) -> str:
    return counted(round(seconds), "second")


def _now() -> str:
    return _instant(time.time())


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
