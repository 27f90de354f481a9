"""One image file: decoded to pixels and metadata, or encoded from them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vsr.core.errors import InputError, OutputError
from vsr.core.frame import Pixels, as_pixels
from vsr.core.limits import DEFAULTS, Limits, check_size
from vsr.core.orientation import Orientation
from vsr.core.paths import check_input
from vsr.images.chunks import (
    JPEG_LIMITS,
    PNG_START,
    embed_jpeg,
    embed_png,
    embed_webp,
    read_jpeg,
    read_png,
    read_webp,
)
from vsr.images.film import (
    WRITTEN,
    as_light,
    check_film,
    decode_film,
    encode_film,
    film_kind,
    read_film,
)
from vsr.images.film_header import unpacked
from vsr.images.heif import HEIF, decode_heif, is_heif, read_heif
from vsr.images.jpeg import decode_jpeg
from vsr.images.metadata import NAMES, Header, Metadata, Shape
from vsr.images.png_check import sound_png
from vsr.images.sizes import claimed_size
from vsr.images.tga import decode_tga, is_tga, read_tga
from vsr.images.tiff import STARTS as TIFF_STARTS
from vsr.images.tiff import embed_tiff, read_tiff

_NO_LIMIT = 2**31 - 1
_MOST_PIXELS, _LONGEST_SIDE = 2**30, 2**20  # that OpenCV decodes
_JPEG_START = b"\xff\xd8"
_HEAD = 4096  # bytes that tell of what kind a file is
_MOST_PIXELS = 2**30  # that OpenCV decodes
_ALL_BLOCKS = {"icc": _NO_LIMIT, "exif": _NO_LIMIT, "xmp": _NO_LIMIT}


@dataclass(frozen=True)
class ImageFormat:
    """What files with a suffix can hold.

    Attributes:
        depth: bits per sample, at most.
        channels: the layouts: 1 grey, 3 colour, 4 colour and alpha.
        side: pixels along a side, at most.
        halves: whether samples can be whole numbers (False), half floats (True) or either; the
            first is what others become.
        parameters: for OpenCV's encoder.
        blocks: the largest metadata blocks, in bytes, by their names in Metadata.
    """

    depth: int
    channels: tuple[int, ...]
    side: int = _NO_LIMIT
    parameters: tuple[int, ...] = ()
    halves: tuple[bool, ...] = (False,)
    blocks: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


_JPEG = ImageFormat(
    8,
    (1, 3),
    65500,
    (
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ),
    blocks=JPEG_LIMITS,
)
# EXIF in a TIFF is no block: its offsets count from the start of the file.
_TIFF = ImageFormat(
    16, (1, 3, 4), halves=(False, True), blocks={"icc": _NO_LIMIT, "xmp": _NO_LIMIT}
)

IMAGE_FORMATS: dict[str, ImageFormat] = {
    ".png": ImageFormat(16, (1, 3, 4), blocks=_ALL_BLOCKS | {"cicp": 4, "mdcv": 24, "clli": 8}),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    # A WebP is chosen for its size: lossless would be little smaller than a PNG. Lossy halves
    # the chroma, but enlarged chroma holds nothing so fine.
    ".webp": ImageFormat(8, (3, 4), 16383, (cv2.IMWRITE_WEBP_QUALITY, 95), blocks=_ALL_BLOCKS),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": ImageFormat(8, (1, 3)),
    ".ppm": ImageFormat(16, (3,)),
    ".pgm": ImageFormat(16, (1,)),
    ".jp2": ImageFormat(16, (1, 3)),
    ".avif": ImageFormat(8, (1, 3, 4), 65536, (cv2.IMWRITE_AVIF_QUALITY, 95)),
    ".exr": ImageFormat(16, (3, 4), halves=(True,), blocks={"film": _NO_LIMIT}),
    ".dpx": ImageFormat(16, (1, 3, 4), blocks={"film": _NO_LIMIT}),
}
"""What can be written, by suffix."""

IMAGE_SUFFIXES = frozenset({*IMAGE_FORMATS, ".pbm", ".tga", ".heic", ".heif", ".hif", ".jxl"})
"""What is read as an image. A GIF is a video."""


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
        with _quiet():
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


def image_format(target: Path) -> ImageFormat:
    """What files named like `target` can hold. Raises OutputError where none can be written."""
    suffix = target.suffix.lower()
    allowed = [
        name for name in IMAGE_FORMATS if name in WRITTEN or cv2.haveImageWriter(f"image{name}")
    ]
    if suffix not in allowed:
        raise OutputError(
            f"{target}: no image can be written with suffix {target.suffix!r}; "
            f"allowed: {', '.join(allowed)}"
        )
    check_film(target)
    return IMAGE_FORMATS[suffix]


def written_name(name: str) -> str:
    """What a copy of an image is called: as it is, but a PNG where its kind is not written here."""
    path = Path(name)
    return name if path.suffix.lower() in IMAGE_FORMATS else path.with_suffix(".png").name


def nearest_shape(target: Path, shape: Shape) -> Shape:
    """What becomes of a picture in `target`: it may lose alpha and bits, and grey become colour.

    Raises OutputError where the format cannot hold the picture at all.
    """
    format_ = image_format(target)
    if max(shape.width, shape.height) > format_.side:
        raise OutputError(
            f"{target}: {shape.width}x{shape.height} is too large for {target.suffix}, which "
            f"holds {format_.side} pixels a side; choose .png or .tif"
        )
    half = shape.half if shape.half in format_.halves else format_.halves[0]
    wanted = {1: (1, 3), 3: (3,), 4: (4, 3)}[shape.channels]
    channels = next((n for n in wanted if n in format_.channels), None)
    if channels is None:
        raise OutputError(f"{target}: {target.suffix} holds grey alone; choose .ppm or .png")
    depth = 16 if half else min(shape.depth, format_.depth)
    return replace(shape, channels=channels, depth=depth, half=half)


def nearest_metadata(
    target: Path, metadata: Metadata, channels: int
) -> tuple[Metadata, tuple[str, ...]]:
    """What of the metadata `target` can hold, and the names of what must be left out.

    A profile for other colours than the picture's, such as a CMYK one, is left out too, and so is a
    header of another format.
    """
    limits = image_format(target).blocks
    blocks = {name: getattr(metadata, name) for name in NAMES}
    fitting = {
        name: block for name, block in blocks.items() if block and len(block) <= limits.get(name, 0)
    }
    if metadata.icc[16:20] != (b"GRAY" if channels == 1 else b"RGB "):
        fitting.pop("icc", None)
    if metadata.film and unpacked(metadata.film).kind != WRITTEN.get(target.suffix.lower()):
        fitting.pop("film", None)
    kept = Metadata(**fitting)
    return kept, tuple(name for name in metadata.names if name not in kept.names)


def encode(pixels: Pixels, target: Path, metadata: Metadata) -> bytes:
    """The bytes of an image file named like `target`.

    `pixels` is of a `nearest_shape`, `metadata` a `nearest_metadata`. Raises OutputError.
    """
    format_, suffix = image_format(target), target.suffix.lower()
    shape = shape_of(pixels)
    if suffix in WRITTEN:
        return encode_film(pixels, target, metadata)
    try:
        with _quiet():
            samples = pixels.astype(np.float32) if shape.half else pixels
            done, buffer = cv2.imencode(suffix, samples, format_.parameters)
    except cv2.error:
        done = False
    if not done:
        raise OutputError(f"{target}: {shape} cannot be encoded as {suffix}; choose .png")
    data = buffer.tobytes()
    if suffix in (".tif", ".tiff"):
        return embed_tiff(data, metadata, shape)
    if metadata == Metadata():
        return data
    if suffix == ".png":
        return embed_png(data, metadata)
    return embed_webp(data, metadata, shape) if suffix == ".webp" else embed_jpeg(data, metadata)


class _Quiet:
    """How many threads want OpenCV not to write on stderr, and its level before the first."""

    lock = Lock()
    threads = 0
    level = 0


@contextmanager
def _quiet() -> Iterator[None]:
    """Errors are raised here; OpenCV need not print them as well."""
    logging = cv2.utils.logging
    with _Quiet.lock:
        if not _Quiet.threads:
            _Quiet.level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
        _Quiet.threads += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.threads -= 1
            if not _Quiet.threads:
                logging.setLogLevel(_Quiet.level)
