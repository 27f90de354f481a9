"""Requests about jobs: the command line for what is asked, the queue, and what happens in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from vsr.util.text import shown

from .answers import answer, body_of, in_thread, whole
from .desk import Desk, desk_of
from .hub import events
from .names import to_text
from .opened import opened
from .orders import COMMANDS, Order, make_order
from .refused import RefusedError

_LONGEST_LOG = 1 << 40  # bytes
_STATES = ("paused", "queued", "cancelled")


async def _options(request: Request) -> Response:
    command = request.query_params.get("command", "upscale")
    if command not in COMMANDS:
        raise RefusedError(400, f"command {shown(command)}: must be one of {', '.join(COMMANDS)}")
    options = await in_thread(desk_of(request).shell.options, command)
    return answer([asdict(option) for option in options])


async def _command(request: Request) -> Response:
    """The command line, or what is wrong with what was asked: no error of the request itself."""
    desk, body = desk_of(request), await body_of(request)
    try:
        order = await in_thread(_order, desk, body)
    except RefusedError as refused:
        return answer({"words": [], "line": "", "target": "", "error": str(refused)})
    words = [to_text(word) for word in ("vsr", order.command, *order.public)]
    facts = {"words": words, "line": to_text(order.line), "target": order.target, "error": None}
    return answer(facts)


async def _jobs(request: Request) -> Response:
    return answer(await in_thread(desk_of(request).queue.all))


async def _add(request: Request) -> Response:
    desk, body = desk_of(request), await body_of(request)
    order = await in_thread(_order, desk, body)
    job = await in_thread(desk.queue.add, order, body.get("priority", 0))
    return answer(job, 201)


async def _job(request: Request) -> Response:
    return answer(await in_thread(desk_of(request).queue.one, _id(request)))


async def _change(request: Request) -> Response:
    desk, body = desk_of(request), await body_of(request)
    return answer(await in_thread(_changed, desk, _id(request), body))


async def _forget(request: Request) -> Response:
    await in_thread(desk_of(request).queue.forget, _id(request))
    return Response(status_code=204)


async def _log(request: Request) -> Response:
    start = whole(request, "from", 0, _LONGEST_LOG, 0)
    text, following, size = await in_thread(desk_of(request).queue.log, _id(request), start)
    return answer({"text": text, "next": following, "bytes": size})


async def _last_frame(request: Request) -> Response:
    folder = await in_thread(desk_of(request).queue.folder, _id(request))
    try:
        return await opened(folder.frame, media_type="image/jpeg")
    except RefusedError:
        raise RefusedError(404, "no frame is finished yet") from None


async def _report(request: Request) -> Response:
    folder = await in_thread(desk_of(request).queue.folder, _id(request))
    try:
        return answer(json.loads(await in_thread(folder.report.read_bytes)))
    except (OSError, ValueError):
        raise RefusedError(404, "the job has no report: only batches have one") from None


async def _events(request: Request) -> Response:
    closing: asyncio.Event = request.app.state.closing
    return StreamingResponse(
        events(desk_of(request).queue, closing), media_type="text/event-stream"
    )


def _order(desk: Desk, body: dict[str, Any]) -> Order:
    return make_order(body, desk.folder, desk.shell, desk.queue.targets())


def _changed(desk: Desk, job_id: str, body: dict[str, Any]) -> dict[str, Any]:
    unknown = body.keys() - {"priority", "state"}
    if unknown or not body:
        raise RefusedError(400, "a job takes a priority and a state")
    if "priority" in body:
        desk.queue.prioritise(job_id, body["priority"])
    if "state" in body:
        _to_state(desk, job_id, body["state"])
    return desk.queue.one(job_id)


def _to_state(desk: Desk, job_id: str, state: object) -> None:
    if state == "paused":
        desk.queue.pause(job_id)
    elif state == "queued":
        desk.queue.resume(job_id)
    elif state == "cancelled":
        desk.queue.cancel(job_id)
    else:
        raise RefusedError(400, f"state {shown(state)}: must be one of {', '.join(_STATES)}")


def _id(request: Request) -> str:
    job_id: str = request.path_params["id"]
    return job_id


ROUTES = [
    Route("/api/options", _options),
    Route("/api/command", _command, methods=["POST"]),
    Route("/api/jobs", _jobs),
    Route("/api/jobs", _add, methods=["POST"]),
    Route("/api/jobs/{id}", _job),
    Route("/api/jobs/{id}", _change, methods=["PATCH"]),
    Route("/api/jobs/{id}", _forget, methods=["DELETE"]),
    Route("/api/jobs/{id}/log", _log),
    Route("/api/jobs/{id}/frame.jpg", _last_frame),
    Route("/api/jobs/{id}/report", _report),
    Route("/api/events", _events),
]
