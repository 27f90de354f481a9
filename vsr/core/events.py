"""What a run tells on its way: warnings, notes, progress, frames. And the signal to stop."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import TypeAlias

from vsr.core.frame import Frame, VideoInfo

Warn: TypeAlias = Callable[[str], None]
"""Takes a warning of one line."""


def once(warn: Warn) -> Warn:
    """Warn of the same only once."""
    said: set[str] = set()

    def tell(line: str) -> None:
        if line not in said:
            said.add(line)
            warn(line)

    return tell


_HINT = re.compile(r" \(--[^()]*\)$")


def without_hints(warn: Warn) -> Warn:
    """Warn without the options that a warning ends with: for who has none of them."""
    return lambda line: warn(_HINT.sub("", line))


def ignore(*_told: object) -> None:
    """Takes what nobody wants to know."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        frames: handed to the encoder, or done by an earlier run.
        expected: how many there should be in all, as the header says.
        resumable: whether what is done would outlast the end of this run.
    """

    frames: int
    expected: int | None
    resumable: bool = False


@dataclass(frozen=True)
class Reporter:
    """Who is told of a run as it goes, and how it is stopped. `Reporter()` tells nobody.

    Attributes:
        warn: takes warnings.
        note: takes what is worth knowing and no warning, in one line.
        progress: takes, after each frame, how far the run is.
        frame: takes each finished frame, and what holds for it; it must leave it as it is.
        stop: once it is set, a live stream ends well, and work in segments after the one at work.
    """

    warn: Warn = ignore
    note: Callable[[str], None] = ignore
    progress: Callable[[Progress], None] = ignore
    frame: Callable[[Frame, VideoInfo], None] = ignore
    stop: Event = field(default_factory=Event)
