"""Run the `vsr` command in processes of its own, without paying for its imports each time.

A server process imports the command line once and forks for each run, so every run has its
own limits, environment, streams and exit code. It ends without the interpreter's tear-down, most
of a short run's time. `SCRIPT` is the installed command, for tests that want all of it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SCRIPT = Path(sys.executable).parent / "vsr"
_PATIENCE = 60.0  # seconds a run may take on a busy machine


@dataclass(frozen=True)
class Ran:
    """A run that has ended.

    Attributes:
        code: exit code; negative for a signal.
        out, err: what it said.
        peak: largest resident memory in KiB, with what the imports take.
    """

    code: int
    out: str
    err: str
    peak: int

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


def vsr(
    *arguments: object,
    file_limit: int | None = None,
    patience: float = _PATIENCE,
    stdin: Path = Path(os.devnull),
    stdout: Path | None = None,
) -> Ran:
    """Run `vsr` with these arguments; no file may grow past `file_limit` bytes.

    `stdin` and `stdout` are files or FIFOs that become its standard streams; by default what it
    writes is given back. Raises TimeoutError where it is still running after `patience` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        words = [str(argument) for argument in arguments]
        ended = _ask(
            {
                "words": words,
                "in": str(stdin),
                "out": str(stdout or out),
                "err": str(err),
                "file_limit": file_limit,
                "environment": dict(os.environ),
            },
            patience,
        )
        said = "" if stdout else out.read_text()
        return Ran(ended["code"], said, err.read_text(), ended["peak"])


def _ask(order: dict[str, Any], patience: float) -> dict[str, Any]:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(order).encode() + b"\n")
    server.stdin.flush()
    pid = int(server.stdout.readline())
    if not select.select([server.stdout], [], [], patience)[0]:
        os.kill(pid, 9)
        server.stdout.readline()
        raise TimeoutError(f"still running after {patience:g} s: {order['words']}")
    answer: dict[str, Any] = json.loads(server.stdout.readline())
    return answer


@cache
def _server() -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # nothing is read ahead of what is asked for: see `_ask`
    )

    def stop() -> None:
        server.communicate()

    atexit.register(stop)
    return server


def _serve() -> None:
    # What is imported late, by some commands alone.
    import av.subtitles.stream  # noqa: F401
    import numpy.ma  # noqa: F401

    import vsr.adaptation.adapt
    import vsr.cli.output.scores  # noqa: F401
    from vsr.cli.commands import all_commands
    from vsr.cli.main import main
    from vsr.networks.catalogue import catalogue

    all_commands()
    catalogue()  # it is read once in a process
    gc.collect()
    gc.freeze()  # else each run would copy all memory while it looks for garbage
    orders, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    for line in iter(orders.readline, b""):
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.close(answers)
            _become(order)
            code = 1
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        os.write(answers, f"{pid}\n".encode())
        _, status, usage = os.wait4(pid, 0)
        answer = {"code": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss}
        os.write(answers, json.dumps(answer).encode() + b"\n")


def _become(order: dict[str, Any]) -> None:
    sys.argv = ["vsr", *order["words"]]
    os.environ.clear()
    os.environ.update(order["environment"])
    file_limit = order["file_limit"]
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, name, how in ((0, "in", os.O_RDONLY), (1, "out", writing), (2, "err", writing)):
        opened = os.open(order[name], how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))


if __name__ == "__main__":
    _serve()
