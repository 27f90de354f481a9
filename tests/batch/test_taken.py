"""Choosing files by when their footage begins."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vsr.batch.sources import Found
from vsr.batch.taken import Taken, parse_since
from vsr.core.errors import InputError
from vsr.core.hours import parse_hours

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("berlin")


def frigate(hour: str, clock: str = "00.00", day: str = "2026-11-28") -> Found:
    """A file of Frigate's, which need not be there."""
    relative = Path(day, hour, "door", f"{clock}.mp4")
    return Found("/recordings" / relative, relative)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2h", NOW - timedelta(hours=2)),
        (" 90m ", NOW - timedelta(minutes=90)),
        ("3d", NOW - timedelta(days=3)),
        ("0h", NOW),
        ("2026-11-28T22:00", datetime(2026, 11, 28, 21, 0, tzinfo=UTC)),
        ("2026-07-28 22:00:30", datetime(2026, 7, 28, 20, 0, 30, tzinfo=UTC)),
        ("2026-11-28", datetime(2026, 11, 27, 23, 0, tzinfo=UTC)),
        ("2026-11-28T22:00+00:00", datetime(2026, 11, 28, 22, 0, tzinfo=UTC)),
    ],
)
def test_moments(text: str, since: datetime) -> None:
    assert parse_since(text, NOW) == since


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2 h", "2w", "1e3h", "9999999d", "999999d", "2026-13-01", "22:00"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(InputError, match=r"must be a time back such as 90m, 2h or 3d, or a date"):
        parse_since(text, NOW)


def test_since_is_by_the_path() -> None:
    taken = Taken(since=datetime(2026, 11, 28, 22, 0, tzinfo=UTC))
    assert [taken(frigate(hour)) for hour in ("21", "22", "23")] == [False, True, True]


def test_hours_are_local_and_by_the_beginning() -> None:
    """22:00 to 06:00 in Berlin is 21:00 to 05:00 UTC in winter, 20:00 to 04:00 in summer."""
    night = Taken(hours=parse_hours("22:00-06:00"))

    def taken(day: str) -> list[int]:
        return [hour for hour in range(24) if night(frigate(f"{hour:02}", day=day))]

    assert taken("2026-11-28") == [0, 1, 2, 3, 4, 21, 22, 23]
    assert taken("2026-07-28") == [0, 1, 2, 3, 20, 21, 22, 23]
    assert night(frigate("04", "59.59"))


def test_where_the_path_says_nothing_it_is_the_last_change(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.touch()
    found = Found(path, Path("clip.mp4"))
    when = datetime(2026, 11, 28, 22, 30, tzinfo=UTC)
    os.utime(path, (when.timestamp(), when.timestamp()))
    assert Taken(since=when)(found)
    assert not Taken(since=when + timedelta(seconds=1))(found)
    assert Taken(hours=parse_hours("23:00-00:00"))(found)
    assert not Taken(hours=parse_hours("22:00-23:00"))(found)
    path.unlink()
    assert Taken(since=when)(found)  # what is amiss is told by who opens it
