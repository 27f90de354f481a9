"""TIFF's directory of tags: in TIFF files, and in the EXIF block, which is a TIFF too."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace

from vsr.images.metadata import Header, Metadata, Shape

STARTS = (b"II*\0", b"MM\0*")

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 262, 274
_SAMPLES, _PLANAR, _EXTRA, _SAMPLE_FORMAT = 277, 284, 338, 339
_XMP, _EXIF, _ICC = 700, 34665, 34675
_BYTE, _SHORT, _LONG, _UNDEFINED = 1, 3, 4, 7
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_FLOAT = 3  # a sample format
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha: colours are stored times alpha, or not


@dataclass(frozen=True)
class Directory:
    """The first directory of a TIFF block.

    Attributes:
        block: the bytes that all offsets count in.
        order: "<" or ">", for struct.
        entries: where each tag's twelve bytes lie: tag, type, count, and value or its place.
        end: where the entries end, and the place of the next directory is told.
    """

    block: bytes
    order: str
    entries: dict[int, int]
    end: int

    def value(self, tag: int) -> bytes:
        """The raw bytes of a tag; b"" where it is missing."""
        if tag not in self.entries:
            return b""
        at = self.entries[tag]
        kind, count = struct.unpack_from(self.order + "HI", self.block, at + 2)
        size, place = _TYPE_BYTES.get(kind, 1) * count, at + 8
        if size > 4:
            (place,) = struct.unpack_from(self.order + "I", self.block, place)
        return self.block[place : place + size]

    def number(self, tag: int, default: int) -> int:
        """The first of a tag's SHORTs or LONGs."""
        if tag not in self.entries:
            return default
        (kind,) = struct.unpack_from(self.order + "H", self.block, self.entries[tag] + 2)
        code = {_SHORT: "H", _LONG: "I"}.get(kind)
        return int(struct.unpack_from(self.order + code, self.value(tag))[0]) if code else default

    def with_short(self, tag: int, number: int) -> bytes:
        """The block with another number in a tag of one SHORT."""
        at = self.entries[tag] + 8
        return self.block[:at] + struct.pack(self.order + "H", number) + self.block[at + 2 :]


def directory(block: bytes) -> Directory:
    """Raises struct.error where `block` is no TIFF, or is cut short."""
    if block[:4] not in STARTS:
        raise struct.error("no TIFF block")
    order = "<" if block[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    places = [start + 2 + 12 * n for n in range(count)]
    entries = {struct.unpack_from(order + "H", block, at)[0]: at for at in places}
    return Directory(block, order, entries, start + 2 + 12 * count)


def upright(metadata: Metadata) -> tuple[Metadata, int]:
    """The metadata of a picture once it is turned, and how it is to be turned (1 to 8).

    The thumbnail is unlinked then: it would not be turned.
    """
    try:
        tags = directory(metadata.exif)
        orientation = tags.number(_ORIENTATION, 1)
        if not 2 <= orientation <= 8:
            return metadata, 1
        exif = tags.with_short(_ORIENTATION, 1)
    except struct.error:  # nonsense travels as it is
        return metadata, 1
    exif = exif[: tags.end] + b"\0\0\0\0" + exif[tags.end + 4 :]
    xmp = re.sub(rb"(tiff:Orientation(?:=[\"']|>))[2-8]", rb"\g<1>1", metadata.xmp)
    return replace(metadata, exif=exif, xmp=xmp), orientation


def read_tiff(data: bytes) -> Header:
    """Raises ValueError for what cannot be decoded well, struct.error for what is cut short."""
    tags = directory(data)
    photometric, bits = tags.number(_PHOTOMETRIC, 1), tags.number(_BITS, 1)
    samples, extra = tags.number(_SAMPLES, 1), tags.number(_EXTRA, 0)
    _check(tags, photometric, bits, samples)
    channels = 1 if photometric in (0, 1) else 4 if samples == 4 else 3
    width, height = tags.number(_WIDTH, 0), tags.number(_HEIGHT, 0)
    half = tags.number(_SAMPLE_FORMAT, 1) == _FLOAT
    shape = Shape(width, height, channels, 16 if bits > 8 else 8, half)
    encoded = data
    if extra == _UNASSOCIATED and channels == 4:
        # Else OpenCV multiplies 8-bit colours by their alpha, which cannot be undone.
        encoded = tags.with_short(_EXTRA, _ASSOCIATED)
    return Header(
        encoded,
        Metadata(icc=tags.value(_ICC), xmp=tags.value(_XMP)),
        # OpenCV turns a TIFF by itself, and no other format when told to leave it as it is.
        shape.turned(tags.number(_ORIENTATION, 1)),
        premultiplied=extra == _ASSOCIATED and channels == 4,
        several=any(data[tags.end : tags.end + 4]),
        lost=("EXIF",) if _EXIF in tags.entries else (),
    )


def _check(tags: Directory, photometric: int, bits: int, samples: int) -> None:
    """Raise ValueError for layouts that OpenCV reads wrongly without a word, or not at all."""
    kind = tags.number(_SAMPLE_FORMAT, 1)
    if not (kind == 1 and bits <= 16) and not (kind == _FLOAT and bits == 32):
        raise ValueError(
            "its samples are neither whole numbers of up to 16 bits nor floats of 32; convert it "
            "first"
        )
    if photometric not in (0, 1, 2, 3, 6):
        raise ValueError("it is neither grey nor RGB (CMYK or Lab, perhaps); convert it first")
    if photometric in (0, 1) and samples > 1:
        raise ValueError("a grey TIFF with alpha cannot be read; save it as PNG")
    if bits > 8 and (photometric == 0 or (samples > 1 and tags.number(_PLANAR, 1) == 2)):
        raise ValueError("a 16-bit TIFF with 0 for white or separate planes; save it as PNG")


def embed_tiff(data: bytes, metadata: Metadata, shape: Shape) -> bytes:
    """Put metadata, and the mark of alpha that OpenCV omits, into a TIFF.

    The directory is written anew behind all else. A BigTIFF, over 4 GiB, stays as it is.
    """
    if data[:4] not in STARTS:
        return data
    tags = directory(data)
    more = []
    if shape.channels == 4:
        alpha = _ASSOCIATED if shape.half else _UNASSOCIATED
        more.append((_EXTRA, _SHORT, struct.pack(tags.order + "H", alpha)))
    if metadata.icc:
        more.append((_ICC, _UNDEFINED, metadata.icc))
    if metadata.xmp:
        more.append((_XMP, _BYTE, metadata.xmp))
    if not more:
        return data
    entries = {tag: data[at : at + 12] for tag, at in tags.entries.items()}
    grown = bytearray(data)
    for tag, kind, value in more:
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack(tags.order + "I", _append(grown, value))
        count = len(value) // _TYPE_BYTES[kind]
        entries[tag] = struct.pack(tags.order + "HHI", tag, kind, count) + place
    table = b"".join(entries[tag] for tag in sorted(entries)) + b"\0\0\0\0"
    start = _append(grown, struct.pack(tags.order + "H", len(entries)) + table)
    struct.pack_into(tags.order + "I", grown, 4, start)
    return bytes(grown)


def _append(grown: bytearray, value: bytes) -> int:
    """Append at an even place, as TIFF wants it, and tell where."""
    grown += b"\0" * (len(grown) % 2)
    start = len(grown)
    grown += value
    return start
