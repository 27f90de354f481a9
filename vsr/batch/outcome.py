"""What a batch is told to do, what it says on the way, and what became of each file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from vsr.core.events import Progress
from vsr.core.hours import Hours

Status: TypeAlias = Literal["done", "skipped", "failed", "stopped"]


@dataclass(frozen=True)
class Item:
    """One file to do.

    Attributes:
        source: what is read.
        target: what is written.
        sidecars: whether subtitles and the like beside the source are copied beside the target.
        own: options that this file has of its own, as names in `vsr.UpscaleOptions` and values;
            they go before those of the batch.
    """

    source: Path
    target: Path
    sidecars: bool = False
    own: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        item: the file.
        status: "done" now; "skipped", as it was done before in the same way; "failed"; or
            "stopped" on request, so that another run goes on with it.
        reason: why it was not done, in one line; "" where it was.
        seconds: wall time of all attempts.
        attempts: how often it was begun, at least 1.
        warnings: how many were told in the last attempt.
        facts: of the result, as `vsr.Result.facts` gives them, or of the record of the run that
            did a skipped file; empty otherwise.
    """

    item: Item
    status: Status
    reason: str = ""
    seconds: float = 0.0
    attempts: int = 1
    warnings: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Frames written by this run."""
        return int(self.facts.get("frames_out", 0)) if self.status == "done" else 0


@dataclass(frozen=True)
class Started:
    """A worker has begun a file.

    Attributes:
        item: the file.
        slot: the worker's number, from 0 on and below the number of jobs.
        attempt: 1, and more when it is tried again.
    """

    item: Item
    slot: int
    attempt: int


@dataclass(frozen=True)
class Moved:
    """A worker is so far with its file; told a few times a second.

    Attributes:
        item: the file.
        slot: the worker's number.
        progress: frames of this file.
    """

    item: Item
    slot: int
    progress: Progress


@dataclass(frozen=True)
class Warned:
    """Something to know about a file.

    Attributes:
        item: the file.
        message: one line.
    """

    item: Item
    message: str


@dataclass(frozen=True)
class Ended:
    """A file has come to its end.

    Attributes:
        outcome: which.
        slot: the number of the worker that is free now.
    """

    outcome: Outcome
    slot: int


@dataclass(frozen=True)
class Stopping:
    """No further file is begun.

    Attributes:
        running: how many files are on their way to a good end.
    """

    running: int


@dataclass(frozen=True)
class Resting:
    """No further file is begun until the hours of work begin; told once for each rest.

    Attributes:
        hours: those of the options.
        until: when that is, in local time.
    """

    hours: Hours
    until: datetime


@dataclass(frozen=True)
class Paused:
    """No further file is begun, and those in work rest, while a file exists; told once each time.

    Attributes:
        file: that one.
    """

    file: Path


Happening: TypeAlias = Started | Moved | Warned | Ended | Stopping | Resting | Paused
