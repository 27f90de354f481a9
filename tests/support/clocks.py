"""A clock whose time passes only where somebody sleeps: a minute each time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from vsr.core.hours import Clock


class Hands:
    """The clock's hands.

    Attributes:
        now: the time that it shows.
        slept: how often somebody has slept.
    """

    def __init__(
        self, now: datetime, passed: Callable[[datetime], object] = lambda now: None
    ) -> None:
        """`passed` is told the time after each sleep."""
        self.now, self.slept, self._passed = now, 0, passed

    @property
    def clock(self) -> Clock:
        """What the tested code is given."""
        return Clock(lambda: self.now, self._sleep)

    def _sleep(self, _seconds: float) -> None:
        self.now += timedelta(minutes=1)
        self.slept += 1
        self._passed(self.now)
