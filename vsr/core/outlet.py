"""Standard output and other pipes as something to write a video into, as it is made."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from vsr.core.errors import OutputError
from vsr.core.inlet import STANDARD, InterruptedPipeError, is_pipe, open_descriptor
from vsr.core.paths import is_same

SUFFIX_OF = {"y4m": ".y4m", "nut": ".nut", "mpegts": ".ts", "matroska": ".mkv"}
"""What can be written as it is made, and the suffix of files of that kind."""

_TICK = 0.1  # seconds between looks at whether to stop
_AT_ONCE = getattr(select, "PIPE_BUF", 512)  # bytes that a pipe takes without having one wait
_STDOUT, _STDERR = 1, 2


def leads_out(target: Path) -> bool:
    """Whether a target is standard output, another open descriptor or a pipe, and no file.

    A descriptor is told by its name: while /dev/stdout is written, it leads to standard error.
    """
    return _descriptor(target) is not None or is_pipe(target)


def check_outlet(target: Path, inputs: Iterable[Path] = ()) -> None:
    """Raise OutputError for a terminal, which shows no video, and for what is not open.

    Likewise for a descriptor that leads to one of `inputs`, as with `>> in.mkv`.
    """
    number = _descriptor(target)
    if number == _STDOUT and sys.__stdout__ is None:  # another file may have its number by now
        raise OutputError(f"{target}: standard output is closed; name a file, or leave it open")
    if number is not None and os.isatty(number):
        raise OutputError(
            f"{target}: standard output is a terminal; pipe it into what reads a video, or name a "
            "file"
        )
    if number is not None and _leads_to(number, inputs):
        raise OutputError(f"{target}: leads to the input itself; choose another name")


def as_file(target: Path, output_format: str) -> Path:
    """A file's name of the kind that is written into a pipe: by its suffix all else goes.

    "auto" is what the pipe's own suffix says, or y4m. Raises OutputError for another suffix.
    """
    if output_format != "auto":
        return Path(f"{target.name}{SUFFIX_OF[output_format]}")
    suffix = target.suffix.lower() or SUFFIX_OF["y4m"]
    if suffix not in SUFFIX_OF.values():
        raise OutputError(
            f"{target}: {suffix} cannot be written into a pipe",
            hint=f"--output-format says which of {', '.join(SUFFIX_OF)} goes there",
            python="output_format='nut'",
        )
    return Path(f"{target.stem}{suffix}")


class Outlet:
    """A pipe that is written into, as libav's muxers do: a file without a place to go to."""

    def __init__(self, target: Path, number: int) -> None:
        self.name = str(target)
        self._number = number
        self._given_up = Event()
        self._failed = False

    def write(self, data: bytes) -> int:
        """Write all of it, waiting for its reader.

        Raises OutputError once where the reader has gone; from then on, and once it was given up,
        nothing is written.
        """
        rest = memoryview(data)
        try:
            while rest and not (self._failed or self._given_up.is_set()):
                rest = rest[self._written(rest) :]
        except OSError as error:
            self._failed = True
            gone = error.errno == errno.EPIPE
            why = "its reader has closed it" if gone else f"cannot be written ({error.strerror})"
            raise OutputError(f"{self.name}: {why} before all was written") from None
        except KeyboardInterrupt:  # libav lets nothing but Exceptions through
            self._failed = True
            raise InterruptedPipeError from None
        return len(data)

    def give_up(self) -> None:
        """Have whoever waits for the reader write no more."""
        self._given_up.set()

    def _written(self, data: memoryview) -> int:
        """Write what the pipe takes within a moment, and tell how many bytes that were."""
        if hasattr(select, "poll"):
            waiting = select.poll()
            waiting.register(self._number, select.POLLOUT)
            if not waiting.poll(_TICK * 1000):
                return 0
        with suppress(BlockingIOError):
            return os.write(self._number, data[:_AT_ONCE])
        return 0


@contextmanager
def open_outlet(target: Path, patience: float) -> Iterator[Outlet]:
    """Open a pipe for writing. A FIFO is waited for until somebody reads it.

    Meanwhile what anybody prints to standard output goes to standard error, where the video is
    written there. Raises OutputError, at the latest after `patience` seconds without a reader.
    """
    number = _descriptor(target)
    opened = _opened(target, patience) if number is None else _copy_of(number, target)
    if number == _STDOUT:
        sys.stdout.flush()
        os.dup2(_STDERR, _STDOUT)
    try:
        yield Outlet(target, opened)
    finally:
        if number == _STDOUT:
            sys.stdout.flush()
            os.dup2(opened, _STDOUT)
        os.close(opened)


def _descriptor(target: Path) -> int | None:
    return _STDOUT if str(target) == STANDARD else open_descriptor(target)


def _leads_to(number: int, files: Iterable[Path]) -> bool:
    try:
        facts = os.fstat(number)
    except OSError:  # it is not open: that is told where it is opened
        return False
    return stat.S_ISREG(facts.st_mode) and any(is_same(facts, file) for file in files)


def _copy_of(number: int, target: Path) -> int:
    try:
        return os.dup(number)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})") from None


def _opened(target: Path, patience: float) -> int:
    waited = 0.0
    while True:
        try:
            return os.open(target, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                why = f"cannot be written ({error.strerror})"
                raise OutputError(f"{target}: {why}") from None
            if waited >= patience:
                raise OutputError(f"{target}: nobody has read it for {patience:g} s") from None
        time.sleep(_TICK)
        waited += _TICK
