"""Requests that send files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from vsr.util.text import size_text

from .answers import answer, body_of, in_thread, whole
from .desk import desk_of
from .refused import RefusedError
from .uploads import PIECE

PATIENCE = 20.0
"""Seconds in which something of a piece must come; then another request may go on with it."""


async def _begin(request: Request) -> Response:
    desk, body = desk_of(request), await body_of(request)
    folder = body.get("folder", "")
    if not isinstance(folder, str):
        raise RefusedError(400, "folder: must be text")
    facts = (body.get("name"), body.get("bytes"), folder, body.get("modified"))
    upload = await in_thread(desk.uploads.begin, *facts)
    offset, path = await in_thread(desk.uploads.finish, upload.id)  # an empty file is done
    return answer({"id": upload.id, "offset": offset, "piece": PIECE, "path": path}, 201)


async def _stand(request: Request) -> Response:
    upload, offset = await in_thread(desk_of(request).uploads.one, request.path_params["id"])
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(upload.bytes)}
    response = answer({"id": upload.id, "offset": offset, "bytes": upload.bytes})
    response.headers.update(headers)
    return response


async def _piece(request: Request) -> Response:
    """A piece is written as it comes; what has come of one that breaks off counts."""
    desk, upload_id = desk_of(request), request.path_params["id"]
    offset = whole(request, "offset", 0, desk.settings.max_upload, 0)
    try:
        with desk.uploads.piece(upload_id, offset) as (file, room):
            async for data in _coming(request):
                if len(data) > room:
                    raise RefusedError(413, f"{size_text(len(data) - room)} more than was said")
                room -= len(data)
                await in_thread(_write, file, data)
    except ClientDisconnect:
        raise RefusedError(400, "the request broke off") from None
    except TimeoutError:
        _, at = await in_thread(desk.uploads.one, upload_id)
        why = f"nothing has come for {PATIENCE:g} s: begin the next piece at byte {at}"
        raise RefusedError(409, why, offset=at) from None
    at, path = await in_thread(desk.uploads.finish, upload_id)
    return answer({"offset": at} if path is None else {"offset": at, "path": path})


async def _coming(request: Request) -> AsyncIterator[bytes]:
    """What comes of a request. Raises TimeoutError where nothing does, as from a lost network.

    It would keep its file for ever: the network does not tell that the other end is gone.
    """
    stream = aiter(request.stream())
    while True:
        with anyio.fail_after(PATIENCE):
            data = await anext(stream, None)
        if data is None:
            return
        yield data


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)


async def _give_up(request: Request) -> Response:
    await in_thread(desk_of(request).uploads.give_up, request.path_params["id"])
    return Response(status_code=204)


ROUTES = [
    Route("/api/uploads", _begin, methods=["POST"]),
    Route("/api/uploads/{id}", _stand),
    Route("/api/uploads/{id}", _piece, methods=["PUT"]),
    Route("/api/uploads/{id}", _give_up, methods=["DELETE"]),
]
