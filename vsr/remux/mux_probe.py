"""Mux probe: what a container can hold, found by muxing a little in memory and reading it back."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Discard, Stream
from av.video.codeccontext import VideoCodecContext

from vsr.core.errors import VsrError
from vsr.core.source import Sampled
from vsr.core.url import Url
from vsr.remux.metadata import codec_name
from vsr.remux.timestamps import step
from vsr.video.choose import is_cover
from vsr.video.open import open_input
from vsr.video.variants import is_left_out, leave_out_variants

_MOST_BYTES = 8 << 20
_MOST_PACKETS = 2000
_ENOUGH = 24  # packets of a stream
# Muxers and demuxers tell these apart in different ways.
_SAME = dict.fromkeys(("mp1", "mp2", "mp3"), "mpeg audio")
# A transport stream takes all the rest as private data, of which no reader knows what it is.
_KNOWN_IN_TS = {"dvb_subtitle", "dvb_teletext", "klv", "timed_id3"}
# Demuxers: a file as short as a trial may be taken for something else.
_READERS = {
    **{"mpegts": "mpegts", "matroska": "matroska", "webm": "matroska", "avi": "avi"},
    **{"flv": "flv", "asf": "asf", "ogg": "ogg", "ogv": "ogg"},
    **dict.fromkeys(("mp4", "mov", "3gp", "3g2", "ipod", "f4v"), "mov"),
    **dict.fromkeys(("mpeg", "vob", "dvd", "svcd", "vcd"), "mpeg"),
}
# Seconds by which a frame may come back at another time: sound's first one may be shorter there.
_OFF = {"video": Fraction(1, 100), "audio": Fraction(1, 20)}
_LEAP = 10  # seconds from frame to frame, at most
_NAMED_IN_FLV = {"aac", "ac3", "eac3", "flac", "mp3", "opus"}
REFUSED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)
"""What a muxer says of a packet that it does not like; a full disk is another matter."""
_REFUSALS = (av.FFmpegError, ValueError, OSError, RuntimeError)


def sample(source: InputContainer, path: Path | Url, main: int) -> dict[int, list[Sampled]]:
    """The first packets of each stream but the main one, as far as they come soon.

    `path` is opened once more for that, so `source` stays where it is.
    """
    others = (s for s in source.streams if s.index != main and not is_left_out(s))
    found: dict[int, list[Sampled]] = {stream.index: [] for stream in others}
    if not found:
        return found
    taken = packets = 0
    try:
        with open_input(path) as again:
            leave_out_variants(again, again.streams[main])
            for packet in again.demux():
                taken, packets = taken + packet.size, packets + 1
                index = packet.stream_index
                if index in found and packet.size and len(found[index]) < _ENOUGH:
                    duration = max(packet.duration or 0, 0)
                    found[index].append(
                        Sampled(bytes(packet), packet.pts, packet.dts, duration, packet.is_keyframe)
                    )
                enough = all(len(kept) >= _ENOUGH for kept in found.values())
                if enough or taken > _MOST_BYTES or packets > _MOST_PACKETS:
                    break
    except (av.FFmpegError, OSError, ValueError, VsrError):
        pass  # what came until there is enough to try with
    return found


def holds(
    format_name: str,
    stream: Stream,
    sampled: Sequence[Sampled],
    prepared: Callable[[Packet[Stream]], Iterable[Packet[Stream]]],
) -> bool:
    """Whether a container takes a stream, and gives it back as what it is.

    Muxers say so at different points, some only when the header is written or with the first
    packet, and some take what nobody can read or decode afterwards. `prepared` does to each packet
    what is done to all when they are copied.
    """
    buffer, written, refused = io.BytesIO(), 0, 0
    try:
        with av.open(buffer, "w", format=format_name) as output:
            copy = add_copy(output, stream)
            if copy is None:
                return False
            copy.disposition = stream.disposition
            output.start_encoding()
            has_packets = not isinstance(stream, AttachmentStream)
            for original in _packets(stream, sampled) if has_packets else ():
                for packet in prepared(original):
                    packet.stream = copy
                    try:
                        output.mux_one(packet)
                        written += 1
                    except REFUSED:  # that one may be damaged
                        refused += 1
    except _REFUSALS:
        return False
    if refused >= max(written, 1):
        return False
    if written:
        if not _comes_back(buffer, format_name, stream):
            return False
        return not _is_coded(stream) or _shows_the_same(buffer, format_name, stream, sampled)
    known = stream.type in ("audio", "video") or codec_name(stream) in _KNOWN_IN_TS
    return format_name != "mpegts" or known


def add_copy(output: OutputContainer, stream: Stream) -> Stream | None:
    """Add a stream like another one; None where it is known that this cannot be."""
    if _would_abort(output.format.name, stream):
        return None
    if isinstance(stream, AttachmentStream):
        if output.format.name not in ("matroska", "webm"):
            return None
        return output.add_attachment(
            stream.name or "attachment", stream.mimetype or "", stream.data
        )
    return output.add_stream_from_template(stream, opaque=True)


def _would_abort(format_name: str, stream: Stream) -> bool:
    """Whether the muxer would end this process over a stream, by an assertion of its own.

    libav's FLV writes the places of all channels but plain mono and stereo in a header that has no
    name for older codecs. PCM is often of two channels that nobody has named.
    """
    if format_name != "flv" or not isinstance(stream, AudioStream):
        return False
    return codec_name(stream) not in _NAMED_IN_FLV and stream.layout.name not in ("mono", "stereo")


def is_chapter_text(stream: Stream) -> bool:
    """QuickTime keeps chapter titles in a text track too: libav sets it aside, muxers remake it."""
    return stream.type == "data" and stream.discard == Discard.all


def _comes_back(buffer: io.BytesIO, format_name: str, stream: Stream) -> bool:
    buffer.seek(0)
    wanted = _kind(stream)
    try:
        with av.open(buffer, format=_READERS.get(format_name)) as container:
            return any(_kind(found) == wanted for found in container.streams)
    except (*_REFUSALS, EOFError):
        return False


def _shows_the_same(
    buffer: io.BytesIO, format_name: str, stream: Stream, sampled: Sequence[Sampled]
) -> bool:
    """Whether what has come back is decoded as a stream's own packets are, and at the same times.

    Some muxers lose what a decoder needs to know: raw video's pixel format, MPEG-4's header.
    Others keep one time a packet, where frames come in another order, or times that a demuxer's
    parser gives to other packets.
    """
    own = _times(stream, _packets(stream, sampled))
    if not own:  # it cannot be told
        return True
    buffer.seek(0)
    wanted = _kind(stream)
    try:
        with av.open(buffer, "r", format=_READERS.get(format_name)) as container:
            found = next(each for each in container.streams if _kind(each) == wanted)
            again = _times(found, container.demux(found))
    except (*_REFUSALS, EOFError):
        return False
    return bool(again) and _are_alike(own, again, _OFF[stream.type])


def _are_alike(own: list[Fraction | None], again: list[Fraction | None], off: Fraction) -> bool:
    """Whether frames are as far behind the first one as they were, as far as that is told.

    Times that go back or leap are wrong already, and mended when they are copied.
    """
    pairs = [
        (before, after)
        for before, after in zip(own, again, strict=False)
        if before is not None and after is not None
    ]
    if not all(0 < later - sooner <= _LEAP for (sooner, _), (later, _) in pairwise(pairs)):
        return True
    shifts = [after - before for before, after in pairs]
    return all(abs(shift - shifts[0]) <= off for shift in shifts)


def _packets(stream: Stream, sampled: Sequence[Sampled]) -> Iterator[Packet[Stream]]:
    """A stream's own packets, each decoded after the one before it."""
    assert stream.time_base is not None
    times = decoding_times(sampled, step(stream.time_base))
    return (each.packet(stream, dts) for each, dts in zip(sampled, times, strict=True))


