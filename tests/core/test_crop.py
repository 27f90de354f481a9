"""Regions: what is taken for one, what becomes of it, and where it lies in decoded pixels."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.noise_frames import described

from vsr.core.crop import Box, CropRegion, cropped, parse_crop
from vsr.core.errors import InputError
from vsr.core.frame import VideoInfo

ONE = 65536
# a, b, c, d of display matrices, and how numpy makes of stored pixels what is shown.
TURNS = {
    "as it is": ((1, 0, 0, 1), lambda x: x),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "upside down": ((1, 0, 0, -1), np.flipud),
    "half": ((-1, 0, 0, -1), lambda x: np.rot90(x, 2)),
    "right": ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),
    "left": ((0, -1, 1, 0), np.rot90),
    "transposed": ((0, 1, 1, 0), np.transpose),
    "transposed the other way": ((0, -1, -1, 0), lambda x: np.rot90(x, 2).T),
}


def turned(info: VideoInfo, *entries: float) -> VideoInfo:
    a, b, c, d = (round(entry * ONE) for entry in entries)
    return replace(info, display_matrix=(a, b, 0, c, d, 0, 0, 0, 2**30))


# What is taken for one


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("0,0,1,1", (0, 0, 1, 1, False)),
        ("100,20,300,200", (100, 20, 300, 200, False)),
        (" 1, 2 ,3 , 4 ", (1, 2, 3, 4, False)),
        ("25%,25%,50%,50%", (25, 25, 50, 50, True)),
        ("33.3%, 0%, 12.5 %, 100%", (Fraction("33.3"), 0, Fraction("12.5"), 100, True)),
        ("1/3%,0%,2/3%,1%", (Fraction(1, 3), 0, Fraction(2, 3), 1, True)),
    ],
)
def test_what_is_taken_for_a_region(
    text: str, region: tuple[Fraction, Fraction, Fraction, Fraction]
) -> None:
    found = parse_crop(text)
    assert found == CropRegion(*region)
    assert parse_crop(str(found)) == found


def test_a_region_is_written_shortly() -> None:
    assert str(parse_crop(" 010, 2,3 , 4.50")) == "10,2,3,4.5"
    assert str(parse_crop("25%,12.5%,0.001%,1/3 %")) == "25%,12.5%,0.001%,1/3%"


some = st.fractions(Fraction(1, 1000), 50, max_denominator=10**6)


@given(some, some, some, some, st.booleans())
def test_what_is_written_is_taken(
    x: Fraction, y: Fraction, width: Fraction, height: Fraction, percent: bool
) -> None:
    region = CropRegion(x, y, width, height, percent)
    assert parse_crop(str(region)) == region


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all",
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,",
        "1;2;3;4",
        "1,2,3x4",
        "10%,10%,50%,50",
        "10,10,50%,50%",
        "25,25,50,50%",
        "25%%,25%,50%,50%",
        "nan,0,1,1",
        "inf,0,1,1",
        "1e3,0,1,1",
        "1_0,0,1,1",
        "1/0%,0%,1%,1%",
        "0x10,0,1,1",
        "\u0661,\u0662,\u0663,\u0664",
        "9" * 5000 + ",0,1,1",
        "1,2,3,4\n5",
    ],
)
def test_what_is_no_region(text: str) -> None:
    with pytest.raises(InputError, match=r"^crop .*: write X,Y,W,H in pixels, or .*percent: ") as e:
        parse_crop(text)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0,0,0,10", "crop 0,0,0,10: width and height must be above 0"),
        ("0,0,10,-1", "crop 0,0,10,-1: width and height must be above 0"),
        ("0%,0%,0%,10%", "crop 0%,0%,0%,10%: width and height must be above 0"),
        ("-5,0,10,10", "crop -5,0,10,10: begins outside the picture"),
        ("0%,-0.5%,10%,10%", "crop 0%,-0.5%,10%,10%: begins outside the picture"),
        ("50%,0%,50.1%,10%", "crop 50%,0%,50.1%,10%: reaches beyond 100%"),
        ("0%,25%,10%,80%", "crop 0%,25%,10%,80%: reaches beyond 100%"),
    ],
)
def test_what_is_a_part_of_no_picture(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_crop(text)
    assert str(caught.value) == says


# On the command line


def test_the_crop_option_takes_a_region() -> None:
    @click.command
    @crop_option
    def command(crop: CropRegion | None) -> CropRegion | None:
        return crop

    assert command.main([], standalone_mode=False) is None
    found = command.main(["--crop", "25%,25%,50%,50%"], standalone_mode=False)
    assert found == CropRegion(Fraction(25), Fraction(25), Fraction(50), Fraction(50), True)
    assert command.main(["--crop", "1,2,3,4"], standalone_mode=False) == parse_crop("1,2,3,4")
    with pytest.raises(click.BadParameter, match="width and height must be above 0"):
        command.main(["--crop", "1,2,3,0"], standalone_mode=False)
    with pytest.raises(click.BadParameter, match="write X,Y,W,H"):
        command.main(["--crop", "-1"], standalone_mode=False)
    assert RegionType().convert(found, None, None) is found


# Where it lies


@pytest.mark.parametrize(
    ("text", "layout", "box"),
    [
        ("0,0,321,181", "yuv420p", (0, 0, 321, 181)),
        ("0%,0%,100%,100%", "yuv420p", (0, 0, 321, 181)),
        ("10,20,30,40", "yuv420p", (10, 20, 30, 40)),
        ("11,21,30,40", "yuv420p", (10, 20, 32, 42)),  # from 10 to 42, from 20 to 62
        ("11,21,30,40", "yuv444p", (11, 21, 30, 40)),
        ("11,21,30,40", "yuv422p", (10, 21, 32, 40)),
        ("11,21,30,40", "yuv440p", (11, 20, 30, 42)),
        ("11,21,30,40", "yuv411p", (8, 21, 36, 40)),
        ("11,21,30,40", "yuv410p", (8, 20, 36, 44)),
        ("11,21,30,40", "gray", (11, 21, 30, 40)),
        ("11,21,30,40", "gbrap", (11, 21, 30, 40)),
        ("320,180,1,1", "yuv420p", (320, 180, 1, 1)),  # the last pixel of odd sides
        ("319,179,1,1", "yuv420p", (318, 178, 2, 2)),
        ("50%,50%,50%,50%", "gray", (160, 90, 161, 91)),  # from 160.5 to 321, from 90.5 to 181
        ("50%,0%,0.0001%,0.0001%", "gray", (160, 0, 1, 1)),
        ("10.5,10,10,10.01", "gray", (10, 10, 11, 11)),
    ],
)
def test_a_region_becomes_a_box_of_pixels(
    text: str, layout: str, box: tuple[int, int, int, int]
) -> None:
    assert parse_crop(text).inside(described(layout, 321, 181)) == Box(*box)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("100,0,300,200", "crop 100,0,300,200: reaches beyond the picture of 320x180 pixels"),
        ("0,0,321,1", "crop 0,0,321,1: reaches beyond the picture of 320x180 pixels"),
        ("319,180,1,1", "crop 319,180,1,1: reaches beyond the picture of 320x180 pixels"),
        ("0,0,1,180.1", "crop 0,0,1,180.1: reaches beyond the picture of 320x180 pixels"),
    ],
)
def test_a_region_beyond_the_picture_is_refused(text: str, says: str) -> None:
    info = described("yuv420p", 320, 180)
    with pytest.raises(InputError) as caught:
        parse_crop(text).inside(info)
    assert str(caught.value) == says


def test_beyond_the_picture_as_it_is_shown() -> None:
    upright = turned(described("yuv420p", 320, 180), 0, 1, -1, 0)
    assert parse_crop("0,0,180,320").inside(upright) == Box(0, 0, 320, 180)
    with pytest.raises(InputError, match="reaches beyond the picture of 180x320 pixels"):
        parse_crop("0,0,181,10").inside(upright)


@pytest.mark.parametrize("aspect", [None, Fraction(64, 45), Fraction(1, 2)])
def test_pixels_are_those_stored(aspect: Fraction | None) -> None:
    info = replace(described("yuv420p", 720, 576), pixel_aspect=aspect)
    assert parse_crop("700,0,20,576").inside(info) == Box(700, 0, 20, 576)
    assert parse_crop("50%,0%,50%,100%").inside(info) == Box(360, 0, 360, 576)


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("text", ["0,0,7,3", "4,1,3,2", "6,2,1,1", "1,0,2,5", "0%,50%,30%,50%"])
def test_the_part_of_the_shown_picture(name: str, text: str) -> None:
    """Each pixel of it is in the box, and with a pixel more on any side it would not be."""
    entries, show = TURNS[name]
    stored = np.arange(9 * 8).reshape(8, 9)
    shown = show(stored)
    region = parse_crop(text)
    unit = 1 if not region.percent else Fraction(shown.shape[1], 100)
    left, right = math.floor(region.x * unit), math.ceil((region.x + region.width) * unit)
    unit = 1 if not region.percent else Fraction(shown.shape[0], 100)
    top, bottom = math.floor(region.y * unit), math.ceil((region.y + region.height) * unit)
    box = region.inside(turned(described("gray", 9, 8), *entries))
    found = stored[box.y : box.y + box.height, box.x : box.x + box.width]
    assert sorted(found.flat) == sorted(shown[top:bottom, left:right].flat)


@pytest.mark.parametrize("name", TURNS)
def test_a_turned_part_on_the_chroma_grid(name: str) -> None:
    """Odd sides, of which the last row and column of chroma have half the luma."""
    entries, show = TURNS[name]
    stored = np.arange(11 * 13).reshape(11, 13)
    shown = show(stored)
    box = parse_crop("3,5,4,2").inside(turned(described("yuv420p", 13, 11), *entries))
    found = stored[box.y : box.y + box.height, box.x : box.x + box.width]
    assert set(shown[5:7, 3:7].flat) <= set(found.flat)
    assert box.x % 2 == box.y % 2 == 0
    assert (box.x + box.width) % 2 == 0 or box.x + box.width == 13
    assert (box.y + box.height) % 2 == 0 or box.y + box.height == 11
    assert max(box.width, box.height) <= 6


@pytest.mark.parametrize("matrix", [(2, 0, 0, 3), (0.25, 0, 0, 0.25), (1, 0.01, -0.01, 1)])
def test_size_and_a_touch_of_an_angle_are_no_matter(matrix: tuple[float, ...]) -> None:
    info = described("gray", 20, 10)
    assert parse_crop("3,4,5,6").inside(turned(info, *matrix)) == Box(3, 4, 5, 6)


@pytest.mark.parametrize(
    "matrix", [(0.7, 0.7, -0.7, 0.7), (1, 0.1, -0.1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (1, 1, 1, 1)]
)
def test_a_region_of_a_picture_turned_by_another_angle_is_refused(
    matrix: tuple[float, ...],
) -> None:
    with pytest.raises(InputError) as caught:
        parse_crop("3,4,5,6").inside(turned(described("gray", 20, 10), *matrix))
    a, b, c, d = (round(entry * ONE) for entry in matrix)
    assert str(caught.value) == (
        "crop 3,4,5,6: cannot be placed: the picture is shown turned by another angle than 90, "
        f"180 or 270 degrees (display matrix {a}, {b}, {c}, {d})"
    )


def test_what_holds_for_the_part() -> None:
    info = turned(described("yuv420p10le", 64, 48, "left", 1, 9), 0, 1, -1, 0)
    part = cropped(info, Box(2, 4, 20, 11))
    assert (part.width, part.height) == (20, 11)
    assert replace(part, width=64, height=48) == info


@pytest.mark.parametrize(
    ("layout", "height", "part", "tagged", "matrix"),
    [
        ("yuv420p", 720, 716, 2, 1),  # players take the whole for BT.709, and the part not
        ("yuv420p", 720, 720, 2, 2),
        ("yuv420p", 1080, 800, 2, 2),
        ("yuv420p", 576, 100, 2, 2),
        ("yuv420p", 1080, 100, 6, 6),
        ("yuv420p", 1080, 100, 8, 8),
        ("gbrp", 1080, 100, 2, 2),
        ("gbrp", 1080, 100, 0, 0),
    ],
)
def test_a_part_keeps_the_matrix_that_the_whole_is_shown_with(
    layout: str, height: int, part: int, tagged: int, matrix: int
) -> None:
    info = described(layout, 64, height, "left", 2, tagged)
    found = cropped(info, Box(0, 0, 64, part))
    assert found.color == replace(info.color, matrix=matrix)
    assert replace(found, height=height, color=info.color) == info
