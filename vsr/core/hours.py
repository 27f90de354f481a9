"""The hours of the day between which work goes on, and the rest outside of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vsr.core.errors import InputError, StoppedError
from vsr.core.events import Reporter
from vsr.util.text import shown

_DAY = 24 * 60  # minutes
_TIME = r"([01]?\d|2[0-3]):([0-5]\d)|24:00"
_TICK = 0.2  # seconds between looks at the clock, which may be set, and at whether to stop


@dataclass(frozen=True)
class Hours:
    """A part of each day, in local time, which may go over midnight; str() as it is written.

    Attributes:
        begin, end: minutes after midnight, 0 to 1439; the end is no part of it.

    Raises InputError where they are the same, or no minutes of a day.
    """

    begin: int
    end: int

    def __post_init__(self) -> None:
        for minutes in (self.begin, self.end):
            if isinstance(minutes, bool) or not isinstance(minutes, int):
                raise InputError(f"between {shown(minutes)}: must be whole minutes")
            if not 0 <= minutes < _DAY:
                raise InputError(f"between {shown(minutes)}: must be minutes of a day")
        if self.begin == self.end:
            raise InputError(f"between '{self}': must end at another time than it begins")

    def __str__(self) -> str:
        return f"{_written(self.begin)}-{_written(self.end)}"

    def hold(self, now: datetime) -> bool:
        """Whether a moment, in local time, lies within."""
        minute = now.hour * 60 + now.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def next_begin(self, now: datetime) -> datetime:
        """When they begin next, seen from a moment outside."""
        hour, minute = divmod(self.begin, 60)
        today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)


def parse_hours(text: str) -> Hours:
    """Hours from text such as "22:00-06:00". Raises InputError."""
    found = re.fullmatch(rf"\s*({_TIME})\s*-\s*({_TIME})\s*", text, re.ASCII)
    if found is None:
        raise InputError(f"between {shown(text)}: must be two times such as '22:00-06:00'")
    return Hours(_minutes(found[1]), _minutes(found[4]))


def _minutes(written: str) -> int:
    hour, minute = map(int, written.split(":"))
    return (hour * 60 + minute) % _DAY


def _written(minutes: int) -> str:
    return "{:02}:{:02}".format(*divmod(minutes, 60))


@dataclass(frozen=True)
class Clock:
    """What tells the time and lets it pass.

    Attributes:
        now: the local time.
        sleep: waits so many seconds.
    """

    now: Callable[[], datetime] = datetime.now
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def resting(hours: Hours, until: datetime) -> str:
    """What people are told when a rest begins."""
    return f"resting until {until:%H:%M on %Y-%m-%d} (works between {hours})"


def rest(hours: Hours, reporter: Reporter, clock: Clock = SYSTEM_CLOCK) -> None:
    """Wait until the hours begin; return at once within them. Told once as a note.

    Raises StoppedError as soon as `reporter.stop` is set. It must be called where an interrupt
    may be raised, and not with a thread that others wait for.
    """
    if hours.hold(now := clock.now()):
        return
    reporter.note(resting(hours, hours.next_begin(now)))
    while not hours.hold(clock.now()):
        # Slept and not waited for: a signal's handler may set what holds a lock while it waits.
        clock.sleep(_TICK)
        if reporter.stop.is_set():
            raise StoppedError("stopped while it rested")
