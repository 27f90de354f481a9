"""Locks of open files, which end with the process that holds them."""

from __future__ import annotations

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def is_taken(number: int) -> bool:
    """Whether another open file has the lock of one; if not, this one has it from now.

    False where a system or a disk knows no locks.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # this disk knows none
        return False
    return False
