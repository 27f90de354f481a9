"""Standard input and other pipes as something to read once, whose beginning can be looked at."""

from __future__ import annotations

import os
import re
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from vsr.core.errors import InputError
from vsr.core.threads import stalled

STANDARD = "-"
"""What standard input and standard output are called."""

_TICK = 0.1  # seconds between looks at whether to stop
_MOST_LOOKED_AT = 512 << 20  # bytes of the beginning that are kept until reading begins
_OPEN = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


class InterruptedPipeError(Exception):
    """KeyboardInterrupt on its way through libav, which lets nothing but Exceptions through."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Make a KeyboardInterrupt again of what one was turned into on its way through libav."""
    try:
        yield
    except InterruptedPipeError:
        raise KeyboardInterrupt from None


def is_pipe(path: Path) -> bool:
    """Whether a path is a FIFO, or an open pipe or socket of this process such as /dev/fd/63."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or (stat.S_ISSOCK(mode) and open_descriptor(path) is not None)


def open_descriptor(path: Path) -> int | None:
    """The open descriptor of this process that a path stands for; None for any other path."""
    standard = {"-": 0, "/dev/stdin": 0, "/dev/stdout": 1}.get(str(path))
    found = _OPEN.fullmatch(str(path))
    return int(found[1]) if found else standard


class Inlet:
    """The bytes of a pipe. `look` reads its beginning, as often as wanted; `take` all of it, once.

    Attributes:
        patience: seconds without a byte after which StalledError is raised.
        stop: once it is set, the bytes end.
        came: how many bytes have come.
        is_over: whether they have ended, as their writer has closed the pipe.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._number: int | None = None
        self._head = bytearray()
        self._given_up = Event()
        self.is_over = False
        self.patience = 300.0
        self.stop = Event()
        self.came = 0

    @property
    def file(self) -> Path | None:
        """A path to the file that a descriptor leads to, as with `< in.mkv`; None for a pipe."""
        number = open_descriptor(self._path)
        path = Path(f"/dev/fd/{number}")
        return path if number is not None and path.is_file() else None

    def check(self) -> None:
        """Raise InputError for a terminal, from which no video comes."""
        number = open_descriptor(self._path)
        if number is not None and os.isatty(number):
            raise InputError(
                f"{self._path}: standard input is a terminal; pipe a video into it, or name a file"
            )

    def look(self) -> Bytes:
        """The bytes from the beginning on, up to a limit. They stay for who reads next."""
        return Bytes(self, keeps=True)

    def take(self) -> Bytes:
        """All bytes from the beginning on."""
        return Bytes(self, keeps=False)

    def give_up(self) -> None:
        """Have whoever waits for bytes get no more."""
        self._given_up.set()

    def close(self) -> None:
        """Let go of the pipe, so that who writes into it learns that nobody reads."""
        if self._number is not None:
            os.close(self._number)
        self._number, self.is_over = None, True

    def kept(self, begin: int, size: int) -> bytes:
        """Up to so many bytes of the beginning, of what has come of it."""
        return bytes(self._head[begin : begin + size])

    def forget(self) -> None:
        """Keep the beginning no longer."""
        self._head.clear()

    def more(self, size: int, keeps: bool) -> bytes:
        """Up to so many bytes that nobody has read; none at the end.

        Raises StalledError, and OSError where the pipe cannot be opened or read.
        """
        if keeps and len(self._head) >= _MOST_LOOKED_AT:
            return b""
        data = b"" if self.is_over else self._waited_for(size)
        self.came += len(data)
        if keeps:
            self._head += data
        return data

    def _waited_for(self, size: int) -> bytes:
        if self._number is None:
            self._number = _opened(self._path)
        waited = 0.0  # in looks, not by the clock: a process that is stopped waits for nothing
        while not (self._given_up.is_set() or self.stop.is_set()):
            if _has_bytes(self._number):
                try:
                    data = os.read(self._number, size)
                except BlockingIOError:
                    continue
                self.is_over = not data
                return data
            waited += _TICK
            if waited >= self.patience:
                raise stalled(self.patience)
        return b""


class Bytes:
    """An inlet's bytes, as libav reads them: a file without a place to go to."""

    def __init__(self, inlet: Inlet, keeps: bool) -> None:
        self.name = "pipe"
        self._inlet, self._keeps = inlet, keeps
        self._at = 0  # how far into what was looked at
        self._failed = False

    def read(self, size: int) -> bytes:
        """Up to so many bytes; none at the end.

        An error is raised once, as libav may ask again before it is seen.
        """
        if self._failed:
            return b""
        try:
            return self._next(size)
        except KeyboardInterrupt:
            self._failed = True
            raise InterruptedPipeError from None
        except BaseException:
            self._failed = True
            raise

    def _next(self, size: int) -> bytes:
        data = self._inlet.kept(self._at, size)
        if not data:
            if not self._keeps:
                self._inlet.forget()
                self._at = 0
            data = self._inlet.more(size, self._keeps)
        self._at += len(data)
        return data


def _opened(path: Path) -> int:
    number = open_descriptor(path)
    if number is not None:  # opened anew, a pipe would not say that its writer has gone
        return os.dup(number)
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))


def _has_bytes(number: int) -> bool:
    """Whether there are bytes, or their end, within a moment."""
    if not hasattr(select, "poll"):
        return True  # reading waits
    waiting = select.poll()
    waiting.register(number, select.POLLIN)
    return bool(waiting.poll(_TICK * 1000))
