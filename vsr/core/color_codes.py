"""The numbers that streams tell their colours by.

Those of the matrix, the primaries and the transfer are of ITU-T H.273; the range's are libav's.
Streams may hold others: the fields that they are found in are plain integers.
"""

from __future__ import annotations

from enum import IntEnum


class ColorRange(IntEnum):
    """Which samples are black and white."""

    UNSPECIFIED = 0
    LIMITED = 1
    """16 and 235 in 8 bits."""
    FULL = 2


class Matrix(IntEnum):
    """What luma and chroma are made of: H.273, table 4."""

    RGB = 0
    """Green, blue and red themselves."""
    BT709 = 1
    UNSPECIFIED = 2
    FCC = 4
    BT470BG = 5
    """BT.601 of 625 lines, and JPEG; the same numbers as SMPTE170M."""
    SMPTE170M = 6
    """BT.601 of 525 lines."""
    SMPTE240M = 7
    BT2020_NCL = 9
    BT2020_CL = 10


class Primaries(IntEnum):
    """Which red, green and blue are meant: H.273, table 2."""

    BT709 = 1
    UNSPECIFIED = 2
    BT470BG = 5
    """BT.601 of 625 lines."""
    SMPTE170M = 6
    """BT.601 of 525 lines."""
    BT2020 = 9
    DCI_P3 = 11
    DISPLAY_P3 = 12


class Transfer(IntEnum):
    """How light becomes samples: H.273, table 3."""

    BT709 = 1
    UNSPECIFIED = 2
    SMPTE170M = 6
    """BT.601; the same curve as BT709."""
    SRGB = 13
    PQ = 16
    HLG = 18
