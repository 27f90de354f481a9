"""Pipes of the system, closed whatever a test does with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def open_pipe() -> Iterator[tuple[int, int]]:
    """The descriptors to read from and to write into; a test may close either."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for number in ends:
            with suppress(OSError):  # the test has closed it
                os.close(number)
