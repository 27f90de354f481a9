"""Text subtitles, from one codec to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from vsr.remux.metadata import codec_name
from vsr.remux.timestamps import MonotonicDts, TrimWindow

_TEXTS = {
    *("ass", "jacosub", "microdvd", "mov_text", "mpl2", "pjs", "realtext", "sami", "stl"),
    *("subrip", "subviewer", "subviewer1", "text", "ttml", "vplayer", "webvtt"),
}
# Encoders to try, and those whose containers show one text at a time.
ENCODERS = ("mov_text", "subrip", "webvtt", "ass")
_ONE_AT_A_TIME = {"mov_text"}
PAUSE = b"\0\0"
"""What mp4 holds where nothing is shown; its muxer makes these anew."""
_LEAST_TICKS, _MOST_TICKS = 20_000, 200_000  # a second; mp4's pictures have the least at least
_HEADS = 8  # fields before the text in libav's lines of ASS
_UNKNOWN_LENGTH = Fraction(5)  # seconds for which a text of unknown duration is shown


def is_text(stream: Stream) -> bool:
    """Whether a stream holds subtitles of text that libav can decode."""
    return stream.type == "subtitle" and codec_name(stream) in _TEXTS


def add_text(output: OutputContainer, source: Stream, codec: str) -> Stream:
    """Add the stream that takes `source` as another codec of text."""
    decoder = source.codec_context
    assert isinstance(decoder, SubtitleCodecContext)
    decoder.open(strict=False)  # it has no styles to hand on before
    stream: Any = output.add_stream(codec)
    stream.codec_context.subtitle_header = decoder.subtitle_header
    stream.codec_context.time_base = source.time_base
    stream.time_base = source.time_base
    target: Stream = stream
    refine(target, source)
    return target


def refine(target: Stream, source: Stream) -> None:
    """Let the clock of text in mp4 tick as often as any other.

    libav's muxer takes the ticks of pictures for those of text when it looks whether a text has
    ended, and would end it too early.
    """
    if codec_name(target) != "mov_text" or source.time_base is None:
        return
    others = [s.time_base.denominator for s in source.container.streams if s.time_base]
    wanted = min(max(_LEAST_TICKS, *others), _MOST_TICKS)
    target.time_base = source.time_base / -(-wanted // source.time_base.denominator)


@dataclass(frozen=True)
class _Line:
    """A line of text and the tick at which it ends."""

    ass: bytes
    end: int


class TextConverter:
    """Turns a stream's packets into those of another codec, at the same times.

    Where the container shows one text at a time (mp4), texts that overlap are shown together:
    a packet for each time at which one begins or ends. `skipped` counts what is no subtitle.
    """

    def __init__(self, source: Stream, target: Stream, cut: TrimWindow) -> None:
        assert source.time_base is not None
        assert isinstance(target.codec_context, SubtitleCodecContext)
        assert isinstance(source.codec_context, SubtitleCodecContext)
        self._decoder, self._encoder = source.codec_context, target.codec_context
        self._target, self._base, self._cut = target, source.time_base, cut
        self._one_at_a_time = codec_name(target) in _ONE_AT_A_TIME
        self._escapes = codec_name(target) == "webvtt"
        self._shown: list[_Line] = []
        self._dts = MonotonicDts(text=True)
        self.skipped = 0

    @property
    def mended(self) -> int:
        """How many times had to be mended."""
        return self._dts.mended

    def take(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """The packets that a packet of the source, with its time, becomes."""
        try:
            decoded = self._decoder.decode2(packet)
        except (av.FFmpegError, ValueError):
            self.skipped += 1
            return
        if not self._cut.place(packet, text=True):
            return
        self._dts.steady(packet)
        start = packet.pts
        assert start is not None
        length = packet.duration or round(_UNKNOWN_LENGTH / self._base)
        texts = [rect.ass for rect in decoded or () if isinstance(rect, AssSubtitle) and rect.ass]
        if not texts:
            return
        if self._one_at_a_time:
            yield from self._changes(start)
            self._shown += [_Line(text, start + length) for text in texts]
            yield from self._now(start)
        else:
            yield self._encoded(texts, start, packet.duration or 0)

    def until(self, now: Fraction) -> Iterator[Packet[Any]]:
        """What is to be shown up to a time, as texts end while others stay."""
        if self._shown:
            yield from self._changes(int(now / self._base))

    def flush(self) -> Iterator[Packet[Any]]:
        """What is left."""
        if self._shown:
            yield from self._changes(max(line.end for line in self._shown))

    def _changes(self, until: int) -> Iterator[Packet[Any]]:
        """A packet at each tick up to `until` at which a text ends and others stay."""
        while self._shown and (first := min(line.end for line in self._shown)) <= until:
            self._shown = [line for line in self._shown if line.end > first]
            if self._shown and first < until:
                yield from self._now(first)

    def _now(self, start: int) -> Iterator[Packet[Any]]:
        """All that is shown from a tick on until the first of it ends."""
        end = min(line.end for line in self._shown)
        if end > start:
            texts = list(dict.fromkeys(line.ass for line in self._shown))
            yield self._encoded(texts, start, end - start)

    def _encoded(self, texts: list[bytes], start: int, length: int) -> Packet[Any]:
        line = _joined([_escaped(text) if self._escapes else text for text in texts])
        packet: Packet[Any] = self._encoder.encode_subtitle(SubtitleSet.create(line, 0, 1))
        packet.stream, packet.time_base = self._target, self._base
        packet.pts = packet.dts = start
        packet.duration = length
        return packet


def _joined(lines: list[bytes]) -> bytes:
    """Lines of ASS as one, each in the style of the first."""
    head, first = _parted(lines[0])
    return head + b"{\\r}\\N".join([first, *(_parted(line)[1] for line in lines[1:])])


def _escaped(line: bytes) -> bytes:
    """A line whose text WebVTT takes for text; libav's encoder leaves this to its caller."""
    head, text = _parted(line)
    for plain, escape in ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;")):
        text = text.replace(plain, escape)
    return head + text


def _parted(line: bytes) -> tuple[bytes, bytes]:
    """The fields of a line of ASS, with their last comma, and its text."""
    fields = line.split(b",", _HEADS)
    return b",".join([*fields[:-1], b""]), fields[-1]
