"""The chunks of PNG, JPEG and WebP files: metadata taken out and put in byte for byte.

OpenCV decodes and encodes the pixels. Its own metadata functions are not up to it: they write
no XMP into a JPEG and no profile over 64 KiB, and run past the end of an XMP block in a PNG.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

from vsr.images.metadata import LARGEST_BLOCK, Header, Metadata, Shape
from vsr.images.tiff import upright

PNG_START = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_HDR = {b"cICP": "cicp", b"mDCV": "mdcv", b"cLLI": "clli"}
_EXIF_START, _XMP_START = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_ICC_START = b"ICC_PROFILE\0"
_SEGMENT = 65533  # bytes of a JPEG segment's payload, at most
_ICC_PART = _SEGMENT - len(_ICC_START) - 2

JPEG_LIMITS = {
    "icc": 255 * _ICC_PART,
    "exif": _SEGMENT - len(_EXIF_START),
    "xmp": _SEGMENT - len(_XMP_START),
}
"""The largest blocks of Metadata that a JPEG can hold, in bytes."""


def read_png(data: bytes) -> Header:
    """Raises ValueError for damage, struct.error for a file cut short."""
    kept, blocks, lost, several = [PNG_START], {}, [], False
    shape = Shape(0, 0, 3, 8)
    for name, body, chunk in png_chunks(data):
        # Of the other chunks libpng would use nothing.
        if name[:1].isupper() or name == b"tRNS":
            kept.append(chunk)
        if name == b"IHDR":
            width, height, bits, colors = struct.unpack_from(">IIBB", body)
            channels = {0: 1, 4: 4, 6: 4}.get(colors, 3)  # OpenCV spreads grey with alpha
            shape = Shape(width, height, channels, 16 if bits == 16 else 8)
        elif name == b"tRNS" and shape.channels == 1:
            lost.append("transparency")  # OpenCV leaves out that of a grey picture
        elif name == b"tRNS":
            shape = replace(shape, channels=4)
        elif name == b"iCCP":
            blocks["icc"] = _inflated(body.partition(b"\0")[2][1:])
        elif name == b"eXIf":
            blocks["exif"] = body
        elif name in _HDR:
            blocks[_HDR[name]] = body
        elif name == b"iTXt" and body.startswith(_XMP_KEYWORD + b"\0"):
            blocks["xmp"] = _international_text(body)
        elif name == b"acTL":
            several = True
    metadata, orientation = upright(Metadata(**blocks))
    shape = shape.turned(orientation)
    encoded = b"".join(kept)
    return Header(
        encoded,
        metadata,
        shape,
        orientation=orientation,
        several=several,
        lost=tuple(lost),
    )


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(name, body, whole chunk), the end mark included.

    Raises ValueError for damage, struct.error for a file cut short.
    """
    at, name = len(PNG_START), b""
    while name != b"IEND":
        size, name = struct.unpack_from(">I4s", data, at)
        (checksum,) = struct.unpack_from(">I", data, at + 8 + size)
        chunk = data[at : at + 12 + size]
        if zlib.crc32(chunk[4:-4]) != checksum:
            raise ValueError("it is damaged (a checksum is wrong)")
        yield name, chunk[8:-4], chunk
        at += 12 + size


def _international_text(body: bytes) -> bytes:
    """An iTXt chunk: keyword, 0, whether packed, how, language, 0, translation, 0, text."""
    _, _, rest = body.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return _inflated(text) if rest[:1] == b"\1" else text


def _inflated(packed: bytes) -> bytes:
    """Unpacked up to a byte more than a block may have, which tells that it has more."""
    unpacking = zlib.decompressobj()
    try:
        block = unpacking.decompress(packed, LARGEST_BLOCK + 1)
    except zlib.error:
        return b""
    return block if unpacking.eof or len(block) > LARGEST_BLOCK else b""  # else it is cut short


def embed_png(data: bytes, metadata: Metadata) -> bytes:
    """Put metadata into a PNG."""
    chunks: list[tuple[bytes, bytes]] = []
    told = {b"cICP": metadata.cicp, b"mDCV": metadata.mdcv, b"cLLI": metadata.clli}
    chunks += [(name, body) for name, body in told.items() if body]
    if metadata.icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif))
    if metadata.xmp:
        chunks.append((b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp))
    at = len(PNG_START) + 12 + 13  # behind IHDR: colour must be told before the pixels
    return data[:at] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[at:]


