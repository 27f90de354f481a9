"""Files as answers: each as it was when it was opened, though it is replaced or grows meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from .answers import in_thread
from .refused import RefusedError


class OpenedFile(FileResponse):
    """An open regular file, whole or in ranges. It is closed at the end.

    Args:
        file: what is sent: as many bytes as it has now.
        words: as those of `FileResponse`.
    """

    def __init__(self, file: BinaryIO, **words: Any) -> None:
        self._file = file
        number = file.fileno()
        super().__init__(f"/dev/fd/{number}", stat_result=os.fstat(number), **words)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file, suppress(_EnoughError):
            await super().__call__(scope, receive, _Measured(send))


async def opened(path: Path, **words: Any) -> OpenedFile:
    """A file as an answer. Raises RefusedError where there is none any more."""
    return OpenedFile(await in_thread(_open, path), **words)


def _open(path: Path) -> BinaryIO:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe may have no other end
    except OSError as error:
        raise RefusedError(404, f"{path.name}: cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise RefusedError(400, f"{path.name}: is no file")
    return os.fdopen(number, "rb")


class _EnoughError(Exception):
    """All that was announced is sent."""


class _Measured:
    """Sends as many bytes as were announced: the file may have grown since."""

    def __init__(self, send: Send) -> None:
        self._send, self._left = send, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            self._left = int(Headers(raw=message["headers"])["content-length"])
            await self._send(message)
            return
        body = message.get("body", b"")
        more: MutableMapping[str, Any] = {**message, "body": body[: self._left]}
        is_over = len(body) > self._left
        self._left -= len(more["body"])
        if not is_over:
            await self._send(more)
            return
        await self._send({**more, "more_body": False})
        raise _EnoughError
