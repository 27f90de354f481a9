"""The plan of a long job: segments, cut where the source is best cut."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

from vsr.core.frame import VideoInfo
from vsr.core.lifetime import LIFETIME, lifetime
from vsr.core.span import Span
from vsr.networks.cost import cost
from vsr.networks.network import Network
from vsr.provenance.fingerprint import Fingerprint
from vsr.segmented.keyframe_scan import Scan
from vsr.video.reader import Video
from vsr.video.timeline import nominal_step

_WORK = 3e12  # multiplications of a segment: half a minute of two ordinary cores
_SHORTEST, _LONGEST = 2, 60  # seconds of video
_FEWEST = 8  # frames
_MOST = 2**63  # libav counts in as many ticks
_PATIENCE = 4  # times its length that a segment may have, to end before a keyframe


@dataclass(frozen=True)
class Segment:
    """A part of a job.

    Attributes:
        number: its place, from 0.
        begin, end: ticks; None where the job's span itself begins or ends. It holds the
            frames from `begin` up to, not including, `end`.
    """

    number: int
    begin: int | None
    end: int | None


@dataclass(frozen=True)
class Plan:
    """All that must be the same whoever does a segment, and wherever.

    Attributes:
        key: the hash of what the result depends on: the source, the settings, the weights.
        settings: `Job.settings`, for people.
        path, source: the source's, on the machine that planned, and the file as it was.
        time_base: seconds per tick.
        origin: when the source starts, in seconds on its own clock.
        shift: the tick at which the output's clock begins.
        picture: a hash of the source's `VideoInfo`: of another, no segment is made.
        format: the muxer that the output is for.
        encoder: its encoder's name.
        threads: the encoder's, as its packets depend on them.
        header: a hash of the encoder's global header, which all segments share.
        plain: whether a segment may be sought. Otherwise the source is read from its start.
        frames: how many to expect.
        borders: the ticks at which the segments but the first begin.
        slack: by how many ticks the first frame may come after a border: more than 0 where no
            packet tells when frames come.
    """

    key: str
    settings: dict[str, Any]
    path: str
    source: Fingerprint
    time_base: Fraction
    origin: Fraction
    shift: int
    picture: str
    format: str
    encoder: str
    threads: int
    header: str
    plain: bool
    frames: int
    borders: tuple[int, ...]
    slack: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for what no plan is like."""
        numbers = (self.shift, self.threads, self.frames, *self.borders)
        if not all(type(number) is int and abs(number) < _MOST for number in numbers):
            raise ValueError(f"a plan's numbers must be whole and below {_MOST}")
        if self.time_base <= 0 or self.threads < 0 or self.frames < 0:
            raise ValueError(
                f"ticks of {self.time_base} s, {self.threads} threads, {self.frames} frames: "
                "there are none below 0"
            )
        if any(begin >= end for begin, end in pairwise(self.borders)):
            raise ValueError(f"borders {self.borders}: must ascend")

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them, in order."""
        edges = (None, *self.borders, None)
        return tuple(Segment(number, *ends) for number, ends in enumerate(pairwise(edges)))

    def span(self, begin: int | None, end: int | None, whole: Span) -> Span:
        """The span of what lies between two ticks; `whole` is the job's."""
        start = whole.start if begin is None else self._seconds(begin)
        return Span(start, whole.end if end is None else self._seconds(end))

    def reading(self, begin: int | None, end: int | None, whole: Span) -> Span:
        """The span to read for that: far enough for the frame behind it, if no border is one."""
        span = self.span(begin, None if end is None else end + self.slack, whole)
        ends = [time for time in (span.end, whole.end) if time is not None]
        return Span(span.start, min(ends, default=None))

    def _seconds(self, tick: int) -> Fraction:
        return tick * self.time_base - self.origin

    @property
    def digest(self) -> str:
        """A hash of all of it: what was made by another plan is no part of this one."""
        return hash_of(self._facts())

    def _facts(self) -> dict[str, Any]:
        """All of it in JSON's own types."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain

    def to_json(self) -> str:
        """All of it, readable, with its hash."""
        return json.dumps({**self._facts(), "sha256": self.digest}, indent=2)

    @staticmethod
    def from_json(text: str) -> Plan:
        """What `to_json` wrote.

        Raises ValueError, TypeError, KeyError or ArithmeticError if it is none, has been changed,
        or cannot be: of neighbours in order alone, each frame is in one.
        """
        facts = json.loads(text)
        if not isinstance(facts, dict) or facts.pop("sha256") != hash_of(facts):
            raise ValueError("not as it was written")
        for name in ("time_base", "origin"):
            facts[name] = Fraction(facts[name])
        source, borders = Fingerprint(**facts["source"]), tuple(facts["borders"])
        return Plan(**{**facts, "source": source, "borders": borders})


def key_of(source: str, settings: Mapping[str, Any]) -> str:
    """The hash of what a result depends on. `source` is the source's SHA-256."""
    return hash_of([source, dict(settings)])


