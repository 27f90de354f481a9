"""PNG's cICP chunk: which colours are meant, by the code points of ITU-T H.273."""

from __future__ import annotations

from dataclasses import replace

from vsr.core.color_codes import Matrix, Primaries, Transfer
from vsr.core.frame import ColorTags
from vsr.core.hdr import TRANSFERS

_WIDE = (Primaries.BT2020, Primaries.DCI_P3, Primaries.DISPLAY_P3)
_FULL = 1


def cicp_of(color: ColorTags) -> bytes:
    """The chunk for RGB of a video's colours; b"" for those that every viewer takes for granted.

    That is HDR and wide gamuts: anything else is shown as sRGB, as people expect of a PNG.
    """
    if color.transfer not in TRANSFERS and color.primaries not in _WIDE:
        return b""
    primaries, transfer = color.primaries, color.transfer
    if primaries == Primaries.UNSPECIFIED:
        primaries = Primaries.BT2020  # what HDR has
    if transfer == Transfer.UNSPECIFIED:
        transfer = Transfer.BT709
    return bytes([primaries, transfer, Matrix.RGB, _FULL])


def told_by(cicp: bytes, color: ColorTags) -> ColorTags:
    """`color` with the primaries and the transfer that a chunk tells, if it makes sense."""
    if len(cicp) != 4 or cicp[2] != Matrix.RGB:
        return color
    return replace(color, primaries=cicp[0], transfer=cicp[1])
