"""Where a YUV4MPEG2 file ends, by the size of its frames."""

from __future__ import annotations

import re
from typing import BinaryIO

_LONGEST = 1024  # bytes of a header that are looked at
# How many columns and rows of luma each sample of chroma stands for, and how many planes follow it.
_CHROMA = {
    "mono": (1, 1, 0),
    "420": (2, 2, 2),
    "411": (4, 1, 2),
    "422": (2, 1, 2),
    "440": (1, 2, 2),
    "444": (1, 1, 2),
    "444alpha": (1, 1, 3),
}
_COLOURS = re.compile(r"(mono|4\d\d(?:alpha)?)(?:jpeg|mpeg2|paldv)?(?:p?(\d+))?")


def y4m_end(file: BinaryIO, size: int) -> int | None:
    """The least place at which a file of `size` bytes ends; None where that is not known.

    It is a line, then for each frame another one and its samples.
    """
    file.seek(0)
    header = file.readline(_LONGEST)
    length = _frame_bytes(header)
    if length is None:
        return None
    place = len(header)
    while place < size:
        file.seek(place)
        line = file.readline(_LONGEST)
        if not b"FRAME".startswith(line[:5]):
            return None
        place += max(len(line), len(b"FRAME\n")) + length
    return place


def _frame_bytes(header: bytes) -> int | None:
    """How many bytes each frame's samples take; None where the header does not tell."""
    words = {word[:1]: word[1:] for word in header.decode("ascii", "replace").split()[1:]}
    colours = _COLOURS.fullmatch(words.get("C", "420"))
    if not colours or colours[1] not in _CHROMA:
        return None
    try:
        width, height = int(words["W"]), int(words["H"])
    except (KeyError, ValueError):
        return None
    columns, rows, planes = _CHROMA[colours[1]]
    samples = width * height + planes * -(-width // columns) * -(-height // rows)
    return samples * (2 if int(colours[2] or 8) > 8 else 1)
