"""Animated WebP files: their pictures one by one as viewers show them, and such files written.

libav (8.0) decodes none of them. Each picture is a WebP of its own within a chunk, which OpenCV
decodes and encodes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import cv2
import numpy as np

from vsr.core.frame import Pixels, as_pixels
from vsr.images.chunks import riff_chunk, riff_chunks
from vsr.images.metadata import Shape

_ANIMATED, _ALPHA = 0x02, 0x10  # flags of VP8X
_KEEP_BELOW, _CLEAR_AFTER = 0x02, 0x01  # flags of ANMF: not blended; cleared once shown
_HEAD = 16  # bytes of a picture's place, size, duration and flags
_TOO_SHORT, _SHOWN_FOR = 10, 100  # ms; up to the first, browsers show a picture for the second
_LONGEST = 2**24 - 1  # ms
_QUALITY = 95
_MOST_PLAYS = 0xFFFF


@dataclass(frozen=True)
class WebpAnimation:
    """An animated WebP.

    Attributes:
        shape: of the pictures, 3 channels or 4.
        durations: how long each is shown, in milliseconds.
    """

    shape: Shape
    durations: tuple[int, ...]
    _data: bytes

    def pictures(self) -> Iterator[Pixels]:
        """(H, W, 3 or 4) each, composed as viewers do, on nothing.

        Raises ValueError for one that cannot be decoded.
        """
        canvas = np.zeros((self.shape.height, self.shape.width, 4), np.uint8)
        for number, body in enumerate(_pictures(self._data), 1):
            place, flags = _place(body), body[_HEAD - 1]
            part = canvas[place]
            drawn = _decoded(body[_HEAD:])
            if drawn is None or drawn.shape != part.shape:
                raise ValueError(f"its picture {number} is damaged")
            part[:] = drawn if flags & _KEEP_BELOW else _over(drawn, part)
            yield as_pixels(canvas[..., : self.shape.channels].copy())
            if flags & _CLEAR_AFTER:
                part[:] = 0


def read_webp_animation(data: bytes) -> WebpAnimation | None:
    """The animation in a file's bytes, or None where it holds none of several pictures.

    Raises ValueError or struct.error for a file that is damaged or cut short.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or data[12:16] != b"VP8X":
        return None
    if not data[20] & _ANIMATED:
        return None
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    if 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise ValueError("it is cut short")
    durations = []
    for body in _pictures(data):
        rows, columns = _place(body)
        if rows.stop > height or columns.stop > width:
            raise ValueError("it is damaged (a picture lies outside)")
        length = int.from_bytes(body[12:15], "little")
        durations.append(length if length > _TOO_SHORT else _SHOWN_FOR)
    channels = 4 if data[20] & _ALPHA else 3
    return WebpAnimation(Shape(width, height, channels, 8), tuple(durations), data)


def _pictures(data: bytes) -> Iterator[bytes]:
    return (body for name, body in riff_chunks(data) if name == b"ANMF" and len(body) > _HEAD)


def _place(body: bytes) -> tuple[slice, slice]:
    """Rows and columns of the whole that a picture takes."""
    left, top, width, height = (int.from_bytes(body[at : at + 3], "little") for at in (0, 3, 6, 9))
    return slice(2 * top, 2 * top + height + 1), slice(2 * left, 2 * left + width + 1)


def _decoded(chunks: bytes) -> Pixels | None:
    """The picture in an ANMF's chunks, with alpha; opaque where it has none."""
    parts = list(riff_chunks(b"RIFF0000WEBP" + chunks))
    kept = [part for part in parts if part[0] in (b"ALPH", b"VP8 ", b"VP8L")]
    if kept and kept[0][0] == b"ALPH":  # it must be announced
        columns, rows = _vp8_size(kept[-1][1])
        kept.insert(0, (b"VP8X", _extended(columns, rows, _ALPHA)))
    body = b"WEBP" + b"".join(riff_chunk(*part) for part in kept)
    file = np.frombuffer(b"RIFF" + struct.pack("<I", len(body)) + body, np.uint8)
    try:
        found = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if found is None or found.ndim != 3:
        return None
    return as_pixels(found if found.shape[2] == 4 else cv2.cvtColor(found, cv2.COLOR_BGR2BGRA))


def _vp8_size(frame: bytes) -> tuple[int, int]:
    columns, rows = struct.unpack_from("<HH", frame, 6)
    return columns & 0x3FFF, rows & 0x3FFF


def _extended(width: int, height: int, flags: int) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return struct.pack("<I", flags) + sides


def _over(drawn: Pixels, below: Pixels) -> Pixels:
    """A picture blended over another; alpha of neither is premultiplied."""
    if drawn[..., 3].min() == 255:
        return drawn
    upper = drawn[..., 3:].astype(np.float32) / 255
    lower = below[..., 3:].astype(np.float32) / 255 * (1 - upper)
    alpha = upper + lower
    colors = drawn[..., :3] * upper + below[..., :3] * lower
    colors = colors / np.maximum(alpha, 1e-6)
    blended = np.concatenate([colors, alpha * 255], axis=2)
    return as_pixels(np.rint(blended).clip(0, 255).astype(np.uint8))


class WebpWriter:
    """Writes the pictures of an animation to an open file, one after another.

    It is played so many times; 0 is for ever.
    """

    def __init__(self, file: BinaryIO, shape: Shape, plays: int = 0) -> None:
        self._file, self._shape = file, shape
        flags = _ANIMATED | (_ALPHA if shape.channels == 4 else 0)
        file.write(b"RIFF\0\0\0\0WEBP")
        file.write(riff_chunk(b"VP8X", _extended(shape.width, shape.height, flags)))
        file.write(riff_chunk(b"ANIM", struct.pack("<IH", 0, min(plays, _MOST_PLAYS))))

    def write(self, pixels: Pixels, duration: int) -> None:
        """Append a picture of the shape, shown for so many milliseconds.

        Raises ValueError where it cannot be encoded.
        """
        done, encoded = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
        if not done:
            raise ValueError(f"{self._shape} cannot be encoded as WebP")
        kept = [part for part in riff_chunks(encoded.tobytes()) if part[0] != b"VP8X"]
        sides = (self._shape.width - 1, self._shape.height - 1)
        numbers = (0, 0, *sides, min(max(duration, 1), _LONGEST))
        head = b"".join(number.to_bytes(3, "little") for number in numbers)
        body = head + bytes([_KEEP_BELOW]) + b"".join(riff_chunk(*part) for part in kept)
        self._file.write(riff_chunk(b"ANMF", body))

    def finish(self) -> None:
        """Put the file's length into its head."""
        length = self._file.tell()
        self._file.seek(4)
        self._file.write(struct.pack("<I", length - 8))
