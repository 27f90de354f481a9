"""Encode frames and put them into a container with all that belongs to them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.format import Flags as FormatFlags

from vsr.errors import OutputError
from vsr.threads import behind
from vsr.video.encode import Encoder
from vsr.video.encoders import Encoding
from vsr.video.frame import ColorTags, Frame, VideoInfo
from vsr.video.open import open_input, reason
from vsr.video.others import Others
from vsr.video.passthrough import NOTHING_ELSE, Selection, copy_streams, needs_free_tags
from vsr.video.reader import Video

_QUEUE = 4  # frames that may wait for the encoder
_LARGEST_TIMESCALE = 2**31 - 1
_WITHOUT_TIMESTAMPS = {"avi", "h264", "hevc", "m4v", "mpeg1video", "mpeg2video", "rawvideo"}
SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".ts")
"""Suffixes to suggest; libav knows more."""


@dataclass(frozen=True)
class Output:
    """A video, or images, being written.

    Attributes:
        write: takes the next frame of the enlarged size.
        encoder: its name in libav, "" for images.
        others: what became of a video's other streams or an image's metadata.
    """

    write: Callable[[Frame], None]
    encoder: str
    others: Others


@contextmanager
def create_video(
    target: Path,
    info: VideoInfo,
    encoding: Encoding,
    warn: Callable[[str], None],
    others_of: Video | None = None,
    wants: Selection | None = None,
    color: ColorTags | None = None,
) -> Iterator[Output]:
    """Write frames of `info`, and everything else that the video `others_of` holds, to `target`.

    All goes to a file beside `target`, which gets its name only when the block has ended
    well, the trailer is written, and the file, read again, holds every frame handed over.
    Otherwise nothing is left. With `color`, the frames are converted to that matrix and
    range. Raises OutputError or EncoderError in one line.
    """
    part = part_of(target)
    frames = 0
    try:
        with _one_line(target), ExitStack() as stack:
            source = stack.enter_context(open_input(others_of.path)) if others_of else None
            output = stack.enter_context(_open_output(part, target, source))
            name = encoding.encoder(target)
            encoder = Encoder(output, info, name, encoding, color or info.color, warn)
            others = NOTHING_ELSE
            if source and others_of:
                main = source.streams[others_of.stream_index]
                span = others_of.span
                others = copy_streams(
                    source, output, main, encoder.add_stream, span, wants or Selection()
                )
            else:
                encoder.add_stream()
            if output.format.name in _WITHOUT_TIMESTAMPS:
                warn(f"{target.suffix} keeps no timestamps: frames are shown at a fixed rate")
            if others.streams.dropped:
                warn(f"{target.suffix} cannot hold, left out: {'; '.join(others.streams.dropped)}")
            output.start_encoding()
            shift = _start_of_span(others_of) if others_of else 0

            def write(frame: Frame) -> None:
                for packet in encoder.encode(frame, frame.pts - shift):
                    others.until(packet)
                    output.mux_one(packet)

            def finish() -> Iterator[None]:
                for packet in encoder.flush():
                    others.until(packet)
                    output.mux_one(packet)
                    yield
                yield from others.rest()
                output.close()

            hand_over = stack.enter_context(behind(write, finish, _QUEUE))

            def count(frame: Frame) -> None:
                nonlocal frames
                frames += 1
                hand_over(frame)

            yield Output(count, encoder.name, others.streams)
        _check(part, target, encoder.stream.index, frames)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def part_of(target: Path) -> Path:
    """Where `target` is written until it is complete: beside it, with its suffix."""
    return target.with_name(f".{target.stem}.part-{os.getpid()}{target.suffix}")


def _start_of_span(video: Video) -> int:
    """Ticks to take off every pts: with a span, the output's clock begins at its start."""
    if video.span.whole:
        return 0
    return round((video.origin + (video.span.start or 0)) / video.info.time_base)


@contextmanager
def _open_output(
    part: Path, target: Path, source: InputContainer | None
) -> Iterator[OutputContainer]:
    try:
        output = av.open(f"file:{part}", "w", container_options=_muxer_options(target, source))
    except ValueError:
        raise OutputError(
            f"{target}: no container for suffix {target.suffix!r}; for instance "
            f"{', '.join(SUFFIXES)}"
        ) from None
    no_file: Any = FormatFlags.no_file.value  # an int, whatever PyAV's stubs say
    if output.format.flags & no_file:
        raise OutputError(f"{target}: a {output.format.name} output is many files; write one")
    try:
        yield output
    finally:
        # Closed already where all went well; else the error under way is the one to tell.
        with suppress(av.FFmpegError, OSError, ValueError):
            output.close()


def _muxer_options(target: Path, source: InputContainer | None) -> dict[str, str]:
    """Options without which a muxer would round start times or lose tags."""
    if source is None or target.suffix.lower() not in (".mp4", ".mov", ".m4v"):
        return {}
    bases = [s.time_base.denominator for s in source.streams if s.time_base is not None]
    timescale = math.lcm(*bases) if bases else 1
    options = {}
    if timescale <= _LARGEST_TIMESCALE:
        options["movie_timescale"] = str(timescale)
    if needs_free_tags(source.metadata):
        options["movflags"] = "+use_metadata_tags"
    return options


@contextmanager
def _one_line(target: Path) -> Iterator[None]:
    """Turn what libav and the system say while writing into an OutputError."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{target}: cannot be written ({reason(error)})") from error


def _check(part: Path, target: Path, stream_index: int, frames: int) -> None:
    """Read the finished file again: it must open, and hold every frame."""
    with open_input(part) as output:
        stream = output.streams[stream_index]
        found = sum(packet.size > 0 for packet in output.demux(stream))
    if found != frames:
        raise OutputError(f"{target}: {found} of {frames} frames arrived in the file")
