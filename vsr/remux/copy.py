"""Stream copy: packets of all streams but the video, copied, or converted where asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vsr.core.damage import Tally
from vsr.core.parts import is_part_list
from vsr.core.source import Other, OtherStreams
from vsr.core.stream_report import Others
from vsr.remux.audio import AudioConverter, add_audio
from vsr.remux.containers import ISO_FAMILY, holds_chapters
from vsr.remux.mapping import COVERS, StreamAction, StreamMapping
from vsr.remux.metadata import chapters, codec_name, copy_facts, for_mp4, lasting
from vsr.remux.mux_probe import REFUSED, add_copy
from vsr.remux.subtitles import PAUSE, TextConverter, add_text, is_text, refine
from vsr.remux.timestamps import LeadingDts, MonotonicDts, TrimWindow, seconds, splitter
from vsr.util.text import counted
from vsr.video.choose import is_cover
from vsr.video.discontinuities import continued
from vsr.video.seek import demux

_RUN_UP = Fraction(1, 2)  # seconds that a sound decoder gets before a part
_LONGEST_TEXT = 30  # seconds before a part at which text that lasts into it may begin
_FAR = 60  # seconds past all else in a file that make a time impossible


class _Lane(Protocol):
    """Takes one stream's packets, and gives those of the output."""

    skipped: int

    @property
    def mended(self) -> int: ...

    def take(self, packet: Packet[Any]) -> Iterator[Packet[Any]]: ...

    def until(self, now: Fraction) -> Iterator[Packet[Any]]: ...

    def flush(self) -> Iterator[Packet[Any]]: ...


