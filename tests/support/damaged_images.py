"""Small images of every kind that is read, and ways to damage them."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from PIL import Image

START = b"\x89PNG\r\n\x1a\n"
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_WIDTH, _HEIGHT = 61, 45


def picture() -> np.ndarray:
    """(45, 61, 4) uint8, smooth, in all four channels."""
    noise = np.random.default_rng(2).integers(0, 256, (_HEIGHT, _WIDTH, 4)).astype(np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.asarray(cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX))


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    packed: bytes,
    *more: bytes,
    width: int = _WIDTH,
    height: int = _HEIGHT,
    bits: int = 8,
    color: int = 2,
    interlaced: bool = False,
) -> bytes:
    """A PNG with these packed pixels; `more` chunks come before them."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    pixels = chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return START + chunk(b"IHDR", header) + b"".join(more) + pixels


def rows(pixels: np.ndarray, filtered: int = 0) -> bytes:
    """Rows of a PNG that is not packed: RGB of (H, W, 3) uint8, each behind its filter's number."""
    return b"".join(bytes([filtered]) + row[:, ::-1].tobytes() for row in pixels)


def interlaced_png(pixels: np.ndarray) -> bytes:
    """An RGB PNG of (H, W, 3) uint8 in the seven passes of Adam7."""
    passes = (*PASSES, (0, 1, 1, 2))
    parts = (pixels[top::down, left::right] for left, top, right, down in passes)
    packed = zlib.compress(b"".join(rows(part) for part in parts if part.size))
    height, width = pixels.shape[:2]
    return png(packed, width=width, height=height, interlaced=True)


def _pillow(image: Image.Image, kind: str, **more: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def _jpegs() -> Iterator[tuple[str, bytes]]:
    color = Image.fromarray(picture()[..., :3])
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        for progressive in (False, True):
            name = f"{sampling.replace(':', '')}{' progressive' * progressive}.jpg"
            yield name, _pillow(color, "JPEG", subsampling=sampling, progressive=progressive)
    yield "rgb.jpg", _pillow(color, "JPEG", keep_rgb=True)
    yield "grey.jpg", _pillow(color.convert("L"), "JPEG")
    inks = _pillow(Image.fromarray(picture(), "CMYK"), "JPEG")
    yield "cmyk.jpg", inks
    transform = inks.index(b"Adobe") + 11  # 2: luma, chroma and black
    yield "ycck.jpg", inks[:transform] + b"\2" + inks[transform + 1 :]


def _pngs() -> Iterator[tuple[str, bytes]]:
    pixels = picture()
    whole, color = Image.fromarray(pixels), Image.fromarray(pixels[..., :3])
    yield "alpha.png", _pillow(whole, "PNG")
    yield "colour.png", _pillow(color, "PNG")
    yield "palette.png", _pillow(color.quantize(50), "PNG")
    yield "clear palette.png", _pillow(color.quantize(9), "PNG", transparency=3)
    yield "grey.png", _pillow(color.convert("L"), "PNG")
    yield "grey alpha.png", _pillow(whole.convert("LA"), "PNG")
    yield "black white.png", _pillow(color.convert("1"), "PNG")
    yield "interlaced.png", interlaced_png(pixels[..., :3])
    for depth, kept in (("16 bits", pixels), ("grey 16 bits", pixels[..., 0])):
        yield f"{depth}.png", cv2.imencode(".png", kept.astype(np.uint16) * 257)[1].tobytes()


def _others() -> Iterator[tuple[str, bytes]]:
    pixels = picture()
    whole, color = Image.fromarray(pixels), Image.fromarray(pixels[..., :3])
    for packing in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield f"{packing}.tif", _pillow(color, "TIFF", compression=packing)
    yield "alpha.webp", _pillow(whole, "WEBP")
    yield "lossless.webp", _pillow(whole, "WEBP", lossless=True)
    yield "plain.webp", _pillow(color, "WEBP")
    for suffix in (".bmp", ".ppm", ".jp2"):
        yield f"plain{suffix}", cv2.imencode(suffix, pixels[..., :3])[1].tobytes()
    yield "plain.pgm", cv2.imencode(".pgm", pixels[..., 0])[1].tobytes()
    yield "plain.tga", _pillow(whole, "TGA", compression="tga_rle")
    if cv2.haveImageWriter("a.avif"):
        yield "plain.avif", cv2.imencode(".avif", pixels[..., :3])[1].tobytes()


JPEGS, PNGS, OTHERS = dict(_jpegs()), dict(_pngs()), dict(_others())


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A copy with some bytes changed, lost, doubled or put in; the beginning suffers more often."""
    changed = bytearray(data)

    def anywhere() -> int:
        return chance.randrange(min(80, len(changed)) if chance.random() < 0.4 else len(changed))

    at = anywhere()
    match chance.choice(("flip", "flip", "cut", "zero", "put in", "double")):
        case "flip":
            for _ in range(chance.choice((1, 3, 10))):
                changed[anywhere()] = chance.randrange(256)
        case "cut":
            del changed[at:]
        case "zero":
            changed[at : at + 20] = bytes(20)
        case "put in":
            changed[at:at] = chance.randbytes(8)
        case "double":
            changed[at:at] = changed[at // 2 : at]
    return bytes(changed)


def with_checksums(data: bytes) -> bytes:
    """A damaged PNG whose chunks have the checksums of what they hold: damage that these hide."""
    at, parts = len(START), [data[: len(START)]]
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        size = min(size, len(data) - at - 12)
        parts.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return b"".join(parts)
