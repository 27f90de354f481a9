"""Encode frames and put them into a container with all that belongs to them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vsr.core.commit import commit, part_for
from vsr.core.errors import EncoderError, writing
from vsr.core.events import Warn, ignore
from vsr.core.frame import ColorTags, Frame, VideoInfo
from vsr.core.inlet import interruptible
from vsr.core.job import Job
from vsr.core.options import StreamOptions
from vsr.core.outlet import Outlet, as_file, leads_out, open_outlet
from vsr.core.source import Source
from vsr.core.stream_report import Others
from vsr.core.threads import behind
from vsr.core.untagged import untagged_note
from vsr.encoding.codecs import Encoding
from vsr.encoding.encoder import Encoder, left_out
from vsr.images.plays import FOR_EVER, plays_of, plays_options
from vsr.output.apng import set_last_delay
from vsr.output.aspect import keeps_aspect, reads_again
from vsr.output.clock import clock_for, clock_note
from vsr.output.sink import BeforeCommit, Output
from vsr.output.verify import check_output, verify
from vsr.remux.containers import (
    Y4M,
    counts_frames,
    fragmented,
    holds_color_tags,
    open_output,
    writing_media,
)
from vsr.remux.copy import NOTHING_ELSE, Passthrough, copy_streams
from vsr.remux.mapping import plan_streams
from vsr.remux.metadata import with_statement
from vsr.remux.mux_probe import REFUSED
from vsr.remux.timecode import Count, count_of, with_timecode
from vsr.util.text import counted
from vsr.video.choose import number_written
from vsr.video.open import reason

_UNSAID = (0, 2)  # H.273's codes for nothing said
_QUEUE = 4  # frames that may wait for the encoder


@dataclass(frozen=True, kw_only=True)
class VideoSpec:
    """What a video file is to hold, and how.

    Attributes:
        target: the file, or a pipe.
        info: what holds for the frames that are handed over.
        encoding: how they are encoded.
        warn: called with each warning.
        others_of: the source whose other streams, tags and chapters go in, too; None for none.
        streams: which of those are asked for.
        plays: how many times an animation is played, see `vsr.images.plays`.
        color: the matrix and range that frames are converted to; None leaves them.
        overwrite: whether what has appeared under its name meanwhile is replaced.
        verified: whether the whole finished file is decoded again.
        before_commit: called with the finished file before it gets its name.
        provenance_tag: goes into the file's metadata; "" for nothing.
        output_format: the container of a pipe, see `core.outlet.as_file`.
    """

    target: Path
    info: VideoInfo
    encoding: Encoding
    warn: Warn
    output_format: str = "auto"
    others_of: Source | None = None
    streams: StreamOptions = field(default_factory=StreamOptions)
    plays: int = FOR_EVER
    color: ColorTags | None = None
    overwrite: bool = False
    verified: bool = False
    before_commit: BeforeCommit | None = None
    provenance_tag: str = ""

    @property
    def named(self) -> Path:
        """A file's name of the container's kind: the target itself where that is a file."""
        pipe = leads_out(self.target)
        return as_file(self.target, self.output_format) if pipe else self.target


def video_spec(job: Job, source: Source, info: VideoInfo, warn: Warn) -> VideoSpec:
    """What a job's video of frames of `info` is to hold: as its options say."""
    return VideoSpec(
        target=job.target,
        info=info,
        encoding=Encoding.of(job.options),
        warn=warn,
        others_of=source,
        streams=job.options.streams,
        plays=plays_of(job.source),
        overwrite=job.options.run.overwrite,
        verified=job.options.run.verify,
        output_format=job.options.encode.output_format,
    )


@contextmanager
def create_video(spec: VideoSpec) -> Iterator[Output]:
    """Encode the frames that are handed over into a file as `spec` says.

    All goes to a file beside the target, which gets its name only when the block has ended
    well, the trailer is written, the file, read again, holds every frame handed over, and
    `before_commit` has seen it. Otherwise nothing is left. What comes of a live stream is written
    so that it stays playable wherever it ends. Raises OutputError or EncoderError in one line.
    """
    target = spec.target
    with part_for(target) as part:
        with _opened(part, spec) as muxing:
            written = _Written()
            with _encoding(muxing, written, spec.verified) as result:
                yield result
        _end(muxing, part, written.length * spec.info.time_base)
        frames, first = written.frames + muxing.encoder.repeated, written.first
        _check(result, muxing, part, target, frames, first, written.times)
        _commit(part, spec, result)