def picture_of(info: VideoInfo) -> str:
    """A hash of what segments must agree on."""
    return hash_of(repr(replace(info, expected_frames=None, dropped=(), user_data=())))


def hash_of(value: Any) -> str:
    """The SHA-256 of a value of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def segment_frames(networks: Sequence[Network], info: VideoInfo) -> int:
    """How many frames make a segment: what takes about as long with all networks.

    `networks` are those that enlarge a frame, one after the other; `info` is the source's. That is
    half a minute's work, but a few seconds of the video at the least, a state's lifetime for a
    recurrent network, and a minute at the most.
    """
    rate = float(info.frame_rate or 25)
    macs, width, height = 0, info.width, info.height
    for network in networks:
        width, height = width * network.scale, height * network.scale
        macs += cost(network, width, height).macs
    frames = _WORK / max(macs, 1)
    shortest = float(LIFETIME) if networks[0].warmup else _SHORTEST
    return max(_FEWEST, round(min(max(frames, shortest * rate), _LONGEST * rate)))


def edges_of(video: Video) -> tuple[int | None, int | None]:
    """The ticks between which the frames of a video's span lie; None where the file itself ends."""
    edges = (video.tick(time) for time in (video.span.start, video.span.end))
    begin, end = (None if tick is None else ceil(tick) for tick in edges)
    return begin, end


def wanted(found: Scan, parts: int, begin: int | None, end: int | None) -> array[int]:
    """The times of the frames between two ticks, of which each of the stream's has `parts`."""
    times = (time * parts for time in found.times)
    return array("q", (t for t in times if _between(t, begin, end)))


def borders_at(times: Sequence[int], starts: set[int], frames: int) -> Iterator[int]:
    """Where to cut frames of these `times` into segments of at least so many.

    A segment begins at one of `starts`, such as a keyframe, so that nothing is done twice, unless
    none comes for long.
    """
    count, left = 0, len(times)
    for time in times:
        full = time in starts and left >= frames // 2
        if count >= frames and (full or count >= _PATIENCE * frames):
            yield time
            count = 0
        count += 1
        left -= 1


def lifetime_starts(times: Sequence[int], time_base: Fraction) -> set[int]:
    """The first of the frames of these `times` in each lifetime of a recurrent network's state."""
    lives = [lifetime(time, time_base) for time in times]
    return {
        time
        for time, (before, now) in zip(times[1:], pairwise(lives), strict=True)
        if before != now
    }


def even_borders(first: int, step: int, count: int, frames: int) -> Iterator[int]:
    """Where to cut about `count` frames, a `step` of ticks apart, into segments of so many.

    For sources whose own times say little; a segment may turn out to be empty.
    """
    for number in range(1, count // frames):
        yield first + number * frames * step


def cut(
    found: Scan,
    info: VideoInfo,
    parts: int,
    first: int,
    begin: int | None,
    end: int | None,
    frames: int,
    by_lifetime: bool = False,
) -> tuple[int, tuple[int, ...]]:
    """How many frames to expect between two ticks, and where to cut them.

    Args:
        found: the source's packets.
        info: the source's, with ticks of which the stream's have `parts`.
        first: when the first frame is shown.
        begin, end: ticks.
        frames: how many make a segment.
        by_lifetime: whether a segment begins where a state does, and not at a keyframe.
    """
    if found.plain:
        times = wanted(found, parts, begin, end)
        if by_lifetime:
            starts = lifetime_starts(times, info.time_base)
        else:
            starts = {time * parts for time in found.keyframes}
        return len(times), tuple(borders_at(times, starts, frames))
    step = nominal_step(info.frame_rate, info.time_base)
    even = even_borders(first, step, found.packets, frames)
    return found.packets, tuple(t for t in even if _between(t, begin, end) and t != begin)


def _between(tick: int, begin: int | None, end: int | None) -> bool:
    return (begin is None or tick >= begin) and (end is None or tick < end)
