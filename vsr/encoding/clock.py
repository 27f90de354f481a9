"""The clock of a container that counts frames: the least at which each can come at its time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_EMPTY = 60_000
"""Ticks without a frame in a row, at most: libav's AVI muxer refuses more."""

_EXACT, _CLOSE = 0.001, 0.010  # seconds; times in Matroska are rounded by up to 0.0005
_NTSC = Fraction(1000, 1001)
_RATES = sorted(
    [24 * _NTSC, 30 * _NTSC, 60 * _NTSC, 120 * _NTSC]
    + [Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 90, 100, 120)]
)
_FAST = [Fraction(rate) for rate in (144, 200, 240, 300, 500, 1000)]
_FINE_ENOUGH = 100  # ticks a second where times are not known beforehand


def least_rate(times: NDArray[np.float64], nominal: Fraction) -> Fraction | None:
    """The ticks a second of the slowest clock that frames fit.

    `times` are seconds, ascending. Each frame has a tick of its own, within a millisecond of its
    time at up to 120 ticks a second, else within ten. The `nominal` rate is taken where it
    fits. None where each clock that fits would have more than MOST_EMPTY ticks without a frame
    in a row.
    """
    for limit, rates in ((_EXACT, [nominal, *_RATES]), (_CLOSE, [nominal, *_RATES, *_FAST])):
        for rate in rates:
            if _fits(times, rate, limit):
                return rate
    fastest = _FAST[-1]
    return fastest if _widest(times, fastest) <= MOST_EMPTY else None


def fine_rate(nominal: Fraction) -> Fraction:
    """The clock for frames whose times are not known beforehand: a multiple of the nominal rate."""
    return nominal * max(1, -(-_FINE_ENOUGH // nominal))


def furthest_off(times: NDArray[np.float64], rate: Fraction) -> float:
    """Seconds by which frames at a fixed rate are off their times, at most."""
    evenly = np.arange(len(times)) / float(rate)
    return float(np.abs(times - times[0] - evenly).max()) if len(times) else 0.0


def _fits(times: NDArray[np.float64], rate: Fraction, limit: float) -> bool:
    ticks = _ticks(times, rate)
    off: Any = np.abs(ticks / float(rate) - times)
    gaps = np.diff(ticks)
    return bool(off.max(initial=0) <= limit and (gaps > 0).all() and (gaps <= MOST_EMPTY).all())


def _widest(times: NDArray[np.float64], rate: Fraction) -> int:
    return int(np.diff(_ticks(times, rate)).max(initial=0))


def _ticks(times: NDArray[np.float64], rate: Fraction) -> NDArray[np.float64]:
    return np.floor(times * float(rate) + 0.5)
