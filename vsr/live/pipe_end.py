"""Tell a pipe that ends within a frame from a whole one: libav drops the piece and says nothing."""

from __future__ import annotations

from typing import Any

_LINE = len(b"FRAME\n")  # precedes each frame's samples, mostly without further words


class Y4mEnd:
    """Where the last whole frame of a YUV4MPEG2 stream ends, by its packets."""

    def __init__(self) -> None:
        self._begins, self._samples = 0, 0

    def saw(self, packet: Any) -> None:
        """A packet has come; it stands where its samples begin."""
        if packet.pos is not None and packet.size:
            self._begins, self._samples = packet.pos, packet.size

    def missing(self, size: int) -> int:
        """How many bytes the last frame lacks in a stream of `size` bytes; 0 where it is whole."""
        if not self._samples:
            return 0
        piece = size - self._begins - self._samples
        return max(1, _LINE + self._samples - piece) if piece > 0 else 0
