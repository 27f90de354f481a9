"""The size that an image's header claims, of the formats whose headers are not read otherwise."""

from __future__ import annotations

import re
import struct

from vsr.images.chunks import riff_chunks

_PNM = re.compile(rb"P[1-6]\s+(\d{1,10})\s+(\d{1,10})\s")
_HEAD = 2**16  # bytes in which AVIF and JPEG 2000 tell it


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """(columns, rows) of a WebP, BMP, PNM, JPEG 2000 or AVIF; None for others.

    Raises struct.error, IndexError or ValueError for a header that is cut short.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _of_webp(data)
    if data[:2] == b"BM":
        core = data[14:18] == struct.pack("<I", 12)
        width, height = struct.unpack_from("<HH" if core else "<ii", data, 18)
        return width, abs(height)  # below 0, its rows run down
    if found := _PNM.match(re.sub(rb"#[^\n]*\n", b"", data[:4096])):
        return int(found[1]), int(found[2])
    if data[4:8] == b"jP  " and b"ihdr" in data[:_HEAD]:
        height, width = struct.unpack_from(">II", data, data.index(b"ihdr") + 4)
        return width, height
    if data[4:10] == b"ftypav":
        return _of_avif(data[:_HEAD])
    return None


def _of_webp(data: bytes) -> tuple[int, int] | None:
    name, body = next(riff_chunks(data), (b"", b""))
    if name == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if name == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def _of_avif(head: bytes) -> tuple[int, int] | None:
    """The largest that it names: its tiles and its alpha have sizes of their own."""
    places = [found.end() + 4 for found in re.finditer(b"ispe", head)]
    sizes = [struct.unpack_from(">II", head, at) for at in places if at + 8 <= len(head)]
    return max(((w, h) for w, h in sizes), key=lambda size: size[0] * size[1], default=None)
