"""Tell a file that is cut short from a whole one: libav reads to the cut and says nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from vsr.errors import InputError


def check_whole(path: Path, container: str) -> None:
    """Raise InputError where the file ends before its own structure does.

    mp4 and its kin (ISO/IEC 14496-12) are rows of boxes, Matroska (RFC 9559) is one segment,
    each with its size. Other containers say nothing of their length, and pass.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if "mp4" in container:
            end = _last_box_end(file, size)
        elif "matroska" in container:
            end = _segment_end(file)
        else:
            return
    if end is not None and end > size:
        raise InputError(f"{path}: is truncated: {size} of its {end} bytes are there")


def _last_box_end(file: BinaryIO, size: int) -> int | None:
    """Where the last of the top-level boxes ends."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # to the end of the file
            return None
        if length < 8 or not head[4:8].isalnum():  # no box: padding, or another kind of file
            return None
        place += length
    return place


def _segment_end(file: BinaryIO) -> int | None:
    """Where the segment ends, None where its size is unknown, as in live recordings."""
    place = 0
    for _ in range(4):  # the EBML header, the segment, perhaps padding between
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
