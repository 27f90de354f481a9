"""The process of a job: begun, found again, told to stop, to go on or to end."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from . import keeper
from .store import JobFolder

_GONE = (FileNotFoundError, NotADirectoryError)
_STARTING = 3.0  # seconds until a process that was just begun can be told something


class Child:
    """A job's process, whether this server began it or another one.

    Args:
        folder: of the job.
        keeper: the number of the keeper's process, where this server began it.
    """

    def __init__(self, folder: JobFolder, keeper: int | None = None) -> None:
        self._folder, self._keeper = folder, keeper

    def runs(self) -> bool:
        """Whether it has not ended. Raises OSError as `is_locked`."""
        if self._keeper is not None:
            ended, _ = os.waitpid(self._keeper, os.WNOHANG)
            if not ended:
                return True
            self._keeper = None  # the command may outlast its keeper, or be another server's
        return is_locked(self._folder.lock)

    def code(self) -> int | None:
        """With what it has ended; None where nobody knows, as after a power cut.

        Raises OSError where that cannot be read now.
        """
        try:
            code = json.loads(self._folder.exit.read_bytes())["code"]
        except (*_GONE, ValueError, LookupError, TypeError):
            return None
        return code if isinstance(code, int) else None

    def interrupt(self) -> None:
        """Ask the command to stop at a good place, as Ctrl-C does."""
        self._tell(signal.SIGINT)

    def end(self) -> None:
        """Ask it to stop at once, in good order."""
        self._tell(signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it has begun."""
        self._tell_all(signal.SIGKILL)

    def hold(self) -> None:
        """Stop it as it is."""
        self._tell_all(signal.SIGSTOP)

    def release(self) -> None:
        """Let what was held go on."""
        self._tell_all(signal.SIGCONT)

    def _tell(self, number: int) -> None:
        process, _ = self._numbers()
        if process and self.runs():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _tell_all(self, number: int) -> None:
        _, group = self._numbers()
        if group and self.runs():
            with suppress(ProcessLookupError):
                os.killpg(group, number)

    def _numbers(self) -> tuple[int, int]:
        """The process and its group; 0 where it has ended before they were known."""
        until = time.monotonic() + _STARTING
        while not (found := self._noted())[0] and self.runs() and time.monotonic() < until:
            time.sleep(0.02)
        return found

    def _noted(self) -> tuple[int, int]:
        try:
            facts = json.loads(self._folder.process.read_bytes())
            process, group = int(facts["process"]), int(facts["group"])
        except (OSError, ValueError, LookupError, TypeError):
            return 0, 0
        return (process, group) if process > 1 and group > 1 else (0, 0)


def clear(folder: JobFolder) -> None:
    """Forget what an earlier process of a job has told, and how it has ended."""
    for path in (folder.exit, folder.process, folder.events, folder.frame):
        path.unlink(missing_ok=True)


def begin(folder: JobFolder, words: Sequence[str]) -> Child:
    """Start a job's process, which goes on when this one ends. `clear` comes first."""
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    number = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", str(Path(keeper.__file__)), str(folder.path), *words],
        os.environ,
        file_actions=nowhere,
        setsid=True,
    )
    return Child(folder, number)


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock of a file.

    Raises OSError where that cannot be told now, as with too many open files: a process that runs
    must not be taken for one that has ended.
    """
    try:
        number = os.open(path, os.O_RDWR)
    except _GONE:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(number)
    return False
