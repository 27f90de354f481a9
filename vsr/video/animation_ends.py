"""Where a GIF or an animated PNG ends, by its own structure."""

from __future__ import annotations

from typing import BinaryIO

_PALETTE = 0x80  # the flag of one
_END_CHUNK = 12


def gif_end(file: BinaryIO, size: int) -> int | None:
    """The least place at which a GIF (GIF89a) of `size` bytes ends; None where that is not known.

    It is a row of extensions and pictures, each in pieces with their sizes, and a last byte.
    """
    place = 13 + palette_bytes(byte_at(file, 10))
    while place < size:
        match byte_at(file, place):
            case 0x3B:
                return place + 1
            case 0x21:
                place = after_pieces(file, place + 2)
            case 0x2C:
                place = after_pieces(file, place + 11 + palette_bytes(byte_at(file, place + 9)))
            case _:
                return None
    return place + 1


def apng_end(file: BinaryIO, size: int) -> int | None:
    """The same of a PNG: a row of chunks with their sizes, the last of which is named IEND."""
    place = 8
    while place + 8 <= size:
        file.seek(place)
        head = file.read(8)
        if not head[4:].isalpha():
            return None
        place += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return place
    return place + _END_CHUNK


def after_pieces(file: BinaryIO, place: int) -> int:
    """The place after a row of pieces, which one of no bytes ends, or after what there is of it."""
    while length := byte_at(file, place):
        place += 1 + length
    return place + 1


def palette_bytes(flags: int) -> int:
    """What the palette takes that these flags tell of."""
    return 3 << ((flags & 7) + 1) if flags & _PALETTE else 0


def byte_at(file: BinaryIO, place: int) -> int:
    """The byte at a place; 0 beyond the end."""
    file.seek(place)
    return int.from_bytes(file.read(1), "big")
