"""Where the large picture's pixels lie in the source."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsr.core.crop import Box
from vsr.core.errors import OutputError
from vsr.core.frame import PIXEL_FORMATS, VideoInfo
from vsr.core.geometry import Axis, Geometry, geometry_of
from vsr.core.picture import PictureOptions, Size

TURNED = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)


def info(width: int, height: int, pixels: str = "yuv420p", **more: Any) -> VideoInfo:
    return VideoInfo(width, height, Fraction(1, 25), PIXEL_FORMATS[pixels], **more)


def size(made: Geometry) -> tuple[int, int]:
    return made.columns.whole, made.rows.whole


def asked(**given: Any) -> PictureOptions:
    return PictureOptions(**given)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_whole_factor_is_what_a_network_makes(scale: int) -> None:
    odd = info(321, 181)
    made = geometry_of(asked(scale=scale), odd)
    assert size(made) == (321 * scale, 181 * scale)
    assert made.is_cut_of(scale, Box(0, 0, 321, 181))
    assert not made.is_cut_of(scale + 1, Box(0, 0, 321, 181))
    assert made.large(odd) == odd.enlarged(scale)


def test_a_part_begins_where_it_lies() -> None:
    box = Box(10, 20, 100, 50)
    made = geometry_of(asked(scale=2), info(320, 180), box)
    assert size(made) == (200, 100)
    assert made.is_cut_of(2, box)
    assert made.columns.place(2) == 11


@pytest.mark.parametrize(
    ("source", "given", "wanted"),
    [
        ((854, 480), {"height": 1080}, (1922, 1080)),
        ((853, 480), {"height": 480}, (853, 480)),
        ((320, 180), {"width": 1000}, (1000, 562)),
        ((320, 180), {"scale": Fraction(9, 4)}, (720, 404)),
        ((720, 576), {"to": "1080p"}, (1350, 1080)),
        ((1920, 800), {"to": "4k"}, (3840, 1600)),
        ((720, 576), {"to": "1080p", "fit": "pad"}, (1920, 1080)),
        ((720, 576), {"to": "1080p", "fit": "cover"}, (1920, 1080)),
        ((720, 576), {"to": "1080p", "fit": "stretch"}, (1920, 1080)),
        ((720, 576), {"size": Size(1001, 999), "fit": "stretch"}, (1001, 999)),
        ((360, 640), {"to": "1080p"}, (1080, 1920)),
        ((320, 180), {"scale": 1}, (320, 180)),
    ],
)
def test_sizes_are_met(
    source: tuple[int, int], given: dict[str, Any], wanted: tuple[int, int]
) -> None:
    assert size(geometry_of(asked(**given), info(*source))) == wanted


def test_sizes_are_those_that_players_show() -> None:
    """A picture that is shown on its side is asked for as it is shown."""
    on_its_side = info(640, 360, display_matrix=TURNED)
    assert size(geometry_of(asked(height=1280), on_its_side)) == (1280, 720)
    assert size(geometry_of(asked(width=720), on_its_side)) == (1280, 720)
    assert size(geometry_of(asked(to="1080p"), on_its_side)) == (1920, 1080)
    assert size(geometry_of(asked(size=Size(800, 2000), fit="pad"), on_its_side)) == (2000, 800)


def test_an_anamorphic_picture_keeps_its_pixels() -> None:
    pal = info(720, 576, pixel_aspect=Fraction(64, 45))
    made = geometry_of(asked(height=1080), pal)
    assert (*size(made), made.pixel_aspect) == (1350, 1080, Fraction(64, 45))


def test_square_pixels_lengthen_the_side_along_which_they_are_long() -> None:
    pal = info(720, 576, pixel_aspect=Fraction(64, 45))
    made = geometry_of(asked(scale=2, square_pixels=True), pal)
    assert (*size(made), made.pixel_aspect) == (2048, 1152, 1)
    tall = info(720, 480, pixel_aspect=Fraction(8, 9))
    made = geometry_of(asked(scale=1, square_pixels=True), tall)
    assert (*size(made), made.pixel_aspect) == (720, 540, 1)
    made = geometry_of(asked(to="1080p", square_pixels=True), pal)
    assert (*size(made), made.pixel_aspect) == (1920, 1080, 1)


def test_what_is_stretched_is_shown_as_wide_as_it_is() -> None:
    pal = info(720, 576, pixel_aspect=Fraction(64, 45))
    made = geometry_of(asked(to="1080p", fit="stretch"), pal)
    assert made.pixel_aspect == 1
    assert geometry_of(asked(to="1080p", fit="stretch"), info(720, 576)).pixel_aspect is None


@pytest.mark.parametrize(
    "given",
    [
        {"height": 100},
        {"height": 180 * 17},
        {"to": "8k", "size": None},
        {"size": Size(320, 100), "fit": "stretch"},
        {"size": Size(300, 300)},
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(given: dict[str, Any]) -> None:
    with pytest.raises(OutputError) as caught:
        geometry_of(asked(**given), info(320, 180))
    assert "\n" not in str(caught.value)
    assert "320x180 can become 1 to 16 times as large" in str(caught.value)


SIDES = st.integers(16, 2000)


@given(
    st.tuples(SIDES, SIDES),
    st.tuples(SIDES, SIDES),
    st.sampled_from(["inside", "cover", "stretch", "pad"]),
    st.sampled_from(["yuv420p", "yuv444p", "yuv411p", "yuv410p"]),
    st.sampled_from([None, Fraction(64, 45), Fraction(8, 9)]),
    st.booleans(),
    st.sampled_from([None, TURNED]),
)
def test_any_box_is_met_or_refused(
    source: tuple[int, int],
    box: tuple[int, int],
    fit: str,
    pixels: str,
    aspect: Fraction | None,
    square: bool,
    matrix: tuple[int, ...] | None,
) -> None:
    about = info(*source, pixels, pixel_aspect=aspect, display_matrix=matrix)
    try:
        made = geometry_of(asked(size=Size(*box), fit=fit, square_pixels=square), about)
    except OutputError:
        return
    shown = about.orientation.pair(*size(made))
    if fit == "inside":
        assert shown[0] <= box[0]
        assert shown[1] <= box[1]
        assert shown[0] == box[0] or shown[1] == box[1]
    else:
        assert shown == box
    for axis, length in ((made.columns, source[0]), (made.rows, source[1])):
        assert 1 <= axis.scale <= 16
        assert axis.place(0) >= 0
        assert axis.place(axis.length) <= length
        if fit != "cover":
            assert (axis.place(0), axis.place(axis.length)) == (0, length)
    layout = about.format
    assert made.columns.before % layout.chroma_width == 0
    assert made.rows.before % layout.chroma_height == 0


def test_a_part_that_was_enlarged_has_the_same_places() -> None:
    axis = Axis(Fraction(13, 2), Fraction(5), 70)
    further = axis.inside(4, 4)
    for pixel in (0, 1, 69, Fraction(1, 2)):
        assert further.place(pixel) == (axis.place(pixel) - 4) * 4
