"""Read a live stream: one connection feeds both the picture and all else."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from itertools import chain
from threading import Event
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError
from vsr.core.events import Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.inlet import interruptible
from vsr.core.limits import DEFAULTS, Limits, check_header
from vsr.core.options import ReadOptions
from vsr.core.side_data import said_of, user_data_of
from vsr.core.source import Other, OtherStreams, Sampled
from vsr.core.span import Inside, Span
from vsr.core.url import AS_IT_COMES, Pipe, Url, open_url, take_pipe
from vsr.live.connection import Arrived, Connection, connect
from vsr.live.first_pts import with_times
from vsr.live.receiver import Receiver
from vsr.video.choose import choice_note, main_video
from vsr.video.discontinuities import move_by
from vsr.video.planes import PlaneReader, describe
from vsr.video.quantisers import quantiser_of
from vsr.video.reader import FAR_START
from vsr.video.timeline import Timed, finer, lasting, nominal_step, steady
from vsr.video.truncation import least_end

TRIES = 5
"""How often in a row a broken connection is made anew, after 0.5, 1, 2, ... seconds."""

_LINGER = 2.0  # seconds that the last of the other streams may take behind the picture
_TICK = 0.05
_HEAD = 1 << 20  # bytes of a pipe's beginning by which it is known where it ends
_GUESSED_RATE = Fraction(25)  # where no rate is told: how long the last frame stands


class Live:
    """A live stream opened for reading, at its first picture that can be decoded.

    Its clock begins at that picture, with 0; a pipe's begins where a file's would. Where a
    connection breaks and is made anew, the clock runs on by as much as time has passed, for
    picture and sound alike.

    Attributes:
        path: the address.
        info: what holds for all its frames.
        span: up to when it is read.
        stream_index: which of the streams this is.
        is_live: whether frames come as they are made. A pipe gives those that a file would.
        origin, output_start: 0, where a file has its start and the output's clock begins.
        container: the first connection, to look up the other streams. It is closed once
            `frames` is drawn from.
    """

    origin = Fraction(0)
    output_start = Fraction(0)

    def __init__(
        self,
        url: Url,
        duration: Fraction | None,
        receiver: Receiver,
        first: Connection,
        tally: Tally,
        warn: Warn,
    ) -> None:
        self.path = url
        self.span = Span(end=duration)
        self.stream_index = first.stream.index
        self.container = first.container
        self._receiver = receiver
        self._tally = tally
        self._warn = warn
        self.is_live = not url.is_pipe
        self._starts = Fraction(first.container.start_time or 0, av.time_base)
        self._copied = False  # whether the other streams are asked for
        self._begun = False  # whether frames are drawn
        self._broken: Arrived | None = None  # the last end of a connection
        self._shifts: dict[int, Fraction] = {}  # seconds to add to the times of a connection
        self._latest = Fraction(0)  # when the last frame is shown
        self._latest_at: float | None = None  # when its packet came
        self._over_since: float | None = None  # when no more frames were drawn
        decoded = self._decode()
        opening = next(decoded, None)
        if opening is None:
            reason = self._broken.reason if self._broken else ""
            raise InputError(f"{url}: no picture came ({reason or 'it ended'})")
        self._decoded = chain([opening], decoded)
        info = describe(first.container, first.stream, opening[0])
        base = first.base / finer(first.base)
        rate = None if first.clockless else info.frame_rate
        self.info = replace(info, time_base=base, frame_rate=rate, expected_frames=None)

    @property
    def damage(self) -> Damage:
        """What has been found damaged so far."""
        return self._tally.damage

    def damage_within(self, begin: int | None, end: int | None) -> Damage:
        """What was found damaged from the frame at a tick up to the one at another.

        None is the beginning, or what was read last.
        """
        return self._tally.within(begin, end)

    @property
    def expected_frames(self) -> int | None:
        """How many frames the wanted time lets one expect. A hint for progress."""
        rate, end = self.info.frame_rate, self.span.end
        return math.ceil(end * rate) if rate and end is not None else None

    def frames(self, context: int = 0, warmup: int = 0) -> Iterator[Frame]:
        """Every frame from now on, pts strictly increasing; see `reader.Video.frames`.

        From the first one drawn on, all is taken in as it comes, however slowly frames are
        drawn. They end, with a warning, where a broken connection does not come back. Raises
        InputError where damage is not allowed.
        """
        self._begun = True
        if not self._copied:
            self._receiver.keep(())
        self._receiver.start()
        try:
            timed = self._timed(PlaneReader(self.info, self._warn), tells=warmup > 0)
            inside = Inside(timed, self._is_behind)
            mended = self._tally.marked(steady(iter(inside), self._nominal_step(), self._tally))
            yield from lasting(mended, self._ends)
            self._tally.tell(self._warn)
            if inside.behind is None:
                self._tell_lost()
            elif context or warmup:
                for frame, _ in chain([inside.behind], timed):
                    yield replace(frame, is_context=True)
        finally:
            self._over_since = time.monotonic()

    def sampled(self) -> dict[int, list[Sampled]]:
        """What has come of the other streams so far, by their indices, to try containers with."""
        found: dict[int, list[Sampled]] = {
            stream.index: []
            for stream in self.container.streams
            if stream.index != self.stream_index
        }
        for place, packet in self._receiver.waiting():
            duration, keyframe = max(packet.duration or 0, 0), packet.is_keyframe
            found[place].append(Sampled(bytes(packet), packet.pts, packet.dts, duration, keyframe))
        return found

    @contextmanager
    def other_streams(self) -> Iterator[OtherStreams]:
        """The other streams, which come by the picture's own connections."""
        yield OtherStreams(
            self.path,
            self.container,
            self.stream_index,
            self.output_start,
            None,
            False,
            self._damaged,
            self.sampled(),
            self.others,
        )

    def _damaged(self, message: str, packets: int) -> None:
        self._tally.others(message, packets, self._warn)

    def others(self, wanted: Collection[int]) -> Iterator[Other | None]:
        """The packets of other streams, as they came, on the output's clock.

        `wanted` are indices of streams in `container`. None stands where nothing more has come
        yet: ask again later. After the last frame the iterator waits a little for what belongs
        to it, and ends. Call this before `frames` is drawn from. A packet's own stream may be
        gone with its connection: nothing of it must be looked at.
        """
        if self._begun:
            raise RuntimeError("others() must be called before frames() is drawn from")
        self._copied = True
        self._receiver.keep(tuple(wanted))
        return self._others()

    def _others(self) -> Iterator[Other | None]:
        latest: dict[int, _Latest] = {}
        while True:
            over = self._over_since is not None  # before the next look: what came by then, counts
            complete = over and self._has_all()
            arrived = self._receiver.other()
            shift = None if arrived is None else self._shifts.get(arrived.connection.number)
            if arrived is None and complete:
                return
            if arrived is None and over:
                time.sleep(_TICK)
                continue
            if arrived is None or (shift is None and not over):
                yield None
                continue
            self._receiver.drop_other()
            packet = arrived.packet
            if packet and shift is not None and self._is_wanted(arrived, shift, latest):
                move_by(packet, shift)
                yield arrived.place, packet

    def _is_wanted(self, arrived: Arrived, shift: Fraction, latest: dict[int, _Latest]) -> bool:
        """Whether a packet lies in the span, and not before what an earlier connection gave."""
        packet, number = arrived.packet, arrived.connection.number
        before = latest.get(arrived.place)
        if packet is None or (packet.pts is None and packet.dts is None):
            return packet is not None and before is not None  # it follows the last one
        begins, ends, decoded = _times(packet, shift)
        early = ends <= 0 and self.is_live  # a pipe gives what a file would: from its start
        if early or (self.span.end is not None and begins >= self.span.end):
            return False
        if before is not None and number > before.connection and decoded <= before.decoded:
            return False
        latest[arrived.place] = _Latest(number, max(decoded, before.decoded if before else decoded))
        return True

    def _has_all(self) -> bool:
        """Whether no packet that belongs to the last frames is still to come."""
        assert self._over_since is not None
        return self._receiver.is_over or time.monotonic() > self._over_since + _LINGER

    def _decode(self) -> Iterator[tuple[VideoFrame, Arrived]]:
        """The decoded frames, each with the packet after which it came out of the decoder."""
        for arrived in self._receiver.video():
            packet = arrived.packet
            if packet is not None and packet.is_corrupt:
                self._tally.add("gaps")
            decoder: Any = arrived.connection.decoder
            try:
                frames = decoder.decode(packet)  # None drains it
            except (av.FFmpegError, ValueError):
                self._tally.add("undecodable")
                frames = []
            for frame in frames:
                if frame.is_corrupt:
                    self._tally.add("corrupt")
                yield frame, arrived
            self._broken = arrived if packet is None else None
            if packet is None and self._latest_at is None:
                return  # not one frame came

    def _timed(self, read_planes: PlaneReader, tells: bool) -> Iterator[Timed]:
        """The frames on the output's clock, and whether their times are known.

        With their quantisers, which take a while to read, if each `tells`.
        """
        base = self.info.time_base
        step = self._nominal_step() * base
        for begins, decoded, arrived in with_times(self._decoded, step):
            connection = arrived.connection
            if connection.number not in self._shifts:
                self._shifts[connection.number] = self._join(connection, begins or Fraction(0))
            shift = self._shifts[connection.number]
            self._latest_at = arrived.at
            if begins is None:
                self._latest += step
            else:
                self._latest = max(self._latest, begins + shift)
            pts = 0 if begins is None else round((begins + shift) / base)
            duration = round((decoded.duration or 0) * connection.base / base)
            data = tuple(user_data_of(said_of(decoded)).items())
            told = quantiser_of(decoded) if tells else None
            frame = Frame(read_planes(decoded), pts, duration, user_data=data, quantiser=told)
            yield frame, begins is not None

    def _join(self, connection: Connection, begins: Fraction) -> Fraction:
        """By how many seconds the times of a connection are moved; its first frame's is given."""
        if self._latest_at is None:
            shift = -(begins if self.is_live else self._zero(begins))
        else:
            came = self._latest_at if connection.began is None else connection.began
            gap = max(Fraction(came - self._latest_at), self._nominal_step() * self.info.time_base)
            shift = self._latest + gap.limit_denominator(1000) - begins
            self._warn(
                f"the connection broke after {float(self._latest):.1f} s and was made anew; "
                f"{float(gap):.1f} s are missing"
            )
        if self.span.end is not None:
            connection.ends = self.span.end - shift
        return shift

    def _zero(self, begins: Fraction) -> Fraction:
        """When the output's clock begins on a pipe's, as with files: see `Video.output_start`."""
        if self.span.end is not None or abs(self._starts) > FAR_START:
            return self._starts
        return min(begins, Fraction(0))

    def _tell_lost(self) -> None:
        if self._broken is not None and self._broken.reason:
            self._warn(
                f"the stream ended after {float(self._latest):.1f} s ({self._broken.reason}) and "
                "did not come back; what came before is kept"
            )

    def _is_behind(self, timed: Timed) -> bool:
        frame, known = timed
        return known and self._end is not None and frame.pts >= self._end

    def _ends(self, last: Frame) -> int:
        """The tick at which the last frame stops being shown."""
        shown = last.pts + (last.duration or self._nominal_step())
        return shown if self._end is None else min(shown, math.ceil(self._end))

    @property
    def _end(self) -> Fraction | None:
        """The first tick that is no longer wanted."""
        return None if self.span.end is None else self.span.end / self.info.time_base

    def _nominal_step(self) -> int:
        """What a frame lasts, in ticks, where nothing tells."""
        return nominal_step(self.info.frame_rate or _GUESSED_RATE, self.info.time_base)


