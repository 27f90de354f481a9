"""The signals that ask a process to end."""

from __future__ import annotations

import os
import signal
import time

_NAMES = ("SIGTERM", "SIGHUP", "SIGQUIT")  # the last two are not everywhere

ENDING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""What asks a process to end, besides Ctrl-C."""

_TIDYING = 10.0  # seconds that a process may take to put things in order, undisturbed
_ends_since: float | None = None
_is_interrupted = False
_times_gone_on = 0


def heard() -> tuple[signal.Signals, ...]:
    """Those of `ENDING` that are to end this process: nohup has it started with HUP ignored."""
    return tuple(number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN)


def interrupt(number: int, _frame: object) -> None:
    """Handle a signal: raise KeyboardInterrupt, once.

    People press Ctrl-C again, and systems signal a whole group twice. What follows would cut
    short the putting in order that the first has set off: it does nothing, until that has taken
    so long that it must hang; then it ends the process.
    """
    global _is_interrupted
    if _ends_since is None:
        undisturbed()
        _is_interrupted = True
        raise KeyboardInterrupt
    if time.monotonic() - _ends_since > _TIDYING:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def is_interrupted() -> bool:
    """Whether `interrupt` has ended what ran: libraries turn its KeyboardInterrupt into others."""
    return _is_interrupted


def count_going_on() -> None:
    """Have `times_gone_on` count; what waits in the system goes on waiting then."""
    if hasattr(signal, "SIGCONT"):  # not on Windows
        signal.signal(signal.SIGCONT, _gone_on)
        signal.siginterrupt(signal.SIGCONT, False)


def hear_of_children() -> None:
    """Have the system tell how child processes end.

    Where SIGCHLD is ignored, as some that start programs hand it on, nobody is told, and Python
    takes each child for one that ended well.
    """
    if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def times_gone_on() -> int:
    """How often this process has gone on after it had been stopped, as by Ctrl-Z."""
    return _times_gone_on


def _gone_on(_number: int, _frame: object) -> None:
    global _times_gone_on
    _times_gone_on += 1


def undisturbed() -> None:
    """Have `interrupt` take no signal any more: the process is about to end by itself."""
    global _ends_since
    if _ends_since is None:
        _ends_since = time.monotonic()


def ignore_ending() -> None:
    """Ignore Ctrl-C and `ENDING`, for the interpreter's last steps, where no handler is left."""
    for number in (signal.SIGINT, *ENDING):
        signal.signal(number, signal.SIG_IGN)
