"""What image files can hold, by their suffixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import cv2

from vsr.core.errors import OutputError
from vsr.images.chunks import JPEG_LIMITS
from vsr.images.film import WRITTEN, check_film
from vsr.images.film_header import unpacked
from vsr.images.metadata import NAMES, Metadata, Shape

_NO_LIMIT = 2**31 - 1
_PROFILES = {"grey": b"GRAY", "RGB": b"RGB "}  # what they call the colours they are for
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
    ".exr": ImageFormat(16, (1, 3, 4), halves=(True,), blocks={"film": _NO_LIMIT}),
    ".dpx": ImageFormat(16, (1, 3, 4), blocks={"film": _NO_LIMIT}),
}
"""What can be written, by suffix."""

IMAGE_SUFFIXES = frozenset({*IMAGE_FORMATS, ".pbm", ".tga", ".heic", ".heif", ".hif", ".jxl"})
"""What is read as an image. A GIF is a video."""


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
    space = "grey" if channels == 1 else "RGB"
    is_foreign = metadata.icc[16:20] != _PROFILES[space]
    if is_foreign:
        fitting.pop("icc", None)
    if metadata.film and unpacked(metadata.film).kind != WRITTEN.get(target.suffix.lower()):
        fitting.pop("film", None)
    kept = Metadata(**fitting)
    lost = [name for name in metadata.names if name not in kept.names]
    if is_foreign and limits.get("icc"):
        lost = [f"{name} not for {space}" if name == NAMES["icc"] else name for name in lost]
    return kept, tuple(lost)
