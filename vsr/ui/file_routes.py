"""Requests about files: what there is, what it holds, how it looks, and the files themselves."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vsr.core.bounds import SECONDS
from vsr.provenance.sidecar import read_record, record_path

from .about import about, device
from .answers import answer, in_thread, whole
from .desk import desk_of
from .names import to_name
from .opened import opened
from .refused import RefusedError

T = TypeVar("T")

_PLAYED = ("video/", "audio/", "image/")
_NOT_SHOWN = {"image/svg+xml"}  # may hold scripts
_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_COUNT, _HEIGHT, _WIDTH = (1, 60, 12), (16, 360, 72), (16, 1280, 1280)  # least, most, usual


async def _about(request: Request) -> Response:
    desk = desk_of(request)
    writable = os.access(desk.folder.root, os.W_OK)
    return answer(await in_thread(about, desk.settings, writable))


async def _device(_request: Request) -> Response:
    return answer({"device": await in_thread(device)})


async def _files(request: Request) -> Response:
    return answer(await in_thread(desk_of(request).folder.listing, _path(request)))


async def _probe(request: Request) -> Response:
    path = desk_of(request).folder.file(_path(request))
    return answer(await _look(request, partial(desk_of(request).looks.probe, path)))


async def _frame(request: Request) -> Response:
    desk, path = desk_of(request), desk_of(request).folder.file(_path(request))
    at, width = _seconds(request, "at", Fraction(0)), whole(request, "width", *_WIDTH)
    jpeg = await _look(request, partial(desk.looks.frame, path, at, width))
    return Response(jpeg, media_type="image/jpeg")


async def _strip(request: Request) -> Response:
    found = await _strip_of(request)
    words = {name: request.query_params[name] for name in request.query_params}
    facts = {name: found[name] for name in ("times", "width", "height")}
    return answer({**facts, "image": f"/api/strip.jpg?{urlencode(words)}"})


async def _strip_picture(request: Request) -> Response:
    return Response((await _strip_of(request))["jpeg"], media_type="image/jpeg")


async def _moment(request: Request) -> Response:
    desk, path = desk_of(request), desk_of(request).folder.file(_path(request))
    duration = _seconds(request, "duration", Fraction(3))
    if not duration:
        raise RefusedError(400, "duration: must be above 0")
    return answer(await _look(request, partial(desk.looks.moment, path, duration)))


async def _media(request: Request) -> Response:
    path = desk_of(request).folder.file(_path(request))
    kind = mimetypes.guess_type(path.name)[0] or ""
    shown = kind.startswith(_PLAYED) and kind not in _NOT_SHOWN
    if "download" in request.query_params or not shown:
        # as bytes: nothing of the folder is run as a page of this server
        return await opened(
            path,
            media_type=kind if shown else "application/octet-stream",
            filename=path.name.encode(errors="replace").decode(),
            headers={"Content-Security-Policy": "sandbox"},
        )
    return await opened(path, media_type=kind)


async def _page(request: Request) -> Response:
    path = desk_of(request).folder.file(_path(request))
    if path.suffix.lower() not in (".html", ".htm"):
        raise RefusedError(400, "only pages (.html) are shown so")
    headers = {"Content-Security-Policy": _PAGE_POLICY}
    return await opened(path, media_type="text/html; charset=utf-8", headers=headers)


async def _record(request: Request) -> Response:
    desk = desk_of(request)
    path = desk.folder.place(_path(request))
    record = await in_thread(read_record, record_path(path))
    if record is None:
        raise RefusedError(404, f"{path.name}: has no record")
    return answer(record)


async def _strip_of(request: Request) -> dict[str, object]:
    desk, path = desk_of(request), desk_of(request).folder.file(_path(request))
    count, height = whole(request, "count", *_COUNT), whole(request, "height", *_HEIGHT)
    return await _look(request, partial(desk.looks.strip, path, count, height))


async def _look(request: Request, look: Callable[[], T]) -> T:
    """Look into a file, when it is this request's turn. It may have gone meanwhile."""
    try:
        return await anyio.to_thread.run_sync(look, limiter=desk_of(request).turns)
    except OSError as error:
        raise RefusedError(404, f"{_path(request)}: cannot be read ({error.strerror})") from None


def _path(request: Request) -> str:
    path = request.query_params.get("path", "")
    to_name(path)
    return path


def _seconds(request: Request, name: str, usual: Fraction) -> Fraction:
    text = request.query_params.get(name)
    if text is None:
        return usual
    digits, _, places = text.partition(".")
    if not (digits.isascii() and digits.isdecimal() and len(text) < 30):
        raise RefusedError(400, f"{name}: must be seconds, such as 12.5")
    if places and not (places.isascii() and places.isdecimal()):
        raise RefusedError(400, f"{name}: must be seconds, such as 12.5")
    found = Fraction(f"{digits}.{places or 0}")
    if found > SECONDS.most:
        raise RefusedError(400, f"{name}: must be at most {SECONDS.most} seconds")
    return found


ROUTES = [
    Route("/api/about", _about),
    Route("/api/device", _device),
    Route("/api/files", _files),
    Route("/api/probe", _probe),
    Route("/api/frame.jpg", _frame),
    Route("/api/strip", _strip),
    Route("/api/strip.jpg", _strip_picture),
    Route("/api/moment", _moment),
    Route("/api/media", _media),
    Route("/api/page", _page),
    Route("/api/record", _record),
]
