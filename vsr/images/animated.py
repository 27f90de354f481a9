"""Tell an image file that moves, which is a video, from one that stands still."""

from __future__ import annotations

from pathlib import Path

from vsr.core.url import Url
from vsr.images.listing import is_image

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 1000


def is_animated(path: Path) -> bool:
    """Whether a file is an animated PNG: its control chunk stands before the picture (APNG 1.0)."""
    try:
        if not path.is_file():  # a FIFO would wait for who writes to it
            return False
        with path.open("rb") as file:
            if file.read(len(_PNG)) != _PNG:
                return False
            for _ in range(_MOST_CHUNKS):
                head = file.read(8)
                if len(head) < 8 or head[4:] == b"IDAT":
                    return False
                if head[4:] == b"acTL":
                    return int.from_bytes(file.read(4), "big") > 1  # frames
                file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    except OSError:
        pass
    return False


def is_animated_webp(path: Path) -> bool:
    """Whether a file is an animated WebP: a clip of images, as libav decodes none of them."""
    try:
        if path.suffix.lower() != ".webp" or not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(21)
    except OSError:
        return False
    return head[8:16] == b"WEBPVP8X" and bool(head[20:21] and head[20] & 0x02)


def is_still(path: Path | Url) -> bool:
    """Whether an input is a still image: an animated one is a video, but for WebP."""
    return isinstance(path, Path) and is_image(path) and not is_animated(path)
