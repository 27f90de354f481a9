"""Jobs on the disk: a folder each, which outlasts the server and holds all that is known of one."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vsr.core.events import Warn, ignore
from vsr.util.atomic import atomic_write

from .job import Job, read_job

_ID = re.compile(r"[0-9a-f]{12}-[0-9a-f]{6}", re.ASCII)
_LOG_PIECE = 64 * 1024  # bytes of a log that one answer holds


@dataclass(frozen=True)
class JobFolder:
    """Where a job is kept. The process of a job writes into it by itself.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def job(self) -> Path:
        """The job, as JSON."""
        return self.path / "job.json"

    @property
    def events(self) -> Path:
        """The JSON lines of the command."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """What it has said on stderr."""
        return self.path / "log.txt"

    @property
    def frame(self) -> Path:
        """The frame that was finished last."""
        return self.path / "frame.jpg"

    @property
    def report(self) -> Path:
        """What became of each file of a batch."""
        return self.path / "report.json"

    @property
    def process(self) -> Path:
        """Who runs: the numbers of the process and of its group."""
        return self.path / "process.json"

    @property
    def exit(self) -> Path:
        """With what it has ended."""
        return self.path / "exit.json"

    @property
    def lock(self) -> Path:
        """Locked as long as it runs."""
        return self.path / "lock"


class JobStore:
    """The folders of all jobs.

    Args:
        folder: holds them, and is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._last = 0

    def folder(self, job_id: str) -> JobFolder:
        """The folder of a job."""
        return JobFolder(self._folder / job_id)

    def new_id(self) -> str:
        """An id behind all that were given so far."""
        self._last = max(self._last + 1, int(time.time() * 1000))
        return f"{self._last:012x}-{secrets.token_hex(3)}"

    def save(self, job: Job) -> None:
        """Keep a job as it is now, for good. Raises OSError."""
        place = self.folder(job.id)
        place.path.mkdir(mode=0o700, exist_ok=True)
        atomic_write(place.job, json.dumps(job.kept(), indent=1).encode(), durable=True)

    def load(self, warn: Warn = ignore) -> Iterator[Job]:
        """All jobs, the oldest first. What cannot be read is told, and left where it is."""
        for entry in sorted(self._folder.iterdir()):
            if not _ID.fullmatch(entry.name):
                continue
            try:
                job = read_job(json.loads((entry / "job.json").read_bytes()))
                if job.id != entry.name:
                    raise ValueError("another job's")
            except FileNotFoundError:  # it was being made when the server was killed
                shutil.rmtree(entry, ignore_errors=True)
                continue
            except (OSError, TypeError, ValueError, LookupError, AttributeError) as error:
                warn(f"{entry}: is no job that can be read ({error})")
                continue
            self._last = max(self._last, int(entry.name[:12], 16))
            yield job

    def remove(self, job_id: str) -> None:
        """Forget a job; what it has made stays."""
        place = self.folder(job_id)
        place.job.unlink(missing_ok=True)  # first: what is left without it is no job
        shutil.rmtree(place.path, ignore_errors=True)

    def log(self, job_id: str, start: int) -> tuple[str, int, int]:
        """What was said from a byte on, the byte behind that, and how many there are."""
        try:
            with self.folder(job_id).log.open("rb") as file:
                whole = file.seek(0, 2)
                file.seek(min(max(start, 0), whole))
                begin = file.tell()
                data = file.read(_LOG_PIECE)
        except FileNotFoundError:
            return "", 0, 0
        text = data.decode(errors="replace")
        return text, begin + len(data), whole
