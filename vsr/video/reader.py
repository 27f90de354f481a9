"""Read the frames of a video file, one by one, with exact timestamps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from threading import Lock

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError, StalledError
from vsr.core.events import Warn
from vsr.core.frame import Frame, VideoInfo, find_format
from vsr.core.hdr import dynamic_note
from vsr.core.lifetime import lifetime_start
from vsr.core.limits import check_header
from vsr.core.options import READ_DEFAULTS, ReadOptions
from vsr.core.parts import is_part_list, read_parts
from vsr.core.paths import NO_PIPE_IN
from vsr.core.side_data import UNREADABLE, dropped_of, said_of, user_data_of, with_captions
from vsr.core.source import OtherStreams
from vsr.core.span import Inside, Span
from vsr.core.threads import within
from vsr.core.url import Pipe, Url, patient
from vsr.video.choose import ENCRYPTED, choice_note, main_video
from vsr.video.encryption import is_encrypted
from vsr.video.fields import Fields, Pictures, choose_fields, single_fields_note
from vsr.video.gif_canvas import is_opaque_gif
from vsr.video.open import open_input, open_on_gpu
from vsr.video.planes import PlaneReader, describe, has_unknown_side_data
from vsr.video.preroll import ReadPlanes, lead_in, warm_up
from vsr.video.quantisers import quantiser_of
from vsr.video.rate import nominal_rate
from vsr.video.seek import Frames, decode, decode_from
from vsr.video.stable import state_of, watched
from vsr.video.timeline import Timed, finer, lasting, nominal_step, steady
from vsr.video.truncation import missing_bytes
from vsr.video.variants import leave_out_variants

_abandoned: list[InputContainer] = []  # kept from being closed
_CLOSING = 5.0  # seconds to wait for a thread that reads
FAR_START = 60  # seconds; beyond, a start is taken off all streams


@dataclass
class _Use:
    """Whether a video may be read: it is open, and nobody has begun before.

    libav crashes where a container is closed while another thread reads it, so both take a lock.
    """

    begun: bool = False
    closed: bool = False
    lock: Lock = field(default_factory=Lock)

    def begin(self, path: Path | Url) -> None:
        """Raises InputError where the frames cannot be read."""
        if self.closed:
            raise InputError(f"{path}: is closed already; read it within its `with` block")
        if self.begun:
            raise InputError(f"{path}: its frames can be read once; open it again")
        self.begun = True

    def guarded(self, frames: Iterator[VideoFrame], path: Path | Url) -> Iterator[VideoFrame]:
        """The frames, as long as the video is open."""
        while True:
            with self.lock:
                if self.closed:
                    raise InputError(f"{path}: was closed while it was read")
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def close(self) -> None:
        """Let nobody read any more, and wait for who does."""
        held = not self.closed and self.lock.acquire(timeout=_CLOSING)
        self.closed = True
        if held:
            self.lock.release()


@dataclass(frozen=True)
class Video:
    """A video opened for reading.

    Attributes:
        path: the file.
        info: what holds for all its frames.
        span: the part that is read.
        stream_index: which of the file's streams this is.
        origin: when the file starts, in seconds on its own clock; span times count from it.
        pictures: how what is shown is made of the stream's frames.
        _is_opaque: whether frames are decoded with alpha that is nowhere less than full, and goes.
        _finer: into how many ticks of `info.time_base` each of the pictures' is cut.
        _begin: when the first frame is shown, in seconds on the file's clock.
        _end: the tick at which the last frame stops being shown, where the file says.
        _decoded: from the first frame of the span to the last of the file.
        _tally: what is found damaged while frames are read.
        _use: whether it may still be read.
        _told: what frames say that is left out, of which people know.
    """

    path: Path | Url
    info: VideoInfo
    span: Span
    stream_index: int
    origin: Fraction
    pictures: Pictures
    _is_opaque: bool
    _finer: int
    _begin: Fraction
    _end: int | None
    _decoded: Frames
    _tally: Tally
    _use: _Use
    _warn: Warn
    _told: set[str]

    @property
    def fields(self) -> Fields | None:
        """How frames are deinterlaced; None leaves them."""
        return self.pictures.fields

    @property
    def parts(self) -> int:
        """Into how many ticks of `info.time_base` each of the stream's is cut."""
        return self.pictures.parts * self._finer

    @property
    def output_start(self) -> Fraction:
        """The time, in seconds on the file's clock, at which the output's clock begins.

        That is the file's own 0; the start of a span; a picture's start before 0, where mp4
        would hide it; or a start that is more than a minute off, as a broadcast's: players
        would show nothing for as long.
        """
        if not self.span.whole:
            return self.origin + (self.span.start or 0)
        return self.origin if abs(self.origin) > FAR_START else min(self._begin, Fraction(0))

    @property
    def first_tick(self) -> int:
        """When the first frame of the span is shown."""
        return round(self._begin / self.info.time_base)

    def tick(self, seconds: Fraction | None) -> Fraction | None:
        """A time of the span in ticks of `info.time_base`, on the file's clock."""
        return None if seconds is None else (self.origin + seconds) / self.info.time_base

    @property
    def is_live(self) -> bool:
        """No: nobody waits for its frames."""
        return False

    @property
    def damage(self) -> Damage:
        """What has been found damaged so far."""
        return self._tally.damage

    def damage_within(self, begin: int | None, end: int | None) -> Damage:
        """What was found damaged from the frame at a tick up to the one at another.

        None is where the span begins or ends. Frames up to `end` must have been read.
        """
        return self._tally.within(begin, end)

    @property
    def expected_frames(self) -> int | None:
        """How many frames the header lets one expect in the span. A hint for progress."""
        rate, total = self.info.frame_rate, self.info.expected_frames
        if self.span.whole or not rate:
            return total
        if total and is_part_list(self.path):
            return math.ceil(total * _of_parts(self.path, self.span) / _of_parts(self.path, Span()))
        length = self.span.length(Fraction(total) / rate if total else None)
        return None if length is None else math.ceil(length * rate)

    def frames(self, context: int = 0, warmup: int = 0) -> Iterator[Frame]:
        """Every frame of the span in presentation order, pts strictly increasing; once.

        What the file says wrongly of times is mended (see `timeline`), what cannot be decoded
        is skipped; warnings count both at the end. A duration is the gap to the next frame:
        what containers say of it follows the order of decoding. Raises InputError where
        damage is not allowed, where the video is closed, or its frames were asked for before.

        For a network that looks at `context` distinct pictures on each side, frames outside
        the span come too: before it as many as it needs, behind it as many as are drawn. For one
        with a state it is those from the beginning of the lifetime on, and `warmup` before them;
        a shot that begins near the end of the span is warmed up over frames behind it. Out there,
        damage is no matter.
        """
        self._use.begin(self.path)
        return self._read(context, warmup)

    def _read(self, context: int, warmup: int) -> Iterator[Frame]:
        read_planes = self._plane_reader()
        start = self.tick(self.span.start)
        if warmup and start is not None and self.span.start is not None:
            yield from self._warming_up(self.span.start, warmup, read_planes)
        elif context and start is not None:
            before = start / self.parts  # one more: the span may begin amid a still picture
            led = lead_in(
                self.path, self.stream_index, before, context + 1, read_planes, self.fields
            )
            yield from (replace(frame, pts=frame.pts * self._finer) for frame in led)
        inside = Inside(self._decoded, self._is_behind)
        timed = (self._timed(frame, read_planes, warmup > 0) for frame in inside)
        mended = self._tally.marked(steady(timed, self.nominal_step, self._tally))
        yield from lasting(mended, lambda last: self._ends(last, inside.behind is not None))
        self._tally.tell(self._warn)
        if (context or warmup) and inside.behind is not None:
            with suppress(InputError):
                for decoded in chain([inside.behind], self._decoded):
                    yield replace(self._timed(decoded, read_planes, warmup > 0)[0], is_context=True)

    def _plane_reader(self) -> ReadPlanes:
        if not self._is_opaque:
            return PlaneReader(self.info, self._warn)
        layout = self.info.format
        stored = find_format(layout.depth, 1, 1, 4, layout.rgb)
        read_planes = PlaneReader(replace(self.info, format=stored), self._warn)
        return lambda decoded: read_planes(decoded)[:3]

    def _warming_up(self, start: Fraction, warmup: int, read_planes: ReadPlanes) -> Iterator[Frame]:
        """What comes before a span for a network with a state."""
        begin, length = self.origin + start, self.info.time_base * self.parts
        yield from warm_up(
            self.path,
            self.stream_index,
            lifetime_start(begin) / length,
            begin / length,
            warmup + 1,  # by the first of them a cut at the next is found
            lambda decoded: self._timed(decoded, read_planes, True)[0],
            self.fields,
        )

    @contextmanager
    def other_streams(self) -> Iterator[OtherStreams]:
        """The other streams, read from the file on their own."""
        end = None if self.span.end is None else self.origin + self.span.end
        with open_input(self.path) as container:
            leave_out_variants(container, container.streams[self.stream_index])
            yield OtherStreams(
                self.path,
                container,
                self.stream_index,
                self.output_start,
                end,
                bool(self.span.start),  # else what begins before the picture belongs to it
                self._damaged,
                shown=self.pictures.shown,
            )

    def _damaged(self, message: str, packets: int) -> None:
        self._tally.others(message, packets, self._warn)

    def _timed(self, decoded: VideoFrame, read_planes: ReadPlanes, tells: bool) -> Timed:
        """The frame; with its quantiser, which takes a while to read, if it `tells`."""
        pts = (decoded.pts or 0) * self._finer
        duration = (decoded.duration or 0) * self._finer
        said = said_of(decoded)
        if isinstance(decoded.opaque, bytes):
            said = with_captions(said, decoded.opaque)
        for name in dropped_of(said):
            if name not in self._told:
                self._told.add(name)
                self._warn(f"{name}: left out, from {float(pts * self.info.time_base):.3f} s on")
        data = tuple(user_data_of(said).items())
        told = quantiser_of(decoded) if tells else None
        frame = Frame(read_planes(decoded), pts, duration, user_data=data, quantiser=told)
        return frame, decoded.pts is not None

    def _ends(self, last: Frame, goes_on: bool) -> int:
        """The tick at which the last frame stops being shown, where the file `goes_on` or ends.

        That is what an mp4's index says, or else the frame, and no later than the span's end.
        """
        shown = last.pts + (last.duration or self.nominal_step)
        until = shown if self._end is None or self._end <= last.pts else self._end
        end = self.tick(self.span.end)
        if end is None:
            return until
        return math.floor(end) if goes_on else min(until, math.floor(end))

    def _is_behind(self, frame: VideoFrame) -> bool:
        """Whether a frame is the first that the span no longer holds."""
        end = self.tick(self.span.end)
        return end is not None and frame.pts is not None and frame.pts * self._finer >= end

    @property
    def nominal_step(self) -> int:
        """Ticks from frame to frame at the nominal rate."""
        return nominal_step(self.info.frame_rate, self.info.time_base)


