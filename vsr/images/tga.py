"""Truevision TGA, which libav decodes.

Truevision, TGA File Format Specification 2.0, 1991. A TGA has no mark at its beginning.
"""

from __future__ import annotations

import struct

import av
import numpy as np

from vsr.core.frame import Pixels, as_pixels
from vsr.images.metadata import Header, Shape

_HEAD = struct.Struct("<BBBHHBHHHHBB")
_FOOTER = b"TRUEVISION-XFILE.\0"
_MAPPED, _COLOR, _GREY = (1, 9), (2, 10), (3, 11)  # plain, and run-length encoded
_ALPHA_KIND = 494  # where the extension area says what alpha is
_NO_ALPHA, _PREMULTIPLIED = (0, 1), 4


def is_tga(suffix: str, data: bytes) -> bool:
    """Whether a file is taken for a TGA: by its suffix, where it is clearly nothing else."""
    return suffix.lower() == ".tga" and data[1:2] in (b"\0", b"\1")


def read_tga(data: bytes) -> Header:
    """The header of a TGA. Raises ValueError or struct.error for what is none, or is not read."""
    _, _, kind, _, _, map_bits, _, _, width, height, bits, flags = _HEAD.unpack_from(data)
    known = (
        (kind in _MAPPED and bits == 8 and map_bits in (24, 32))
        or (kind in _COLOR and bits in (16, 24, 32))
        or (kind in _GREY and bits == 8)
    )
    if not known:
        raise ValueError(f"TGA of kind {kind} with {bits} bits; convert to .png")
    if not width or not height:
        raise ValueError("it has no pixels")
    alpha = _alpha_kind(data)
    # a 16-bit pixel's last bit, and a fourth byte that no bit is said of, are no alpha
    has_alpha = (map_bits if kind in _MAPPED else bits) == 32 and bool(flags & 15)
    has_alpha = has_alpha and alpha not in _NO_ALPHA
    channels = 1 if kind in _GREY else 4 if has_alpha else 3
    shape = Shape(width, height, channels, 8)
    return Header(data, shape=shape, premultiplied=has_alpha and alpha == _PREMULTIPLIED)


def _alpha_kind(data: bytes) -> int | None:
    """What the extension area, if there is one, says of alpha."""
    if not data.endswith(_FOOTER) or len(data) < len(_FOOTER) + 8:
        return None
    (at,) = struct.unpack_from("<I", data, len(data) - len(_FOOTER) - 8)
    return data[at + _ALPHA_KIND] if at and at + _ALPHA_KIND < len(data) else None


def decode_tga(header: Header) -> Pixels | None:
    """The pixels of a TGA, upright, (H, W), or (H, W, 3 or 4) in blue, green, red and alpha, uint8.

    None for one that is damaged.
    """
    assert header.shape
    context = av.CodecContext.create("targa", "r")
    try:
        frames = [*context.decode(av.Packet(header.encoded)), *context.decode(None)]
    except (av.FFmpegError, ValueError):
        return None
    if len(frames) != 1:
        return None
    layout = {1: "gray", 3: "bgr24", 4: "bgra"}[header.shape.channels]
    frame = frames[0]
    if layout == "bgr24" and frame.format.name in ("bgra", "pal8"):  # never mixed with alpha
        four = frame.reformat(format="bgra").to_ndarray()
        return as_pixels(np.ascontiguousarray(four[..., :3]))
    return as_pixels(frame.reformat(format=layout).to_ndarray())
