"""HEIC and other HEIF files, as libheif decodes them.

It is an extra, `stills`, and imported once such a file is met. libheif applies the rotation, the
mirroring and the crop that a file asks for; its EXIF then says nothing more of orientation.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vsr.core.color_codes import Matrix, Primaries, Transfer
from vsr.core.errors import InputError
from vsr.core.frame import Pixels
from vsr.images.metadata import Header, Metadata, Shape
from vsr.images.tiff import upright
from vsr.util.text import one_line

HEIF = "heif"
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_EXIF_START = b"Exif\0\0"
_SRGB = (Primaries.BT709, Transfer.SRGB)
_FULL = 1


def is_heif(data: bytes) -> bool:
    """Whether a file's beginning is that of a HEIF, and of no AVIF, which OpenCV decodes."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : int.from_bytes(data[:4], "big")]
    return data[8:12] in _BRANDS and b"avif" not in brands


def read_heif(path: Path) -> Header:
    """What a HEIF says beside its pixels. Raises InputError."""
    file = _opened(path)
    info, mode, (width, height) = file.info, file.mode, file.size
    bits = int(info.get("bit_depth", 8))
    channels = {"L": 1, "I": 1}.get(mode.partition(";")[0], 4 if file.has_alpha else 3)
    metadata, _ = upright(
        Metadata(
            icc=info.get("icc_profile") or b"",
            exif=(info.get("exif") or b"").removeprefix(_EXIF_START),
            xmp=(info.get("xmp") or b"").rstrip(b"\0"),
            cicp=_cicp(info.get("nclx_profile") or {}),
        )
    )
    lost = [name for name, key in (("depth", "depth_images"), ("gain map", "aux")) if info.get(key)]
    return Header(
        b"",
        metadata,
        Shape(width, height, channels, 8 if bits <= 8 else 16),
        premultiplied=file.premultiplied_alpha,
        several=len(file) > 1,
        lost=tuple(lost),
        kind=HEIF,
    )


def decode_heif(path: Path) -> Pixels:
    """The pixels of a HEIF, upright. Raises InputError."""
    file = _opened(path)
    bits = int(file.info.get("bit_depth", 8))
    try:
        # copied: the library's own array outlives its memory
        pixels: NDArray[Any] = np.array(np.asarray(file), copy=True)
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be read as an image: {one_line(error, 200)}") from None
    pixels = pixels[:, : file.size[0]]
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, np.uint8)
    full = np.rint(pixels * (65535 / ((1 << bits) - 1)))
    return np.ascontiguousarray(full.clip(0, 65535).astype(np.uint16))


def _opened(path: Path) -> Any:
    try:
        library = import_module("pi_heif")
    except ImportError:
        raise InputError(f"{path}: HEIC needs pi-heif: pip install 'vsr-video[stills]'") from None
    try:
        return library.open_heif(
            str(path), convert_hdr_to_8bit=False, bgr_mode=True, hdr_to_16bit=False
        )
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be read as an image: {one_line(error, 200)}") from None


def _cicp(told: dict[str, Any]) -> bytes:
    """The colours that a file tells by code points; b"" for sRGB."""
    codes = tuple(
        int(told.get(name, 2)) for name in ("color_primaries", "transfer_characteristics")
    )
    if codes == _SRGB or 2 in codes or max(codes) > 255:
        return b""
    return bytes([*codes, Matrix.RGB, _FULL])