class _Copy:
    """Copies a stream."""

    def __init__(
        self, source: Stream, target: Stream, cut: TrimWindow, format_name: str, parts: bool
    ) -> None:
        self._target, self._cut = target, cut
        self._split = splitter(source, format_name)
        self._text = source.type == "subtitle"
        self._dts = MonotonicDts(self._text, parts)
        self._still, self._in_mp4 = is_cover(source), codec_name(source) == "mov_text"
        self._moving = source.type == "video" and not self._still
        self._leading = LeadingDts()
        self._opening: Fraction | None = None  # when a video's first picture is shown
        self.skipped = 0

    @property
    def mended(self) -> int:
        return self._dts.mended

    def take(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        for each in self._leading.take(packet) if self._moving else (packet,):
            yield from self._taken(each)

    def _taken(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        if self._in_mp4 and bytes(packet) == PAUSE:
            return
        if self._still:
            packet.pts = packet.dts = 0
        elif packet.pts is None and packet.dts is None:
            if self._cut.sharp and not self._dts.begun:
                return
            self._dts.missing(packet)
        elif not self._placed(packet):
            return
        for part in self._split(packet):
            self._dts.steady(part)
            part.stream = self._target
            yield part

    def _placed(self, packet: Packet[Any]) -> bool:
        """Put a packet on the output's clock; False if it has no place in the part."""
        if self._moving and self._cut.sharp and not self._opened(packet):
            return False
        return self._cut.place(packet, self._text, self._moving)

    def _opened(self, packet: Packet[Any]) -> bool:
        """Whether a packet can be decoded: in a part of a video those before a keyframe cannot."""
        begins = seconds(packet)
        if self._opening is None and packet.is_keyframe and begins >= self._cut.output_start:
            self._opening = begins
        return self._opening is not None and begins >= self._opening

    def until(self, now: Fraction) -> Iterator[Packet[Any]]:
        yield from ()

    def flush(self) -> Iterator[Packet[Any]]:
        for packet in self._leading.rest():
            yield from self._taken(packet)


@dataclass
class Passthrough:
    """The other streams on their way; `streams` names them, and those that are left out.

    Attributes:
        passed_over: packets left out so far, as they were damaged or the muxer refused them.
        heard: when each sound begins, in seconds on the output's clock, by its stream there.
    """

    streams: Others
    _output: OutputContainer | None
    _packets: Iterator[Packet[Any] | None]
    _tell: Callable[[int], None]
    _next: Packet[Any] | None = None
    passed_over: int = 0
    heard: dict[int, Fraction] = field(default_factory=dict)

    def until(self, video: Packet[VideoStream]) -> None:
        """Write what comes before this packet of the video, on the output's clock."""
        now = _decoded(video)
        while (packet := self._peek()) is not None and _decoded(packet) <= now:
            self._write(packet)

    def rest(self, refused: int = 0) -> Iterator[None]:
        """Write all that is left, a packet a step; `refused` more were left out by then."""
        if self._next is not None:
            self._write(self._next)
        for packet in self._packets:
            if packet is not None:
                self._write(packet)
            yield
        self._tell(self.passed_over + refused)

    def _peek(self) -> Packet[Any] | None:
        if self._next is None:
            self._next = next(self._packets, None)
        return self._next

    def _write(self, packet: Packet[Any]) -> None:
        self._next = None
        assert self._output is not None
        if packet.pts is not None and packet.stream.type == "audio":
            self.heard.setdefault(packet.stream.index, packet.pts * packet.time_base)
        try:
            self._output.mux_one(packet)
        except REFUSED:
            self.passed_over += 1


NOTHING_ELSE = Passthrough(Others(), None, iter(()), lambda refused: None)
"""For an output whose source is no media file."""


def copy_streams(
    streams: OtherStreams,
    output: OutputContainer,
    add_main: Callable[[], Stream],
    plan: StreamMapping,
) -> Passthrough:
    """Add the other streams of a source to `output`, opened as planned, in the source's order.

    Where the main video stands, `add_main` adds the stream that takes its place. Call this
    before the header is written, and `until` as the video's packets are: so all interleave,
    and no more than a packet is ever held, but for what codecs hold. Global metadata and
    chapters are copied too. With a cut, time starts anew at `output_start`.
    `streams.damaged` is told, at the end, what was left out or mended, and how many packets.
    """
    source, main = streams.container, streams.container.streams[streams.main]
    cut = TrimWindow(streams.output_start, streams.end, streams.sharp)
    lanes: dict[int, _Lane] = {}
    for stream in source.streams:
        if stream.index == main.index:
            copy_facts(main, add_main(), output.format.name, encoded_anew=True)
        elif (action := plan.actions.get(stream.index)) and not action.reason:
            target = _add(output, stream, action)
            if target is not None:
                copy_facts(stream, target, output.format.name)
                lanes[stream.index] = _lane(
                    *(stream, target, action, cut, output.format.name),
                    parts=is_part_list(streams.path),
                )
    output.metadata.update(lasting(source.metadata))
    if holds_chapters(output.format.name):
        found = chapters(source, cut.output_start, cut.end, cut.sharp)
        is_iso = output.format.name in ISO_FAMILY
        output.set_chapters(for_mp4(found) if is_iso else found)
    tally = Tally(streams.path)
    if streams.arriving:
        arriving = streams.arriving(lanes.keys())
    else:
        arriving = _from_file(source, main, lanes, cut, tally)
    named = [(plan.actions[index].name, lane) for index, lane in lanes.items()]

    def tell(refused: int) -> None:
        for message, packets in _damage(named, refused, tally.damage.unreadable):
            streams.damaged(message, packets)

    return Passthrough(plan.others, output, _converted(arriving, lanes, cut), tell)


def _damage(
    lanes: Sequence[tuple[str, _Lane]], refused: int, unreadable: int
) -> Iterator[tuple[str, int]]:
    """What happened to the streams on the way, line by line, and to how many packets each time."""
    for name, lane in lanes:
        if lane.skipped:
            yield f"{name}: {counted(lane.skipped, 'packet')} could not be decoded", lane.skipped
        if lane.mended:
            yield f"{name}: {counted(lane.mended, 'time')} made no sense, mended", lane.mended
    if refused:
        packets = counted(refused, "packet")
        yield f"{packets} of the other streams could not be written, left out", refused
    if unreadable:
        places = counted(unreadable, "place")
        yield f"the other streams could not be read at {places}, passed over", 0


def _add(output: OutputContainer, stream: Stream, action: StreamAction) -> Stream | None:
    """The output's stream for one of the source; None where it is written with the header."""
    if action.picture:
        suffix, kind = COVERS[codec_name(stream)]
        cover = output.add_attachment(f"cover.{suffix}", kind, action.picture)
        title = stream.metadata.get("title") or stream.metadata.get("comment")
        if title:
            cover.metadata["title"] = title
        return None
    if action.audio:
        return add_audio(output, action.audio)
    if action.text:
        return add_text(output, stream, action.text)
    copy = add_copy(output, stream)
    if copy is not None and is_text(stream):
        refine(copy, stream)
    return copy


def _lane(
    stream: Stream,
    target: Stream,
    action: StreamAction,
    cut: TrimWindow,
    format_name: str,
    parts: bool,
) -> _Lane:
    if action.audio:
        assert isinstance(stream, AudioStream)
        assert isinstance(target, AudioStream)
        return AudioConverter(stream, target, cut, action.audio.early)
    if action.text:
        return TextConverter(stream, target, cut)
    return _Copy(stream, target, cut, format_name, parts)


def _from_file(
    container: InputContainer, main: Stream, lanes: dict[int, _Lane], cut: TrimWindow, tally: Tally
) -> Iterator[Other]:
    """The other streams' packets, in the file's order; the main video only lends its clock."""
    streams = [s for s in container.streams if s.index in lanes and s.type != "attachment"]
    if not streams:
        return
    if cut.sharp and cut.output_start:
        text = any(s.type == "subtitle" for s in streams)
        place = cut.output_start - (_LONGEST_TEXT if text else _RUN_UP)
        begin = Fraction(container.start_time or 0, av.time_base)
        container.seek(int(max(place, min(begin, cut.output_start)) * av.time_base), backward=True)
    possible = _Possible(container)
    for packet in continued(demux(container, [main, *streams], tally), main.index, tally):
        if not packet.size:
            continue  # it is for decoders, and does not know its stream's index
        if packet.stream_index == main.index:
            possible.see(packet)
            continue
        possible.mend(packet)
        sound = isinstance(lanes[packet.stream_index], AudioConverter)
        if not (sound and cut.sharp and _long_before(packet, cut.output_start)):
            yield packet.stream_index, packet


def _converted(
    arriving: Iterator[Other | None], lanes: dict[int, _Lane], cut: TrimWindow
) -> Iterator[Packet[Any] | None]:
    """The output's packets for those that arrive; None where nothing has."""
    for arrived in arriving:
        if arrived is None:
            yield None
            continue
        index, packet = arrived
        now = _decoded(packet) - cut.output_start
        yield from lanes[index].take(packet)
        for lane in lanes.values():
            yield from lane.until(now)
    for lane in lanes.values():
        yield from lane.flush()


class _Possible:
    """Which times a file can hold: none far past its end and the picture's latest."""

    def __init__(self, container: InputContainer) -> None:
        begin = Fraction(container.start_time or 0, av.time_base)
        length = Fraction(container.duration or 0, av.time_base)
        self._first = begin - _FAR
        self._last = begin + 2 * max(length, Fraction(0)) + _FAR
        self._known = bool(container.duration)

    def see(self, packet: Packet[Any]) -> None:
        """Follow the picture's clock."""
        if packet.dts is not None:
            self._last = max(self._last, packet.dts * packet.time_base + _FAR)

    def mend(self, packet: Packet[Any]) -> None:
        """Take off times that cannot be."""
        if packet.pts is None and packet.dts is None:
            return
        when = seconds(packet)
        if when < self._first or (self._known and when > self._last):
            packet.pts = packet.dts = None


def _long_before(packet: Packet[Any], output_start: Fraction) -> bool:
    if packet.pts is None:
        return False
    return packet.pts * packet.time_base < output_start - _RUN_UP


def _decoded(packet: Packet[Any]) -> Fraction:
    """When a packet is decoded; long ago if that is not known."""
    when = packet.pts if packet.dts is None else packet.dts
    return Fraction(-(2**40)) if when is None else when * packet.time_base
