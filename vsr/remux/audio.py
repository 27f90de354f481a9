"""Audio transcoding, for what a container cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec import Codec, CodecContext
from av.container import OutputContainer
from av.packet import Packet

from vsr.remux.timestamps import TrimWindow

_USUAL = "aac"
_ENCODERS = {
    **{"webm": "libopus", "ogg": "libopus", "ogv": "libopus"},
    **{"avi": "libmp3lame", "asf": "libmp3lame"},
    **dict.fromkeys(("mpeg", "vob", "dvd", "svcd", "vcd", "mpeg1system"), "mp2"),
}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_WITHOUT_PRIMING = {"avi"}  # containers that begin with the first packet, whatever its time
_BITS = 96_000  # a second, for each channel of 44.1 or 48 kHz
_BITS_PER_SAMPLE = 4  # less for lower rates
_JITTER = Fraction(1, 25)  # seconds by which a source's times may be off its samples' count
_LONGEST_GAP = 600  # seconds that are filled with silence
_LONGEST_OVERLAP = 1  # seconds that are left out where times go back


@dataclass(frozen=True)
class Settings:
    """How to encode a stream.

    Attributes:
        codec: the encoder's name in libav.
        rate: samples a second.
        layout: the channels, in libav's words.
        bit_rate: 0 for the encoder's own.
        early: samples to leave out at the beginning, where the container cannot say that as
            many come out of the decoder before the sound.
    """

    codec: str
    rate: int
    layout: str
    bit_rate: int
    early: int = 0


def settings_for(format_name: str, source: AudioStream) -> Settings | None:
    """The container's usual codec, as near to the source as its encoder goes; None if it can't."""
    name = _ENCODERS.get(format_name, _USUAL)
    rates = Codec(name, "w").audio_rates or [source.sample_rate]
    if not source.sample_rate or not source.channels:
        return None
    above = [rate for rate in rates if rate >= source.sample_rate]
    rate = min(above) if above else max(rates)
    same = source.layout.name
    usual = _LAYOUTS.get(source.channels, "stereo")
    for layout in dict.fromkeys((same, usual, "stereo", "mono")):
        for bit_rate in (_bits(rate, layout), 128_000, 64_000, 0):
            found = Settings(name, rate, layout, bit_rate)
            if _opens(found):
                late = format_name in _WITHOUT_PRIMING
                return replace(found, early=_priming(found)) if late else found
    return None


def add_audio(output: OutputContainer, settings: Settings) -> AudioStream:
    """Add a stream that is encoded like this."""
    stream = output.add_stream(settings.codec, rate=settings.rate)
    assert isinstance(stream, AudioStream)
    _set_up(stream.codec_context, settings)
    stream.time_base = Fraction(1, settings.rate)
    return stream


class AudioConverter:
    """Decodes a stream and encodes it, sample by sample at the same times.

    Gaps are filled with silence, so that what follows stays in step with the picture. A part
    is cut to the sample. `skipped` counts packets that cannot be decoded, `mended` times that
    make no sense.
    """

    def __init__(
        self, source: AudioStream, target: AudioStream, cut: TrimWindow, early: int = 0
    ) -> None:
        self._decoder, self._target = source.codec_context, target
        context = target.codec_context
        self._rate, self._layout = context.rate, context.layout
        self._format = context.format.packed  # PyAV counts the planes of 7.1 wrongly
        self._cut = cut
        self._resampler: AudioResampler | None = None
        self._takes: tuple[str, str, int] | None = None  # what the resampler was made for
        self._next: int | None = None  # the sample that is due, counted on the output's clock
        self._moved = -early  # samples by which times are moved, also to set wrong ones right
        self._from_zero = cut.sharp or early > 0
        self.skipped = self.mended = 0

    def take(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """What is encoded once a packet of the source is decoded."""
        try:
            frames = self._decoder.decode(packet)
        except (av.FFmpegError, ValueError):
            self.skipped += 1
            return
        for frame in frames:
            if self._next is None and frame.pts is None:  # some decoders do not date the first
                frame.pts, frame.time_base = packet.pts, packet.time_base
            yield from self._heard(frame)

    def until(self, now: Fraction) -> Iterator[Packet[Any]]:
        """Nothing waits for a time."""
        yield from ()

    def flush(self) -> Iterator[Packet[Any]]:
        """All that is still inside the decoder and the encoder."""
        try:
            frames = self._decoder.decode(None)
        except (av.FFmpegError, EOFError, ValueError):
            frames = []
        for frame in frames:
            yield from self._heard(frame)
        if self._resampler is not None:
            for resampled in self._resampler.resample(None):
                yield from self._in_place(resampled)
        if self._next is not None:
            yield from self._bound(None)

    def _heard(self, frame: AudioFrame) -> Iterator[Packet[Any]]:
        """A decoded frame, in the encoder's format."""
        layout = frame.layout.name
        if "channels" in layout:  # the file does not say which
            layout = _LAYOUTS.get(len(frame.layout.channels) or frame.layout.nb_channels, "stereo")
            frame = _relabelled(frame, layout)
        takes = (frame.format.name, layout, frame.sample_rate)
        if takes != self._takes:
            if self._resampler is not None:
                for left in self._resampler.resample(None):
                    yield from self._in_place(left)
            self._resampler = AudioResampler(self._format, self._layout, self._rate)
            self._takes = takes
        assert self._resampler is not None
        for resampled in self._resampler.resample(frame):
            yield from self._in_place(resampled)

    def _in_place(self, frame: AudioFrame) -> Iterator[Packet[Any]]:
        """Encode a frame at its time: after silence if it comes late, less what was heard."""
        samples = _samples(frame)
        start = self._start(frame)
        if self._from_zero:
            begins = max(0, -start)
            samples, start = samples[begins:], start + begins
        if self._cut.end is not None:
            ends = round((self._cut.end - self._cut.output_start) * self._rate)
            samples = samples[: max(0, ends - start)]
        if not len(samples):
            return
        if self._next is not None:
            while start > self._next:  # a second at a time
                silence = min(start - self._next, self._rate)
                yield from self._encoded(np.zeros((silence, samples.shape[1]), samples.dtype))
            samples = samples[self._next - start :]
        else:
            self._next = start
        if len(samples):
            yield from self._encoded(samples)

    def _start(self, frame: AudioFrame) -> int:
        """The sample of the output's clock at which a frame begins."""
        if frame.pts is None or frame.time_base is None:
            return self._next or 0
        when = frame.pts * frame.time_base - self._cut.output_start
        start = round(when * self._rate) + self._moved
        if self._next is None:
            return start
        off = start - self._next
        if abs(off) <= _JITTER * self._rate:
            return self._next
        if not -_LONGEST_OVERLAP * self._rate <= off <= _LONGEST_GAP * self._rate:
            self._moved -= off
            self.mended += 1
            return self._next
        return start

    def _encoded(self, samples: np.ndarray) -> Iterator[Packet[Any]]:
        """Encode (samples, channels), the next to be heard."""
        data = np.ascontiguousarray(samples.reshape(1, -1))
        frame = AudioFrame.from_ndarray(data, self._format.name, self._layout.name)
        frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
        frame.pts = self._next
        assert self._next is not None
        self._next += len(samples)
        yield from self._bound(frame)

    def _bound(self, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        for packet in self._target.encode(frame):
            packet.stream = self._target
            yield packet


def _samples(frame: AudioFrame) -> np.ndarray:
    """A packed frame's samples as (samples, channels)."""
    return frame.to_ndarray().reshape(frame.samples, -1)


def _relabelled(frame: AudioFrame, layout: str) -> AudioFrame:
    """The same samples as channels of a known layout."""
    known = AudioFrame.from_ndarray(frame.to_ndarray(), frame.format.name, layout)
    known.sample_rate, known.pts = frame.sample_rate, frame.pts
    if frame.time_base is not None:
        known.time_base = frame.time_base
    return known


def _bits(rate: int, layout: str) -> int:
    channels = av.AudioLayout(layout).nb_channels
    return min(_BITS, _BITS_PER_SAMPLE * rate) * channels


def _set_up(context: Any, settings: Settings) -> None:
    context.rate, context.layout = settings.rate, settings.layout
    context.time_base = Fraction(1, settings.rate)
    if settings.bit_rate:
        context.bit_rate = settings.bit_rate


def _opens(settings: Settings) -> bool:
    try:
        _encoder(settings)
    except (av.FFmpegError, ValueError, OSError):
        return False
    return True


def _encoder(settings: Settings) -> Any:
    """An encoder by itself."""
    codec = Codec(settings.codec, "w")
    encoder: Any = CodecContext.create(codec, "w")
    if codec.audio_formats:
        encoder.format = codec.audio_formats[0]
    _set_up(encoder, settings)
    encoder.open()
    return encoder


def _priming(settings: Settings) -> int:
    """How many samples come out of a decoder before those that went into this encoder."""
    encoder = _encoder(settings)
    frame = AudioFrame(encoder.format.name, settings.layout, settings.rate // 4)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = settings.rate, 0, Fraction(1, settings.rate)
    first = next(iter([*encoder.encode(frame), *encoder.encode(None)]), None)
    return 0 if first is None else max(0, -(first.pts or 0))
