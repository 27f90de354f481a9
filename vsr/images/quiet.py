"""OpenCV without its lines on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import cv2


class _Quiet:
    """How many threads want OpenCV not to write on stderr, and its level before the first."""

    lock = Lock()
    threads = 0
    level = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Errors are raised here; OpenCV need not print them as well."""
    logging = cv2.utils.logging
    with _Quiet.lock:
        if not _Quiet.threads:
            _Quiet.level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
        _Quiet.threads += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.threads -= 1
            if not _Quiet.threads:
                logging.setLogLevel(_Quiet.level)
