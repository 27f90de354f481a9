"""`vsr batch --status`: another process asks how a watcher is."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.cli_runner import SCRIPT, vsr
from support.clips import Clip, make

FAST = ["--scale", "2", "--model", "nearest", "--preset", "ultrafast", "--settle", "0.1"]
PATIENCE = 120.0  # seconds


@pytest.mark.slow
def test_a_watcher_lives_and_ends(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    out = tmp_path / "out"
    make(tmp_path / "in" / "a.mp4", Clip(width=32, height=24))
    command = [SCRIPT, "batch", str(tmp_path / "in"), str(out), "--watch", "--json", *FAST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "ended":
            pass
        until = time.monotonic() + PATIENCE
        ran = vsr("batch", "--status", out)
        while "1 done" not in ran.out and time.monotonic() < until:
            ran = vsr("batch", "--status", out)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"{out}: looked ")
        assert f"last {tmp_path / 'in' / 'a.mp4'}: done, " in ran.out
        programs = vsr("batch", out, "--status", "--json")
        assert programs.code == 0
        assert (programs.events[0]["healthy"], programs.events[0]["done"]) == (True, 1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    after = vsr("batch", "--status", out)
    assert after.code == 1
    assert f"{out}: the watcher has ended, " in after.err
    assert vsr("batch", "--status", out, "--json").events[0]["healthy"] is False


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["."], 1, "no watching batch writes here"),
        (["none"], 1, "no watching batch writes here"),
        ([".", "out"], 2, "--status: give OUTPUT_DIR alone"),
    ],
)
def test_there_is_no_watcher(tmp_path: Path, words: list[str], code: int, reason: str) -> None:
    ran = vsr("batch", "--status", *(tmp_path / word for word in words))
    assert (ran.code, ran.out) == (code, "")
    assert reason in ran.err
