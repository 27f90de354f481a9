"""Read image files: their headers, and their pixels."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import InputError
from vsr.core.frame import Pixels, as_pixels
from vsr.core.limits import DEFAULTS, Limits, check_size
from vsr.core.orientation import Orientation
from vsr.core.paths import check_input
from vsr.images.chunks import (
    PNG_START,
    read_jpeg,
    read_png,
    read_webp,
)
from vsr.images.film import (
    as_light,
    decode_film,
    film_kind,
    read_film,
)
from vsr.images.heif import HEIF, decode_heif, is_heif, read_heif
from vsr.images.jpeg import decode_jpeg
from vsr.images.metadata import Header, Shape
from vsr.images.png_check import sound_png
from vsr.images.quiet import quiet
from vsr.images.sizes import claimed_size
from vsr.images.tga import decode_tga, is_tga, read_tga
from vsr.images.tiff import STARTS as TIFF_STARTS
from vsr.images.tiff import read_tiff

_MOST_PIXELS, _LONGEST_SIDE = 2**30, 2**20  # that OpenCV decodes
_JPEG_START = b"\xff\xd8"
_HEAD = 4096  # bytes that tell of what kind a file is


@dataclass(frozen=True)
class Picture:
    """A decoded image, upright and with its alpha, if any, not premultiplied.

    Attributes:
        pixels: see Pixels.
        header: what else the file says.
        damage: what is damaged in it and was mended by the decoder, in its words; "" for nothing.
    """

    pixels: Pixels
    header: Header
    damage: str = ""

    @property
    def shape(self) -> Shape:
        return shape_of(self.pixels)


def shape_of(pixels: Pixels) -> Shape:
    """Size, channels and depth of an array of pixels."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    half = pixels.dtype == np.float16
    return Shape(pixels.shape[1], pixels.shape[0], channels, 8 * pixels.itemsize, half)


def read_header(path: Path, limits: Limits = DEFAULTS) -> Header:
    """What an image says beside its pixels.

    Formats without a parser here give a Header with little in it. Raises InputError for one that
    cannot be decoded, or is larger than `limits` allow.
    """
    check_input(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            alone = film_kind(head) or is_heif(head)  # other libraries read these by themselves
            data = head if alone else head + file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise InputError(f"{path}: is empty")
    try:
        header = _header(path, data).bounded()
    except (struct.error, IndexError):
        raise InputError(f"{path}: cannot be read as an image: it is cut short") from None
    except ValueError as error:
        raise InputError(f"{path}: cannot be read as an image: {error}") from None
    _check_claimed(path, header, limits)
    return header


def _header(path: Path, data: bytes) -> Header:
    if is_tga(path.suffix, data):
        return read_tga(data)
    if kind := film_kind(data):
        return read_film(path, kind)
    return read_heif(path) if is_heif(data) else _parsed(data)


def _parsed(data: bytes) -> Header:
    """Raises ValueError, struct.error or IndexError for what is damaged."""
    if data.startswith(PNG_START):
        return read_png(data)
    if data.startswith(_JPEG_START):
        return read_jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return replace(read_webp(data), size=claimed_size(data))
    if data[:4] in TIFF_STARTS:
        return read_tiff(data)
    return Header(data, lost=_lost(data), size=claimed_size(data))


def _check_claimed(path: Path, header: Header, limits: Limits) -> None:
    """Raise InputError for a size that is not to be decoded."""
    if header.shape:
        width, height = header.shape.width, header.shape.height
    else:
        width, height = header.size or (0, 0)
    check_size(path, width, height, limits)
    if width * height > _MOST_PIXELS or max(width, height) > _LONGEST_SIDE:
        raise InputError(
            f"{path}: a picture of {width}x{height} is not read; allowed are up to {_MOST_PIXELS} "
            f"pixels and {_LONGEST_SIDE} a side"
        )


def read_shape(path: Path, limits: Limits = DEFAULTS) -> Shape:
    """Size and kind of an image; formats whose header is not parsed here are decoded for it.

    Raises InputError for a file that is no image, or is larger than `limits` allow.
    """
    return read_header(path, limits).shape or read_picture(path, limits).shape


def read_picture(path: Path, limits: Limits = DEFAULTS) -> Picture:
    """Decode an image file.

    The EXIF orientation is applied and taken out of the metadata, so that whatever becomes of
    the picture shows upright in every viewer: many heed the tag in a JPEG alone, and most
    formats have none. A palette becomes colour, samples under 8 bits become 8, those of 9 to
    15 become 16. Raises InputError for a file that cannot be decoded, or is larger than `limits`
    allow.
    """
    header = read_header(path, limits)
    pixels, notes, damage = _decoded(path, header)
    if header.premultiplied and pixels.dtype != np.float16:
        pixels = _straight(pixels)
    told = replace(header, encoded=b"", lost=(*header.lost, *notes))
    return Picture(_turned(pixels, header.orientation), told, damage)


def _decoded(path: Path, header: Header) -> tuple[Pixels, tuple[str, ...], str]:
    """The pixels, not turned yet, what became of some, named for people, and what is damaged and
    was mended."""
    if header.kind == HEIF:
        return decode_heif(path), (), ""
    if header.kind:
        found = decode_film(path, header.kind)
        return found.pixels, found.notes, ""
    try:
        with quiet():
            decoded, damage = _by_opencv(path, header)
    except (cv2.error, struct.error, IndexError):  # whose words are for programmers
        raise InputError(f"{path}: cannot be read as an image: it is damaged") from None
    except ValueError as error:
        raise InputError(f"{path}: cannot be read as an image: {error}") from None
    if decoded is None:
        raise InputError(f"{path}: cannot be read as an image")
    if decoded.dtype == np.float32 and header.shape and header.shape.half:
        light = as_light(_associated(decoded, header))
        return light.pixels, light.notes, ""
    if decoded.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: {decoded.dtype} samples cannot be read; convert it to 16 bits")
    return _full_range(header.encoded, as_pixels(decoded)), (), damage


def _by_opencv(path: Path, header: Header) -> tuple[NDArray[Any] | None, str]:
    """The pixels as they are stored, None where there are none, and what is damaged, if it was
    mended. Raises ValueError, struct.error or cv2.error."""
    data = header.encoded
    if is_tga(path.suffix, data):
        return decode_tga(header), ""
    if data.startswith(_JPEG_START):
        return decode_jpeg(data)
    if data.startswith(PNG_START):
        data = sound_png(data)
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), ""


