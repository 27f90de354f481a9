"""Parts lists of clips, as joining makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vsr.core.parts import SUFFIX, Part, PartList, write_parts
from vsr.provenance.fingerprint import fingerprint
from vsr.video.joined import measure
from vsr.video.open import open_input


def part(path: Path, start: int, begins: str = "2026-11-28T22:00:00Z") -> Part:
    """A clip that starts at a microsecond of the joined clock, or at the next that is possible."""
    with open_input(path) as container:
        measured = measure(container, path)
    start = measured.placed(start) if start else 0
    known = fingerprint(path)
    length = -(-measured.length.numerator * 10**6 // measured.length.denominator)
    facts = (measured.frames, measured.format, known.size, known.modified, known.sha256)
    return Part(str(path), begins, start, length, *facts)


def listed(folder: Path, paths: Sequence[Path], starts: Sequence[int]) -> Path:
    """A list of clips that start at these microseconds."""
    path = folder / f"list{SUFFIX}"
    parts = [part(clip, start) for clip, start in zip(paths, starts, strict=True)]
    write_parts(path, PartList("door", "gap 60 s, 1 hour", tuple(parts)))
    return path
