"""Everything but the picture: copied packet by packet, never decoded."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Discard, Stream
from av.video.stream import VideoStream

if TYPE_CHECKING:
    from av.container.core import Chapter
else:  # PyAV names the type in its stubs alone
    Chapter = dict

from vsr.errors import InputError
from vsr.video.open import reason
from vsr.video.others import Others
from vsr.video.span import Span

# Facts about the old encoding, or about the file that held it, that would be false in the new.
_STALE = {
    "bps", "bps-eng", "compatible_brands", "duration", "encoder", "major_brand", "minor_version",
    "number_of_bytes", "number_of_frames", "vendor_id",
}  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """Which streams besides the video to copy."""

    audio: bool = True
    subtitles: bool = True

    def wants(self, stream: Stream) -> bool:
        """Whether the user asked for this stream."""
        wanted = {"audio": self.audio, "subtitle": self.subtitles}
        return wanted.get(stream.type, True)


@dataclass
class Passthrough:
    """The streams being copied; `streams` names them, and those that are not."""

    streams: Others
    _mux: Callable[[Packet[Stream]], None]
    _packets: Iterator[Packet[Stream]]
    _next: Packet[Stream] | None = None

    def until(self, video: Packet[VideoStream]) -> None:
        """Copy what comes before this packet of the video, on the output's clock."""
        now = _time(video)
        while (packet := self._peek()) is not None and _time(packet) <= now:
            self._write(packet)

    def rest(self) -> Iterator[None]:
        """Copy all that is left, a packet a step."""
        while (packet := self._peek()) is not None:
            self._write(packet)
            yield

    def _peek(self) -> Packet[Stream] | None:
        if self._next is None:
            self._next = next(self._packets, None)
        return self._next

    def _write(self, packet: Packet[Stream]) -> None:
        self._next = None
        self._mux(packet)


NOTHING_ELSE = Passthrough(Others(), lambda packet: None, iter(()))
"""For an output whose source is no media file."""


def copy_streams(
    source: InputContainer,
    output: OutputContainer,
    main: Stream,
    add_main: Callable[[], Stream],
    span: Span,
    wants: Selection,
) -> Passthrough:
    """Add to `output` what its container can hold of `source`, in the source's order.

    Where the `main` video stands, `add_main` adds the stream that takes its place. Call this
    before the header is written, and `until` as the video's packets are: so all interleave,
    and no more than a packet is ever held. `source` is opened for this alone. Global metadata
    and chapters are copied too. With a span, time starts anew at its start.
    """
    copies: dict[int, Stream] = {}
    copied: list[str] = []
    dropped: list[str] = []
    for stream in source.streams:
        if stream.index == main.index:
            copy_facts(main, add_main())
        elif wants.wants(stream) and not _is_chapter_text(stream):
            copy = _add(output, stream)
            if copy is not None:
                copies[stream.index] = copy
            (dropped if copy is None else copied).append(_label(stream))
    origin = Fraction(source.start_time or 0, av.time_base)
    output.metadata.update(_lasting(source.metadata))
    output.set_chapters(_chapters(source, span, origin))
    packets = _packets(source, copies, span, origin)
    return Passthrough(Others(tuple(copied), (), tuple(dropped)), output.mux_one, packets)


def copy_facts(source: Stream, target: Stream) -> None:
    """Copy a stream's language, title and other tags, and its disposition."""
    target.metadata.update(_lasting(source.metadata))
    target.disposition = source.disposition


def needs_free_tags(metadata: dict[str, str]) -> bool:
    """Whether an mp4 must use the newer kind of tag, as for com.apple.quicktime.location."""
    return any("." in key for key in _lasting(metadata))


