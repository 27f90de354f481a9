"""The two threads: order, bounds, errors where they belong, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from vsr.core.errors import StalledError
from vsr.core.threads import ahead, behind, within

WAIT = 10.0  # seconds before a test gives up on another thread


def running() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vsr-")]


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    assert running() == []


def wait_for_end() -> None:
    """Until a thread that was left to itself has ended too."""
    until = time.monotonic() + WAIT
    while running() and time.monotonic() < until:
        time.sleep(0.01)


class Source:
    """A generator that tells how far it was drawn, and how often it was closed."""

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self.count, self.error = count, error
        self.drawn = self.closed = 0
        self.changed = threading.Condition()

    def items(self) -> Iterator[int]:
        try:
            for number in range(self.count):
                with self.changed:
                    self.drawn += 1
                    self.changed.notify_all()
                yield number
            if self.error:
                raise self.error
        finally:
            self.closed += 1

    def wait_for(self, drawn: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.drawn >= drawn, WAIT)


def test_ahead_keeps_the_order() -> None:
    source = Source(200)
    with ahead(source.items(), 3) as items:
        assert list(items) == list(range(200))
    assert source.closed == 1


def test_ahead_takes_any_iterator() -> None:
    with ahead(iter([1, 2, 3]), 1) as items:
        assert list(items) == [1, 2, 3]
    with ahead(iter(()), 1) as items:
        assert list(items) == []


@pytest.mark.parametrize("depth", [1, 4])
def test_ahead_runs_ahead_but_no_further_than_its_depth(depth: int) -> None:
    source = Source(30)
    with ahead(source.items(), depth) as items:
        source.wait_for(depth + 1)  # those that wait, and the one there is no room for
        time.sleep(0.05)  # as long as it likes to draw more
        assert source.drawn == depth + 1
        for taken, _ in enumerate(items, 1):
            assert source.drawn <= taken + depth + 1


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_ahead_raises_where_the_next_item_would_have_come(
    count: int, kind: type[BaseException]
) -> None:
    source, taken = Source(count, kind("from the source")), []
    with pytest.raises(kind, match="from the source"), ahead(source.items(), 3) as items:
        source.wait_for(min(count, 4))
        for item in items:
            taken.append(item)
    assert taken == list(range(count))
    assert source.closed == 1


def leave_early(items: Iterator[int]) -> None:
    next(items)


def leave_without_a_look(items: Iterator[int]) -> None:
    pass


def fail(items: Iterator[int]) -> None:
    next(items)
    raise LookupError("from the body")


@pytest.mark.parametrize("body", [leave_early, leave_without_a_look, fail, list])
@pytest.mark.parametrize("count", [2, 5, 100])
def test_ahead_closes_and_joins_on_every_way_out(
    body: Callable[[Iterator[int]], object], count: int
) -> None:
    source = Source(count)
    try:
        with ahead(source.items(), 2) as items:
            assert running() == ["vsr-ahead"] or source.closed
            body(items)
    except LookupError as error:
        assert str(error) == "from the body"
        assert body is fail
    else:
        assert body is not fail
    assert running() == []
    assert source.closed == 1
    assert source.drawn == count if body is list else source.drawn <= 4


def test_the_bodys_error_wins_over_the_sources() -> None:
    source = Source(0, ValueError("from the source"))
    with pytest.raises(LookupError, match="from the body"), ahead(source.items(), 1):
        raise LookupError("from the body")


def test_ahead_can_follow_ahead() -> None:
    source = Source(50)
    with ahead(source.items(), 2) as first, ahead(first, 2) as second:
        assert [next(second) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert source.closed == 1


class Sink:
    """What came out at the far end. `consume` raises `error` at item `bad`."""

    def __init__(self, bad: int | None = None, error: BaseException | None = None) -> None:
        self.bad, self.error = bad, error
        self.items: list[int] = []
        self.steps = 0
        self.threads: set[str] = set()

    def consume(self, item: int) -> None:
        self.threads.add(threading.current_thread().name)
        if item == self.bad and self.error:
            raise self.error
        self.items.append(item)

    def finish(self) -> Iterator[None]:
        for _ in range(3):
            self.steps += 1
            self.threads.add(threading.current_thread().name)
            yield

    def broken_finish(self) -> Iterator[None]:
        yield
        raise ValueError("from finish")


@pytest.mark.parametrize("count", [0, 1, 200])
def test_behind_consumes_all_in_order_and_then_finishes(count: int) -> None:
    sink = Sink()

    def finish() -> Iterator[None]:
        assert sink.items == list(range(count))
        yield from sink.finish()

    with behind(sink.consume, finish, 3) as hand_over:
        for number in range(count):
            hand_over(number)
    assert sink.items == list(range(count))
    assert sink.steps == 3
    assert sink.threads == {"vsr-behind"}


def test_behind_lets_no_more_wait_than_its_depth() -> None:
    depth, handed, most = 3, 0, 0

    def consume(item: int) -> None:
        nonlocal most
        time.sleep(0.002)  # slower than the hand-over
        most = max(most, handed - item - 1)  # beyond the one in hand

    with behind(consume, Sink().finish, depth) as hand_over:
        for number in range(40):
            handed = number + 1
            hand_over(number)
    assert 0 < most <= depth + 1  # those that wait, and the one there is no room for


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_in_consume_is_raised_at_a_hand_over(kind: type[BaseException]) -> None:
    sink, handed = Sink(5, kind("from consume")), 0
    with (
        pytest.raises(kind, match="from consume"),
        behind(sink.consume, sink.finish, 2) as hand_over,
    ):
        for number in range(1000):
            hand_over(number)
            handed += 1
        raise AssertionError("went on after the error")
    assert sink.items == [0, 1, 2, 3, 4]
    assert handed <= 5 + 1 + 2 + 1  # consumed, failed, waiting, and one on its way
    assert sink.steps == 0


@pytest.mark.parametrize("last", [0, 1, 5])
def test_an_error_after_the_last_hand_over_is_raised_on_leaving(last: int) -> None:
    sink = Sink(last, ValueError("from consume"))
    reached = False
    with (
        pytest.raises(ValueError, match="from consume"),
        behind(sink.consume, sink.finish, 10) as hand_over,
    ):
        for number in range(last + 1):
            hand_over(number)
        reached = True
    assert reached
    assert sink.steps == 0


def test_an_error_in_finish_is_raised_on_leaving() -> None:
    sink = Sink()
    with (
        pytest.raises(ValueError, match="from finish"),
        behind(sink.consume, sink.broken_finish, 2) as hand_over,
    ):
        hand_over(1)
    assert sink.items == [1]


def test_a_failing_body_drops_what_waits_and_does_not_finish() -> None:
    sink, begun, gate = Sink(), threading.Event(), threading.Event()

    def consume(item: int) -> None:
        begun.set()
        assert gate.wait(WAIT)
        sink.consume(item)

    timer = threading.Timer(0.3, gate.set)  # when the body has long failed
    with (
        pytest.raises(LookupError, match="from the body"),
        behind(consume, sink.finish, 5) as hand_over,
    ):
        for number in range(4):
            hand_over(number)
        assert begun.wait(WAIT)
        timer.start()
        raise LookupError("from the body")
    assert running() == []
    timer.join()
    assert sink.items == [0]  # the one in hand is not torn
    assert sink.steps == 0


def test_an_idle_thread_ends_with_a_failing_body() -> None:
    sink = Sink()
    with pytest.raises(LookupError), behind(sink.consume, sink.finish, 5):
        raise LookupError
    assert (sink.items, sink.steps) == ([], 0)


def test_the_bodys_error_wins_over_consumes() -> None:
    failed = threading.Event()

    def consume(item: int) -> None:
        failed.set()
        raise ValueError("from consume")

    with (
        pytest.raises(LookupError, match="from the body"),
        behind(consume, Sink().finish, 5) as hand_over,
    ):
        hand_over(1)
        assert failed.wait(WAIT)
        raise LookupError("from the body")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="POSIX signals")
def test_an_interrupt_stops_finishing_between_steps() -> None:
    steps = 0

    def finish() -> Iterator[None]:
        nonlocal steps
        time.sleep(0.05)  # until the main thread waits for this one
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            steps += 1
            time.sleep(0.005)
            yield
        raise AssertionError("nobody stopped it")

    with pytest.raises(KeyboardInterrupt), behind(Sink().consume, finish, 1):
        pass
    left = running()
    while running():  # not to trouble the tests that follow
        time.sleep(0.01)
    assert left == []
    assert steps


def test_both_threads_at_once() -> None:
    source, sink = Source(100), Sink()
    with ahead(source.items(), 3) as items, behind(sink.consume, sink.finish, 3) as hand_over:
        for item in items:
            hand_over(item)
    assert sink.items == list(range(100))


def test_a_failing_consumer_stops_the_producer() -> None:
    source, sink = Source(10_000), Sink(3, ValueError("from consume"))
    with (
        pytest.raises(ValueError, match="from consume"),
        behind(sink.consume, sink.finish, 2) as hand_over,
        ahead(source.items(), 2) as items,
    ):
        for item in items:
            hand_over(item)
    assert source.closed == 1
    assert source.drawn < 100


# Sources that give nothing any more


def test_a_stalled_source_is_an_error_in_time_and_its_thread_is_left() -> None:
    released = Event()

    def stalling() -> Iterator[int]:
        yield 1
        released.wait(20)
        yield 2

    began = time.monotonic()
    with (
        pytest.raises(StalledError, match=r"for 0\.2 s"),
        ahead(stalling(), 2, patience=0.2) as items,
    ):
        assert next(items) == 1
        next(items)
    assert 0.2 <= time.monotonic() - began < 5
    released.set()
    wait_for_end()


def test_patience_counts_from_item_to_item() -> None:
    def slow() -> Iterator[int]:
        for n in range(5):
            time.sleep(0.1)
            yield n

    with ahead(slow(), 1, patience=0.4) as items:
        assert list(items) == list(range(5))


def test_within_gives_the_value_calls_once_and_raises_what_the_call_raises() -> None:
    calls: list[int] = []
    assert within(5, lambda: calls.append(1) or 7) == 7  # type: ignore[func-returns-value]
    assert calls == [1]
    with pytest.raises(LookupError, match="missing"):
        within(5, lambda: {}["missing"])
    released = Event()
    with pytest.raises(StalledError):
        within(0.1, lambda: released.wait(20))
    released.set()
    wait_for_end()


PATIENT = """
import time
from vsr.core.threads import ahead

