"""Many jobs and slow pages: what waits to be told stays small, and listing reads no file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.ui_servers import PROGRAM

from vsr.ui.hub import events, soon
from vsr.ui.orders import Order
from vsr.ui.queue import JobQueue
from vsr.ui.store import JobStore

JOBS = 200


def waiting(folder: Path, count: int) -> JobQueue:
    """A queue that is not started, with so many jobs."""
    queue = JobQueue(JobStore(folder), PROGRAM)
    for number in range(count):
        words = (f"/in/{number}.mp4", f"/out/{number}.mp4")
        queue.add(Order("upscale", words, (f"{number}.mp4",), f"{number}.out.mp4", False))
    return queue


async def told(stream: AsyncIterator[str]) -> tuple[str, object]:
    """The next event; TimeoutError where none comes."""
    text = await asyncio.wait_for(anext(stream), 5)
    name, _, data = text.strip().partition("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_listing_many_jobs_reads_no_file(tmp_path: Path) -> None:
    queue = waiting(tmp_path / "jobs", JOBS)
    (tmp_path / "jobs").rename(tmp_path / "away")
    jobs = queue.all()
    assert len(jobs) == JOBS
    assert len(json.dumps(jobs)) < JOBS * 1000
    again = JobQueue(JobStore(tmp_path / "away"), PROGRAM)
    assert again.all() == jobs


def test_a_page_that_does_not_read_is_told_of_each_job_once(tmp_path: Path) -> None:
    queue = waiting(tmp_path / "jobs", 3)
    first, second, third = (job["id"] for job in queue.all())

    async def follow() -> None:
        closing = asyncio.Event()
        stream = events(queue, closing)
        name, jobs = await told(stream)
        assert name == "jobs"
        assert isinstance(jobs, list)
        assert len(jobs) == 3
        for priority in range(50):  # the page reads nothing meanwhile
            queue.prioritise(first, priority)
            queue.prioritise(second, -priority)
        queue.cancel(third)
        queue.forget(third)
        await asyncio.sleep(0)
        seen = [await told(stream) for _ in range(3)]
        assert [name for name, _ in seen] == ["job", "job", "gone"]
        facts = [one for _, one in seen if isinstance(one, dict)]
        assert [one["id"] for one in facts] == [first, second, third]
        assert [one.get("priority") for one in facts] == [49, -49, None]
        closing.set()
        assert [text async for text in stream] == []

    asyncio.run(follow())


def test_who_has_left_is_told_nothing(tmp_path: Path) -> None:
    queue = waiting(tmp_path / "jobs", 1)

    async def look() -> None:
        stream = events(queue, asyncio.Event())
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(look())
    assert queue._listeners == []


def test_a_loop_that_closes_meanwhile_does_not_end_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    asked = iter([False])  # whether it is closed: not yet
    monkeypatch.setattr(loop, "is_closed", lambda: next(asked, True))
    called: list[str] = []
    soon(loop, called.append, "a job")
    assert called == []
