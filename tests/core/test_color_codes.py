"""The numbers that streams tell their colours by."""

from __future__ import annotations

from av.video.reformatter import ColorPrimaries, ColorTrc
from av.video.reformatter import ColorRange as LibavRange

from vsr.core.color_codes import ColorRange, Matrix, Primaries, Transfer
from vsr.core.frame import ColorTags


def test_they_are_libavs() -> None:
    """Which are H.273's, by other names."""
    assert [int(LibavRange.UNSPECIFIED), int(LibavRange.MPEG), int(LibavRange.JPEG)] == [
        ColorRange.UNSPECIFIED,
        ColorRange.LIMITED,
        ColorRange.FULL,
    ]
    assert int(ColorPrimaries.BT709) == Primaries.BT709
    assert int(ColorPrimaries.UNSPECIFIED) == Primaries.UNSPECIFIED
    assert int(ColorPrimaries.SMPTE170M) == Primaries.SMPTE170M
    assert int(ColorPrimaries.BT2020) == Primaries.BT2020
    assert int(ColorTrc.BT709) == Transfer.BT709
    assert int(ColorTrc.UNSPECIFIED) == Transfer.UNSPECIFIED
    assert int(ColorTrc.IEC61966_2_1) == Transfer.SRGB
    assert int(ColorTrc.SMPTE2084) == Transfer.PQ
    assert int(ColorTrc.ARIB_STD_B67) == Transfer.HLG


def test_they_are_plain_numbers_where_they_are_shown() -> None:
    assert f"{Matrix.BT709}, {Transfer.PQ}" == "1, 16"
    assert ColorTags() == ColorTags(0, 2, 2, 2)
    assert ColorTags(matrix=Matrix.BT2020_CL) == ColorTags(matrix=10)
