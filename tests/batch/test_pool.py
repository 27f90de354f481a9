"""Workers that crash, hang, fail and are stopped, and what it costs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from support.paths import TESTS
from support.worker_tasks import act

from vsr.batch import pool
from vsr.batch.outcome import (
    Ended,
    Happening,
    Item,
    Moved,
    Outcome,
    Paused,
    Resting,
    Started,
    Stopping,
    Warned,
)
from vsr.batch.pool import run_batch
from vsr.core.hours import Clock
from vsr.core.options import UpscaleOptions
from vsr.core.threads import cores
from vsr.util.signals import ENDING


@pytest.fixture(autouse=True)
def _quick_starts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are forked from a process that has their imports behind it.

    Those of slow tests, and of `test_no_worker_outlives_its_parent`, start as in a real run.
    """
    if request.node.get_closest_marker("slow") is None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", "support.worker_tasks", "vsr.batch.worker"])
        monkeypatch.setattr(pool, "_SPAWN", context)


def items(folder: Path, *names: str) -> list[Item]:
    return [Item(Path(f"{name}.in"), folder / f"{name}.out") for name in names]


USUAL = UpscaleOptions()


def batch(
    folder: Path, *names: str, options: UpscaleOptions = USUAL, **settings: Any
) -> list[Outcome]:
    return run_batch(iter(items(folder, *names)), options, work=act, **settings)


def told(outcomes: list[Outcome]) -> list[tuple[str, str, int]]:
    return [(outcome.item.source.stem, outcome.status, outcome.attempts) for outcome in outcomes]


def worker_of(folder: Path, name: str, suffix: str = "out") -> int:
    """The process that did a file, or began it."""
    return int((folder / f"{name}.{suffix}").read_text())


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def begun(folder: Path, *names: str) -> Callable[[], bool]:
    """Whether workers have begun files."""
    marks = [folder / f"{name}.begun" for name in names]
    return lambda: all(mark.exists() and mark.read_text() for mark in marks)


def wait_for(what: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_worker_that_aborts_costs_one_file(tmp_path: Path) -> None:
    outcomes = batch(tmp_path, "good-1", "abort", "good-2", "good-3", retries=0)
    assert told(outcomes) == [
        ("good-1", "done", 1),
        ("abort", "failed", 1),
        ("good-2", "done", 1),
        ("good-3", "done", 1),
    ]
    assert outcomes[1].reason == "the worker process crashed (SIGABRT)"
    first, second, third = (worker_of(tmp_path, f"good-{n}") for n in (1, 2, 3))
    assert first == worker_of(tmp_path, "abort", "begun")
    assert second == third != first
    assert not any(runs(pid) for pid in (first, second))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("abort", "the worker process crashed (SIGABRT)"),
        ("exit", "the worker process ended by itself (exit code 7)"),
        ("hang", "took longer than 0.3 s"),
        ("stall", "nothing comes"),
        ("memory", "the memory is full"),
        ("wrong", "unexpected ValueError: a slip"),
    ],
)
def test_what_may_go_better_is_tried_again(tmp_path: Path, name: str, reason: str) -> None:
    seen: list[Happening] = []
    names = (name, f"once-{name}")
    outcomes = batch(tmp_path, *names, timeout=0.3, retries=1, tell=seen.append)
    assert told(outcomes) == [(name, "failed", 2), (f"once-{name}", "done", 2)]
    assert [outcome.reason for outcome in outcomes] == [reason, ""]
    warnings = [event.message for event in seen if isinstance(event, Warned)]
    assert warnings == [f"{reason}; trying again"] * 2
    attempts = [event.attempt for event in seen if isinstance(event, Started)]
    assert attempts == [1, 2, 1, 2]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="no SIGCHLD here")
