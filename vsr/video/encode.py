"""One encoder in one output: planes in, packets out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from av.codec import CodecContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.errors import EncoderError
from vsr.video.encoders import Encoding, encodable_format, find_encoder, open_encoder
from vsr.video.frame import ColorTags, Frame, Plane, VideoInfo
from vsr.video.planes import converted, libav_frame


class Encoder:
    """Encodes frames of `info`, with `color` for their colours, into a stream of `output`.

    Attributes:
        name: the encoder's name in libav.
        stream: the output's stream, once `add_stream` has made it.
    """

    stream: VideoStream

    def __init__(
        self,
        output: OutputContainer,
        info: VideoInfo,
        name: str,
        encoding: Encoding,
        color: ColorTags,
        warn: Callable[[str], None],
    ) -> None:
        codec = find_encoder(name)
        encoded = encodable_format(codec, info.format, encoding.pix_fmt)
        if encoded != info.format and not encoding.pix_fmt:
            warn(f"encoder {name} has no {info.format.name}: encoded as {encoded.name}")
        self._output = output
        self._source = info
        self._info = _fitted(name, replace(info, format=encoded, color=color), encoding, warn)
        self._encoding = encoding
        self.name = name

    def add_stream(self) -> VideoStream:
        """Add the stream and open the encoder. Raises EncoderError if one cannot be had."""
        rate = self._info.frame_rate or Fraction(25)
        try:
            stream = self._output.add_stream(self.name, rate=rate)
        except ValueError as error:
            raise EncoderError(f"{error}; choose another --codec or container") from None
        assert isinstance(stream, VideoStream)
        open_encoder(stream.codec_context, self._info, self._encoding)
        if self._info.display_matrix:
            stream.set_display_matrix(self._info.display_matrix)
        self.stream = stream
        return stream

    def encode(self, frame: Frame, pts: int) -> Iterator[Packet[VideoStream]]:
        """Encode a frame to be shown at `pts`; packets come out some frames later."""
        encodable = self._converted(frame.planes)
        encodable.pts, encodable.duration = pts, frame.duration
        encodable.time_base = self._info.time_base
        yield from self._bound(self.stream.codec_context.encode_lazy(encodable))

    def flush(self) -> Iterator[Packet[VideoStream]]:
        """The packets still inside the encoder."""
        yield from self._bound(self.stream.codec_context.encode_lazy(None))

    def _bound(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        for packet in packets:
            packet.stream = self.stream
            yield packet

    def _converted(self, planes: tuple[Plane, ...]) -> VideoFrame:
        source, target = self._source, self._info
        frame = libav_frame(planes, replace(source, width=target.width, height=target.height))
        if source.format != target.format or source.color != target.color:
            frame = converted(frame, source, target.format.name, target.color)
        return frame


def _fitted(
    name: str, info: VideoInfo, encoding: Encoding, warn: Callable[[str], None]
) -> VideoInfo:
    """The size to encode: one more column or row where the encoder takes no odd sides."""
    columns, rows = info.format.chroma_width, info.format.chroma_height
    even = replace(
        info,
        width=-(-info.width // columns) * columns,
        height=-(-info.height // rows) * rows,
    )
    if even == info or _accepts(name, info, encoding):
        return info
    warn(
        f"encoder {name} takes no odd sides in {info.format.name}: {info.width}x{info.height} "
        f"is encoded as {even.width}x{even.height}, the last column or row repeated"
    )
    return even


def _accepts(name: str, info: VideoInfo, encoding: Encoding) -> bool:
    trial = CodecContext.create(name, "w")
    assert isinstance(trial, VideoCodecContext)
    try:
        open_encoder(trial, info, encoding)
    except EncoderError:
        return False
    return True
