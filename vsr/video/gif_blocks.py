"""What a GIF (GIF89a) is made of: a row of extensions and pictures, and a last byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

EXTENSION, PICTURE, END = 0x21, 0x2C, 0x3B
_PALETTE = 0x80  # the flag of one


@dataclass(frozen=True)
class Block:
    """A part of a GIF.

    Attributes:
        kind: EXTENSION, PICTURE or END; another byte where the file is damaged.
        place: of its first byte.
        end: the place behind it, or behind what there is of it.
    """

    kind: int
    place: int
    end: int


def gif_blocks(file: BinaryIO, size: int) -> Iterator[Block]:
    """The parts of a GIF of `size` bytes, up to its END, the first damage, or the file's end."""
    place = blocks_begin(file)
    while place < size:
        kind = byte_at(file, place)
        if kind == EXTENSION:
            end = _after_pieces(file, place + 2)
        elif kind == PICTURE:
            end = _after_pieces(file, place + 11 + _palette_bytes(byte_at(file, place + 9)))
        else:
            yield Block(kind, place, place + 1)
            return
        yield Block(kind, place, end)
        place = end


def blocks_begin(file: BinaryIO) -> int:
    """The place of a GIF's first block."""
    return 13 + _palette_bytes(byte_at(file, 10))


def byte_at(file: BinaryIO, place: int) -> int:
    """The byte at a place; 0 beyond the end."""
    file.seek(place)
    return int.from_bytes(file.read(1), "big")


def _after_pieces(file: BinaryIO, place: int) -> int:
    """The place after a row of pieces, which one of no bytes ends, or after what there is of it."""
    while length := byte_at(file, place):
        place += 1 + length
    return place + 1


def _palette_bytes(flags: int) -> int:
    """What the palette takes that these flags tell of."""
    return 3 << ((flags & 7) + 1) if flags & _PALETTE else 0
