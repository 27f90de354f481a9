"""The server's life: one for a state folder, from its socket to its end."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn
from filelock import FileLock, Timeout

from vsr.core.errors import InputError, OutputError
from vsr.core.events import Warn, ignore
from vsr.util.atomic import atomic_write
from vsr.util.signals import heard

from .app import make_app
from .job import Job
from .queue import JobQueue
from .settings import Settings
from .shell import Shell
from .store import JobStore

_GRACE = 3  # seconds that requests have at the end
_TOKEN = 32  # bytes


def serve(settings: Settings, shell: Shell, ready: Callable[[str], None], warn: Warn) -> list[Job]:
    """Serve until Ctrl-C or a signal to end. Gives the jobs whose processes go on by themselves.

    Args:
        settings: what is served, and where.
        shell: the command line.
        ready: told the page's address, with its token, once it answers.
        warn: told of jobs that cannot be read.

    Raises InputError for a folder that is none, OutputError where the state cannot be written or
    another server uses it, and where the address cannot be listened at.
    """
    folder = settings.folder.resolve()
    if not folder.is_dir():
        raise InputError(f"{settings.folder}: is no folder to serve")
    with _only_one(settings.state), _listening(settings) as listening:
        port = listening.getsockname()[1]
        token = settings.token or _kept_token(settings.state)
        settings = replace(settings, folder=folder, port=port, token=token)
        try:
            store = JobStore(settings.state / "jobs")
            queue = JobQueue(store, shell.program(), settings.at_once, warn)
        except OSError as error:
            why = error.strerror or str(error)
            raise OutputError(f"{settings.state}: its jobs cannot be read ({why})") from None
        try:
            Server(settings, queue, shell, ready, warn).run(sockets=[listening])
        finally:
            left = queue.close()
    return left


class Server(uvicorn.Server):
    """uvicorn, with event streams that end when it is to end."""

    def __init__(
        self,
        settings: Settings,
        queue: JobQueue,
        shell: Shell,
        ready: Callable[[str], None],
        warn: Warn = ignore,
    ) -> None:
        self._app = make_app(settings, queue, shell)
        self._settings, self._ready = settings, ready
        self._warn, self._told = warn, set[int | None]()
        super().__init__(
            uvicorn.Config(
                self._app,
                lifespan="on",
                log_level="error" if "VSR_DEBUG" in os.environ else "critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE,
                h11_max_incomplete_event_size=64 * 1024,
                http="h11",
                ws="none",
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._amiss)
        await super().startup(sockets)
        if self.started:
            self._ready(address_of(self._settings))

    def _amiss(self, loop: asyncio.AbstractEventLoop, facts: dict[str, Any]) -> None:
        """Told what concerns no request: with too many open files, thousands of times a second."""
        if "VSR_DEBUG" in os.environ:
            loop.default_exception_handler(facts)
        error = facts.get("exception")
        if isinstance(error, OSError) and error.errno not in self._told:
            self._told.add(error.errno)
            self._warn(f"requests cannot be taken for now: {error.strerror}")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A signal to end is the usual way to end, and no error; another one ends at once."""
        if threading.current_thread() is not threading.main_thread():  # where none can be heard
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, *heard())}
        for number in before:
            signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.closing.set()
        await super().shutdown(sockets)


def address_of(settings: Settings) -> str:
    """The page's address, with its token."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.port}/?token={quote(settings.token)}"


@contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Two servers would begin each job twice."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(state / "server.lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(
            f"{state}: another `vsr ui` serves this folder; choose another state folder"
        ) from None
    except OSError as error:
        raise OutputError(f"{state}: cannot be written ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        family, *_, place = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise OutputError(f"host {settings.host}: {error.strerror or error}") from None
    with found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(place)
        except (OSError, OverflowError) as error:
            where = f"{settings.host}, port {settings.port}"
            why = error.strerror if isinstance(error, OSError) else error
            raise OutputError(
                f"{where}: cannot be listened at ({why}); port 0 takes a free one"
            ) from None
        yield found


def _kept_token(state: Path) -> str:
    """The token of earlier servers, so that open pages go on; made with the first."""
    path = state / "token"
    try:
        kept = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        kept = ""
    if len(kept) >= _TOKEN:
        return kept
    token = secrets.token_urlsafe(_TOKEN)
    try:
        atomic_write(path, token.encode())
        path.chmod(0o600)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
    return token
