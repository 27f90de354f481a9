"""The signals that ask a process to end."""

from __future__ import annotations

import signal

_NAMES = ("SIGTERM", "SIGHUP", "SIGQUIT")  # the last two are not everywhere

ENDING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""What asks a process to end, besides Ctrl-C."""


def heard() -> tuple[signal.Signals, ...]:
    """Those of `ENDING` that are to end this process: nohup has it started with HUP ignored."""
    return tuple(number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN)
