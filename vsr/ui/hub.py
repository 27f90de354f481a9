"""Server-sent events: each page is told of changed jobs, each once however often it changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from .answers import in_thread
from .queue import JobQueue
from .refused import RefusedError

BEAT = 15.0
"""Seconds after which a page is told that the server still runs."""


async def events(queue: JobQueue, closing: asyncio.Event) -> AsyncIterator[str]:
    """All jobs, then changes, until the server closes.

    What waits to be told is a set of ids: a page that reads slowly costs no memory.
    """
    loop, waiting, woken = asyncio.get_running_loop(), dict[str, None](), asyncio.Event()

    def changed(job_id: str) -> None:
        waiting[job_id] = None
        woken.set()

    leave = queue.listen(lambda job_id: soon(loop, changed, job_id))
    try:
        yield _event("jobs", await in_thread(queue.all))
        while not closing.is_set():
            if not await _either(woken, closing, BEAT):
                yield _event("beat", {})
            woken.clear()
            while waiting:
                job_id = next(iter(waiting))
                del waiting[job_id]
                yield await in_thread(_of, queue, job_id)
    finally:
        leave()


def soon(loop: asyncio.AbstractEventLoop, call: Any, job_id: str) -> None:
    """Have a loop call that, from another thread; nothing where the loop is closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, job_id)


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> bool:
    """Wait for one of two; False where neither comes in time."""
    tasks = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    return bool(done)


def _of(queue: JobQueue, job_id: str) -> str:
    try:
        return _event("job", queue.one(job_id))
    except RefusedError:
        return _event("gone", {"id": job_id})


def _event(name: str, facts: object) -> str:
    return f"event: {name}\ndata: {json.dumps(facts, default=str, separators=(',', ':'))}\n\n"