def test_a_crash_is_seen_where_nobody_is_told_of_children(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        outcomes = batch(tmp_path, "good", "abort", retries=0)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert told(outcomes) == [("good", "done", 1), ("abort", "failed", 1)]
    assert outcomes[1].reason == "the worker process ended by itself"


def test_what_cannot_go_better_is_not_tried_again(tmp_path: Path) -> None:
    outcomes = batch(tmp_path, "bad", "good", retries=5)
    assert told(outcomes) == [("bad", "failed", 1), ("good", "done", 1)]
    assert outcomes[0].reason == "bad.in: is no video"
    assert worker_of(tmp_path, "bad", "begun") == worker_of(tmp_path, "good")


@pytest.mark.slow
def test_a_timeout_is_each_files_own(tmp_path: Path) -> None:
    outcomes = batch(tmp_path, "frames-1", "frames-2", timeout=1.5)  # 0.8 s each
    assert told(outcomes) == [("frames-1", "done", 1), ("frames-2", "done", 1)]


@pytest.mark.slow
def test_events_and_their_order(tmp_path: Path) -> None:
    seen: list[Happening] = []
    outcomes = batch(tmp_path, "warn", "frames", tell=seen.append)
    assert [outcome.warnings for outcome in outcomes] == [2, 0]
    moves = [event for event in seen if isinstance(event, Moved)]
    assert 1 <= len(moves) <= 5  # of 700
    assert moves[0].progress.frames == 1
    assert {move.item.source.stem for move in moves} == {"frames"}
    rest = [event for event in seen if not isinstance(event, Moved)]
    warn, frames = items(tmp_path, "warn", "frames")
    assert rest == [
        Started(warn, 0, 1),
        Warned(warn, "first"),
        Warned(warn, "second"),
        Ended(outcomes[0], 0),
        Started(frames, 0, 1),
        Ended(outcomes[1], 0),
    ]


@pytest.mark.slow
def test_outcomes_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    seen: list[Happening] = []
    names = ("frames", "good-1", "good-2", "good-3")
    outcomes = batch(tmp_path, *names, jobs=2, tell=seen.append)
    assert [outcome.item.source.stem for outcome in outcomes] == list(names)
    ended = [event.outcome.item.source.stem for event in seen if isinstance(event, Ended)]
    assert ended[-1] == "frames"
    assert {event.slot for event in seen if isinstance(event, Started)} == {0, 1}
    assert {o.facts["threads"] for o in outcomes} == {max(1, cores() // 2)}


def test_threads_that_were_asked_for_stay(tmp_path: Path) -> None:
    (outcome,) = batch(tmp_path, "good", jobs=2, options=UpscaleOptions.of(threads=7))
    assert outcome.facts["threads"] == 7


def test_a_part_of_the_cores_is_shared_out(tmp_path: Path) -> None:
    options = UpscaleOptions.of(threads=0.5)
    outcomes = batch(tmp_path, "good-1", "good-2", jobs=2, options=options)
    assert {o.facts["threads"] for o in outcomes} == {max(1, cores() // 2 // 2)}


def test_no_files_is_no_error(tmp_path: Path) -> None:
    assert batch(tmp_path) == []


def test_files_may_keep_coming(tmp_path: Path) -> None:
    first, second = items(tmp_path, "good-1", "good-2")

    def arriving() -> Iterator[Item | None]:
        yield None
        yield first
        while not first.target.exists():
            yield None
        yield second

    outcomes = run_batch(arriving(), UpscaleOptions(), work=act, jobs=2)
    assert told(outcomes) == [("good-1", "done", 1), ("good-2", "done", 1)]


@pytest.mark.slow
def test_a_file_that_comes_again_waits_for_itself(tmp_path: Path) -> None:
    seen: list[Happening] = []
    again = items(tmp_path, "frames", "frames", "good")
    outcomes = run_batch(iter(again), UpscaleOptions(), work=act, jobs=2, tell=seen.append)
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    kinds = [type(e) for e in seen if isinstance(e, Started | Ended)]
    assert kinds[:3] == [Started, Ended, Started]


def test_a_set_stop_lets_what_runs_end_well(tmp_path: Path) -> None:
    stop = Event()
    seen: list[Happening] = []

    def tell(event: Happening) -> None:
        seen.append(event)
        if isinstance(event, Started) and event.slot == 1:
            wait_for(begun(tmp_path, "long", "short"))
            stop.set()

    outcomes = batch(tmp_path, "long", "short", "good", jobs=2, stop=stop, tell=tell)
    assert told(outcomes) == [("long", "stopped", 1), ("short", "done", 1)]
    assert outcomes[0].reason == "goes on from here"
    assert [event for event in seen if isinstance(event, Stopping)] == [Stopping(2)]
    assert not (tmp_path / "good.begun").exists()


def test_nothing_is_tried_again_once_stopped(tmp_path: Path) -> None:
    stop = Event()

    def tell(event: Happening) -> None:
        if isinstance(event, Started):
            stop.set()

    outcomes = batch(tmp_path, "abort", "good", retries=3, stop=stop, tell=tell)
    assert told(outcomes) == [("abort", "failed", 1)]


def test_an_interrupt_kills_at_once(tmp_path: Path) -> None:
    seen: list[Happening] = []

    def tell(event: Happening) -> None:
        seen.append(event)
        if isinstance(event, Started):
            wait_for(begun(tmp_path, "hang"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(tmp_path, "hang", "good", tell=tell)
    ended = [event.outcome for event in seen if isinstance(event, Ended)]
    assert told(ended) == [("hang", "stopped", 1)]
    assert not runs(worker_of(tmp_path, "hang", "begun"))
    assert not list(tmp_path.glob(".*"))


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    names = ("hang", "long")
    script = (
        "import sys; from pathlib import Path; from support.worker_tasks import act;"
        "from vsr.batch.outcome import Item; from vsr.batch.pool import run_batch;"
        "from vsr.core.options import UpscaleOptions;"
        "items = [Item(Path(word), Path(word).with_suffix('.out')) for word in sys.argv[1:]];"
        "run_batch(iter(items), UpscaleOptions(), jobs=2, work=act)"
    )
    words = [sys.executable, "-c", script, *(tmp_path / name for name in names)]
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE) as parent:
        wait_for(begun(tmp_path, *names), 60)  # three processes import all there is at once
        assert all(runs(worker_of(tmp_path, name, "begun")) for name in names)
        parent.send_signal(signal.SIGKILL)
        assert parent.communicate(timeout=30) == (None, b"")  # stderr has no holder any more


@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_workers_leave_signals_to_their_parent(tmp_path: Path, number: int) -> None:
    stop = Event()

    def tell(event: Happening) -> None:
        if isinstance(event, Started):
            wait_for(begun(tmp_path, "short"))
            os.kill(worker_of(tmp_path, "short", "begun"), number)
            stop.set()

    assert told(batch(tmp_path, "short", stop=stop, tell=tell)) == [("short", "done", 1)]


def test_no_file_is_begun_outside_the_hours(tmp_path: Path) -> None:
    """Each file takes all night, so the second one waits for the next."""
    moment = datetime(2026, 3, 31, 22, 0)
    seen: list[Happening] = []

    def tell(happening: Happening) -> None:
        nonlocal moment
        seen.append(happening)
        if isinstance(happening, Started):
            moment = (moment + timedelta(days=1)).replace(hour=7)
        if isinstance(happening, Resting):
            assert happening.until == moment.replace(hour=22)
            moment = happening.until

    options = UpscaleOptions.of(between="22:00-06:00")
    clock = Clock(lambda: moment)
    outcomes = batch(tmp_path, "good-1", "good-2", options=options, tell=tell, clock=clock)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    order = [type(event) for event in seen if isinstance(event, Started | Resting)]
    assert order[:3] == [Started, Resting, Started]


def test_a_stop_ends_a_rest(tmp_path: Path) -> None:
    stop, seen = Event(), list[Happening]()

    def tell(happening: Happening) -> None:
        seen.append(happening)
        stop.set()

    options = UpscaleOptions.of(between="22:00-06:00")
    noon = Clock(lambda: datetime(2026, 3, 31, 12, 0))
    assert batch(tmp_path, "good", options=options, tell=tell, stop=stop, clock=noon) == []
    assert [type(event) for event in seen] == [Resting, Stopping]


def test_a_rest_takes_no_time_of_a_file(tmp_path: Path) -> None:
    """Time outside the hours does not count for a timeout."""
    options = UpscaleOptions.of(between="22:00-06:00")
    moment = datetime(2026, 3, 31, 23, 0)

    def tell(happening: Happening) -> None:
        nonlocal moment
        if isinstance(happening, Started):
            moment = moment.replace(hour=12)

    clock = Clock(lambda: moment)
    (outcome,) = batch(
        *(tmp_path, "frames"), options=options, timeout=0.3, retries=0, tell=tell, clock=clock
    )
    assert outcome.status == "done"
    assert outcome.seconds < 0.5  # of more than 0.7


def test_nothing_is_begun_in_a_pause(tmp_path: Path) -> None:
    pause, seen = tmp_path / "pause", list[Happening]()
    pause.touch()

    def tell(happening: Happening) -> None:
        seen.append(happening)
        if isinstance(happening, Paused):
            assert happening.file == pause
            Timer(0.5, pause.unlink).start()

    outcomes = batch(tmp_path, "good-1", "good-2", pause_file=pause, tell=tell)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert [type(event) for event in seen].count(Paused) == 1
    assert isinstance(seen[0], Paused)


def test_what_is_in_work_rests_in_a_pause(tmp_path: Path) -> None:
    """Neither the timeout nor the seconds of a file run on meanwhile."""
    pause, paused_at, moved = tmp_path / "pause", list[float](), list[float]()

    def tell(happening: Happening) -> None:
        if isinstance(happening, Moved):
            moved.append(time.monotonic())
            if not paused_at:
                pause.touch()
        if isinstance(happening, Paused):
            paused_at.append(time.monotonic())
            Timer(2, pause.unlink).start()

    (outcome,) = batch(tmp_path, "frames", pause_file=pause, timeout=2, retries=0, tell=tell)
    assert outcome.status == "done"
    assert len(paused_at) == 1
    assert not [at for at in moved if 0.5 < at - paused_at[0] < 1.9]
    assert outcome.seconds < 2


def test_a_stop_ends_a_pause(tmp_path: Path) -> None:
    pause, stop = tmp_path / "pause", Event()

    def tell(happening: Happening) -> None:
        if isinstance(happening, Moved):
            pause.touch()
        if isinstance(happening, Paused):
            stop.set()

    (outcome,) = batch(tmp_path, "frames", pause_file=pause, stop=stop, tell=tell)
    assert outcome.status == "done"
    assert pause.exists()


def test_time_in_which_it_was_stopped_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one look to the next a second and more goes by, longer than the file may take."""
    stop, moved = Event(), list[Happening]()
    waits = pool.wait

    def slept(sources: Any, timeout: float) -> Any:
        if moved and timeout and not stop.is_set():
            time.sleep(1.5)
            stop.set()
        return waits(sources, timeout)

    def tell(happening: Happening) -> None:
        if isinstance(happening, Warned):
            moved.append(happening)

    monkeypatch.setattr(pool, "wait", slept)
    (outcome,) = batch(tmp_path, "told", timeout=1.2, retries=0, stop=stop, tell=tell)
    assert outcome.status == "done"
    assert outcome.seconds < 1.2