def _lasting(metadata: dict[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _STALE and not key.lower().startswith("_statistics")
    }


def _label(stream: Stream) -> str:
    """A stream by its index, kind, name or codec, and language: "2 subtitle srt (eng)"."""
    codec = stream.codec_context.name if stream.codec_context is not None else ""
    words = [str(stream.index), stream.type, stream.metadata.get("filename", codec)]
    if "language" in stream.metadata:
        words.append(f"({stream.metadata['language']})")
    return " ".join(filter(None, words))


def _is_chapter_text(stream: Stream) -> bool:
    """QuickTime keeps chapter titles in a text track too: libav sets it aside, muxers remake it."""
    return stream.type == "data" and stream.discard == Discard.all


def _add(output: OutputContainer, stream: Stream) -> Stream | None:
    """The stream's copy in `output`, or None where the container cannot hold it.

    Muxers say so at different points, some only when the header is written, so each stream
    is tried alone in memory first.
    """
    with av.open(io.BytesIO(), "w", format=output.format.name) as trial:
        try:
            if _template(trial, stream) is None:
                return None
            trial.start_encoding()
        except (av.FFmpegError, ValueError, OSError, RuntimeError):
            return None
    copy = _template(output, stream)
    if copy is not None:
        copy_facts(stream, copy)
    return copy


def _template(output: OutputContainer, stream: Stream) -> Stream | None:
    if isinstance(stream, AttachmentStream):
        if "matroska" not in output.format.name:
            return None
        return output.add_attachment(
            stream.name or "attachment", stream.mimetype or "", stream.data
        )
    return output.add_stream_from_template(stream, opaque=True)


def _chapters(container: InputContainer, span: Span, origin: Fraction) -> list[Chapter]:
    """The file's chapters, or what of them lies in the span, on the span's clock."""
    chapters = container.chapters()
    if span.whole:
        return chapters
    kept: list[Chapter] = []
    begin, length = origin + (span.start or 0), span.length(None)
    for chapter in chapters:
        base = chapter["time_base"] or Fraction(1, av.time_base)
        start, end = (chapter[edge] * base - begin for edge in ("start", "end"))
        if end <= 0 or (length is not None and start >= length):
            continue
        start, end = max(start, Fraction(0)), end if length is None else min(end, length)
        kept.append(
            Chapter(
                id=chapter["id"],
                start=round(start / base),
                end=round(end / base),
                time_base=base,
                metadata=chapter["metadata"],
            )
        )
    return kept


def _packets(
    container: InputContainer, copies: dict[int, Stream], span: Span, origin: Fraction
) -> Iterator[Packet[Stream]]:
    """The packets of the copied streams, in the file's order, bound to their new streams."""
    streams = [s for s in container.streams if s.index in copies and s.type != "attachment"]
    if not streams:
        return
    if span.start is not None:
        container.seek(int((origin + span.start) * av.time_base), backward=True)
    last: dict[int, int] = {}
    try:
        for packet in container.demux(streams):
            if packet.dts is None:
                packet.dts = packet.pts
            if packet.size == 0 or packet.dts is None or _is_gap(packet):
                continue
            if span.whole or _into_span(packet, span, origin):
                _steady(packet, last)
                packet.stream = copies[packet.stream_index]
                yield packet
    except (av.FFmpegError, EOFError, OSError) as error:
        name = container.name.removeprefix("file:")
        raise InputError(f"{name}: cannot be read to its end ({reason(error)})") from None


def _into_span(packet: Packet[Stream], span: Span, origin: Fraction) -> bool:
    """Whether any of the packet lies in the span; if so, its times are set to count from there."""
    begin = origin + (span.start or 0)
    when = (packet.dts if packet.pts is None else packet.pts) * packet.time_base  # type: ignore[operator]
    until = when + (packet.duration or 0) * packet.time_base
    if until <= begin or (span.end is not None and when >= origin + span.end):
        return False
    _shift(packet, -begin)
    if packet.stream.type == "subtitle" and packet.pts is not None:
        _begin_at_zero(packet)
    return True


def _steady(packet: Packet[Stream], last: dict[int, int]) -> None:
    """Let a stream's clock run on: muxers refuse one that stands still. `last` holds its dts."""
    index = packet.stream_index
    assert packet.dts is not None
    if index in last and packet.dts <= last[index] and packet.stream.type != "subtitle":
        packet.dts = last[index] + 1
        packet.pts = max(packet.pts or 0, packet.dts)
    last[index] = packet.dts


def _begin_at_zero(packet: Packet[Stream]) -> None:
    """Shorten a subtitle that a span cuts: sound may begin a little early, text need not."""
    early = -min(packet.pts or 0, 0)
    if early and packet.duration:
        packet.duration = max(packet.duration - early, 1)
    if early:
        packet.pts = packet.dts = 0


def _is_gap(packet: Packet[Stream]) -> bool:
    """mp4 fills the time between subtitles with empty ones, which its muxer makes anew."""
    context = packet.stream.codec_context
    return context is not None and context.name == "mov_text" and bytes(packet) == b"\0\0"


def _shift(packet: Packet[Stream], seconds: Fraction) -> None:
    ticks = round(seconds / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks


def _time(packet: Packet[Any]) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base
