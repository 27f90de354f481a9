"""Where to look first: a moment of a video that tells what enlarging it brings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vsr.core.color_codes import ColorRange
from vsr.core.errors import InputError, StalledError
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, Plane, VideoInfo
from vsr.core.options import READ_DEFAULTS, ReadOptions
from vsr.core.span import Span
from vsr.video.choose import main_video
from vsr.video.open import open_input
from vsr.video.rate import nominal_rate
from vsr.video.reader import Video, open_video
from vsr.video.seek import seek_back, seeks
from vsr.video.shots import mark_shots

Picture = NDArray[np.float32]

_PLACES = 12  # to look at
_FAR = 300  # frames that are decoded to come to a place, at most
_USUAL_RATE = 25  # frames a second
_PACKETS = 1000  # to look through for a keyframe
_GRID = 10  # starts are in tenths of a second: they are to be read, and typed

_GLANCE = Fraction(1, 4)  # seconds over which motion is seen
_FEWEST, _MOST = 3, 20  # frames in them

_WIDTH, _HEIGHT = 64, 36  # of the reduced luma, in which light and motion are seen
_TILES = (16, 9)  # in which detail is measured

# Of luma in [0, 1].
_DARK = 0.06  # the lightest parts of a black picture
_BARE = 0.002  # the detail of a picture of nothing
_STILL = 0.008  # change in the most changed parts, of a still picture
_LIVELY = 0.04  # change beyond which more motion is no gain
_BLURRED = 0.4  # the detail of a blurred picture, next to that of the video's sharpest
_FADED = 0.5  # the least contrast within a fade, next to the most


@dataclass(frozen=True)
class Moment:
    """When to look at a video.

    Attributes:
        start: seconds from the file's start.
        why: what is to be seen there, in one phrase for people.
    """

    start: Fraction
    why: str


def telling(
    path: Path, length: Fraction, reading: ReadOptions = READ_DEFAULTS, warn: Warn = ignore
) -> Moment:
    """The moment from which `length` seconds of a video show best what enlarging brings.

    They are sharp, moving, of one shot, neither black nor a fade, or as near to that as there
    is; what is amiss is said. A dozen places, spread over the file, are looked at for a quarter
    of a second, most of them keyframes, so that little is decoded on the way. The most promising
    are then looked at in full, until one is as wanted. Places that cannot be decoded well are
    passed over, with one warning for all.

    The same file gives the same moment. It lies `length` or more before the video's end, unless
    the video is shorter, and at 0 where nothing can be sought: in raw streams, which do not say
    how long they last, and in MPEG program streams. Raises InputError where there is no video.
    """
    reading = replace(reading, hwaccel=False, deinterlace="off")
    with open_video(path, Span(), ignore, reading):  # what is no video is told here
        pass
    with open_input(path) as container:
        stream = main_video(container, path, reading.video_stream)
        lasts = _duration(container, stream)
        if lasts is None or not seeks(container):
            return Moment(Fraction(0), "from the start: times cannot be sought in this file")
        if lasts <= length:
            return Moment(Fraction(0), f"from the start: it lasts only {float(lasts):.3g} s")
        places = _places(container, stream, lasts - length, length)
    if not places:
        return Moment(Fraction(0), "from the start: times cannot be sought in this file")
    looks = _looks(path, places, length, reading)
    found = _best(path, looks, length, reading)
    if broken := found.broken + len(places) - len(looks):
        of = f"{broken} of {len(places)} places looked at"
        warn(f"{path}: {of} were passed over: frames are missing or broken there")
    if found.look is None:
        return Moment(Fraction(0), "from the start: no other place looked at is whole")
    return Moment(found.look.start, _why(found, len(places) - broken))


def _duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds from the file's start to the end of its picture, where headers say so."""
    origin, ends = Fraction(container.start_time or 0, av.time_base), []
    if stream.duration and stream.time_base is not None:
        ends.append(((stream.start_time or 0) + stream.duration) * stream.time_base - origin)
    if container.duration and container.duration > 0:
        ends.append(Fraction(container.duration, av.time_base))
    return min(ends, default=None)