@contextmanager
def stream_video(spec: VideoSpec, patience: float) -> Iterator[Output]:
    """Encode the frames that are handed over into a pipe as `spec` says, as they come.

    Nothing is read again: what was written is with its reader. A FIFO waits so many seconds for
    one. Raises OutputError or EncoderError in one line, also where the reader goes before the end.
    """
    with (
        interruptible(),
        open_outlet(spec.target, patience) as outlet,
        _opened(outlet, spec) as muxing,
    ):
        encoder = muxing.encoder
        if not reads_again(encoder.container, encoder.name, encoder.settings["pix_fmt"]):
            raise EncoderError(
                f"{spec.target}: what {encoder.name} makes cannot be read again from "
                f"{encoder.container}; choose another codec or --output-format",
                python="output_format='nut'",
            )
        with _encoding(muxing, _Written(), False, outlet.give_up) as result:
            yield result
        if muxing.refused:
            spec.warn(
                f"{spec.target}: {counted(len(muxing.refused), 'packet')} could not be written; "
                "frames or sound may be missing"
            )


@dataclass
class _Written:
    """What has been handed over.

    Attributes:
        frames: how many.
        first: the first one's time, in ticks on the output's clock.
        length: ticks that the last one is shown.
        times: when each frame in the file is shown; None where nobody asks.
    """

    frames: int = 0
    first: int = 0
    length: int = 0
    times: array[int] | None = None


@contextmanager
def _encoding(
    muxing: _Muxing, written: _Written, verified: bool, give_up: Callable[[], None] = ignore
) -> Iterator[Output]:
    """Encode and mux, in a thread, the frames that are handed over; all is out at the end."""
    encoder, shift, target = muxing.encoder, muxing.shift, muxing.target
    times = written.times = array("q") if verified else None

    def write(frame: Frame) -> None:
        before = encoder.repeated
        with writing_media(target):
            for packet in encoder.encode(frame, frame.pts - shift):
                muxing.mux(packet)
        if times is not None:
            times.extend([encoder.shown_at] * (1 + encoder.repeated - before))

    def finish() -> Iterator[None]:
        with writing_media(target):
            for packet in encoder.flush():
                muxing.mux(packet)
                yield
            yield from muxing.finish()

    with behind(write, finish, _QUEUE, give_up) as hand_over:

        def count(frame: Frame) -> None:
            written.first = written.first if written.frames else frame.pts - shift
            written.length = frame.duration
            written.frames += 1
            hand_over(frame)

        result = muxing.as_output(count)
        yield result
    result.others = muxing.streams


def join_video(spec: VideoSpec, part: Path, packets: Iterator[Packet[VideoStream]]) -> Output:
    """Write `packets` that this very encoder made before into a file as `spec` says.

    As `create_video`, but nothing is encoded: the encoder is opened for the stream's header
    alone. The packets come in the order of decoding, their times on the output's clock. All
    goes to `part` until it is whole. Raises OutputError.
    """
    target = spec.target
    times, length = array("q"), Fraction(0)
    try:
        with _opened(part, spec) as muxing, writing_media(target):
            for packet in packets:
                assert packet.pts is not None
                times.append(round(packet.pts * packet.time_base / spec.info.time_base))
                length = (packet.duration or 0) * packet.time_base
                packet.stream = muxing.encoder.stream
                muxing.encoder.place(packet)
                muxing.mux(packet)
            for _ in muxing.finish():
                pass
        result = muxing.as_output(_not_to_be_written)
        _end(muxing, part, length)
        shown = array("q", sorted(times))
        verified = shown if spec.verified else None
        _check(result, muxing, part, target, len(times), shown[0], verified)
        _commit(part, spec, result)
    finally:
        part.unlink(missing_ok=True)
    return result


@dataclass(frozen=True)
class _Muxing:
    """An output with its header written.

    Attributes:
        target: what it is to become, for messages.
        output: the container.
        encoder: the picture's.
        others: all else.
        shift: the tick of the source's clock at which the output's begins.
        number: the picture's among the output's videos.
        refused: a message for each packet that the muxer did not take.
        counted: whether the picture's frames are counted afterwards, so that none is missed.
    """

    target: Path
    output: OutputContainer
    encoder: Encoder
    others: Passthrough
    shift: int
    number: int
    refused: list[str] = field(default_factory=list)
    counted: bool = True

    def mux(self, packet: Packet[VideoStream]) -> None:
        """Write a packet of the picture, after what comes before it."""
        self.others.until(packet)
        # Its error may be another stream's, whose packet waited; a file's frames are counted.
        try:
            self.output.mux_one(packet)
        except REFUSED as error:
            self.refused.append(reason(error))

    def as_output(self, write: Callable[[Frame], None]) -> Output:
        """For those who hand over frames."""
        encoder = self.encoder
        return Output(
            write, encoder.name, self.streams, encoding=encoder.settings, note=encoder.note
        )

    @property
    def streams(self) -> Others:
        """What became of all but the samples of the picture."""
        streams = self.others.streams
        dropped = (f"of the video: {name}" for name in self.encoder.dropped)
        return replace(streams, dropped=(*streams.dropped, *dropped))

    def finish(self) -> Iterator[None]:
        """Write the rest, step by step."""
        # Of a picture whose frames are all there, none was refused: those were the others'.
        yield from self.others.rest(len(self.refused) if self.counted else 0)
        self.output.close()