@contextmanager
def open_video(
    path: Path | Url, span: Span, warn: Warn, reading: ReadOptions = READ_DEFAULTS
) -> Iterator[Video]:
    """Open `path` at `span`, with its first frame decoded: what opens can be read.

    Raises InputError, in one line, for anything that is not a readable video, StalledError
    where it gives nothing. Then, and if the block raises one, the file stays open: a thread
    may still be in it.
    """
    if isinstance(path, Pipe):
        raise InputError(f"{path}: {NO_PIPE_IN}")
    path = patient(path, reading.stall_timeout)
    tally, use, before = Tally(path, reading.strict), _Use(), state_of(path)
    with _unless_stalled(
        open_on_gpu(path, warn) if reading.hwaccel else open_input(path)
    ) as container:
        missing = missing_bytes(path, container.format.name)
        stream = main_video(container, path, reading.video_stream)
        if note := choice_note(container, stream, reading.video_stream):
            warn(note)
        leave_out_variants(container, stream)
        check_header(path, container, stream, reading.limits)
        stream.thread_type = "NONE"  # threads hold frames back, and lose them at a broken end
        origin = Fraction(container.start_time or 0, av.time_base)
        fields = within(
            reading.stall_timeout,
            lambda: choose_fields(
                reading.deinterlace, path, stream.index, nominal_rate(stream), warn
            ),
        )
        pictures = Pictures.of(stream, fields)
        frames = _decode(container, stream, span, origin, tally, pictures)
        first = within(reading.stall_timeout, lambda: next(frames, None))
        if first is None:
            raise InputError(f"{path}: {_why_nothing(path, container, stream, span, missing)}")
        tally.add("missing_bytes", missing)
        if note := dynamic_note(stream.codec_context.name, first):
            warn(note)
        if note := single_fields_note(stream.codec_context.name, first):
            warn(note)
        facts = describe(container, stream, first)
        if is_part_list(path):  # libav knows their length alone, pauses and all
            facts = replace(facts, expected_frames=int(_of_parts(path, Span())))
        is_opaque = facts.format.has_alpha and is_opaque_gif(path)
        if is_opaque:
            facts = replace(facts, format=facts.format.opaque)
        info = pictures.described(facts)
        parts = finer(info.time_base)
        promised = info.expected_frames if span.whole else None
        whole = watched(chain([first], frames), path, before, tally, promised)
        video = Video(
            path=path,
            info=replace(info, time_base=info.time_base / parts),
            span=span,
            stream_index=stream.index,
            origin=origin,
            _begin=(first.pts or 0) * info.time_base,
            _is_opaque=is_opaque,
            _finer=parts,
            _end=_end(container, stream, pictures.parts * parts),
            _decoded=use.guarded(whole, path),
            _use=use,
            pictures=pictures,
            _tally=tally,
            _warn=warn,
            _told={*info.dropped, *((UNREADABLE,) if has_unknown_side_data(stream) else ())},
        )
        if video._is_behind(first):
            part = f"{float(span.start or 0):g} s and {float(span.end or 0):g} s"
            raise InputError(f"{path}: no frame begins between {part}")
        try:
            yield video
        except StalledError:
            use.closed = True  # whoever waits in it holds the lock
            raise
        finally:
            use.close()


