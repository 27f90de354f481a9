"""The application: routes, what they share, and its life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from vsr.core.errors import VsrError

from . import file_routes, job_routes, upload_routes
from .about import PAGE
from .answers import answer, refusal
from .desk import Desk
from .folder import ServedFolder
from .guard import Guard
from .looks import Looks
from .queue import JobQueue
from .settings import Settings
from .shell import Shell
from .uploads import Uploads

_LOOKING = 2  # requests that look into files at a time


def make_app(settings: Settings, queue: JobQueue, shell: Shell) -> Starlette:
    """The application for a folder and a queue. It starts the queue, and never closes it.

    Its `state.closing` is set to end what would never end by itself: the event streams.
    """
    folder = ServedFolder(settings.folder)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        app.state.closing = asyncio.Event()
        app.state.desk = Desk(
            settings,
            folder,
            queue,
            Uploads(folder, settings.state / "uploads", settings.max_upload),
            Looks(),
            shell,
            anyio.CapacityLimiter(_LOOKING),
        )
        queue.start()
        yield

    cookie = f"vsr_token_{settings.port}"
    return Starlette(
        routes=[
            Route("/", _index),
            Mount("/static", StaticFiles(directory=PAGE)),
            *file_routes.ROUTES,
            *job_routes.ROUTES,
            *upload_routes.ROUTES,
        ],
        middleware=[
            Middleware(Guard, token=settings.token, host=settings.host, cookie=cookie),
        ],
        exception_handlers={
            VsrError: refusal,
            OSError: refusal,
            HTTPException: _http,
            Exception: refusal,
        },
        lifespan=life,
    )


async def _index(_request: Request) -> Response:
    return FileResponse(PAGE / "index.html")


def _http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {404: "there is nothing by that address", 405: "that cannot be done with this address"}
    return answer({"error": said.get(status, str(error))}, status)