@contextmanager
def open_live(
    url: Url,
    duration: Fraction | None,
    warn: Warn,
    *,
    tries: int = TRIES,
    stop: Event | None = None,
    strict: bool = False,
    video_stream: int | None = None,
    container: InputContainer | None = None,
    limits: Limits = DEFAULTS,
    head: bytes = b"",
) -> Iterator[Live]:
    """Open a live stream, to be read for `duration` seconds, or until it ends, or `stop` is set.

    A connection is broken that gives nothing for as long as the address is waited for; then it is
    made anew, up to `tries` times in a row. `container` is the address opened already, if it is;
    it is closed here. With `strict`, damaged packets are an error. `video_stream` is which of
    several videos to take, see `main_video`. `head` is what has come of a pipe, to know by where it
    ends. Raises InputError where no picture comes, or one that is over the `limits`.
    """
    stop = stop or Event()
    with interruptible(), container or open_url(url) as opened:
        where: Any = url
        tally = Tally(where, strict)
        first = connect(url, opened, None, 0, video_stream)
        check_header(url, opened, first.stream, limits)
        if note := choice_note(opened, first.stream, video_stream):
            warn(note)
        least = least_end(BytesIO(head), len(head), opened.format.name)
        receiver = Receiver(url, first, tries, stop, tally, warn, least)
        try:
            yield Live(url, duration, receiver, first, tally, warn)
        finally:
            receiver.close()


