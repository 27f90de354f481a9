"""How far a job is, by the JSON lines of its command."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_PIECE = 1 << 20  # bytes that are read at once
_SPAN = 30.0  # seconds by which the pace is measured
_PARTS = 10_000  # in which a share of all work is counted
_FEWEST = 1.0  # seconds, below which a pace is a guess


@dataclass(frozen=True)
class Stand:
    """How far a job is.

    Attributes:
        frames, expected: done, and in all, as the header says; None where it does not.
        fps: frames a second in the last half minute; None where they are too few to tell.
        seconds_left: to the end at that pace.
        files, files_done: of a batch; None where it is none, or keeps coming.
        file: of a batch: the one at work.
        share: of all work that is done, in 0..1; None where frames tell it.
    """

    frames: int = 0
    expected: int | None = None
    fps: float | None = None
    seconds_left: float | None = None
    files: int | None = None
    files_done: int | None = None
    file: str | None = None
    share: float | None = None


class Lines:
    """The JSON lines that are added to a file, each given once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at, self._rest = 0, b""

    def new(self) -> Iterator[dict[str, Any]]:
        """The objects that came since the last call; a line that is not whole yet waits.

        Raises OSError where the file cannot be opened now; nothing is lost then.
        """
        try:
            if self._path.stat().st_size <= self._at:
                return
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._at)
            while data := file.read(_PIECE):
                self._at += len(data)
                yield from self._objects(data)

    def _objects(self, data: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _PIECE:  # no line of vsr's
            self._rest = b""
        for line in lines:
            found = _object(line)
            if found is not None:
                yield found


class Pace:
    """Frames a second over the last half minute, and so the time that is left."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def restart(self) -> None:
        """What was before counts no more: another file, or a stop."""
        self._seen.clear()

    def by_share(self, done: float, now: float | None = None) -> Stand:
        """How far it is with such a share of all work done, in 0..1."""
        stand = self.stand(round(done * _PARTS), _PARTS, now)
        return replace(stand, frames=0, expected=None, fps=None, share=done)

    def stand(self, frames: int, expected: int | None, now: float | None = None) -> Stand:
        """How far it is with so many frames done."""
        clock = time.monotonic() if now is None else now
        if self._seen and frames < self._seen[-1][1]:
            self.restart()
        self._seen.append((clock, frames))
        while clock - self._seen[0][0] > _SPAN and len(self._seen) > 2:
            self._seen.popleft()
        since, before = self._seen[0]
        span = clock - since
        fps = (frames - before) / span if span >= _FEWEST and frames > before else None
        left = None
        if fps and expected and expected >= frames:
            left = (expected - frames) / fps
        return Stand(frames, expected, _round(fps), _round(left))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
