"""Which files of a batch are taken by when their footage begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vsr.batch.recorders import recording_of
from vsr.batch.sources import Found
from vsr.core.errors import InputError
from vsr.core.hours import Hours
from vsr.util.text import shown

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Taken:
    """Footage that is wanted, by its beginning: what its path says, or when it was written last.

    Attributes:
        since: the earliest moment, which knows its time zone; None for any.
        hours: the hours of the day, in local time; None for all.
    """

    since: datetime | None = None
    hours: Hours | None = None

    def __call__(self, found: Found) -> bool:
        """Whether a file is wanted. One that cannot be looked at is: doing it tells why."""
        if self.since is None and self.hours is None:
            return True
        try:
            moment = begins(found)
            if self.since is not None and moment < self.since:
                return False
            return self.hours is None or self.hours.hold(moment.astimezone())
        except (OSError, OverflowError, ValueError):
            return True


def begins(found: Found) -> datetime:
    """When a file begins, in UTC: by its path, or else when it was written last. Raises OSError."""
    said = recording_of(found.path, found.relative).begins
    return said or datetime.fromtimestamp(found.path.stat().st_mtime, UTC)


def parse_since(text: str, now: datetime) -> datetime:
    """A moment from "2h", "90m" or "3d" before `now`, or from local time, "2026-11-28T22:00".

    `now` knows its time zone. Raises InputError.
    """
    text = text.strip()
    span = re.fullmatch(r"(\d{1,6})([mhd])", text, re.ASCII)
    try:
        if span is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if re.match(r"\d{4}-", text, re.ASCII):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise InputError(
        f"{shown(text)}: must be a time back such as 90m, 2h or 3d, or a date and time such as "
        "2026-11-28T22:00"
    )
