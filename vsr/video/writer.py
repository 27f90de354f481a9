"""Encode frames and put them into a container with all that belongs to them."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from vsr.encoding.encode import Encoder
from vsr.encoding.encoders import Encoding
from vsr.errors import OutputError
from vsr.live.live import Live, fragmented
from vsr.others.container import WITHOUT_TIMESTAMPS, open_output
from vsr.others.others import Others
from vsr.others.packets import Cut
from vsr.others.passthrough import NOTHING_ELSE, copy_streams
from vsr.others.plan import Selection, plan_streams
from vsr.others.trial import REFUSED
from vsr.threads import behind
from vsr.video.arrival import Arrival, read_back, verify
from vsr.video.frame import ColorTags, Frame, VideoInfo
from vsr.video.open import open_input, reason
from vsr.video.reader import Video

_QUEUE = 4  # frames that may wait for the encoder


@dataclass
class Output:
    """A video, or images, being written.

    Attributes:
        write: takes the next frame of the enlarged size.
        encoder: its name in libav, "" for images.
        others: what became of a video's other streams or an image's metadata.
        arrival: what a video holds, once it is complete.
        sound_offset: seconds by which the first sound begins after the picture, as it was
            written; None without any.
    """

    write: Callable[[Frame], None]
    encoder: str
    others: Others
    arrival: Arrival | None = None
    sound_offset: Fraction | None = None


@contextmanager
def create_video(
    target: Path,
    info: VideoInfo,
    encoding: Encoding,
    warn: Callable[[str], None],
    others_of: Video | Live | None = None,
    wants: Selection | None = None,
    color: ColorTags | None = None,
    verified: bool = False,
) -> Iterator[Output]:
    """Write frames of `info`, and everything else that the video `others_of` holds, to `target`.

    All goes to a file beside `target`, which gets its name only when the block has ended
    well, the trailer is written, and the file, read again, holds every frame handed over.
    Otherwise nothing is left. What comes of a live stream is written so that it stays playable
    wherever it ends. With `color`, the frames are converted to that matrix and
    range; with `verified` the whole file is decoded again. Raises OutputError or EncoderError
    in one line.
    """
    part = part_of(target)
    frames, first, times = 0, 0, array("q")
    live = others_of if isinstance(others_of, Live) else None
    try:
        with _one_line(target), ExitStack() as stack:
            source = live.container if live else None
            if others_of and not live:
                source = stack.enter_context(open_input(others_of.path))
            name, wants = encoding.encoder(target, info), wants or Selection()
            index = others_of.stream_index if others_of else 0
            sampled = live.sampled() if live else None
            path = others_of.path if others_of else None
            plan = plan_streams(source, path, target, index, wants, name, sampled)
            options = fragmented(plan.format, plan.options) if live else plan.options
            output = stack.enter_context(open_output(part, plan.format, options))
            encoder = Encoder(output, info, name, encoding, color or info.color, warn)
            others = NOTHING_ELSE
            if source and others_of:
                main, span = source.streams[index], others_of.span
                end = None if span.end is None else others_of.origin + span.end
                others = copy_streams(
                    source,
                    others_of.path,
                    output,
                    main,
                    encoder.add_stream,
                    plan,
                    Cut() if live else Cut(others_of.zero, end, sharp=not span.whole),
                    others_of.damaged,
                    live.others if live else None,
                )
            else:
                encoder.add_stream()
            if plan.note:
                warn(plan.note)
            if output.format.name in WITHOUT_TIMESTAMPS:
                warn(f"{target.suffix} keeps no timestamps: frames are shown at a fixed rate")
            if others.streams.dropped:
                warn(f"left out: {'; '.join(others.streams.dropped)}")
            output.start_encoding()
            shift = round(others_of.zero / info.time_base) if others_of else 0

            def mux(packet: Packet[VideoStream]) -> None:
                others.until(packet)
                # Its error may be another stream's, whose packet waited; frames are counted.
                with suppress(*REFUSED):
                    output.mux_one(packet)

            def write(frame: Frame) -> None:
                for packet in encoder.encode(frame, frame.pts - shift):
                    mux(packet)
                if verified:
                    times.append(encoder.shown_at)

            def finish() -> Iterator[None]:
                for packet in encoder.flush():
                    mux(packet)
                    yield
                yield from others.rest()
                output.close()

            hand_over = stack.enter_context(behind(write, finish, _QUEUE))

            def count(frame: Frame) -> None:
                nonlocal frames, first
                first = first if frames else frame.pts - shift
                frames += 1
                hand_over(frame)

            result = Output(count, encoder.name, others.streams)
            yield result
        result.arrival = read_back(part, target, frames)
        if others.heard:
            result.sound_offset = others.heard[min(others.heard)] - first * info.time_base
        if verified:
            timed = output.format.name not in WITHOUT_TIMESTAMPS
            verify(part, target, times, info.time_base, timed)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def part_of(target: Path) -> Path:
    """Where `target` is written until it is complete: beside it, with its suffix."""
    return target.with_name(f".{target.stem}.part-{os.getpid()}{target.suffix}")


@contextmanager
def _one_line(target: Path) -> Iterator[None]:
    """Turn what libav and the system say while writing into an OutputError."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{target}: cannot be written ({reason(error)})") from error
