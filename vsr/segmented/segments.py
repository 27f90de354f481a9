"""Encode frames into segments: files of packets that can be joined to one video."""

from __future__ import annotations

import hashlib
import io
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import av

from vsr.core.damage import NO_DAMAGE, Damage
from vsr.core.errors import OutputError, StoppedError
from vsr.core.events import Reporter, Warn, ignore
from vsr.core.frame import Frame, VideoInfo
from vsr.core.stream_report import Others
from vsr.core.threads import behind
from vsr.encoding.codecs import Encoding
from vsr.encoding.encoder import Encoder
from vsr.output.sink import Output
from vsr.remux.containers import writing_media
from vsr.segmented.packet_file import PacketWriter
from vsr.segmented.plan import Plan, Segment
from vsr.segmented.work_dir import SegmentRecord

_QUEUE = 8  # frames that may wait while an encoder is emptied


class MisplacedError(Exception):
    """A segment that was sought does not begin with its frame, whole, or is of another picture."""


def open_alone(
    info: VideoInfo, format_name: str, name: str, encoding: Encoding, warn: Warn
) -> Encoder:
    """An encoder set up as for a video in a container, whose packets go elsewhere."""
    nowhere = av.open(io.BytesIO(), "w", format=format_name)
    encoder = Encoder(nowhere, info, name, encoding, info.color, warn)
    encoder.add_stream()
    nowhere.start_encoding()
    return encoder


def close_alone(encoder: Encoder) -> None:
    """Free what an encoder holds, which is much: Python itself would take its time."""
    with suppress(av.FFmpegError, OSError):
        encoder.stream.container.close()


def header_of(encoder: Encoder) -> str:
    """A hash of the global header that an encoder has written."""
    return hashlib.sha256(encoder.stream.codec_context.extradata or b"").hexdigest()


@dataclass(frozen=True)
class Stretch:
    """Neighbouring segments of a plan, to be made one after the other.

    Attributes:
        plan: what they are part of.
        segments: some of it, in order.
        file_of: where each belongs, by its number.
        made: told of each, once its file is in place.
        enough: asked between two segments; where that is so, no other is begun.
    """

    plan: Plan
    segments: Sequence[Segment]
    file_of: Callable[[int], Path]
    made: Callable[[SegmentRecord], None]
    enough: Callable[[], bool] = lambda: False


@contextmanager
def create_segments(
    stretch: Stretch,
    info: VideoInfo,
    encoding: Encoding,
    first: int | None,
    damage: Callable[[int | None, int | None], Damage],
    reporter: Reporter,
) -> Iterator[Output]:
    """Write frames of `info` into the files of segments.

    The first frame must be shown at the tick `first`, or within the plan's slack after it, unless
    that is None. `damage` says what
    was found in the source between two ticks. Once `reporter.stop` is set, no other segment is
    begun. Raises OutputError, MisplacedError where the first frame is another
    or damaged, StoppedError.
    """
    work = _Segments(stretch, info, encoding, first, damage, reporter)
    folder = stretch.file_of(stretch.segments[0].number).parent

    def write(frame: Frame) -> None:
        with writing_media(folder):
            work.write(frame)

    def finish() -> Iterator[None]:
        with writing_media(folder):
            yield from work.finish()

    try:
        with behind(write, finish, _QUEUE) as hand_over:
            yield Output(hand_over, stretch.plan.encoder, Others())
    finally:
        work.abandon()


class _Segments:
    """Takes frames, in a thread of its own, and puts them where they belong."""

    def __init__(
        self,
        stretch: Stretch,
        info: VideoInfo,
        encoding: Encoding,
        first: int | None,
        damage: Callable[[int | None, int | None], Damage],
        reporter: Reporter,
    ) -> None:
        plan = stretch.plan
        self._stretch, self._info, self._first = stretch, info, first
        self._waiting = list(stretch.segments)
        fitting = encoding.fitting(plan.encoder, ignore)  # the plan's maker was told
        self._encoding = replace(fitting, codec=plan.encoder, threads=plan.threads)
        self._damage, self._reporter = damage, reporter
        self._open: _Writer | None = None

    def write(self, frame: Frame) -> None:
        """Encode a frame into its segment; the ones before that are finished."""
        if self._first is not None:
            self._look(frame, self._first)
            self._first = None
        while (end := self._waiting[0].end) is not None and frame.pts >= end:
            self._close()
            if self._reporter.stop.is_set() or self._stretch.enough():
                raise StoppedError("stopped between two segments")
        self._writer().write(frame)

    def finish(self) -> Iterator[None]:
        """Finish the segment at work, and those for which no frame came."""
        while self._waiting:
            self._close()
            yield

    def abandon(self) -> None:
        """Leave nothing of the segment at work."""
        if self._open:
            self._open.abandon()

    def _look(self, frame: Frame, first: int) -> None:
        """A decoder that begins amid damage may mend it otherwise than one that came to it."""
        found = replace(self._damage(None, first + 1), missing_bytes=0)
        if not first <= frame.pts <= first + self._stretch.plan.slack or found != NO_DAMAGE:
            raise MisplacedError

    def _writer(self) -> _Writer:
        if self._open is None:
            file = self._stretch.file_of(self._waiting[0].number)
            plan = self._stretch.plan
            self._open = _Writer(file, plan, self._info, self._encoding, self._reporter.warn)
        return self._open

    def _close(self) -> None:
        writer, segment = self._writer(), self._waiting[0]
        damage = self._damage(segment.begin, segment.end)
        done = writer.finish(segment.number, damage.counts)
        self._open = None
        self._waiting.pop(0)
        self._stretch.made(done)


class _Writer:
    """One segment that is being made."""

    def __init__(
        self,
        file: Path,
        plan: Plan,
        info: VideoInfo,
        encoding: Encoding,
        warn: Warn,
    ) -> None:
        self._began = time.monotonic()
        self._shift = plan.shift
        self._encoder = open_alone(info, plan.format, plan.encoder, encoding, warn)
        if header_of(self._encoder) != plan.header:
            close_alone(self._encoder)
            raise OutputError(
                f"{file.parent}: this machine's {plan.encoder} writes another header than the one "
                "that began; go on with the same libav, or delete that folder"
            )
        self._frames = self._ticks = 0
        self._stood_still: float | None = 0.0  # in frames
        self._file = PacketWriter(file)

    def write(self, frame: Frame) -> None:
        for packet in self._encoder.encode(frame, frame.pts - self._shift):
            self._file.write(packet)
        self._frames += 1
        self._ticks += frame.duration
        if self._stood_still is not None:
            share = frame.stood_still
            self._stood_still = None if share is None else self._stood_still + share

    def finish(self, number: int, damage: dict[str, int]) -> SegmentRecord:
        if self._frames:
            for packet in self._encoder.flush():
                self._file.write(packet)
        close_alone(self._encoder)
        if self._file.packets != self._frames:
            raise OutputError(
                f"segment {number}: {self._file.packets} of {self._frames} frames were encoded"
            )
        return SegmentRecord(
            segment=number,
            frames=self._frames,
            ticks=self._ticks,
            sha256=self._file.finish(),
            bytes=self._file.bytes,
            damage=damage,
            host=platform.node(),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._began, 3),
            stood_still=self._share(),
        )

    def _share(self) -> float | None:
        if self._stood_still is None or not self._frames:
            return None
        return round(min(1.0, self._stood_still / self._frames), 6)

    def abandon(self) -> None:
        close_alone(self._encoder)
        self._file.abandon()
