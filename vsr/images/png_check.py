"""PNG's pixels, looked through before libpng decodes them.

libpng says on stderr what it finds wrong, and nothing turns that off. What comes through here holds
nothing that it could speak of.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vsr.images.chunks import PNG_START, png_chunk, png_chunks

_RGB, _PALETTE = 2, 3  # colour types
_SAMPLES = {0: 1, _RGB: 3, _PALETTE: 1, 4: 2, 6: 4}  # of a pixel
_DEPTHS = {0: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_LARGEST_SIDE, _FILTERS = 2**31 - 1, 5
_PASSES = {  # first column and row, and the steps to the next, by the way of interlacing
    0: ((0, 0, 1, 1),),
    1: (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
        *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
    ),
}
_PIECE = 1 << 20  # bytes of a chunk: OpenCV takes none of 8 MB


def sound_png(data: bytes) -> bytes:
    """The same picture as a PNG of sound chunks alone, its pixels unpacked.

    What lies behind the last pixel is left out. Raises ValueError for what is damaged.
    """
    chunks = [(name, body) for name, body, _ in png_chunks(data)]
    names = [name for name, _ in chunks]
    if names[:1] != [b"IHDR"] or names.count(b"IHDR") > 1 or len(chunks[0][1]) != 13:
        raise ValueError("it is damaged (its header is not where it belongs)")
    for name in names:
        if name[:1].isupper() and name not in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            unknown = name.decode("latin-1")
            raise ValueError(f"it cannot be shown without its {unknown!r} chunk, which is not read")
    if b"IDAT" not in names:
        raise ValueError("it is cut short")
    before = dict(chunks[: names.index(b"IDAT")])
    passes, colors = _passes(before[b"IHDR"]), list(_colors(before))
    packed = b"".join(body for name, body in chunks if name == b"IDAT")
    stored = zlib.compress(_unpacked(packed, passes), 0)
    pixels = ((b"IDAT", stored[at : at + _PIECE]) for at in range(0, len(stored), _PIECE))
    sound = (*colors, *pixels, (b"IEND", b""))
    return PNG_START + b"".join(png_chunk(*chunk) for chunk in sound)


def _passes(header: bytes) -> Sequence[tuple[int, int]]:
    """(rows, bytes of each) of each pass, the byte that names a row's filter counted."""
    width, height, bits, color, packing, filtering, interlacing = struct.unpack(">IIBBBBB", header)
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise ValueError(f"it is damaged (a size of {width}x{height})")
    if bits not in _DEPTHS.get(color, ()) or packing or filtering or interlacing not in _PASSES:
        raise ValueError("it is damaged (its header names a kind of PNG that there is not)")
    sizes = (
        (-((left - width) // across), -((top - height) // down))
        for left, top, across, down in _PASSES[interlacing]
    )
    return [
        (rows, 1 + (columns * bits * _SAMPLES[color] + 7) // 8)
        for columns, rows in sizes
        if rows > 0 and columns > 0
    ]


def _unpacked(packed: bytes, passes: Sequence[tuple[int, int]]) -> bytes:
    """The rows of all passes, each with its filter before it."""
    wanted = sum(rows * size for rows, size in passes)
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(packed, wanted + 1)
    except zlib.error:
        raise ValueError("it is damaged (its pixels cannot be unpacked)") from None
    if len(found) < wanted or (len(found) == wanted and not unpacking.eof):
        raise ValueError("it is cut short (pixels are missing)")
    begin, bytes_of = 0, np.frombuffer(found, np.uint8)
    for rows, size in passes:
        if bytes_of[begin : begin + rows * size : size].max() >= _FILTERS:
            raise ValueError("it is damaged (a row has a filter that there is not)")
        begin += rows * size
    return found[:wanted]


def _colors(before: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that come before the pixels, as far as these need them."""
    header = before[b"IHDR"]
    yield b"IHDR", header
    color, clear = header[9], before.get(b"tRNS")
    if color == _PALETTE:
        palette, room = before.get(b"PLTE", b""), 3 << header[8]
        if not palette or len(palette) % 3:
            raise ValueError("it is damaged (its palette is missing, or cut short)")
        # colours that it lacks are black, as decoders have it
        yield b"PLTE", palette[:room].ljust(room, b"\0")
    if clear is None or color not in (_RGB, _PALETTE):
        return
    if len(clear) != 6 if color == _RGB else not 0 < len(clear) <= 1 << header[8]:
        raise ValueError("it is damaged (its transparency is cut short, or too long)")
    yield b"tRNS", clear