def decoding_times(sampled: Sequence[Sampled], step: int) -> list[int]:
    """When packets in a row are decoded, in ticks, each at least a step after the one before.

    Matroska tells it of none before the first frame that is shown: those lead up to the first
    that has a time.
    """
    told = [each.dts for each in sampled]
    first = next((n for n, dts in enumerate(told) if dts is not None), None)
    if first is None:
        told = [each.pts for each in sampled]
    else:
        for n in reversed(range(first)):
            told[n] = (told[n + 1] or 0) - max(step, sampled[n].duration)
    times: list[int] = []
    for dts in told:
        least = times[-1] + step if times else dts or 0
        times.append(least if dts is None else max(dts, least))
    return times


def _times(stream: Stream, packets: Iterable[Packet[Stream]]) -> list[Fraction | None]:
    """When the frames are shown that a decoder makes of packets; single ones may be damaged."""
    decoder = stream.codec_context
    assert isinstance(decoder, VideoCodecContext | AudioCodecContext)
    assert stream.time_base is not None
    times: list[Fraction | None] = []
    try:
        for packet in (*packets, None):
            with suppress(*_REFUSALS, EOFError):
                for frame in decoder.decode(packet):
                    base = frame.time_base or stream.time_base
                    times.append(None if frame.pts is None else frame.pts * base)
        return times
    finally:
        if decoder.is_open:
            decoder.flush_buffers()


def _is_coded(stream: Stream) -> bool:
    coded = isinstance(stream.codec_context, VideoCodecContext | AudioCodecContext)
    return coded and not is_cover(stream)


def _kind(stream: Stream) -> tuple[str, str, bool]:
    name = codec_name(stream)
    return stream.type, _SAME.get(name, name), is_cover(stream)