@contextmanager
def open_pipe(
    pipe: Pipe, duration: Fraction | None, warn: Warn, reading: ReadOptions, stop: Event | None
) -> Iterator[Live]:
    """Open a pipe as a live stream, to be read once; see `open_live`.

    It ends where its writer closes it. Raises StalledError where nothing comes for as long as
    `reading` allows.
    """
    inlet, stop = pipe.inlet, stop or Event()
    inlet.patience, inlet.stop = reading.stall_timeout, stop
    try:
        look_at(pipe, reading, warn)  # what comes may be refused before it is taken
        head = inlet.kept(0, _HEAD)
        with (
            interruptible(),
            open_live(
                pipe,
                duration,
                warn,
                tries=0,
                stop=stop,
                strict=reading.strict,
                video_stream=reading.video_stream,
                container=take_pipe(pipe),
                limits=reading.limits,
                head=head,
            ) as live,
        ):
            yield live
    finally:
        inlet.close()


def look_at(pipe: Pipe, reading: ReadOptions, warn: Warn = ignore) -> VideoInfo:
    """What holds for the frames of a pipe, by its beginning, which stays to be read.

    Raises InputError where there is no picture, StalledError.
    """
    pipe.inlet.patience = reading.stall_timeout
    with interruptible(), open_url(pipe) as container:
        stream = main_video(container, pipe, reading.video_stream)
        check_header(pipe, container, stream, reading.limits)
        stream.thread_type = "NONE"
        try:
            first = next(container.decode(stream))
        except (av.FFmpegError, EOFError, OSError, StopIteration, ValueError):
            raise InputError(f"{pipe}: no picture came that {AS_IT_COMES}") from None
        if first.interlaced_frame and reading.deinterlace != "off":
            warn(
                f"{pipe}: is interlaced, and what comes by a pipe is not deinterlaced; its writer "
                "can do that, as ffmpeg does with -vf bwdif"
            )
        return describe(container, stream, first)


@dataclass(frozen=True)
class _Latest:
    """What came last of another stream: by which connection, and its latest dts in seconds."""

    connection: int
    decoded: Fraction


def _times(packet: Packet[Stream], shift: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """When a packet begins, ends and is decoded, in seconds on the output's clock."""
    pts = packet.dts if packet.pts is None else packet.pts
    dts = packet.pts if packet.dts is None else packet.dts
    assert pts is not None
    assert dts is not None
    base = packet.time_base
    return pts * base + shift, (pts + (packet.duration or 0)) * base + shift, dts * base + shift
