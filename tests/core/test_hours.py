"""Hours of the day, over midnight too, and the rest outside of them; no test waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clocks import Hands

from vsr.core.errors import InputError, StoppedError
from vsr.core.events import Reporter
from vsr.core.hours import Hours, parse_hours, rest
from vsr.core.options import RunOptions

NIGHT = Hours(22 * 60, 6 * 60)
NOON = datetime(2026, 3, 31, 12, 0)
ENDS = st.lists(st.integers(0, 1439), min_size=2, max_size=2, unique=True)


def minutes_of(day: datetime) -> Iterator[datetime]:
    yield from (day + timedelta(minutes=number) for number in range(24 * 60))


@given(ENDS.map(lambda ends: Hours(*ends)))
def test_they_are_read_as_they_are_written(hours: Hours) -> None:
    assert parse_hours(str(hours)) == hours


@given(ENDS)
def test_those_that_change_places_share_the_day_out(ends: list[int]) -> None:
    one, other = Hours(*ends), Hours(*reversed(ends))
    held = [one.hold(now) for now in minutes_of(NOON)]
    assert held == [not other.hold(now) for now in minutes_of(NOON)]
    assert sum(held) == (ends[1] - ends[0]) % (24 * 60)


@given(ENDS.map(lambda ends: Hours(*ends)), st.integers(0, 24 * 60 - 1))
def test_a_rest_ends_with_the_first_minute_within(hours: Hours, minute: int) -> None:
    now = NOON + timedelta(minutes=minute)
    if not hours.hold(now):
        until = hours.next_begin(now)
        first = next(m for m in minutes_of(now.replace(second=0)) if hours.hold(m))
        assert until == first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:00-06:00", "22:00-06:00"),
        (" 7:30 - 24:00", "07:30-00:00"),
        ("0:00-9:05", "00:00-09:05"),
    ],
)
def test_times_are_hours_and_minutes(text: str, expected: str) -> None:
    assert str(parse_hours(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "22-6", "22:00", "25:00-06:00", "22:60-06:00", "6:00-6:00", "0:00-24:00", "24:01-6:00"],
)
def test_what_is_no_part_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^between '[^\n]*must") as raised:
        parse_hours(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {"between": 22},
        {"between": ("22:00", "06:00")},
        {"between": "22:00-06:00", "resume": "never"},
        {"between": "22:00-06:00", "cluster": "auto"},
    ],
)
def test_options_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="between"):
        RunOptions(**given)


def test_within_them_nothing_rests() -> None:
    notes: list[str] = []
    hands = Hands(NOON.replace(hour=23))
    rest(NIGHT, Reporter(note=notes.append), hands.clock)
    assert (notes, hands.slept) == ([], 0)


def test_a_rest_is_told_once_and_until_when() -> None:
    notes: list[str] = []
    hands = Hands(NOON)
    rest(NIGHT, Reporter(note=notes.append), hands.clock)
    assert notes == ["resting until 22:00 on 2026-03-31 (works between 22:00-06:00)"]
    assert hands.now == NOON.replace(hour=22)
    hands = Hands(NOON)
    rest(Hours(60, 11 * 60), Reporter(note=notes.append), hands.clock)
    assert notes[1:] == ["resting until 01:00 on 2026-04-01 (works between 01:00-11:00)"]
    assert hands.now == NOON.replace(month=4, day=1, hour=1)


def test_a_stop_ends_it() -> None:
    stop = Event()
    hands = Hands(NOON, lambda now: stop.set() if now.hour == 15 else None)
    with pytest.raises(StoppedError):
        rest(NIGHT, Reporter(stop=stop), hands.clock)
    assert hands.now == NOON.replace(hour=15)
