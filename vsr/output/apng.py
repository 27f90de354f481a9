"""The last frame of an animated PNG: libav's muxer shows it for as long as the one before."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

_HEAD = 8  # bytes of a PNG's signature, and of a chunk's size and name
_DELAY = 20  # where in an fcTL chunk it stands: a numerator and a denominator of 16 bits each
_MOST = 0xFFFF


def set_last_delay(path: Path, seconds: Fraction) -> None:
    """Have the last frame of an animated PNG shown for so long, as far as 16 bits can say."""
    with path.open("r+b") as file:
        last, at = None, _HEAD
        file.seek(at)
        while len(head := file.read(_HEAD)) == _HEAD:
            size, name = struct.unpack(">I4s", head)
            last = at if name == b"fcTL" else last
            at = file.seek(at + _HEAD + size + 4)
        if last is None:  # one frame alone, which stands still
            return
        file.seek(last + 4)
        chunk = bytearray(file.read(4 + 26))
        struct.pack_into(">HH", chunk, 4 + _DELAY, *_in_16_bits(seconds))
        file.seek(last + 4)
        file.write(chunk + struct.pack(">I", zlib.crc32(chunk)))


def _in_16_bits(seconds: Fraction) -> tuple[int, int]:
    if seconds >= 1:
        most = max(1, int(_MOST / seconds))
        near = min(seconds, Fraction(_MOST)).limit_denominator(most)
    else:
        near = seconds.limit_denominator(_MOST)
    return near.numerator, near.denominator
