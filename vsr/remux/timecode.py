"""SMPTE timecodes: the label of a video's first frame, which a part and another rate change."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from av.container import InputContainer
from av.stream import Stream

from vsr.core.source import OtherStreams

_LABEL = re.compile(r"(\d{2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")
_MOST_COUNTED = 255  # frames in a second, in mp4 and its like: their muxers refuse the file else
_COUNTING = {"mp4", "mov", "ipod", "f4v", "3gp", "3g2"}
_NEARLY = Fraction(1, 100)  # of a frame, by which containers round times


@dataclass(frozen=True)
class Count:
    """How timecodes of one source become those of its output.

    Attributes:
        of: frames a second that the source's count; None is unknown.
        by: frames a second that the output's count; None is unknown.
        passed: frames of the source before the output's first.
    """

    of: Fraction | None
    by: Fraction | None
    passed: int = 0

    def label(self, text: str) -> str:
        """The timecode of the output's first frame, where the source's first has `text`.

        Text that is no timecode stays as it is. The second is the source's, the frame in it is
        put at the output's rate.
        """
        found = _LABEL.fullmatch(text.strip())
        if not found or not self.of or not self.by:
            return text
        old, new = round(self.of), round(self.by)
        if not old or not new or (not self.passed and old == new):
            return text
        drops = found[4] != ":" and _dropped(self.of) > 0
        *clock, frame = (int(found[group]) for group in (1, 2, 3, 5))
        number = _number(clock, frame, old, drops) + self.passed
        clock, frame = _clock(number, old, drops)
        mark = ";" if drops and _dropped(self.by) else ":"
        hours, minutes, seconds = (f"{part:02}" for part in clock)
        return f"{hours}:{minutes}:{seconds}{mark}{frame * new // old:02}"


def count_of(streams: OtherStreams | None, rate: Fraction | None) -> Count:
    """How the timecodes of a source go on in an output of `rate` frames a second."""
    if streams is None:
        return Count(rate, rate)
    main = streams.container.streams[streams.main]
    of = getattr(main, "average_rate", None)
    if not streams.sharp or not of or main.start_time is None or main.time_base is None:
        return Count(of, rate)
    before = streams.output_start - main.start_time * main.time_base
    return Count(of, rate, max(0, math.ceil(before * of - _NEARLY)))


def with_timecode(
    tags: Mapping[str, str], count: Count, format_name: str
) -> tuple[dict[str, str], bool]:
    """Tags with the output's timecode, and whether one is left out as the muxer would refuse it."""
    kept = {key: count.label(tags[key]) if _is_it(key) else tags[key] for key in tags}
    if format_name not in _COUNTING or not count.by or round(count.by) <= _MOST_COUNTED:
        return kept, False
    without = {key: value for key, value in kept.items() if not _is_it(key)}
    return without, len(without) < len(kept)


def is_timecode_track(source: InputContainer, stream: Stream, main: int) -> bool:
    """Whether a track holds no more than the timecode that tags of the video or the file have too.

    QuickTime's do. The output's has another one, which its muxer makes of these tags.
    """
    if stream.type != "data" or "timecode" not in stream.metadata:
        return False
    told = (source.streams[main].metadata, source.metadata)
    return any(tags.get("timecode") == stream.metadata["timecode"] for tags in told)


def _is_it(key: str) -> bool:
    return key.lower() == "timecode"


def _dropped(rate: Fraction) -> int:
    """How many labels a minute leaves out so that they follow the clock: 2 at 29.97, 4 at 59.94."""
    nominal = round(rate)
    return nominal // 15 if nominal % 30 == 0 and rate != nominal else 0


def _number(clock: list[int], frame: int, rate: int, drops: bool) -> int:
    """The frames from midnight to a label."""
    hours, minutes, seconds = clock
    minute = 60 * hours + minutes
    left_out = rate // 15 * (minute - minute // 10) if drops else 0
    return (60 * minute + seconds) * rate + frame - left_out


def _clock(number: int, rate: int, drops: bool) -> tuple[list[int], int]:
    """The label of a frame, as hours, minutes and seconds, and the frame of the second."""
    if drops:
        skip = rate // 15
        minute, ten = 60 * rate - skip, 600 * rate - 9 * skip
        tens, rest = divmod(number, ten)
        number += 9 * skip * tens + max(0, (rest - skip) // minute) * skip
    seconds, frame = divmod(number, rate)
    return [seconds // 3600 % 24, seconds // 60 % 60, seconds % 60], frame
