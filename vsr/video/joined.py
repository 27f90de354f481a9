"""Several files as one video: libav's concat demuxer, told where each begins on one clock."""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from vsr.core.errors import InputError
from vsr.core.parts import PartList, check_parts
from vsr.core.url import INDIRECT
from vsr.video.choose import main_video

_CONCAT = b"ffconcat"  # how what leads to further files would begin
_HEAD = 16
# h264 brings its parameter sets along at each part's beginning, other codecs the first's alone.
_ITS_OWN_SETS = {"h264"}


def open_joined(path: Path, hwaccel: HWAccel | None = None) -> InputContainer:
    """Open a parts list as one container, whose clock begins with the first part's.

    Each part's own start stands at its `start`. Raises InputError where a part is missing, was
    changed or leads to other files, and what `av.open` raises.
    """
    parts = check_parts(path)
    for part in parts.parts:
        with Path(part.path).open("rb") as file:
            if file.read(_HEAD).lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(_CONCAT):
                raise InputError(f"{path}: its part {part.path} leads to other files")
    formats = (av.formats_available - INDIRECT) | {"concat"}
    options = {
        "safe": "0",  # paths from the root on, with any letters
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(sorted(formats)),
    }
    script = io.BytesIO(_script(parts))
    return av.open(
        script, "r", format="concat", options=options, metadata_errors="replace", hwaccel=hwaccel
    )


def _script(parts: PartList) -> bytes:
    """What the concat demuxer reads: a part lasts until the next one begins."""
    ends = [part.start for part in parts.parts[1:]]
    ends.append(parts.parts[-1].start + parts.parts[-1].length)
    lines = [b"ffconcat version 1.0"]
    for part, end in zip(parts.parts, ends, strict=True):
        name = os.fsencode(f"file:{part.path}").replace(b"'", rb"'\''")
        seconds, rest = divmod(end - part.start, 10**6)
        lines += [b"file '%b'" % name, b"duration %d.%06d" % (seconds, rest)]
    return b"\n".join(lines) + b"\n"


@dataclass(frozen=True)
class Measured:
    """What joining needs to know of a file.

    Attributes:
        kind: what must be alike in all parts, by stream and property.
        begins, ends: of each stream, in seconds from the file's start on.
        main: the index of the main video among them.
        frames: packets of the main video.
        format: of the container, by libav's names.
        origin: the file's start on its own clock, in microseconds.
        tick: of the main video, in seconds.
    """

    kind: Mapping[str, object]
    begins: tuple[Fraction, ...]
    ends: tuple[Fraction, ...]
    main: int
    frames: int
    format: str
    origin: int
    tick: Fraction

    def placed(self, wanted: int) -> int:
        """The first microsecond from `wanted` on at which the file can start.

        The demuxer seeks in a file by its own ticks, and refuses a time that it rounded up. So
        the file is moved by whole ticks.
        """
        tick = self.tick * 10**6
        return self.origin + math.floor(math.ceil((wanted - self.origin) / tick) * tick)

    def follows(self, before: Measured) -> Fraction:
        """How long after the start of the part `before` this one can start, in seconds.

        No picture is then shown before the last one there has been.
        """
        return before.length - self.begins[self.main]

    def clear_of(self, before: Measured) -> Fraction:
        """As `follows`, of all streams: none begins before its own end there."""
        pairs = zip(before.ends, self.begins, strict=True)
        return max(end - begin for end, begin in pairs)

    @property
    def length(self) -> Fraction:
        """Seconds from the start to the end of the last picture.

        Sound is no measure: encoders put a little before its beginning, and fill its last packet.
        """
        return self.ends[self.main]


def measure(container: InputContainer, path: Path) -> Measured:
    """Read a file's packets, without decoding. Raises InputError where no picture has a time."""
    main = main_video(container, path)
    start = Fraction(container.start_time or 0, av.time_base)
    spans: dict[int, tuple[Fraction, Fraction]] = {}
    frames = 0
    streams = [stream for stream in container.streams if stream.type != "attachment"]
    try:
        for packet in container.demux(streams):
            if not packet.size or packet.pts is None:
                continue
            frames += packet.stream_index == main.index
            spans[packet.stream_index] = _with(spans.get(packet.stream_index), packet)
    except (av.FFmpegError, OSError, ValueError, IndexError):
        pass  # a part that is cut: what comes before is read, and told as damage
    if main.index not in spans:
        raise InputError(f"{path}: no picture has a time")
    usual = spans[main.index]
    each = [spans.get(stream.index, usual) for stream in container.streams]
    return Measured(
        {
            f"{stream.type} {stream.index}: {name}": value
            for stream in container.streams
            for name, value in _kind(stream).items()
        },
        tuple(begin - start for begin, _ in each),
        tuple(end - start for _, end in each),
        main.index,
        frames,
        container.format.name,
        container.start_time or 0,
        main.time_base or Fraction(1, 1000),
    )


def _with(span: tuple[Fraction, Fraction] | None, packet: Packet[Any]) -> tuple[Fraction, Fraction]:
    """From a stream's earliest packet to the end of its latest, with one more packet."""
    assert packet.pts is not None
    begin = packet.pts * packet.time_base
    end = begin + (packet.duration or 0) * packet.time_base
    return (begin, end) if span is None else (min(begin, span[0]), max(end, span[1]))


def _kind(stream: Stream) -> dict[str, object]:
    """What must be alike for a stream's packets to follow each other."""
    context: Any = stream.codec_context
    if context is None:
        return {"codec": stream.type}
    kind: dict[str, object] = {"codec": context.name, "time base": stream.time_base}
    names = {
        "video": ("width", "height", "pix_fmt", "sample_aspect_ratio"),
        "audio": ("sample_rate", "channels"),
    }
    for name in names.get(stream.type, ()):
        kind[name.replace("_", " ")] = getattr(context, name)
    if context.name not in _ITS_OWN_SETS:
        kind["parameters"] = hashlib.sha256(context.extradata or b"").hexdigest()[:8]
    return kind


def difference(before: Measured, after: Measured) -> str:
    """What is not alike in two parts: "video 0: width 640, then 1280"; "" where all is."""
    for name in sorted(before.kind.keys() | after.kind.keys()):
        one, other = before.kind.get(name), after.kind.get(name)
        if one != other:
            if one is None or other is None:
                return f"{name.partition(':')[0]} is in one of them alone"
            return f"{name} {one}, then {other}"
    return ""
