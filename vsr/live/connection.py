"""One connection to a live source, and what comes by it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vsr.core.errors import InputError
from vsr.core.url import Url
from vsr.video.choose import main_video
from vsr.video.quantisers import let_tell
from vsr.video.variants import is_left_out, leave_out_variants

# Cameras' pictures one by one, without times; libav takes them for 25 a second.
_CLOCKLESS = {"mjpeg", "mpjpeg"}
_FINE = Fraction(1, 90000)


@dataclass
class Connection:
    """One connection to the source.

    Attributes:
        number: how many there were before.
        container: what it reads; closed before the next connection is made.
        stream: the main video.
        asked: its number among the videos, where one was asked for.
        decoder: made for this connection alone; it outlives the container.
        clockless: whether pictures come without times; those of their arrival are taken.
        base: seconds per tick of the main video.
        kinds: the kind and codec of each of its streams.
        places: where its streams have their like in the first connection, by their indices; those
            of variants that are left out have none.
        ends: seconds on its clock after which nothing is wanted; None as long as that is unknown.
        began: when its first keyframe came, in seconds of the monotonic clock.
        skipped: packets of the video that came before.
        opening: that first packet.
        over: whether it ended without an error.
    """

    number: int
    container: InputContainer
    stream: VideoStream
    asked: int | None
    decoder: VideoCodecContext
    clockless: bool
    base: Fraction
    kinds: list[tuple[str, str]]
    places: dict[int, int]
    ends: Fraction | None = None
    began: float | None = None
    skipped: int = 0
    opening: bytes = b""
    over: bool = False


@dataclass(frozen=True)
class Arrived:
    """A packet as it came, or the end of its connection.

    Attributes:
        connection: by which it came.
        packet: None at the connection's end.
        at: when the video's last packet came, in seconds of the monotonic clock.
        place: its stream's index in the first connection.
        reason: at an end, why it broke; "" where it was over, or no more is wanted.
    """

    connection: Connection
    packet: Packet[Stream] | None
    at: float
    place: int
    reason: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.packet.size if self.packet else 0


def connect(
    url: Url,
    container: InputContainer,
    first: Connection | None,
    number: int,
    video_stream: int | None = None,
) -> Connection:
    """Find the streams of an opened address: the video of a number, or by rule, see `main_video`.

    Raises InputError where there is none.
    """
    where: Any = url
    if all(each.codec_context is None for each in container.streams.video):
        held = ", ".join(sorted({each.type for each in container.streams})) or "nothing"
        raise InputError(f"{url}: no video stream that can be decoded (it holds only {held})")
    stream = main_video(container, where, video_stream)
    if stream.time_base is None:
        raise InputError(f"{url}: the video stream has no time base")
    leave_out_variants(container, stream)
    stream.thread_type = "NONE"
    let_tell(stream.codec_context)
    clockless = container.format.name in _CLOCKLESS
    kinds = [_kind(each) for each in container.streams]
    return Connection(
        number=number,
        container=container,
        stream=stream,
        asked=video_stream,
        decoder=stream.codec_context,
        clockless=clockless,
        base=_FINE if clockless else Fraction(stream.time_base),
        kinds=kinds,
        places={
            index: place
            for index, place in _places(kinds, first.kinds if first else kinds).items()
            if not is_left_out(container.streams[index])
        },
    )


def _kind(stream: Stream) -> tuple[str, str]:
    return stream.type, stream.codec_context.name if stream.codec_context is not None else ""


def _places(mine: list[tuple[str, str]], wanted: list[tuple[str, str]]) -> dict[int, int]:
    """The n-th stream of a kind and codec is the n-th of the first connection."""
    free = list(enumerate(wanted))
    places = {}
    for index, kind in enumerate(mine):
        like = next((place for place in free if place[1] == kind), None)
        if like is not None:
            free.remove(like)
            places[index] = like[0]
    return places


def set_clock(packet: Packet[Stream], at: float | None) -> None:
    """Give a packet the time of its arrival. The first one's is unsure: it came while opening."""
    packet.time_base = _FINE
    packet.pts = packet.dts = None if at is None else round(Fraction(at) / _FINE)
    packet.duration = 0