def slow():
    for number in range(6):
        for _ in range(10):  # as many looks as it takes, whatever the clock says
            time.sleep(0.03)
        yield number

with ahead(slow(), 1, 1.0) as items:
    print(next(items), flush=True)
    assert list(items) == [1, 2, 3, 4, 5]
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped")
def test_a_process_that_is_stopped_waits_for_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PATIENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == b"0\n"
        time.sleep(0.1)
        run.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        run.send_signal(signal.SIGCONT)
        said = run.stderr.read().decode()
    assert run.returncode == 0, said


HELD = """
import itertools
from vsr.core.threads import ahead

def drawn():
    with ahead(itertools.count(), 2) as items:
        yield from items

held = drawn()
print(next(held), flush=True)
"""


def test_a_program_ends_while_somebody_holds_what_is_drawn_ahead() -> None:
    run = subprocess.run([sys.executable, "-c", HELD], capture_output=True, timeout=WAIT)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"0\n", b"")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_waits_for_no_thread_of_the_first_one() -> None:
    drawing = ahead(Source(100).items(), 2)
    with drawing as items:
        assert next(items) == 0
        forked = os.fork()
        if not forked:
            signal.alarm(round(WAIT))  # ends the process if it waits
            drawing.__exit__(None, None, None)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
        assert next(items) == 1
