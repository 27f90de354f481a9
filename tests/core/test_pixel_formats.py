"""The pixel formats that flow through as they are."""

from __future__ import annotations

import av
import pytest

from vsr.core.frame import PIXEL_FORMATS

SUBSAMPLED = ("420", "422", "444", "440", "411", "410")
KINDS = ("gray", *(f"yuv{a}{n}p" for a in ("", "a") for n in SUBSAMPLED), "gbrp", "gbrap")


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_formats_is_libavs(kind: str) -> None:
    """Each that it has of a kind, and no other: libav itself is not asked at run time."""
    names = [kind if depth == 8 else f"{kind}{depth}le" for depth in (8, 9, 10, 12, 14, 16)]
    assert {name for name in names if is_known(name)} == PIXEL_FORMATS.keys() & set(names)


def is_known(name: str) -> bool:
    """Whether libav has a format."""
    try:
        av.VideoFormat(name)
    except ValueError:
        return False
    return True
