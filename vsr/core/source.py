"""Where frames come from: what a video, images and a live stream have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from vsr.core.damage import Damage
from vsr.core.frame import Frame, VideoInfo
from vsr.core.span import Span
from vsr.core.url import Url

Other: TypeAlias = "tuple[int, Packet[Any]]"
"""A packet of another stream than the picture: the stream's index in the source, and it."""


@dataclass(frozen=True)
class Sampled:
    """A packet of a file's beginning: its bytes, and its times in ticks."""

    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    keyframe: bool

    def packet(self, stream: Stream, dts: int) -> Packet[Stream]:
        """A new packet for `stream`, to be decoded at a tick."""
        packet: Packet[Stream] = Packet(self.data)
        assert stream.time_base is not None
        packet.stream, packet.time_base, packet.dts = stream, stream.time_base, dts
        packet.pts = dts if self.pts is None else max(self.pts, dts)
        packet.duration, packet.is_keyframe = self.duration, self.keyframe
        return packet


class Shown(Enum):
    """When pictures are shown, next to the times of their packets."""

    EACH = "at each"
    HALVES = "at each, and halfway to the next"
    QUARTERS = "at quarters of the time between two"


@dataclass(frozen=True)
class OtherStreams:
    """The streams of a source besides its picture, opened to be copied.

    Attributes:
        path: where they come from.
        container: what holds them.
        main: the picture's index in it.
        output_start, end: the part to take, in seconds on the container's clock; None is its end.
        sharp: whether what comes before `output_start` is left out.
        damaged: told of damage to them, and of how many packets. Raises InputError where none is
            allowed.
        sampled: what has come of each so far, by its index; None where they are read for that.
        arriving: gives the packets of the streams of some indices on the output's clock, and
            None where nothing more has come yet; None where they are read from the container.
        shown: when pictures are shown, next to their packets.
    """

    path: Path | Url
    container: InputContainer
    main: int
    output_start: Fraction
    end: Fraction | None
    sharp: bool
    damaged: Callable[[str, int], None]
    sampled: Mapping[int, list[Sampled]] | None = None
    arriving: Callable[[Collection[int]], Iterator[Other | None]] | None = None
    shown: Shown = Shown.EACH


class Source(Protocol):
    """A video, images or a live stream, opened for reading."""

    @property
    def path(self) -> Path | Url:
        """The file, the folder or the address."""
        ...

    @property
    def info(self) -> VideoInfo:
        """What holds for all frames."""
        ...

    @property
    def span(self) -> Span:
        """The part of the time that is read."""
        ...

    @property
    def output_start(self) -> Fraction:
        """The time, in seconds on its own clock, at which the output's clock begins."""
        ...

    @property
    def expected_frames(self) -> int | None:
        """How many frames to expect. A hint for progress."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether frames come as they are made, from an address: somebody may look on."""
        ...

    @property
    def damage(self) -> Damage:
        """What has been found damaged so far."""
        ...

    def damage_within(self, begin: int | None, end: int | None) -> Damage:
        """What was found damaged from the frame at a tick up to the one at another.

        None is where the span begins or ends. Frames up to `end` must have been read.
        """
        ...

    def frames(self, context: int = 0, warmup: int = 0) -> Iterator[Frame]:
        """Every frame of the span, pts strictly increasing, and some of its neighbours."""
        ...

    def other_streams(self) -> AbstractContextManager[OtherStreams | None]:
        """Open the streams besides the picture, before frames are drawn; None without any."""
        ...
