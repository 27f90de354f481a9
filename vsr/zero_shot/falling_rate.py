"""ZSSR's learning rate: it falls where a line through the last errors does not.

Shocher, Cohen and Irani 2018, section 3.1: from 0.001, a linear fit of the reconstruction error is
taken from time to time, and the rate becomes a tenth where the deviation of the fit exceeds its
slope by a factor; at 1e-6 the learning ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CHECK_EVERY = 50  # steps between two errors
_FIRST, _LAST = 1e-3, 1e-6
_POINTS = 6  # errors that a line is fitted to, all of one rate
_FACTOR = 1.5  # of the slope, that its deviation must exceed
# A short course ends before the error has told: the rate is no higher than this from there on.
_CAPS = ((0.9, 1e-5), (0.7, 1e-4))


@dataclass
class FallingRate:
    """The rate, by the errors that it is shown.

    Attributes:
        rate: without regard to the course's end.
    """

    rate: float = _FIRST
    _errors: list[float] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether the error falls no more at the lowest rate."""
        return self.rate < 0.99 * _LAST

    def at(self, done: float) -> float:
        """The rate of a step, when so much of the course is over, in 0..1."""
        cap = next((most for part, most in _CAPS if done >= part), _FIRST)
        return min(self.rate, cap)

    def see(self, error: float) -> None:
        """Take in the error of now, CHECK_EVERY steps after the last one."""
        self._errors.append(error)
        if len(self._errors) < _POINTS:
            return
        slope, deviation = _fitted(self._errors[-_POINTS:])
        if -_FACTOR * slope < deviation:
            self.rate /= 10
            self._errors.clear()


def _fitted(errors: list[float]) -> tuple[float, float]:
    """The slope of a line through errors, by least squares, and the slope's standard deviation."""
    places = np.arange(len(errors)) - (len(errors) - 1) / 2
    squares = float(places @ places)
    slope = float(places @ np.array(errors)) / squares
    rest = np.array(errors) - np.mean(errors) - slope * places
    return slope, float(np.sqrt(rest @ rest / (len(errors) - 2) / squares))
