"""Requests read and answers written: JSON of ASCII alone, errors in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vsr.core.errors import InputError, VsrError
from vsr.util.text import one_line

from .refused import RefusedError

T = TypeVar("T")

_BODY = 1 << 20  # bytes of JSON that a request may hold


def answer(facts: object, status: int = 200) -> Response:
    """JSON, as an answer. What JSON has no type for, as fractions, is text."""
    text = json.dumps(facts, default=str, separators=(",", ":"))
    return Response(text, status, media_type="application/json")


def refusal(_request: Request, error: Exception) -> Response:
    """An error, as an answer."""
    if isinstance(error, RefusedError):
        return answer({"error": str(error), **error.facts}, error.status)
    if isinstance(error, VsrError):
        status = 400 if isinstance(error, InputError) else 409
        return answer({"error": one_line(error, 500)}, status)
    if isinstance(error, OSError):
        return answer({"error": one_line(error.strerror or error, 500)}, 500)
    return answer({"error": f"unexpected {type(error).__name__}"}, 500)


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request holds. Raises RefusedError."""
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > _BODY:
                raise RefusedError(413, f"a request holds at most {_BODY} bytes of JSON")
    except ClientDisconnect:
        raise RefusedError(400, "the request broke off") from None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the request holds no JSON") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "the request must be a JSON object")
    return found


def whole(request: Request, name: str, least: int, most: int, usual: int) -> int:
    """A whole number of a request's query. Raises RefusedError."""
    text = request.query_params.get(name)
    if text is None:
        return usual
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not least <= number <= most:
        raise RefusedError(400, f"{name}: must be a whole number of {least} to {most}")
    return number


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """What takes the disk or the processor, beside the loop that serves all."""
    return await anyio.to_thread.run_sync(partial(function, *arguments))
