"""Times in display order, of files that hold them in the order of decoding alone.

An AVI has a place for each packet, and no other time. The decoders of H.264 and HEVC put frames
into the order in which they are shown, each with the time of its own packet, so that with B-frames
times go to and fro. The frames are right, and so are the times all together: the first frame has
the earliest of them, the second one the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_DECODING_ORDER_ALONE = {"avi"}
_REORDERED = {"h264", "hevc"}  # libav gets the times of older codecs' B-frames right
_MOST_HELD = 16  # frames that H.264 and HEVC may be out of order


def in_decoding_order(container: InputContainer, stream: VideoStream) -> bool:
    """Whether a stream's times are those of the order of decoding."""
    return (
        container.format.name in _DECODING_ORDER_ALONE
        and stream.codec_context.codec.canonical_name in _REORDERED
    )


@dataclass(frozen=True)
class DisplayOrder:
    """Gives frames, as they come from a decoder, the times that they are shown at.

    A frame is held while an earlier time than those of the held ones is still in the decoder.
    """

    _inside: set[int] = field(default_factory=set)
    """Times of packets whose frames have not come, in ticks."""

    _held: list[VideoFrame] = field(default_factory=list)
    """Frames that have come, in display order."""

    _times: list[int] = field(default_factory=list)
    """Their times, ascending."""

    def sent(self, packet: Packet[Stream]) -> None:
        """A packet goes into the decoder."""
        if packet.size and packet.pts is not None:
            self._inside.add(packet.pts)

    def lost(self, packet: Packet[Stream]) -> None:
        """It cannot be decoded."""
        if packet.pts is not None:
            self._inside.discard(packet.pts)

    def came(self, frames: Sequence[VideoFrame]) -> Sequence[VideoFrame]:
        """What can be shown now that these have come."""
        ready = []
        for frame in frames:
            if frame.pts is None:  # after damage: it is dated with others that have no time
                ready += [*self.rest(), frame]
                continue
            if frame.key_frame:  # what was sent before and has not come is lost
                self._inside.difference_update([t for t in self._inside if t < frame.pts])
            self._inside.discard(frame.pts)
            self._held.append(frame)
            self._times.append(frame.pts)
            self._times.sort()
            while self._held and self._is_settled():
                ready.append(self._next())
        return ready

    def rest(self) -> Sequence[VideoFrame]:
        """What is held, at the end."""
        return [self._next() for _ in range(len(self._held))]

    def _is_settled(self) -> bool:
        """Whether no earlier time than the earliest one will come."""
        earliest = min(self._inside, default=None)
        return earliest is None or self._times[0] < earliest or len(self._held) > _MOST_HELD

    def _next(self) -> VideoFrame:
        frame = self._held.pop(0)
        frame.pts = self._times.pop(0)
        return frame
