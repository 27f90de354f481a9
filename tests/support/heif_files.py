"""HEIC files made of a picture that libx265 encodes: ISO/IEC 23008-12, with one or two items."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

_ACCURATE = 0x42004  # bicubic, and SWS's ways that shift no colours


def heic(
    path: Path,
    rgb: Any,
    *,
    pix_fmt: str = "yuv444p",
    icc: bytes = b"",
    exif: bytes = b"",
    turns: int = 0,
    cicp: tuple[int, int, int] = (1, 13, 6),
) -> Path:
    """A file that shows `rgb` (H, W, 3), uint8 or uint16, lossless but for the way to YUV.

    `turns` are quarter turns anticlockwise for viewers to do, `exif` a TIFF block, `cicp` the
    primaries, the transfer and the matrix that are told where there is no `icc`.
    """
    height, width = rgb.shape[:2]
    header, sample = _encoded(rgb, pix_fmt)
    told = _box(b"colr", b"prof" + icc) if icc else _box(b"colr", b"nclx" + _nclx(*cicp))
    size = _full(b"ispe", struct.pack(">II", width, height))
    properties = [_box(b"hvcC", header), size, told]
    if turns:
        properties.append(_box(b"irot", bytes([turns])))
    linked = bytes([0x80 | 1, *range(2, len(properties) + 1)])
    ipma = _full(b"ipma", struct.pack(">IHB", 1, 1, len(linked)) + linked)
    iprp = _box(b"iprp", _box(b"ipco", b"".join(properties)) + ipma)
    items = [(b"hvc1", sample)]
    if exif:
        items.append((b"Exif", struct.pack(">I", 6) + b"Exif\0\0" + exif))
    entries = [
        _full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0", 2)
        for number, (kind, _) in enumerate(items, 1)
    ]
    iinf = _full(b"iinf", struct.pack(">H", len(entries)) + b"".join(entries))
    iref = _full(b"iref", _box(b"cdsc", struct.pack(">HHH", 2, 1, 1))) if exif else b""
    start = _box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(at: int) -> bytes:
        places = b""
        for number, (_, data) in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, at, len(data))
            at += len(data)
        iloc = _full(b"iloc", b"\x44\0" + struct.pack(">H", len(items)) + places)
        hdlr = _full(b"hdlr", bytes(4) + b"pict" + bytes(13))
        return _full(b"meta", hdlr + _full(b"pitm", b"\0\1") + iloc + iinf + iref + iprp)

    before = len(start) + len(meta(0)) + 8
    data = b"".join(data for _, data in items)
    path.write_bytes(start + meta(before) + _box(b"mdat", data))
    return path


def _encoded(rgb: Any, pix_fmt: str) -> tuple[bytes, bytes]:
    """The decoder's configuration and the one picture, as an mp4 holds them."""
    file, deep = io.BytesIO(), rgb.dtype.itemsize > 1
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb48le" if deep else "rgb24")
    options = {"x265-params": "lossless=1:log-level=error:range=full:colormatrix=smpte170m"}
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pix_fmt
        context = stream.codec_context
        context.color_range, context.colorspace = 2, 6
        made = frame.reformat(
            format=pix_fmt,
            dst_colorspace="ITU601",
            dst_color_range="JPEG",
            interpolation=_ACCURATE,
        )
        made.pts, made.time_base = 0, Fraction(1, 25)
        for packet in [*stream.encode(made), *stream.encode(None)]:
            packet.dts = packet.pts
            out.mux(packet)
    with av.open(io.BytesIO(file.getvalue())) as found:
        packet = next(found.demux(video=0))
        return bytes(found.streams.video[0].codec_context.extradata or b""), bytes(packet)


def _nclx(primaries: int, transfer: int, matrix: int) -> bytes:
    return struct.pack(">HHHB", primaries, transfer, matrix, 0x80)


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def _full(name: bytes, body: bytes, version: int = 0) -> bytes:
    return _box(name, bytes([version, 0, 0, 0]) + body)