def png_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def read_jpeg(data: bytes) -> Header:
    """Raises ValueError, struct.error or IndexError for a file cut short."""
    blocks, profile, shape = {}, {}, None
    for marker, body in _jpeg_segments(data):
        if _begins_frame(marker):
            height, width, components = struct.unpack_from(">HHB", body, 1)
            shape = Shape(width, height, 1 if components == 1 else 3, 8)
        elif marker == 0xE1 and body.startswith(_EXIF_START):
            blocks["exif"] = body[len(_EXIF_START) :]
        elif marker == 0xE1 and body.startswith(_XMP_START):
            blocks["xmp"] = body[len(_XMP_START) :]
        elif marker == 0xE2 and body.startswith(_ICC_START):
            number = body[len(_ICC_START)]
            profile[number] = body[len(_ICC_START) + 2 :]
    blocks["icc"] = b"".join(profile[number] for number in sorted(profile))
    metadata, orientation = upright(Metadata(**blocks))
    shape = shape and shape.turned(orientation)
    return Header(data, metadata, shape, orientation=orientation)


def jpeg_components(data: bytes) -> int:
    """How many components the pixels of a JPEG have: 1 is grey, 4 are inks.

    Raises ValueError, struct.error or IndexError for a file cut short.
    """
    frames = (body for marker, body in _jpeg_segments(data) if _begins_frame(marker))
    return next((body[5] for body in frames), 0)


def _begins_frame(marker: int) -> bool:
    return 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of all that comes before the pixels."""
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # padding
            at += 1
            continue
        (size,) = struct.unpack_from(">H", data, at + 2)
        yield data[at + 1], data[at + 4 : at + 2 + size]
        at += 2 + size
    if data.find(b"\xff\xd9", at) < 0:  # some decoders would fill in grey without a word
        raise ValueError("it is cut short")


def embed_jpeg(data: bytes, metadata: Metadata) -> bytes:
    """Put metadata, each block within JPEG_LIMITS, into a JPEG."""
    segments = []
    if metadata.exif:
        segments.append((0xE1, _EXIF_START + metadata.exif))
    if metadata.xmp:
        segments.append((0xE1, _XMP_START + metadata.xmp))
    icc = metadata.icc
    parts = [icc[at : at + _ICC_PART] for at in range(0, len(icc), _ICC_PART)]
    for number, part in enumerate(parts, 1):
        segments.append((0xE2, _ICC_START + bytes([number, len(parts)]) + part))
    packed = b"".join(struct.pack(">BBH", 0xFF, m, len(body) + 2) + body for m, body in segments)
    at = 2
    if data[2:4] == b"\xff\xe0":  # JFIF's own segment has to be the first
        at += 2 + struct.unpack_from(">H", data, 4)[0]
    return data[:at] + packed + data[at:]


def read_webp(data: bytes) -> Header:
    """What chunks there are; a shape that only decoding tells."""
    chunks = dict(riff_chunks(data))
    metadata, orientation = upright(
        Metadata(
            icc=chunks.get(b"ICCP", b""),
            exif=chunks.get(b"EXIF", b"").removeprefix(_EXIF_START),
            xmp=chunks.get(b"XMP ", b""),
        )
    )
    return Header(data, metadata, orientation=orientation, several=b"ANIM" in chunks)


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, body) of the chunks of a WebP."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def embed_webp(data: bytes, metadata: Metadata, shape: Shape) -> bytes:
    """Put metadata into a WebP: in the extended layout, whose first chunk tells what follows."""
    chunks = [(name, body) for name, body in riff_chunks(data) if name != b"VP8X"]
    flags = 0x10 if any(name == b"ALPH" for name, _ in chunks) else 0
    if metadata.icc:
        chunks, flags = [(b"ICCP", metadata.icc), *chunks], flags | 0x20
    if metadata.exif:
        chunks, flags = [*chunks, (b"EXIF", metadata.exif)], flags | 0x08
    if metadata.xmp:
        chunks, flags = [*chunks, (b"XMP ", metadata.xmp)], flags | 0x04
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (shape.width, shape.height))
    extended = (b"VP8X", struct.pack("<I", flags) + sides)
    body = b"WEBP" + b"".join(riff_chunk(*chunk) for chunk in (extended, *chunks))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a WebP."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
