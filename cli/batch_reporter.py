"""What `vsr batch` shows of a run: to people on stderr, to programs on stdout, and in reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vsr import OutputError
from vsr.batch.outcome import (
    Ended,
    Happening,
    Item,
    Moved,
    Outcome,
    Paused,
    Resting,
    Started,
    Stopping,
    Warned,
)
from vsr.batch.report import KeptReports, row
from vsr.batch.status import StatusFile
from vsr.core.hours import resting
from vsr.core.parts import is_part_list

from .output.messages import event
from .output.table import line_of
from .progress import Bars, Lines


class Reporter:
    """Shows what happens, as bars and lines on stderr or as JSON on stdout, and keeps reports."""

    def __init__(
        self,
        total: int | None,
        reports: Sequence[Path],
        as_json: bool,
        quiet: bool,
        status: StatusFile | None = None,
    ) -> None:
        self._as_json, self._quiet = as_json, quiet
        self._status, self._frames = status, 0
        self._reports = KeptReports(reports, self._warn)  # where that cannot be, no work is begun
        wanted = not (as_json or quiet)
        self._bars, self._lines = Bars(total, wanted), Lines(wanted)

    @property
    def outcomes(self) -> list[Outcome]:
        """Of the files that have ended so far."""
        return self._reports.outcomes

    def tell(self, happening: Happening) -> None:
        """Show it."""
        if self._as_json:
            _tell_programs(happening)
        else:
            self._tell_people(happening)
        if self._status:
            self._status.tell(happening)
        if isinstance(happening, Ended):
            self._reports.add(happening.outcome)

    def beat(self) -> None:
        """See to what has to be written now and then."""
        self._reports.beat()
        if self._status:
            self._status.beat()

    def close(self) -> None:
        """Take the bars away, and leave word for who asks how it is."""
        self._bars.close()
        if self._status:
            self._status.close()

    def _tell_people(self, happening: Happening) -> None:
        match happening:
            case Started(item, slot):
                self._bars.start(slot, _name_of(item.source))
                self._lines.start(str(item.source))
            case Moved(item, slot, progress):
                self._bars.move(slot, progress)
                self._lines.progress(progress, str(item.source))
            case Warned(item, message):
                self._bars.write(f"vsr: {item.source}: warning: {message}")
            case Ended(outcome, slot):
                self._frames += outcome.frames
                self._bars.end(slot, self._frames)
                said = ("failed",) if self._quiet else ("done", "failed", "stopped")
                if outcome.status in said:
                    self._bars.write(f"vsr: {line_of(outcome)}")
            case Resting(hours, until):
                self._bars.write(f"vsr: {resting(hours, until)}")
            case Paused(file):
                self._bars.write(f"vsr: paused as long as {file} exists")
            case Stopping(running):
                rest = f"; {running} in work come to a good end, or at once by another Ctrl-C"
                self._bars.write(
                    f"vsr: stopping: no further file is begun{rest if running else ''}"
                )

    def _warn(self, error: OutputError) -> None:
        self._bars.write(f"vsr: warning: {error}")


def _tell_programs(happening: Happening) -> None:
    match happening:
        case Started(item, slot, attempt):
            event("started", _paths(item) | {"slot": slot, "attempt": attempt})
        case Moved(item, _, progress):
            frames = {"frames": progress.frames, "expected": progress.expected}
            event("progress", {"source": item.source, **frames})
        case Warned(item, message):
            event("warning", {"source": item.source, "message": message})
        case Ended(outcome):
            event("ended", row(outcome))
        case Resting(_, until):
            event("resting", {"until": until.isoformat(timespec="minutes")})
        case Paused(file):
            event("paused", {"file": file})
        case Stopping(running):
            event("stopping", {"running": running})


def _name_of(source: Path) -> str:
    """A file's name in a bar: of several cameras' parts lists, the camera's with it."""
    if is_part_list(source):
        return f"{source.absolute().parent.name}/{source.name}"
    return source.name


def _paths(item: Item) -> dict[str, object]:
    return {"source": item.source, "target": item.target}
