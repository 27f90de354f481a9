"""Observers of a run: warnings, progress, finished frames, and the signal to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from vsr.core.frame import Frame, VideoInfo


@dataclass(frozen=True)
class Observer:
    """How a run is watched and stopped.

    Attributes:
        on_warning: takes warnings.
        moved: told, after each frame, how many are written and how many to expect.
        stop: once it is set, a live stream ends well, and work in segments after the one at work.
        on_frame: takes each finished frame, and what holds for it; it must leave it as it is.
    """

    on_warning: Callable[[str], None]
    moved: Callable[[int, int | None], None]
    stop: Event | None = None
    on_frame: Callable[[Frame, VideoInfo], None] | None = None
