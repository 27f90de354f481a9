"""Which clock a container gets that counts frames instead of keeping their times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import OutputError
from vsr.core.frame import VideoInfo
from vsr.core.source import OtherStreams, Shown
from vsr.encoding.clock import fine_rate, furthest_off, least_rate
from vsr.encoding.timestamps import ONE_RATE
from vsr.remux.containers import Y4M, counts_frames
from vsr.video.cadence import TURN
from vsr.video.packet_times import shown_times

_USUAL_RATE = Fraction(25)
_MOST_OFF = 0.5  # seconds


def clock_for(
    target: Path, format_name: str, streams: OtherStreams | None, info: VideoInfo
) -> Fraction | None:
    """Seconds for each tick of the clock of `target`; None where its muxer has one of its own.

    AVI gets the slowest clock that the source's frames fit; between them lie empty packets. So
    does y4m, where frames are repeated; where times are not known beforehand, the nominal one, and
    y4m that of film, as repeating four of five frames would make it useless to encoders.
    Raises OutputError, in one line, where frames would be shown far off their times.
    """
    if not counts_frames(format_name):
        return None
    nominal = info.frame_rate or _USUAL_RATE
    if streams is None:
        return 1 / nominal
    if streams.arriving is not None or not isinstance(streams.path, Path):
        return 1 / (nominal if format_name == Y4M else fine_rate(nominal))
    if streams.shown is Shown.QUARTERS:
        return 1 / (nominal * TURN if format_name in ONE_RATE - {Y4M} else nominal)
    times = shown_times(streams.path, streams.main, streams.output_start, streams.end)
    if times is None:
        return 1 / nominal
    if streams.shown is Shown.HALVES:
        times = _with_halves(times, nominal)
    if format_name in ONE_RATE:
        rate = least_rate(times, nominal)
        if rate is None:
            raise _unfit(target, "some come too long after the one before")
        return 1 / rate
    if (off := furthest_off(times, nominal)) > _MOST_OFF:
        raise _unfit(target, f"here that is up to {off:.1f} s off their times")
    return 1 / nominal


def clock_note(target: Path, format_name: str, clock: Fraction | None, info: VideoInfo) -> str:
    """What to tell people of a clock that ticks more often than once a frame; else ""."""
    nominal = info.frame_rate or _USUAL_RATE
    if format_name not in ONE_RATE or clock is None or clock * nominal == 1:
        return ""
    between = "repeated" if format_name == Y4M else "empty"
    return (
        f"{target.suffix} is written at {float(1 / clock):.6g} frames a second, the {between} ones "
        "between the source's frames included, so that each is shown at its time"
    )


def _with_halves(times: NDArray[np.float64], nominal: Fraction) -> NDArray[np.float64]:
    """The times of frames, and those halfway to the next; the last by the `nominal` rate."""
    ends = np.append(times[1:], times[-1] + 2 / float(nominal))
    return np.stack((times, (times + ends) / 2), 1).reshape(-1)


def _unfit(target: Path, why: str) -> OutputError:
    return OutputError(
        f"{target}: {target.suffix} shows frames at a fixed rate, and {why}; choose .mkv"
    )
