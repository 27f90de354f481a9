"""Tell a file that is cut short from a whole one: libav reads to the cut and says nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vsr.core.parts import is_part_list, read_parts
from vsr.core.url import Url
from vsr.video.animation_ends import apng_end, gif_end
from vsr.video.y4m_end import y4m_end


def missing_bytes(path: Path | Url, container: str) -> int:
    """How many bytes a file lacks at its end, by its own structure; 0 where that is not known.

    mp4 and its kin (ISO/IEC 14496-12) are rows of boxes, Matroska (RFC 9559) is one segment,
    each with its size; for GIF and animated PNG see `animation_ends`, for y4m `y4m_end`. Other
    containers say nothing of their length.
    """
    if isinstance(path, Url):
        return 0
    if is_part_list(path):
        parts = read_parts(path).parts
        return sum(missing_bytes(Path(part.path), part.format) for part in parts)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return max(0, least_end(file, size, container) - size)


def least_end(file: BinaryIO, size: int, container: str) -> int:
    """The least place at which a file ends by its first `size` bytes; 0 where that is not known."""
    if "mp4" in container:
        end = _last_box_end(file, size)
    elif "matroska" in container:
        end = _segment_end(file, size)
    elif container == "gif":
        end = gif_end(file, size)
    elif container == "yuv4mpegpipe":
        end = y4m_end(file, size)
    elif container == "apng":
        end = apng_end(file, size)
    else:
        end = None
    return end or 0


def lacks_index(path: Path) -> bool:
    """Whether a file is an mp4 or its kin without an index: a recording that was not finished."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        names = [name for name, _ in _boxes(file, size)]
    return b"ftyp" in names[:2] and b"moov" not in names


def _last_box_end(file: BinaryIO, size: int) -> int | None:
    """Where the last of the top-level boxes ends."""
    ends = [end for _, end in _boxes(file, size)]
    return ends[-1] if ends else None


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int | None]]:
    """Names of the top-level boxes, and where each ends; None for what is no box, or has no end."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        name, length = head[4:8], int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        # 0 is to the end of the file; less, or no name, is padding, or another kind of file.
        if length < 8 or not name.isalnum():
            yield name, None
            return
        place += length
        yield name, place


def _segment_end(file: BinaryIO, size: int) -> int | None:
    """Where the segment ends, None where its size is unknown, as in live recordings."""
    place = 0
    for _ in range(4):  # the EBML header, the segment, perhaps padding between
        if place >= size:
            return None
        file.seek(place)
        head = file.read(16)
        if len(head) < 12 or not head[0]:
            return None
        name = 9 - head[0].bit_length()
        width = 9 - head[name].bit_length() if head[name] else 9
        if name > 4 or width > 8:
            return None
        digits = int.from_bytes(head[name : name + width], "big")
        length = digits & ((1 << 7 * width) - 1)
        place += name + width
        if head[:name] == b"\x18\x53\x80\x67":
            return None if length == (1 << 7 * width) - 1 else place + length
        place += length
    return None
