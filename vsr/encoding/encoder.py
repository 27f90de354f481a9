"""One encoder in one output: planes in, packets out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from av.codec import Codec
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vsr.core.color import known_matrix
from vsr.core.errors import EncoderError
from vsr.core.events import Warn
from vsr.core.frame import ColorTags, Frame, VideoInfo
from vsr.core.hdr import encoder_parameters
from vsr.core.stereo import STEREO, stereo_for
from vsr.encoding.codecs import Encoding, find_encoder, open_encoder
from vsr.encoding.constraints import acceptable, check_largest
from vsr.encoding.convert import Converter
from vsr.encoding.pixel_formats import (
    color_note,
    encodable_format,
    encoded_color,
    format_note,
)
from vsr.encoding.players import player_note
from vsr.encoding.timestamps import IN_ORDER, ONE_RATE, Counted, Ticks
from vsr.encoding.upright import turned_for
from vsr.encoding.user_data import takes_user_data, with_user_data
from vsr.remux.containers import Y4M

_USUAL_RATE = Fraction(25)
_FASTEST_GIF = 50  # two hundredths of a second a frame; shorter ones are shown for ten
_FEWEST_TIMED = 3  # frames; libx265 (4.2) makes up the decoding times of fewer
_APPLE_TAGGED = {"mp4", "mov", "ipod"}  # where Apple's players want HEVC called hvc1


class Encoder:
    """Encodes frames of `info`, with `color` for their colours, into a stream of `output`.

    Where the container cannot say how they are to be turned, they are turned. A container that
    counts frames has a tick each `clock` seconds, by default as fine as frames'.

    Attributes:
        name: the encoder's name in libav.
        container: its container's.
        base: the time base of frames.
        note: what to tell people of players that cannot show what is encoded; or "".
        settings: what it was opened with, once `add_stream` has done that.
        stream: the output's stream, once `add_stream` has made it.
        shown_at: the last frame's time: its own, or what the container's clock could give it.
        dropped: what frames say beside their samples that is left out, named for people.
        repeated: how often a frame was written again, as its container has one rate.
    """

    stream: VideoStream
    settings: dict[str, str]
    shown_at: int
    dropped: list[str]

    def __init__(
        self,
        output: OutputContainer,
        info: VideoInfo,
        name: str,
        encoding: Encoding,
        color: ColorTags,
        warn: Warn,
        clock: Fraction | None = None,
    ) -> None:
        codec = find_encoder(name)
        encoding = encoding.fitting(name, warn)
        self._turn = turned_for(info, output.format.name)
        if self._turn:
            warn(self._turn.note(output.format.name))
            info = self._turn.made
            color = replace(color, siting=info.color.siting)
        encoded = encodable_format(codec, info.format, encoding.pix_fmt, output.format.name)
        note = format_note(name, info.format, encoded)
        if note and not encoding.pix_fmt:
            warn(note)
        in_it = encoded_color(color, info, encoded, name)
        if note := color_note(name, info):
            warn(note)
            info = known_matrix(info)
        wanted = replace(info, format=encoded, color=in_it)
        check_largest(name, wanted)
        self._info = acceptable(name, wanted, encoding)
        if encoding.exact and (self._info.width, self._info.height) != (info.width, info.height):
            raise EncoderError(
                f"encoder {name} takes no {info.width}x{info.height} in {encoded.name}: ask for "
                f"{self._info.width}x{self._info.height}, or for another codec"
            )
        for note in _changes(name, wanted, self._info):
            warn(note)
        counts = self._info.time_base != wanted.time_base
        self._counted = Counted(info.time_base, _rate(info)) if counts else None
        self._ticks = Ticks(info.time_base)
        self._frames = 0
        self.repeated = 0
        self.note = player_note(name, self._info)
        self._output = output
        self._convert = Converter(info, self._info, name, warn)
        # In several threads rawvideo holds frames back, and `_at_one_rate` has to know them.
        repeats = self._repeats = output.format.name == Y4M
        self._encoding = replace(encoding, threads=1) if repeats else encoding
        self._warn = warn
        self._codec = codec.canonical_name
        self._user_data: dict[int, tuple[bytes, ...]] = {}
        no_room = () if takes_user_data(self._codec) else info.user_data
        self._stereo = stereo_for(info.stereo, output.format.name)
        lost = (STEREO,) if info.stereo and not self._stereo else ()
        self.dropped = [*info.dropped, *lost, *no_room]
        self._clock = clock or info.time_base
        self.name = name
        self.container = output.format.name
        self.base = info.time_base

    def add_stream(self) -> VideoStream:
        """Add the stream and open the encoder. Raises EncoderError if one cannot be had."""
        info, container = self._info, self.container
        try:
            rate = 1 / self._clock if self._repeats else _rate(info)
            stream = self._output.add_stream(self.name, rate=rate)
        except ValueError as error:
            raise EncoderError(f"{error}; choose another codec or container") from None
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        if container in _APPLE_TAGGED and Codec(self.name, "w").canonical_name == "hevc":
            context.codec_tag = "hvc1"
        if container in IN_ORDER or self._encoding.in_order:
            context.max_b_frames = 0
        options = open_encoder(context, info, self._encoding)
        pixels = {"pix_fmt": info.format.name, "threads": str(context.thread_count)}
        self.settings = {**options, **pixels}
        if container in ONE_RATE:
            stream.time_base = self._clock
        if self._stereo:
            stream.metadata["stereo_mode"] = self._stereo
        if info.display_matrix:
            stream.set_display_matrix(info.display_matrix)
        self.stream = stream
        return stream

    def encode(self, frame: Frame, pts: int) -> Iterator[Packet[VideoStream]]:
        """Encode a frame to be shown at `pts`; packets come out some frames later."""
        clock = self.stream.time_base  # None until the output's header is written
        self.shown_at = self._ticks.free(pts, clock) if clock else pts
        pts, duration = self.shown_at, frame.duration
        if self._counted:
            pts, duration = self._counted.number(pts, duration), 1
        self._frames += 1
        encodable = self._convert(self._turn(frame.planes) if self._turn else frame.planes)
        encodable.pts, encodable.duration = pts, duration
        encodable.time_base = self._info.time_base
        self._keep(frame, pts)
        color = self._info.color  # ProRes and PNG tell each frame's own, not the context's
        encodable.color_primaries, encodable.color_trc = color.primaries, color.transfer
        encodable.color_range, encodable.colorspace = color.range, color.matrix
        packets = self._bound(self.stream.codec_context.encode_lazy(encodable))
        yield from self._at_one_rate(packets, pts + duration) if self._repeats else packets

    def _at_one_rate(
        self, packets: Iterator[Packet[VideoStream]], ends: int
    ) -> Iterator[Packet[VideoStream]]:
        """A raw frame's packet, and the same again for each tick until it `ends`."""
        (packet,) = packets
        if self._ticks.too_late:
            raise EncoderError(
                f"frames come faster than the {float(1 / self._clock):.6g} a second that the "
                "source tells of, and .y4m has one rate; choose another container"
            )
        data, tick = bytes(packet), self._ticks.last
        for number in (tick, *self._ticks.free_until(ends, self._clock)):
            again: Packet[Any] = Packet(data) if number > tick else packet
            again.stream, again.time_base = self.stream, self._clock
            again.pts, again.duration = number, 1
            again.dts, again.is_keyframe = number, True
            self.repeated += number > tick
            yield again

    def place(self, packet: Packet[VideoStream]) -> None:
        """Put a packet that an encoder like this one has made before on a tick of its own.

        For containers with a coarse clock; others take it as it is.
        """
        if self.container in ONE_RATE and packet.pts is not None:
            shown = round(packet.pts * packet.time_base / self.base)
            packet.pts = packet.dts = self._ticks.free(shown, self._clock)
            packet.time_base = self.base

    def flush(self) -> Iterator[Packet[VideoStream]]:
        """The packets still inside the encoder."""
        yield from self._bound(self.stream.codec_context.encode_lazy(None))
        if self.repeated:
            self._warn(
                f"{self.repeated} frames were repeated, so that each is shown for as long as "
                f"before: this container has one rate, {float(1 / self._clock):.6g} a second"
            )
        if self._ticks.moved:
            self._warn(
                f"{self._ticks.moved} frames are shown up to {self._ticks.latest:.3g} s later: the "
                f"container's clock ticks every {float(self.stream.time_base or 0):.4g} s, and no "
                "two may share a tick"
            )

    def _keep(self, frame: Frame, pts: int) -> None:
        """Put a frame's user data aside for its packet, or tell that there is no room."""
        if not frame.user_data:
            return
        if takes_user_data(self._codec):
            self._user_data[pts] = tuple(payload for _, payload in frame.user_data)
            return
        for name, _ in frame.user_data:
            if name not in self.dropped:
                self.dropped.append(name)
                self._warn(left_out([name]))

    def _bound(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        for packet in packets:
            packet = self._with_user_data(packet)
            if self.name == "libx265" and self._frames < _FEWEST_TIMED:
                packet.dts = packet.pts  # so few are not reordered
            if self._counted:
                self._counted.restore(packet)
            packet.stream = self.stream
            yield packet

    def _with_user_data(self, packet: Packet[VideoStream]) -> Packet[VideoStream]:
        """A packet as the encoder made it, with its frame's user data."""
        payloads = self._user_data.pop(packet.pts, None) if packet.pts is not None else None
        if not payloads:
            return packet
        full: Packet[Any] = Packet(with_user_data(self._codec, bytes(packet), payloads))
        full.pts, full.dts, full.duration = packet.pts, packet.dts, packet.duration
        full.time_base, full.is_keyframe = packet.time_base, packet.is_keyframe
        return full


def left_out(names: Sequence[str]) -> str:
    """What to tell people of side data that is not in the output."""
    return f"left out of the video, as it cannot be written: {', '.join(names)}"


def _rate(info: VideoInfo) -> Fraction:
    return info.frame_rate or _USUAL_RATE


def _changes(name: str, wanted: VideoInfo, taken: VideoInfo) -> Iterator[str]:
    """What to tell people of the differences between what was wanted and what is encoded."""
    size, larger = f"{wanted.width}x{wanted.height}", f"{taken.width}x{taken.height}"
    if size != larger:
        yield (
            f"encoder {name} takes no {size} in {wanted.format.name}: encoded as {larger}, "
            "the last column or row repeated"
        )
    if taken.frame_rate != wanted.frame_rate and wanted.frame_rate:
        yield (
            f"encoder {name} knows no {float(wanted.frame_rate):.6g} frames a second and writes "
            f"{float(_rate(taken)):.6g}; the container's timestamps are right"
        )
    if name == "gif" and _rate(wanted) > _FASTEST_GIF:
        yield (
            f"browsers show a GIF at up to {_FASTEST_GIF} frames a second, and slow down those "
            f"with {float(_rate(wanted)):.6g}: .webp and .apng can be faster"
        )
    hdr = wanted.mastering or wanted.light
    if hdr and not any(encoder_parameters(name, wanted.mastering, wanted.light)):
        yield (
            f"encoder {name} cannot be told of HDR's mastering display and light level; "
            "--codec hevc, av1 and h264 can"
        )
