"""The bars of a batch, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

import pytest

from vsr.cli import progress
from vsr.cli.progress import Bars, Lines
from vsr.cli.upscale import _Reporter
from vsr.core.events import Progress
from vsr.core.url import Pipe, Url


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen() -> Terminal:
    return Terminal()


def work(bars: Bars) -> None:
    """Two files by two workers, the second begun anew."""
    bars.start(0, "first.mp4")
    bars.start(1, "second.mp4")
    bars.move(1, Progress(3, 9))
    bars.start(1, "again.mp4")
    bars.move(0, Progress(1, 20))
    bars.move(0, Progress(15, 20))
    bars.write("a line")
    bars.end(0, 20)
    bars.end(1, 23)
    bars.close()


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch, screen: Terminal) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    work(Bars(2, wanted=True))
    shown = screen.getvalue()
    for text in ("first.mp4: ", "1/20", "second.mp4: ", "3/9", "again.mp4: "):
        assert text in shown
    assert "a line\n" in shown
    assert shown.rstrip("\n").endswith("\r")  # nothing stays


def test_a_pace_counts_from_where_a_run_begins(
    monkeypatch: pytest.MonkeyPatch, screen: Terminal
) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    bars = Bars(None, wanted=True)
    bars.start(0, "a.mp4")
    bars.move(0, Progress(900_000, 1_000_000))
    time.sleep(0.2)
    bars.move(0, Progress(900_002, 1_000_000))
    bars.close()
    (pace,) = re.findall(r"900002/1000000 .* ([\d.]+) frames/s", screen.getvalue())
    assert float(pace) <= 10


@pytest.mark.parametrize("wanted", [True, False])
def test_elsewhere_lines_alone(monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    plain = io.StringIO() if wanted else Terminal()
    monkeypatch.setattr(sys, "stderr", plain)
    work(Bars(2, wanted))
    assert plain.getvalue() == "a line\n"


def test_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0, 10, 30, 35, 61, 100])
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    lines = Lines(wanted=True)
    for frames in (101, 200, 400, 450, 711):
        lines.progress(Progress(frames, 1000))
    lines.progress(Progress(1010, None), "a.mp4")
    assert capsys.readouterr().err.splitlines() == [
        "vsr: 400 of about 1000 frames, 10.0 fps, about 0:01:00 left",
        "vsr: 711 of about 1000 frames, 10.0 fps, about 28.9 s left",
    ]


def test_time_in_which_it_was_stopped_is_no_part_of_a_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], screen: Terminal
) -> None:
    stops = 0
    monkeypatch.setattr(progress, "times_gone_on", lambda: stops)
    clock = iter([0, 10, 3610, 3630])  # an hour passed by
    lines = Lines(wanted=True)
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: float(next(clock)))
        for number, frames in enumerate((1, 101, 101, 301)):
            stops = int(number > 1)
            lines.progress(Progress(frames, 601))
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "vsr: 301 of about 601 frames, 10.0 fps, about 29.9 s left"
    monkeypatch.setattr(sys, "stderr", screen)
    bars = Bars(None, wanted=True)
    bars.start(0, "a.mp4")
    bars.move(0, Progress(1, 100))
    time.sleep(0.4)
    stops += 1
    bars.move(0, Progress(2, 100))
    time.sleep(0.2)
    bars.move(0, Progress(42, 100))
    bars.close()
    pace = re.findall(r"42/100 .* ([\d.]+) frames/s", screen.getvalue())[-1]
    assert float(pace) > 100  # of some 200, and 70 with the stop


def test_no_lines_on_a_terminal_or_where_unwanted(
    monkeypatch: pytest.MonkeyPatch, screen: Terminal
) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    for lines in (Lines(wanted=True, every=0), Lines(wanted=False, every=0)):
        lines.progress(Progress(1, 9))
        lines.progress(Progress(2, 9))
    assert not screen.getvalue()


@pytest.mark.parametrize(
    ("source", "loses"), [(Url("rtsp://h/x"), True), (Pipe("-"), False), (Path("a.mp4"), False)]
)
def test_a_stop_is_told_of_where_something_may_be_lost(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: Path | Url,
    loses: bool,
) -> None:
    stops = 0
    monkeypatch.setattr(progress, "times_gone_on", lambda: stops)
    reporter = _Reporter(source, False, True)
    for frames in (1, 2, 3):
        stops = int(frames > 1)
        reporter.progress(Progress(frames, 9))
    said = "vsr: warning: went on after a stop: what the live source gave meanwhile may be lost\n"
    assert capsys.readouterr().err == (said if loses else "")
