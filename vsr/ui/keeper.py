"""Runs one job's command to its end, whatever becomes of the server, and notes how it ended.

A program by itself that needs nothing but Python: `python -P keeper.py FOLDER WORD...`. What the
command says goes into files of the folder. The folder's lock is held by this process and by the
command: it is free once both have ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PATIENCE = 5.0  # seconds, in which a server may be looking at the lock


def main(folder: Path, words: list[str]) -> None:
    """Run the words, unless another keeper runs this job."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _go_on)  # a handler, as what is ignored the command would ignore too
    lock = _locked(folder / "lock")
    if lock is None:
        return
    os.set_inheritable(lock, True)
    for name in ("exit.json", "process.json"):
        (folder / name).unlink(missing_ok=True)
    _write(folder / "exit.json", {"code": _run(folder, words, lock)})


def _run(folder: Path, words: list[str], lock: int) -> int:
    with (folder / "events.jsonl").open("ab") as told, (folder / "log.txt").open("ab") as said:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=said,
                pass_fds=(lock,),
            )
        except OSError as error:
            said.write(f"vsr: error: cannot be started: {error.strerror}\n".encode())
            return 127
    _write(folder / "process.json", {"process": process.pid, "group": os.getpgid(0)})
    return process.wait()


def _locked(path: Path) -> int | None:
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > until:
                os.close(number)
                return None
            time.sleep(0.05)
        else:
            return number


def _write(path: Path, facts: dict[str, int]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(facts))
    part.replace(path)


def _go_on(_number: int, _frame: object) -> None:
    """Leave a signal to the command."""


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
