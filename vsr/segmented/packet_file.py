"""A segment's file: an encoder's packets, one after another, with their exact times.

No container of libav's holds the packets of every encoder with both their times in any time base,
so a segment is kept as the encoder gave it, to be muxed once all are there.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from av.packet import Packet

from vsr.core.errors import OutputError, SegmentError

_MAGIC = b"vsr packets 1\n"
_HEAD = struct.Struct("<qqqqq?Q")  # time base, pts, dts, duration, is a keyframe, bytes to follow
_NEEDLESS = {"quality_stats", "cpb_properties"}  # what encoders say of their own work


class PacketWriter:
    """Writes a new file of packets; nobody sees it before `finish`.

    Attributes:
        packets, bytes: written so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._file = self._part.open("wb")
        self._digest = hashlib.sha256()
        self.packets = self.bytes = 0
        self._put(_MAGIC)

    def write(self, packet: Packet[Any]) -> None:
        """Append a packet of the one stream. Raises SegmentError where it would not come back."""
        extra = {data.data_type for data in packet.iter_sidedata()} - _NEEDLESS
        if extra or packet.pts is None or packet.dts is None:
            what = ", ".join(sorted(extra)) or "no times"
            raise SegmentError(
                f"this encoder's packets cannot be put aside ({what}): resume 'never' needs none"
            )
        base, length = packet.time_base, packet.duration or 0
        times = base.numerator, base.denominator, packet.pts, packet.dts, length
        self._put(_HEAD.pack(*times, packet.is_keyframe, packet.size))
        self._put(bytes(packet))
        self.packets += 1

    def finish(self) -> str:
        """Bring all to the disk, then under its name. Returns its SHA-256."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        return self._digest.hexdigest()

    def abandon(self) -> None:
        """Leave nothing."""
        with suppress(OSError):  # a full disk, which was told when it was met
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.bytes += len(data)


def read_packets(path: Path) -> Iterator[Packet[Any]]:
    """The packets of a finished file, in the order of decoding. Raises OutputError if broken."""
    with _opened(path) as file:
        for numerator, denominator, pts, dts, duration, keyframe, size in _heads(file, path):
            data = file.read(size)
            if len(data) < size:
                raise OutputError(f"{path}: ends within a packet")
            packet: Packet[Any] = Packet(data)
            packet.time_base = Fraction(numerator, denominator)
            packet.pts, packet.dts, packet.duration = pts, dts, duration
            packet.is_keyframe = keyframe
            yield packet


def least_bytes(packets: int) -> int:
    """How large a file of so many packets is at the least."""
    return len(_MAGIC) + packets * _HEAD.size


def read_decoding_times(path: Path) -> Iterator[int]:
    """The packets' times of decoding alone, in their order. Raises OutputError if broken."""
    with _opened(path) as file:
        for _, _, _, dts, _, _, size in _heads(file, path):
            file.seek(size, os.SEEK_CUR)
            yield dts


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise OutputError(f"{path}: is no segment's file")
        yield file


def _heads(file: BinaryIO, path: Path) -> Iterator[tuple[Any, ...]]:
    """The heads of packets, for someone who moves on to the next one."""
    while head := file.read(_HEAD.size):
        if len(head) < _HEAD.size:
            raise OutputError(f"{path}: ends within a packet")
        yield _HEAD.unpack(head)
