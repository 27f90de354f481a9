"""Requests of nonsense get one line, never an error of the server's own, and leave nothing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.ui_servers import served

pytestmark = [pytest.mark.network, pytest.mark.slow]

TEXTS = [
    "",
    "a.mp4",
    "a.mp4/",
    "a.mp4/x",
    "../x",
    "\0",
    "\ufffd",
    "x" * 5000,
    "rtsp://",
    "://",
    "💥",
]
VALUES: list[Any] = [None, True, 0, -1, 1e308, 10**400, [], {}, ["a.mp4"], [None], {"a": 1}]
FIELDS = ["command", "source", "sources", "target", "options", "priority", "name", "bytes"]
FIELDS += ["folder", "state"]
OPTIONS = ["scale", "model", "crop", "denoise", "verify", "record", "heat-map", "name", "start"]
COMMANDS = ["upscale", "preview", "batch", "fuse", "check"]
WRITES = [("POST", "/api/command"), ("POST", "/api/jobs"), ("POST", "/api/uploads")]
WRITES += [("PATCH", "/api/jobs/x"), ("PUT", "/api/uploads/x")]
READS = ["files", "probe", "frame.jpg", "strip", "strip.jpg", "moment", "media", "page", "record"]


def body_of(chance: random.Random) -> dict[str, Any]:
    values = [*VALUES, *TEXTS, "\udc80"]
    body = {name: chance.choice(values) for name in chance.sample(FIELDS, chance.randint(0, 6))}
    if chance.random() < 0.6:
        body["command"] = chance.choice(COMMANDS)
    if chance.random() < 0.5:
        body["source"] = "a.mp4"
    if chance.random() < 0.5:
        body["options"] = {chance.choice(OPTIONS): chance.choice(values)}
    return body


def test_nonsense_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.mp4").write_text("frames 1")
    chance = random.Random(3)
    with served(tmp_path / "served", tmp_path / "state") as page:
        for _ in range(150):
            method, path = chance.choice(WRITES)
            body = body_of(chance)
            answer = page.ask(method, path, body)
            assert answer.status < 500, (method, path, body, answer.body)
            if answer.status >= 400:
                assert "\n" not in answer.json["error"]
        for _ in range(100):
            path = f"/api/{chance.choice(READS)}?path={quote(chance.choice(TEXTS))}"
            answer = page.ask("GET", f"{path}&at={chance.choice(['0', 'x', '1/0', '9' * 40])}")
            assert answer.status < 500, (path, answer.body)
        assert page.get("/api/files")["path"] == ""
    assert not list(tmp_path.glob("*x*"))
