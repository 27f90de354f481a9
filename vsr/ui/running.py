"""A job at work: its process, what it says, and how it is paused and ended."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

from vsr.util.text import one_line

from .child import Child
from .job import Job
from .progress import Lines, Pace, Stand
from .store import JobFolder

_NOTES = 50  # warnings that a job keeps
_AGAIN, _AT_ONCE = 10.0, 30.0  # seconds after which an end is asked for again, and then forced
_LIVE = 6  # times as long for what a live stream has left to write
_PIECE = 1 << 20  # bytes of a log that are read at once
_TAIL = 8192  # bytes of a log, in which its last line is looked for
_WARNING = "vsr: warning: "


def run_words(job: Job, folder: JobFolder) -> list[str]:
    """The words that run: those of the job, and what the server reads by."""
    own = ["--json"]
    if job.command == "upscale":
        own += ["--progress-preview", str(folder.frame)]
    if job.command == "batch":
        own += ["--report", str(folder.report)]
    return [job.command, *job.words, *own]


class Run:
    """A job's process and how far it is.

    Attributes:
        child: the process.
        stand: how far it is, as the page is told.
        moved: whether that has changed with the last news.
    """

    def __init__(self, folder: JobFolder, child: Child) -> None:
        self.child = child
        self.stand: dict[str, Any] | None = None
        self.moved = False
        self._folder = folder
        self._lines, self._pace = Lines(folder.events), Pace()
        self._files: int | None = None
        self._files_done = 0
        self._said = _Log(folder)
        self._asked_at: float | None = None
        self._forced = False

    def pause(self, job: Job) -> Job:
        """Let it rest.

        Work in segments ends after the one at work, and frees its memory; anything else is
        stopped as it is.
        """
        if job.resumable and job.command == "upscale":
            self.child.interrupt()
            return replace(job, asked="pause")
        self.child.hold()
        self._pace.restart()
        return replace(job, held=True)

    def release(self) -> None:
        """Let what was stopped go on."""
        self._pace.restart()
        self.child.release()

    def cancel(self, job: Job) -> Job:
        """Ask it to end; a live stream, when asked first, with what has come."""
        again = job.asked == "cancel"
        self._asked_at = time.monotonic()
        if job.live and not again:
            self.child.interrupt()
        else:
            self.child.end()
        if job.held:
            self.release()
        return replace(job, asked="cancel", held=False)

    def insist(self, job: Job) -> None:
        """Ask again for an end that does not come, and at last force it."""
        if job.asked != "cancel":
            return
        if self._asked_at is None:  # asked by an earlier server
            self._asked_at = time.monotonic() - _AGAIN
        since = (time.monotonic() - self._asked_at) / (_LIVE if job.live else 1)
        if since > _AT_ONCE:
            self.child.kill()
        elif since > _AGAIN and not self._forced:
            self._forced = True
            self.child.end()

    def news(self, job: Job) -> Job:
        """What the job is by what its process has said meanwhile."""
        self.moved, last = False, None
        for event in self._lines.new():
            self.moved = True
            if event.get("event") == "progress":
                last = event  # of many that come at once, as from before a server's start
                continue
            last = None
            job = self._heard(job, event)
        job = self._moved(job, last) if last else job
        notes = self._said.warnings()
        if notes:
            job = replace(job, notes=tuple(dict.fromkeys((*job.notes, *notes)))[:_NOTES])
        return job

    def why(self, code: int, some_failed: int) -> str:
        """Why it has failed, in one line."""
        if code < 0:
            return f"killed by signal {-code}; the memory may have been short"
        if code == some_failed and self._folder.report.exists():
            return "some of the files failed: see the report"
        return self._said.last() or f"ended with exit code {code}"

    def _heard(self, job: Job, event: dict[str, Any]) -> Job:
        match event:
            case {"event": "begun", "files": int(files)}:
                self._files = files
            case {"event": "started", "source": str(source)}:
                self._pace.restart()
                self._show(Stand(), source)
            case {"event": "ended"}:
                self._files_done += 1
                self._show(Stand(), None)
            case {"event": "result" | "done" | "summary"}:
                facts = {name: value for name, value in event.items() if name != "event"}
                return replace(job, result=facts)
        return job

    def _moved(self, job: Job, event: dict[str, Any]) -> Job:
        frames, expected, done = (event.get(name) for name in ("frames", "expected", "done"))
        if isinstance(done, int | float):
            self._show(self._pace.by_share(float(done)), None)
        if not isinstance(frames, int):
            return job
        stand = self._pace.stand(frames, expected if isinstance(expected, int) else None)
        self._show(stand, event.get("source"))
        resumable = bool(event.get("resumable"))
        return job if job.resumable == resumable else replace(job, resumable=resumable)

    def _show(self, stand: Stand, source: object) -> None:
        if self._files is not None or self._files_done or source is not None:
            file = None if source is None else str(source)
            stand = replace(stand, files=self._files, files_done=self._files_done, file=file)
        self.stand = asdict(stand)


class _Log:
    """What a process says on stderr, as far as it is of use."""

    def __init__(self, folder: JobFolder) -> None:
        self._path = folder.log
        self._at = 0  # what an earlier server has heard of it is heard again, and kept once
        self._rest = ""

    def warnings(self) -> list[str]:
        """Those that came since the last call."""
        if self._size() <= self._at:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read(_PIECE)
        except OSError:  # with the next call
            return []
        self._at += len(data)
        *lines, self._rest = (self._rest + data.decode(errors="replace")).split("\n")
        return [
            one_line(line.removeprefix(_WARNING), 500)
            for line in lines
            if line.startswith(_WARNING)
        ]

    def last(self) -> str:
        """The last line that says something."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - _TAIL))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        words = next((line for line in reversed(lines) if line.strip()), "")
        for prefix in ("vsr: error: ", "vsr: ", "Error: "):
            words = words.removeprefix(prefix)
        return one_line(words, 500)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0
