"""How large a picture becomes, as it is asked for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vsr.core.errors import OutputError
from vsr.core.picture import RESOLUTIONS, PictureOptions, Size, parse_size


def test_without_anything_it_is_four() -> None:
    assert PictureOptions().factor == 4
    assert PictureOptions(square_pixels=True).factor == 4
    assert not PictureOptions().asks_size


@pytest.mark.parametrize("name", ["width", "height"])
def test_a_side_takes_the_place_of_the_factor(name: str) -> None:
    asked = PictureOptions(**{name: 1080})
    assert asked.factor is None
    assert asked.asks_size
    assert asked.box is None


def test_floats_are_what_was_meant() -> None:
    assert PictureOptions(scale=2.1).scale == Fraction(21, 10)  # type: ignore[arg-type]
    assert PictureOptions(scale=np.int64(3)).scale == 3


def test_sizes_are_read_as_they_are_written() -> None:
    size = Size(1920, 1080)
    assert parse_size(str(size)) == parse_size(" 1920 X 1080 ") == size
    assert PictureOptions(size="1920x1080").size == size  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "1920", "1920x", "-1x5", "1920x1080x2", "1e3x5", "²x2", "0x9"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(OutputError, match="size "):
        parse_size(text)


def test_both_sides_are_a_box_however_they_are_given() -> None:
    box = Size(1280, 720)
    assert PictureOptions(width=1280, height=720).box == box
    assert (
        PictureOptions(size=box).box == PictureOptions(to="720p").box == box == RESOLUTIONS["720p"]
    )


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        (PictureOptions(), "x4"),
        (PictureOptions(scale=Fraction(9, 4)), "x2.25"),
        (PictureOptions(scale=Fraction(7, 3)), "x2.333"),
        (PictureOptions(to="4k"), "4k"),
        (PictureOptions(width=10, height=20), "10x20"),
        (PictureOptions(size=Size(10, 20)), "10x20"),
        (PictureOptions(width=10), "w10"),
        (PictureOptions(height=20), "h20"),
    ],
)
def test_it_has_a_name_for_files(asked: PictureOptions, label: str) -> None:
    assert asked.label == label


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scale": Fraction(2), "height": 5}, "scale and height exclude each other"),
        ({"width": 4, "height": 5, "to": "4k"}, "width and height and to exclude each other"),
        ({"scale": Fraction(2), "size": Size(1, 1)}, "scale and size exclude each other"),
        ({"fit": "cover"}, "fit cover: needs both sides"),
        ({"fit": "cover", "width": 5}, "fit cover: needs both sides"),
    ],
)
def test_only_one_of_them_may_be_asked_for(given: dict[str, object], said: str) -> None:
    with pytest.raises(OutputError) as caught:
        PictureOptions(**given)  # type: ignore[arg-type]
    assert said in str(caught.value)