def _places(
    container: InputContainer, stream: VideoStream, last: Fraction, length: Fraction
) -> list[Fraction]:
    """Starts up to `last`, ascending, spread evenly, but at keyframes where there are some near.

    In a short file there are fewer, half a `length` apart; none in one that cannot be sought.
    """
    count = min(_PLACES, 1 + int(2 * last / length))
    latest = Fraction(math.floor(last * _GRID), _GRID)
    rate = nominal_rate(stream) or _USUAL_RATE
    starts: list[Fraction] = []
    for number in range(count):
        place = last * (2 * number + 1) / (2 * count)
        try:
            key = _keyframe(container, stream, place)
        except (av.FFmpegError, OSError, ValueError):
            continue
        if key is None or key <= max(starts, default=Fraction(-1)):  # that one is taken
            if key is not None and (place - key) * rate > _FAR:
                continue
            key = place
        start = min(latest, Fraction(max(0, math.ceil(key * _GRID)), _GRID))
        if start not in starts:
            starts.append(start)
    return sorted(starts)


def _keyframe(container: InputContainer, stream: VideoStream, place: Fraction) -> Fraction | None:
    """When a keyframe near `place` is shown, before it if the file can be sought so exactly."""
    assert stream.time_base is not None
    origin = Fraction(container.start_time or 0, av.time_base)
    seek_back(container, stream, math.floor((origin + place) / stream.time_base))
    for packet in islice(container.demux(stream), _PACKETS):
        if packet.is_keyframe and packet.pts is not None:
            return packet.pts * stream.time_base - origin
    return None


@dataclass(frozen=True)
class _Look:
    """What a quarter of a second shows.

    Attributes:
        start: of the place, in seconds.
        detail: how much fine detail there is, all over the picture.
        motion: how much changes, in [0, 1].
    """

    start: Fraction
    detail: float
    motion: float

    @property
    def promise(self) -> float:
        """How much the place tells, as far as one can see."""
        return self.detail * (0.1 + min(1.0, self.motion / _LIVELY))


def _looks(
    path: Path, places: Sequence[Fraction], length: Fraction, reading: ReadOptions
) -> list[_Look]:
    """What is to be seen at the places that can be decoded."""
    looks = []
    for start in places:
        span = Span(start, start + length)
        with _passed_over(), open_video(path, span, ignore, reading) as video:
            look = _look(video, start)
            if not video.damage.is_in_pictures:
                looks.append(look)
    return looks


def _look(video: Video, start: Fraction) -> _Look:
    long, first, last = _GLANCE / video.info.time_base, None, None
    for number, frame in enumerate(islice(video.frames(), _MOST), 1):
        first, last = first or frame, frame
        if number >= _FEWEST and frame.pts - first.pts >= long:
            break
    assert first is not None  # what opens has a frame
    assert last is not None
    both = [_luma(frame, video.info) for frame in (first, last)]
    change = _change(*(_reduced(luma) for luma in both))
    return _Look(start, sum(map(_detail, both)) / 2, change)


@dataclass(frozen=True)
class _Found:
    """The outcome of the search.

    Attributes:
        look: at the best place; None where there is none.
        amiss: what is wrong with it, the worst first.
        broken: how many places turned out to be broken when they were looked at in full.
    """

    look: _Look | None
    amiss: Sequence[_Flaw]
    broken: int


def _best(path: Path, looks: Sequence[_Look], length: Fraction, reading: ReadOptions) -> _Found:
    """The first place without a flaw, by promise, or the one with the least."""
    sharpest = max((look.detail for look in looks), default=0.0)
    best: _Look | None = None
    least: list[_Flaw] = []
    broken = 0
    for look in sorted(looks, key=lambda look: -look.promise):
        span, seen = Span(look.start, look.start + length), None
        with _passed_over(), open_video(path, span, ignore, reading) as video:
            seen = _seen(video)
        if seen is None:
            broken += 1
            continue
        flaws = _flaws(seen, look, sharpest, length)
        if best is None or _weight(flaws) < _weight(least):
            best, least = look, flaws
        if not least:
            break
    return _Found(best, least, broken)


@dataclass(frozen=True)
class _Flaw:
    """What is wrong with a place: how bad it is, and its name in a phrase."""

    weight: float
    name: str


def _weight(flaws: Sequence[_Flaw]) -> float:
    return sum(flaw.weight for flaw in flaws)


