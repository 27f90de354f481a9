"""Pipes as a source: looked at as often as wanted, read once, never waited for without end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pipes import open_pipe

from vsr.core import inlet as inlets
from vsr.core.errors import InputError, StalledError
from vsr.core.inlet import Bytes, Inlet, InterruptedPipeError, interruptible, is_pipe

DATA = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlets, "_TICK", 0.01)


@pytest.fixture
def ends() -> Iterator[tuple[Inlet, int]]:
    """An inlet, and the end to write into."""
    with open_pipe() as (reading, writing):
        inlet = Inlet(f"/dev/fd/{reading}")
        yield inlet, writing
        inlet.close()


def rest(data: Bytes, size: int = 1000) -> bytes:
    return b"".join(iter(lambda: data.read(size), b""))


def test_what_was_looked_at_is_still_there(ends: tuple[Inlet, int]) -> None:
    pipe, writing = ends
    os.write(writing, DATA)
    os.close(writing)
    assert pipe.look().read(100) == DATA[:100]
    assert rest(pipe.look(), 700)[:5000] == DATA[:5000]
    assert pipe.look().read(3) == DATA[:3]
    assert rest(pipe.take(), 333) == DATA


def test_a_look_takes_no_more_than_its_limit(
    ends: tuple[Inlet, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inlets, "_MOST_LOOKED_AT", 2000)
    pipe, writing = ends
    os.write(writing, DATA)
    os.close(writing)
    assert rest(pipe.look(), 500) == DATA[:2000]
    assert rest(pipe.take()) == DATA


def test_silence_is_a_stall_and_is_told_once(ends: tuple[Inlet, int]) -> None:
    pipe, writing = ends
    pipe.patience = 0.05
    os.write(writing, b"abc")
    data = pipe.take()
    assert data.read(10) == b"abc"
    with pytest.raises(StalledError, match=r"nothing has come from the source for 0\.05 s"):
        data.read(10)
    assert data.read(10) == b""


@pytest.mark.parametrize("how", ["stop", "give_up"])
def test_who_waits_is_let_go(ends: tuple[Inlet, int], how: str) -> None:
    pipe, _ = ends
    let_go = pipe.stop.set if how == "stop" else pipe.give_up
    threading.Timer(0.05, let_go).start()
    assert pipe.take().read(10) == b""


def test_an_interrupt_comes_through(ends: tuple[Inlet, int]) -> None:
    pipe, _ = ends
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(InterruptedPipeError):
        pipe.take().read(10)
    timer.join()
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise InterruptedPipeError


def test_a_fifo_waits_for_its_writer(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert is_pipe(fifo)
    pipe = Inlet(str(fifo))

    def write() -> None:
        time.sleep(0.1)
        fifo.write_bytes(DATA)

    thread = threading.Thread(target=write)
    thread.start()
    assert rest(pipe.take()) == DATA
    thread.join()
    pipe.close()


def test_what_is_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", tmp_path / "none", Path("/dev/null")):
        assert not is_pipe(path)


def test_a_terminal_is_refused() -> None:
    main, terminal = os.openpty()
    try:
        with pytest.raises(InputError, match="is a terminal; pipe a video into it"):
            Inlet(f"/dev/fd/{terminal}").check()
    finally:
        os.close(main)
        os.close(terminal)
