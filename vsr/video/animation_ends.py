"""Where a GIF or an animated PNG ends, by its own structure."""

from __future__ import annotations

from typing import BinaryIO

from vsr.video.gif_blocks import END, EXTENSION, PICTURE, blocks_begin, gif_blocks

_END_CHUNK = 12


def gif_end(file: BinaryIO, size: int) -> int | None:
    """The least place at which a GIF of `size` bytes ends; None where that is not known."""
    place = blocks_begin(file)
    for block in gif_blocks(file, size):
        place = block.end
        if block.kind not in (EXTENSION, PICTURE):
            return place if block.kind == END else None
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