@contextmanager
def _unless_stalled(container: InputContainer) -> Iterator[InputContainer]:
    """The container, closed on leaving unless a thread may still wait in it."""
    try:
        yield container
    except StalledError:
        _abandoned.append(container)
        raise
    except BaseException:
        container.close()
        raise
    container.close()


def _why_nothing(
    path: Path | Url, container: InputContainer, stream: VideoStream, span: Span, missing: int
) -> str:
    """Why there is no frame to show."""
    if is_encrypted(path, container, stream):
        return ENCRYPTED
    where = "" if span.start is None else f" from {float(span.start):g} s on"
    length = Fraction(container.duration or 0, 10**6)
    if length and span.start is not None and span.start >= length:
        where += f": it is {float(length):g} s long"
    cut = f"; the file is truncated: {missing} bytes are missing at its end" if missing else ""
    return f"no frame can be decoded{where}{cut}"


def _of_parts(path: Path | Url, span: Span) -> Fraction:
    """About how many frames the parts of a list have in a span."""
    assert isinstance(path, Path)
    frames = Fraction(0)
    for part in read_parts(path).parts:
        begin, end = Fraction(part.start, 10**6), Fraction(part.start + part.length, 10**6)
        inside = min(end, span.end or end) - max(begin, span.start or begin)
        frames += part.frames * max(inside, Fraction(0)) / (end - begin)
    return frames


def _end(container: InputContainer, stream: VideoStream, parts: int) -> int | None:
    """The tick at which the picture ends by an mp4's index."""
    if "mp4" not in container.format.name or not stream.duration:
        return None
    return ((stream.start_time or 0) + stream.duration) * parts


def _decode(
    container: InputContainer,
    stream: VideoStream,
    span: Span,
    origin: Fraction,
    tally: Tally,
    pictures: Pictures,
) -> Frames:
    """The pictures from the span's start on. The decoder is drained: the last come too."""
    if span.start is None:
        yield from pictures.made(decode(container, stream, tally))
        return
    assert stream.time_base is not None
    start = (origin + span.start) / stream.time_base
    yield from pictures.made_from(
        decode_from(container, stream, start - pictures.reach, tally), start
    )
