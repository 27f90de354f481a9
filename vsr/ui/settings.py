"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAX_UPLOAD = 50 * 10**9
"""Bytes of a file that may be sent, unless told otherwise."""

PORT = 8765
"""Where the page is served, unless told otherwise."""


@dataclass(frozen=True)
class Settings:
    """What a server is told when it starts.

    Attributes:
        folder: whose files are served.
        state: where jobs are kept.
        host, port: where it listens; port 0 takes a free one.
        token: what a request must know; "" for one that is made once and kept with the jobs.
        at_once: how many jobs run at a time.
        max_upload: bytes of a file that may be sent.
    """

    folder: Path
    state: Path
    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""
    at_once: int = 1
    max_upload: int = MAX_UPLOAD
