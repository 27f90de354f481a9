"""What became of each file of a batch, as a table for programs."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from vsr.batch.outcome import Outcome
from vsr.core.errors import OutputError, writing
from vsr.core.parts import is_part_list
from vsr.core.paths import check_output
from vsr.util.atomic import atomic_write

COLUMNS = (
    "source",
    "target",
    "status",
    "reason",
    "attempts",
    "seconds",
    "frames",
    "fps",
    "warnings",
    "source_sha256",
    "output_sha256",
    "sidecars",
    "stood_still",
    "camera",
)
SUFFIXES = (".json", ".csv")

_FIRST = ",".join(COLUMNS[: COLUMNS.index("sidecars")])  # of any report; some end here
_HEAD = 4096  # bytes by which a report is known
_REST = 20  # times as long as a report took to write until it is written again


def row(outcome: Outcome) -> dict[str, Any]:
    """One file, by `COLUMNS`, as plain numbers and strings; None where it is not known."""
    facts, is_joined = outcome.facts, is_part_list(outcome.item.source)
    return {
        "source": str(outcome.item.source),
        "target": str(outcome.item.target),
        "status": outcome.status,
        "reason": outcome.reason,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 3),
        "frames": facts.get("frames_out"),
        "fps": facts.get("fps"),
        "warnings": outcome.warnings,
        "source_sha256": facts.get("source_sha256"),
        "output_sha256": facts.get("output_sha256"),
        "sidecars": "; ".join(facts.get("sidecars", [])),
        "stood_still": facts.get("stood_still"),
        "camera": outcome.item.source.absolute().parent.name if is_joined else None,
    }


def write_report(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write a row for each file to a .json or .csv file, which is whole at any moment.

    Raises OutputError where the suffix is neither or the file cannot be written.
    """
    rows = [row(outcome) for outcome in outcomes]
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"{path}: a report is {' or '.join(SUFFIXES)}")
    text = _json(rows) if suffix == ".json" else _csv(rows)
    with writing(path):
        # File names may hold bytes that are no text: they are written as they are.
        atomic_write(path, text.encode("utf-8", "surrogateescape"))


class KeptReports:
    """Reports that are brought up to date as long as a batch runs.

    Each is written whole, which takes the longer the more files it tells of. So they are written at
    once where that is quick, and else after a rest: at most a twentieth of the time goes into them.

    Attributes:
        outcomes: what was added, in that order.

    Args:
        paths: what is written, at first without rows. Raises OutputError where that cannot be.
        warn: told of what cannot be written later.
    """

    def __init__(self, paths: Sequence[Path], warn: Callable[[OutputError], None]) -> None:
        self._paths, self._warn = paths, warn
        self.outcomes: list[Outcome] = []
        self._told, self._rested = 0, 0.0
        for path in paths:
            write_report(path, [])

    def add(self, outcome: Outcome) -> None:
        """Tell of one file more."""
        self.outcomes.append(outcome)
        self.beat()

    def beat(self) -> None:
        """Write what is not told yet, unless it has to rest. To be called again and again."""
        began = time.monotonic()
        if self._told == len(self.outcomes) or began < self._rested:
            return
        self._told = len(self.outcomes)
        for path in self._paths:
            try:
                write_report(path, self.outcomes)
            except OutputError as error:
                self._warn(error)
        now = time.monotonic()
        self._rested = now + _REST * (now - began)


def check_report(path: Path, overwrite: bool, sources: Iterable[Path]) -> None:
    """Raise OutputError where no report of a batch of `sources` may be written to `path`.

    A report that is there is brought up to date, any other file replaced with `overwrite` alone.
    """
    check_output(path, overwrite or _is_report(path), sources)


def _is_report(path: Path) -> bool:
    """Whether a file is one that `write_report` has made."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD).decode(errors="replace")
    except OSError:
        return False
    if path.suffix.lower() == ".json":
        return start.split() == ["[]"] or start.split()[:3] == ["[", "{", f'"{COLUMNS[0]}":']
    return start.startswith(_FIRST)


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, indent=2) + "\n"


def _csv(rows: list[dict[str, Any]]) -> str:
    text = StringIO()
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
