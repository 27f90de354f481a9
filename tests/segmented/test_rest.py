"""Work in segments rests outside its hours, between two of them, and gives the same."""

from __future__ import annotations

import signal
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from support.cli_runner import SCRIPT
from support.clips import Clip, make
from support.clocks import Hands
from support.segmented_jobs import held, job_of, made, plan_of, tools_of, uneven

from vsr.core.errors import StoppedError
from vsr.core.events import Reporter
from vsr.core.hours import Hours
from vsr.core.job import Job
from vsr.segmented.executor import make_here
from vsr.segmented.plan import Plan
from vsr.segmented.work_dir import WorkDir, open_work

EVENING = datetime(2026, 3, 31, 21, 59)
NIGHT = "22:00-06:00"
KEYFRAMES = {"g": "6", "bf": "2", "preset": "veryfast"}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    clip = Clip(width=48, height=32, pts=uneven(24), options=KEYFRAMES)
    return job_of(make(tmp_path / "in.mp4", clip), tmp_path / "out.mp4", between=NIGHT)


def planned(job: Job) -> Plan:
    """Four segments of six frames."""
    times = uneven(24)
    return plan_of(job, tools_of(job), [times[6], times[12], times[18]])


class Shift:
    """A clock by which an hour has passed with each segment that is there."""

    def __init__(self, start: datetime, work: WorkDir, hours: int, stop_at: int = 10**6) -> None:
        self.notes: list[str] = []
        self.stop = Event()
        self.hands = Hands(start, self._passed)
        self._work, self._hours, self._stop_at = work, hours, stop_at
        self._counted = len(work.done)

    def _passed(self, now: datetime) -> None:
        if self.hands.slept >= self._stop_at:
            self.stop.set()

    def now(self) -> datetime:
        new = len(self._work.done) - self._counted
        self._counted += new
        self.hands.now += timedelta(hours=self._hours * new)
        return self.hands.now

    def run(self, job: Job) -> None:
        clock = self.hands.clock
        clock = type(clock)(self.now, clock.sleep)
        reporter = Reporter(note=self.notes.append, stop=self.stop)
        make_here(job, tools_of(job), self._work, reporter, clock)


def test_it_rests_between_two_segments(tmp_path: Path, job: Job) -> None:
    plan = planned(job)
    with open_work(job.target, plan.key, lambda: plan) as work:
        shift = Shift(EVENING, work, hours=3)
        shift.run(job)
        assert not work.pending()
        # Work from 22:00 to 07:00, three segments; a rest before and one after.
        assert shift.notes == [
            "resting until 22:00 on 2026-03-31 (works between 22:00-06:00)",
            "resting until 22:00 on 2026-04-01 (works between 22:00-06:00)",
        ]
        assert shift.hands.slept == 1 + 15 * 60
        tools = tools_of(job)
        made(job, tools, plan, tmp_path / "at once")
        for number in range(4):
            alone = held(tmp_path / "at once" / f"{number}.packets")
            assert held(work.file(number)) == alone


def test_within_the_hours_all_is_done_in_one_go(job: Job) -> None:
    plan = planned(job)
    with open_work(job.target, plan.key, lambda: plan) as work:
        shift = Shift(EVENING.replace(hour=23), work, hours=0)
        shift.run(job)
        assert (shift.notes, shift.hands.slept, work.pending()) == ([], 0, [])


def test_a_stop_ends_a_rest_and_what_is_done_stays(job: Job) -> None:
    plan = planned(job)
    with open_work(job.target, plan.key, lambda: plan) as work:
        shift = Shift(EVENING.replace(hour=23), work, hours=4, stop_at=5)
        with pytest.raises(StoppedError):
            shift.run(job)
        assert (len(work.done), len(shift.notes), shift.hands.slept) == (2, 1, 5)


def off_hours() -> str:
    """Hours that begin in an hour at the earliest."""
    now = datetime.now()
    minute = now.hour * 60 + now.minute
    return str(Hours((minute + 120) % 1440, (minute + 180) % 1440))


@pytest.mark.parametrize("resume", ["auto", "always"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_rest_at_once(tmp_path: Path, resume: str, number: signal.Signals) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=32, height=24))
    words: list[Any] = [source, tmp_path / "out.mp4", "-m", "nearest", "--between", off_hours()]
    with subprocess.Popen(
        [SCRIPT, "upscale", *map(str, words), "--resume", resume],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            lines = [process.stderr.readline()]
            while "resting until" not in lines[-1]:
                assert lines[-1], lines
                lines.append(process.stderr.readline())
            began = time.monotonic()
            process.send_signal(number)
            rest = process.stderr.read().splitlines()
            assert process.wait(timeout=10) == 130
            assert time.monotonic() - began < 10
        finally:
            process.kill()
    assert len(rest) == 1
    assert "interrupted" in rest[0]
    assert any("is done in one go" in line for line in lines) == (resume == "auto")
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}
