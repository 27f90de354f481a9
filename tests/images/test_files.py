"""Image files that lie about themselves."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from vsr.core.errors import InputError
from vsr.images.files import read_picture


def chunk(kind: bytes, data: bytes) -> bytes:
    """Of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def test_a_header_that_claims_too_much_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    header = struct.pack(">IIBBBBB", 10**5, 10**5, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(9))), (b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks))
    with pytest.raises(InputError, match="a picture of 100000x100000 is more than"):
        read_picture(path)
