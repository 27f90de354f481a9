"""What all requests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio
from starlette.requests import Request

from .folder import ServedFolder
from .looks import Looks
from .queue import JobQueue
from .settings import Settings
from .shell import Shell
from .uploads import Uploads


@dataclass(frozen=True)
class Desk:
    """What all requests share.

    Attributes:
        settings: what the server was told.
        folder: the served one.
        queue: the jobs.
        uploads: the files that are being sent.
        looks: into files.
        shell: the command line.
        turns: how many look into files at a time; jobs want the processor too.
    """

    settings: Settings
    folder: ServedFolder
    queue: JobQueue
    uploads: Uploads
    looks: Looks
    shell: Shell
    turns: anyio.CapacityLimiter


def desk_of(request: Request) -> Desk:
    """What a request shares with all others."""
    state: Any = request.app.state
    desk: Desk = state.desk
    return desk
