"""Files as answers while they are written, replaced and removed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from vsr.ui.opened import opened
from vsr.ui.refused import RefusedError

LONG = 200_000  # bytes, more than are read at once


async def _sent(path: Path, meanwhile: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What is sent of a file to which something happens once it is open."""
    answer = await opened(path, media_type="video/mp4")
    meanwhile(path)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    await answer({"type": "http", "method": "GET", "headers": told}, receive, send)
    start, *bodies = sent
    assert [body.get("more_body", False) for body in bodies] == [True] * (len(bodies) - 1) + [False]
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found, b"".join(body["body"] for body in bodies)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"b" * LONG)


def _replace(path: Path) -> None:
    path.with_suffix(".new").write_bytes(b"another")
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("meanwhile", [_grow, _replace, Path.unlink])
@pytest.mark.parametrize("size", [LONG, 65536, 5, 0])
def test_a_file_is_sent_as_it_was_when_it_was_opened(
    tmp_path: Path, meanwhile: Any, size: int
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"a" * size)
    status, headers, body = asyncio.run(_sent(path, meanwhile))
    assert (status, headers["content-length"]) == (200, str(size))
    assert body == b"a" * size


@pytest.mark.parametrize("meanwhile", [_grow, _replace, Path.unlink])
def test_a_range_too(tmp_path: Path, meanwhile: Any) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"a" * LONG)
    status, headers, body = asyncio.run(_sent(path, meanwhile, range="bytes=100-"))
    assert (status, headers["content-range"]) == (206, f"bytes 100-{LONG - 1}/{LONG}")
    assert body == b"a" * (LONG - 100)


def test_what_has_become_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"gone\.mp4: cannot be read \(No such file") as gone:
        asyncio.run(opened(tmp_path / "gone.mp4"))
    assert gone.value.status == 404
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path, tmp_path / "pipe.mp4"):
        with pytest.raises(RefusedError, match="is no file"):
            asyncio.run(opened(path))
