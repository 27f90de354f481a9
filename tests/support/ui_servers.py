"""Servers of `vsr ui`: in a thread with a stand-in for the command, or the real thing in a process.

Both are asked by real HTTP.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from support.cli_runner import SCRIPT
from vsr.cli.ui_shell import ClickShell
from vsr.ui import queue
from vsr.ui.child import is_locked
from vsr.ui.queue import JobQueue
from vsr.ui.serve import Server
from vsr.ui.settings import Settings
from vsr.ui.store import JobStore

TOKEN = "a-token-that-is-long-enough"
STAND_IN = Path(__file__).with_name("ui_stand_in.py")
PROGRAM = (sys.executable, "-S", "-P", str(STAND_IN))
_PATIENCE = 120.0  # seconds, on a busy machine

queue._TICK = 0.05  # the queue looks sooner how its processes fare, as it often must in tests


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, of JSON."""
        return json.loads(self.body)


@dataclass
class Page:
    """Somebody who asks a server, as its page does or as they please."""

    host: str
    port: int
    token: str = TOKEN
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """One request; a dict or list is sent as JSON. A header of None is left out."""
        sent: dict[str, str | None] = {"Authorization": f"Bearer {self.token}", **self.headers}
        data: bytes | None = body if isinstance(body, bytes) else None
        if isinstance(body, dict | list):
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        elif data is not None:
            sent["Content-Type"] = "application/octet-stream"
        sent |= headers or {}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE)
        try:
            given = {name: value for name, value in sent.items() if value is not None}
            connection.request(method, path, data, given)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, /, **query: object) -> Any:
        """The JSON of a request that must succeed."""
        words = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        answer = self.ask("GET", f"{path}?{words}" if words else path)
        assert answer.status == 200, answer.body
        return answer.json

    def order(self, command: str, source: str, target: str = "", **options: object) -> Any:
        """A new job."""
        priority = options.pop("priority", 0)
        body = {"command": command, "source": source, "target": target, "options": options}
        answer = self.ask("POST", "/api/jobs", {**body, "priority": priority})
        assert answer.status == 201, answer.body
        return answer.json

    def change(self, job: Mapping[str, Any], **facts: object) -> Answer:
        """Another state or priority."""
        return self.ask("PATCH", f"/api/jobs/{job['id']}", facts)

    def wait(self, job: Mapping[str, Any], *states: str, patience: float = _PATIENCE) -> Any:
        """The job once it is in one of these states."""
        return self.until(job, lambda now: now["state"] in states, patience)

    def until(
        self,
        job: Mapping[str, Any],
        holds: Callable[[Any], bool],
        patience: float = _PATIENCE,
    ) -> Any:
        """The job once something holds of it."""
        until = time.monotonic() + patience
        while True:
            now = self.get(f"/api/jobs/{job['id']}")
            if holds(now):
                return now
            assert time.monotonic() < until, now
            time.sleep(0.05)

    @contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """The stream of events."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE)
        connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        assert answer.status == 200
        try:
            yield _events(answer)
        finally:
            connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    name = ""
    while line := answer.readline():
        kind, _, text = line.decode().strip().partition(": ")
        if kind == "event":
            name = text
        elif kind == "data":
            yield name, json.loads(text)


@contextmanager
def served(
    folder: Path,
    state: Path,
    program: Sequence[str] = PROGRAM,
    at_once: int = 1,
    ends: bool = True,
    **settings: Any,
) -> Iterator[Page]:
    """A server in a thread. What is left of its jobs' processes is ended with it, or goes on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        told = Settings(
            folder=folder.resolve(),
            state=state,
            port=port,
            token=TOKEN,
            at_once=at_once,
            **settings,
        )
        jobs = JobQueue(JobStore(state / "jobs"), program, at_once)
        ready = threading.Event()
        server = Server(told, jobs, ClickShell(), lambda _address: ready.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert ready.wait(_PATIENCE)
            yield Page("127.0.0.1", port)
        finally:
            server.should_exit = True
            thread.join()
            for job in jobs.close():
                started = state / "jobs" / job.id / "lock"
                while not started.exists():  # its keeper was just begun
                    time.sleep(0.02)
            if ends:
                end_all(state)


def end_all(state: Path) -> None:
    """End the processes of all jobs of a state folder, as a machine that goes down does."""
    for folder in (state / "jobs").glob("*/"):
        process = folder / "process.json"
        until = time.monotonic() + _PATIENCE
        while is_locked(folder / "lock") and not process.exists() and time.monotonic() < until:
            time.sleep(0.02)
        if process.exists() and not (folder / "exit.json").exists():
            with suppress(ProcessLookupError):
                os.killpg(json.loads(process.read_text())["group"], signal.SIGKILL)
        while is_locked(folder / "lock") and time.monotonic() < until:
            time.sleep(0.02)  # a process that was killed goes when the machine has time for it


@dataclass
class Process:
    """`vsr ui` itself, and somebody who asks it."""

    process: subprocess.Popen[str]
    page: Page
    address: str

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.communicate()

    def interrupt(self) -> tuple[int, str]:
        """As Ctrl-C does; gives the exit code and what it has said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode, said


@contextmanager
def started(folder: Path, state: Path, *words: str) -> Iterator[Process]:
    """The real `vsr ui`, until the block's end. Its jobs go on."""
    process = subprocess.Popen(
        [str(SCRIPT), "ui", str(folder), "--state", str(state), "--port", "0", "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        address = json.loads(line)["address"]
        parts = urlsplit(address)
        token = parts.query.removeprefix("token=")
        yield Process(process, Page("127.0.0.1", parts.port or 0, token), address)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def process_of(state: Path, job: Mapping[str, Any]) -> int:
    """The process of a job, once it has begun."""
    path = state / "jobs" / job["id"] / "process.json"
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    return int(json.loads(path.read_text())["process"])