@contextmanager
def _opened(part: Path | Outlet, spec: VideoSpec) -> Iterator[_Muxing]:
    """`part` with its streams and its header, for the picture's packets to come."""
    target, info, others_of, tag = spec.named, spec.info, spec.others_of, spec.provenance_tag
    with ExitStack() as stack:
        with writing_media(spec.target):
            streams = stack.enter_context(others_of.other_streams()) if others_of else None
            name = spec.encoding.encoder(target, info)
            plan = plan_streams(streams, target, spec.streams, name, tag)
            is_live = streams is not None and streams.arriving is not None
            grows = is_live or isinstance(part, Outlet)
            options = fragmented(plan.format, plan.options) if grows else plan.options
            options = {**options, **plays_options(plan.format, spec.plays)}
            clock = clock_for(target, plan.format, streams, info)
            output = stack.enter_context(open_output(part, plan.format, options))
            color = spec.color or info.color
            encoder = Encoder(output, info, name, spec.encoding, color, spec.warn, clock)
            others = NOTHING_ELSE
            if streams:
                others = copy_streams(streams, output, encoder.add_stream, plan)
            else:
                encoder.add_stream()
            output.metadata.update(with_statement(output.metadata, tag, output.format.name))
            if _set_timecode(output, count_of(streams, info.frame_rate)):
                spec.warn(f"{target.suffix} holds no timecode at {_pace(info)}: it is left out")
            for warning in plan.warnings(target):
                spec.warn(warning)
            if note := clock_note(target, plan.format, clock, info):
                spec.warn(note)
            for note in _picture_notes(spec, encoder):
                spec.warn(note)
            output.start_encoding()
            shift = shift_of(others_of, info) if others_of else 0
            number = number_written(output, encoder.stream)
        counted = isinstance(part, Path)
        yield _Muxing(spec.target, output, encoder, others, shift, number, counted=counted)


def _picture_notes(spec: VideoSpec, encoder: Encoder) -> Iterator[str]:
    """What the file will not tell players of the picture as the source does."""
    info, container = spec.info, encoder.container
    aspect, pixels = info.pixel_aspect or 1, encoder.settings["pix_fmt"]
    if aspect != 1 and not keeps_aspect(container, encoder.name, pixels, aspect):
        yield (
            f"{spec.target}: {encoder.name} in {container} does not tell players that pixels are "
            f"{aspect.numerator}:{aspect.denominator}: choose h264 or hevc, or square_pixels"
        )
    color = (spec.others_of.info if spec.others_of else info).color
    codes = color.matrix, color.primaries, color.transfer
    if container == Y4M and not info.format.rgb and any(code not in _UNSAID for code in codes):
        yield (
            f"{spec.target}: .y4m does not tell the colours' matrix, primaries and transfer, "
            f"{codes[0]}, {codes[1]} and {codes[2]} (ITU-T H.273): what reads it must be told"
        )
    if encoder.dropped:
        yield left_out(encoder.dropped)
    tagged = holds_color_tags(container, encoder.name)
    if spec.others_of and (note := untagged_note(spec.others_of.info, info, tagged)):
        yield note


def _set_timecode(output: OutputContainer, count: Count) -> bool:
    """Have timecodes begin at the output's first frame; whether one is left out."""
    dropped = False
    holders: list[Any] = [output, *output.streams.video]
    for holder in holders:
        kept, lost = with_timecode(holder.metadata, count, output.format.name)
        dropped = dropped or lost
        holder.metadata.clear()
        holder.metadata.update(kept)
    return dropped


def _pace(info: VideoInfo) -> str:
    return f"{float(info.frame_rate or 0):.6g} frames a second"


def shift_of(source: Source, info: VideoInfo) -> int:
    """The tick of the source's clock at which the output's begins."""
    return round(source.output_start / info.time_base)


def _end(muxing: _Muxing, part: Path, length: Fraction) -> None:
    """Mend what a muxer writes wrongly of the last frame, which is shown for `length` seconds."""
    if muxing.output.format.name == "apng" and length:
        with writing(part):
            set_last_delay(part, length)


def _check(
    result: Output,
    muxing: _Muxing,
    part: Path,
    target: Path,
    frames: int,
    first: int,
    times: array[int] | None,
) -> None:
    """Read `part` again: the frames must be there. With `times`, each must come at its own."""
    base = muxing.encoder.base
    video = muxing.number
    result.check = check_output(part, target, frames, video)
    heard = muxing.others.heard
    if heard:
        result.sound_offset = heard[min(heard)] - first * base
    if times is not None:
        timed = not counts_frames(muxing.encoder.container)
        verify(part, target, times, base, timed, video)


def _commit(part: Path, spec: VideoSpec, result: Output) -> None:
    """Give `part` its name, once `before_commit` has seen it."""

    def before() -> None:
        if spec.before_commit:
            spec.before_commit(part, result)

    commit(part, spec.target, spec.overwrite, before)


def _not_to_be_written(frame: Frame) -> None:
    raise ValueError("all of it has been written")