def _associated(light: NDArray[Any], header: Header) -> NDArray[Any]:
    """Light with its alpha, if any, multiplied into it."""
    if light.ndim == 2 or light.shape[2] < 4 or header.premultiplied:
        return light
    return np.concatenate([light[..., :3] * light[..., 3:], light[..., 3:]], axis=2)


def _lost(data: bytes) -> tuple[str, ...]:
    """What an AVIF or JPEG 2000 file holds beside its pixels; none of it is carried over."""
    head, marks = data[: 2**16], {}
    if head[4:10] == b"ftypav":
        marks = {"ICC profile": b"colrprof", "EXIF": b"Exif", "XMP": b"rdf+xml"}
        marks |= {"rotation": b"irot", "mirroring": b"imir"}
    elif head[4:8] == b"jP  ":
        xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
        marks = {"ICC profile": b"colr\x02", "XMP": xmp}
    return tuple(name for name, mark in marks.items() if mark in head)


def _full_range(data: bytes, pixels: Pixels) -> Pixels:
    """Stretch samples of a depth that OpenCV leaves at the bottom of 8 or 16 bits."""
    full, peak = _full(pixels), _peak(data, pixels)
    if peak >= full:
        return pixels
    return as_pixels(np.minimum(np.rint(pixels * (full / peak)), full).astype(pixels.dtype))


def _full(pixels: Pixels) -> int:
    """The largest sample of pixels of whole numbers."""
    return 255 if pixels.dtype == np.uint8 else 65535


def _peak(data: bytes, pixels: Pixels) -> int:
    """The value that stands for white in decoded samples, as far as the file says."""
    full = _full(pixels)
    if re.match(rb"P[2356]\s", data):
        words = re.sub(rb"#[^\n]*", b"", data[:4096]).split(maxsplit=4)
        scaled = words[0] in (b"P2", b"P3") and full == 255  # OpenCV does these itself
        if scaled or len(words) < 4 or not words[3].isdigit():
            return full
        return max(1, int(words[3]))
    if data[4:10] == b"ftypav" and full > 255:
        twelve_bits = data[data.find(b"av1C") + 6] & 0x20
        return 4095 if twelve_bits else 1023
    if data[4:8] == b"jP  ":
        bits = 1 + (data[data.find(b"ihdr") + 14] & 0x7F)
        return min(full, (1 << bits) - 1)
    return full


def _straight(pixels: Pixels) -> Pixels:
    """Colours divided by their alpha."""
    peak = _full(pixels)
    alpha = pixels[..., 3:]
    colors = np.rint(pixels[..., :3] * (peak / np.maximum(alpha, 1).astype(np.float32)))
    return as_pixels(np.append(np.minimum(colors, peak), alpha, axis=2).astype(pixels.dtype))


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """Make a picture with EXIF orientation 1 to 8 upright."""
    turn = Orientation(
        transposed=orientation >= 5,
        flip_x=orientation in (2, 3, 6, 7),
        flip_y=orientation in (3, 4, 7, 8),
    )
    return as_pixels(np.ascontiguousarray(turn.shown(pixels)))