@dataclass(frozen=True)
class _Seen:
    """What a span shows up to its first cut.

    Attributes:
        light: of the lightest parts, usually, in [0, 1].
        motion: how much changes in a quarter of a second, usually; None where it is shorter.
        contrast: the least, next to the most.
        cut: seconds after which the first cut comes; None where there is none.
    """

    light: float
    motion: float | None
    contrast: float
    cut: Fraction | None


def _seen(video: Video) -> _Seen | None:
    """Look at a whole span; None where it is broken, or the video ends within it."""
    lights: list[float] = []
    contrasts: list[float] = []
    changes: list[float] = []
    base, long = video.info.time_base, _GLANCE / video.info.time_base
    begin, end, cut = None, 0, None
    mark: tuple[int, Picture] | None = None
    for frame in mark_shots(video.frames(), video.info.format.peak):
        begin = frame.pts if begin is None else begin
        if frame.starts_shot and lights:
            cut = (frame.pts - begin) * base
            break
        end = frame.pts + frame.duration
        small = _reduced(_luma(frame, video.info))
        lights.append(float(np.quantile(small, 0.95)))
        contrasts.append(float(small.std()))
        if mark is None or frame.pts - mark[0] >= long:
            changes += [_change(mark[1], small)] if mark else []
            mark = frame.pts, small
    wanted = video.tick(video.span.end)
    assert wanted is not None
    at_start = not video.span.start  # nothing begins earlier
    if video.damage.is_in_pictures or (cut is None and end < math.floor(wanted) and not at_start):
        return None
    return _Seen(
        light=median(lights),
        motion=median(changes) if changes else None,
        contrast=min(contrasts) / max(*contrasts, 1e-9),
        cut=cut,
    )


def _flaws(seen: _Seen, look: _Look, sharpest: float, length: Fraction) -> list[_Flaw]:
    """What is wrong with a place, the worst first.

    `sharpest` is the most detail of any place, `length` that of the span in seconds.
    """
    if seen.light < _DARK:
        return [_Flaw(5, "it is dark")]
    if look.detail < _BARE:
        return [_Flaw(4, "there is hardly any detail")]
    flaws = []
    if look.detail < _BLURRED * sharpest:
        flaws.append(_Flaw(2, "it is blurred"))
    if (look.motion if seen.motion is None else seen.motion) < _STILL:
        flaws.append(_Flaw(3, "it stands still"))
    if seen.contrast < _FADED:
        flaws.append(_Flaw(2.5, "it fades"))
    elif seen.cut is not None:
        rest = 1 - float(seen.cut / length)  # of the span, unseen
        flaws.append(_Flaw(1 + 3 * rest, f"there is a cut after {float(seen.cut):.1f} s"))
    return sorted(flaws, key=lambda flaw: -flaw.weight)


def _why(found: _Found, places: int) -> str:
    best = f"the best of {places} places looked at" if places > 1 else "the only place looked at"
    if not found.amiss:
        return f"sharp, moving, no cut; {best}"
    return f"{best}, though {' and '.join(flaw.name for flaw in found.amiss)}"


@contextmanager
def _passed_over() -> Iterator[None]:
    """A place where nothing can be read is passed over; a file that hangs does so everywhere."""
    try:
        yield
    except StalledError:
        raise
    except InputError:
        pass


def _luma(frame: Frame, info: VideoInfo) -> Picture:
    """Every other row of luma, or green, in [0, 1]: rows of two fields would look sharp."""
    rows: Plane = frame.planes[0][::2]
    black = 0 if info.color.range == ColorRange.FULL else 16 / 255
    return (rows.astype(np.float32) / np.float32(info.format.peak) - black) / (1 - black)


def _reduced(luma: Picture) -> Picture:
    """(_HEIGHT, _WIDTH): noise is gone from it."""
    return np.asarray(cv2.resize(luma, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA))


def _change(before: Picture, after: Picture) -> float:
    """How far the most changed parts of a picture are apart: a little thing may move in it."""
    return float(np.quantile(np.abs(after - before), 0.98))


def _detail(luma: Picture) -> float:
    """The strength of a Laplacian, a little smoothed against noise: the mean over tiles.

    So a picture full of detail has more than one with white letters on black.
    """
    edges = cv2.Laplacian(cv2.GaussianBlur(luma, (3, 3), 0), cv2.CV_32F)
    power = cv2.resize(np.square(edges), _TILES, interpolation=cv2.INTER_AREA)
    return float(np.sqrt(power).mean())
