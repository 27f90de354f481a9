"""Whether a file stays as it is while it is read: libav takes an early end for the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from av.video.frame import VideoFrame

from vsr.core.damage import Tally
from vsr.core.parts import is_part_list, read_parts
from vsr.core.url import Url


@dataclass(frozen=True)
class FileState:
    """A file at one moment.

    Attributes:
        size: in bytes.
        modified: when it was written last, in nanoseconds since 1970.
    """

    size: int
    modified: int


def state_of(path: Path | Url) -> FileState | None:
    """The file as it is, or the parts of a list; None for an address, and where it is gone.

    It may be gone while it is open. What is left of a list's parts is smaller.
    """
    file = path.file if isinstance(path, Url) else path
    if file and is_part_list(file):
        return FileState(*read_parts(file).state)
    try:
        facts = file.stat() if file else None
    except OSError:
        return None
    return FileState(facts.st_size, facts.st_mtime_ns) if facts else None


def watched(
    frames: Iterator[VideoFrame],
    path: Path | Url,
    before: FileState | None,
    tally: Tally,
    promised: int | None,
) -> Iterator[VideoFrame]:
    """The frames; at their end, what has become of the file since `before` is counted.

    `promised` is how many frames its header lets one expect.
    """
    come = 0
    for frame in frames:
        come += 1
        yield frame
    after = state_of(path)
    if before is None or after is None or after == before:
        return
    if after.size < before.size:
        tally.add("cut_bytes", before.size - after.size)
    else:
        tally.add("rewritten")
    tally.add("absent", max(0, (promised or 0) - come))
