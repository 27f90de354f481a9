"""Pipes as a target: all is written, and none waits for a reader that has gone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pipes import open_pipe

from vsr.core import outlet as outlets
from vsr.core.errors import OutputError
from vsr.core.outlet import as_file, check_outlet, leads_out, open_outlet

DATA = bytes(range(256)) * 4096  # more than a pipe holds


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "_TICK", 0.01)


@pytest.fixture
def ends() -> Iterator[tuple[Path, int]]:
    """A pipe to write into, as a path, and the end to read from."""
    with open_pipe() as (reading, writing):
        yield Path(f"/dev/fd/{writing}"), reading


def test_all_arrives_at_a_slow_reader(ends: tuple[Path, int]) -> None:
    target, reading = ends
    came = bytearray()

    def read() -> None:
        while len(came) < len(DATA):
            came.extend(os.read(reading, 50_000))
            time.sleep(0.001)

    thread = threading.Thread(target=read)
    thread.start()
    with open_outlet(target, 1) as outlet:
        assert outlet.write(DATA) == len(DATA)
    thread.join()
    assert came == DATA


def test_a_reader_that_goes_is_told_of_once(ends: tuple[Path, int]) -> None:
    target, reading = ends
    os.close(reading)
    with open_outlet(target, 1) as outlet:
        with pytest.raises(OutputError, match="its reader has closed it before all was written"):
            outlet.write(b"abc")
        assert outlet.write(b"abc") == 3


def test_a_reader_that_reads_nothing_is_given_up(ends: tuple[Path, int]) -> None:
    target, _ = ends
    with open_outlet(target, 1) as outlet:
        threading.Timer(0.05, outlet.give_up).start()
        assert outlet.write(DATA) == len(DATA)


def test_a_fifo_waits_for_its_reader(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.nut"
    os.mkfifo(fifo)
    with (
        pytest.raises(OutputError, match=r"nobody has read it for 0\.05 s$"),
        open_outlet(fifo, 0.05),
    ):
        pass
    came: list[bytes] = []
    thread = threading.Thread(target=lambda: came.append(fifo.read_bytes()))
    thread.start()
    with open_outlet(fifo, 5) as outlet:
        outlet.write(b"abc")
    thread.join()
    assert came == [b"abc"]


def test_what_is_printed_meanwhile_does_not_go_to_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with open_outlet(Path("-"), 1) as outlet:
        os.write(1, b"a word\n")
        outlet.write(b"video")
    os.write(1, b"after\n")
    seen = capfd.readouterr()
    assert (seen.out, seen.err) == ("videoafter\n", "a word\n")


@pytest.mark.parametrize(
    ("name", "output_format", "kind"),
    [
        ("-", "auto", ".y4m"),
        ("-", "nut", ".nut"),
        ("-", "mpegts", ".ts"),
        ("-", "matroska", ".mkv"),
        ("/dev/fd/63", "auto", ".y4m"),
        ("fifo.nut", "auto", ".nut"),
        ("fifo.mp4", "matroska", ".mkv"),
    ],
)
def test_the_container_of_a_pipe(name: str, output_format: str, kind: str) -> None:
    assert as_file(Path(name), output_format).suffix == kind


def test_a_container_that_cannot_be_written_as_it_is_made() -> None:
    with pytest.raises(OutputError, match=r"\.mp4 cannot be written into a pipe; --output-format"):
        as_file(Path("fifo.mp4"), "auto")


def test_what_leads_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert leads_out(Path("-"))
    assert leads_out(tmp_path / "fifo")
    assert leads_out(Path("/dev/stdout"))
    assert leads_out(Path("/dev/fd/77"))
    assert not leads_out(tmp_path)
    assert not leads_out(tmp_path / "none.mkv")


def test_a_terminal_is_refused() -> None:
    main, terminal = os.openpty()
    try:
        with pytest.raises(OutputError, match="is a terminal; pipe it into what reads a video"):
            check_outlet(Path(f"/dev/fd/{terminal}"))
    finally:
        os.close(main)
        os.close(terminal)


def test_a_descriptor_that_is_not_open_is_refused() -> None:
    with (
        pytest.raises(OutputError, match=r"/dev/fd/999: cannot be written \(Bad file"),
        open_outlet(Path("/dev/fd/999"), 1),
    ):
        pass


def test_closed_standard_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.__stdout__", None)
    with pytest.raises(OutputError, match="-: standard output is closed"):
        check_outlet(Path("-"))
