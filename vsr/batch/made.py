"""Which files an output was joined of, by its record."""

from __future__ import annotations

from pathlib import Path

from vsr.core.errors import OutputError
from vsr.provenance.sidecar import read_record, record_path


def made_of(target: Path) -> tuple[tuple[str, str], ...] | None:
    """The path and the SHA-256 of each part of an output, in their order.

    None where there is no output, or no record that tells of parts.
    """
    if not target.exists():
        return None
    try:
        record = read_record(record_path(target))
    except OutputError:
        return None
    if record is None:
        return None
    try:
        return tuple((part["path"], part["sha256"]) for part in record["source"]["parts"])
    except (LookupError, TypeError):
        return None
