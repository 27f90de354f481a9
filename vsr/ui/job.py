"""A job: a command line, where it stands, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from .names import shell_line, to_text

State: TypeAlias = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")

LEAST, MOST = -100, 100  # priorities


@dataclass(frozen=True)
class Job:
    """One job, as it is kept in its folder.

    Attributes:
        id: ascending with the time at which it was made.
        command: of vsr.
        words: what follows the command, with absolute paths.
        sources, target: as the page writes them; a target of "" is none.
        live: whether the source is an address, which cannot be sought.
        priority: the highest begins first; of equals the oldest.
        state: where it stands. A paused one may still be about to stop: see `asked`.
        asked: "pause" or "cancel" while a process has been told so and still runs.
        held: whether its process is stopped as it is, and goes on from there.
        resumable: whether what is done would outlast the process's end.
        made, begun, ended: seconds since 1970; None where it has not come to that.
        attempts: how often it was begun.
        notes: the warnings so far.
        error: why it failed, in one line.
        result: what the command told at its end.
    """

    id: str
    command: str
    words: tuple[str, ...]
    sources: tuple[str, ...]
    target: str
    live: bool = False
    priority: int = 0
    state: State = "queued"
    asked: str = ""
    held: bool = False
    resumable: bool = False
    made: float = 0.0
    begun: float | None = None
    ended: float | None = None
    attempts: int = 0
    notes: tuple[str, ...] = ()
    error: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def line(self) -> str:
        """As it is typed in a shell, but for an address's password."""
        words = (*self.sources, *self.words[1:]) if self.live else self.words
        return shell_line(["vsr", self.command, *words])

    @property
    def watches(self) -> bool:
        """Whether it is a batch that waits for more files, and so never ends by itself."""
        return self.command == "batch" and "--watch" in self.words

    def kept(self) -> dict[str, Any]:
        """All of it, for the folder."""
        return asdict(self)

    @cached_property
    def told(self) -> Mapping[str, Any]:
        """What the page is told; made once, as pages ask for all jobs again and again."""
        facts = asdict(self)
        del facts["words"]
        facts["line"] = to_text(self.line)
        facts["source"] = self.sources[0]
        facts["notes"] = [to_text(note) for note in self.notes]
        facts["error"] = to_text(self.error) or None
        return facts


def read_job(facts: Mapping[str, Any]) -> Job:
    """A job as `kept` wrote it. Raises TypeError, ValueError or LookupError for anything else."""
    known = {field.name for field in fields(Job)}
    values = {name: value for name, value in facts.items() if name in known}
    for name in ("words", "sources", "notes"):
        values[name] = tuple(map(str, values[name]))
    job = Job(**values)
    if job.state not in STATES or not isinstance(job.id, str):
        raise ValueError(f"state {job.state!r}")
    return job
