"""Whether a GIF's pictures, each drawn over what the one before leaves, show through anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from vsr.core.url import Url
from vsr.video.gif_blocks import END, EXTENSION, PICTURE, byte_at, gif_blocks

_STARTS = (b"GIF87a", b"GIF89a")
_CONTROL = 0xF9  # the extension that says what becomes of the next picture
_CLEARED, _RESTORED = 2, 3  # what becomes of a picture before the next one, by GIF89a


def is_opaque_gif(path: Path | Url) -> bool:
    """Whether a file is a GIF without a transparent pixel, by what it says of its pictures.

    libav decodes all GIFs with alpha.
    """
    if not isinstance(path, Path):
        return False
    try:
        with path.open("rb") as file:
            return file.read(6) in _STARTS and _is_opaque(file, path.stat().st_size)
    except OSError:
        return False


def _is_opaque(file: BinaryIO, size: int) -> bool:
    """Whether all of the canvas is covered after each picture. Damaged, it is not told."""
    file.seek(6)
    canvas = file.read(4)
    covered, flags = False, 0
    for block in gif_blocks(file, size):
        if block.kind == EXTENSION:
            if byte_at(file, block.place + 1) == _CONTROL:
                flags = byte_at(file, block.place + 3)
            continue
        if block.kind != PICTURE:
            return covered and block.kind == END
        file.seek(block.place + 1)
        corner, sides = file.read(4), file.read(4)
        before = covered
        covered = covered or (not flags & 1 and corner == bytes(4) and sides == canvas)
        if not covered:
            return False
        left = flags >> 2 & 7
        if byte_at(file, block.end) != END and left in (_CLEARED, _RESTORED):
            covered = before and left == _RESTORED
        flags = 0
    return covered
