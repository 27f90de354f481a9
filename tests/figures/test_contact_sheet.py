"""Words, places and sheets: what the previews and the scores' crops are drawn with."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vsr.core.errors import OutputError
from vsr.figures.contact_sheet import (
    WIDEST,
    Crop,
    Row,
    cell_width,
    check_png,
    numbered,
    save,
    sheet,
)
from vsr.figures.hotspots import Place, best_places, window_means
from vsr.figures.text import lay, lettered

RANDOM = np.random.default_rng(7)


@pytest.mark.parametrize("capitals", [8, 13, 40])
def test_capitals_are_as_high_as_asked(capitals: int) -> None:
    rows = np.flatnonzero((lettered("H", capitals) > 0.5).any(1))
    assert len(rows) == pytest.approx(capitals, abs=1 + capitals // 10)


def test_words_cover_what_they_should() -> None:
    mask = lettered("vespcn", 12)
    assert (mask.min(), mask.max()) == (0, pytest.approx(1))
    assert mask[:, 0].any()  # no empty columns around them
    assert lettered("vespcn vespcn", 12).shape[1] > 2 * mask.shape[1]
    assert np.array_equal(lettered("a\nb", 12), lettered("a?b", 12))
    assert not lettered("", 12).any()


@pytest.mark.parametrize("letter", ["ë", "Č", "ß", "Å", "ỳ", "Ж", "λ", "日"])
def test_names_are_drawn_as_they_are_written(letter: str) -> None:
    drawn = lettered(letter, 24)
    for other in ("?", "e", "C", "A", "y", ""):
        assert drawn.shape != lettered(other, 24).shape or (drawn != lettered(other, 24)).any()
    assert not drawn[0].any()  # accents have room
    assert np.array_equal(lettered(f"\x01{letter}", 24), lettered(f"?{letter}", 24))


def test_long_lines_stay_one_line() -> None:
    mask = lettered("name " * 100, 12)
    assert mask.shape[0] == lettered("name", 12).shape[0]
    assert mask[:, -12:].any()
    assert mask.shape[1] > 90 * lettered("name", 12).shape[1]


def test_words_that_are_too_wide_shrink_and_are_then_cut() -> None:
    mask = lettered("a rather long name", 20)
    smaller = lettered("a rather long name", 20, mask.shape[1] // 2)
    assert smaller.shape[1] <= mask.shape[1] // 2
    assert smaller.shape[0] < mask.shape[0]
    assert lettered("a rather long name", 20, 10).shape[1] == 10
    assert lettered("a rather long name", 20, mask.shape[1]) is mask


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_words_are_laid_over_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 1000, np.uint16)
    mask = lettered("H", 12)
    lay(pixels, mask, 5, 3, 60000)
    part = pixels[3 : 3 + mask.shape[0], 5 : 5 + mask.shape[1]]
    assert part.max() == 60000
    pixels[3 : 3 + mask.shape[0], 5 : 5 + mask.shape[1]] = 1000
    assert (pixels == 1000).all()


def test_means_of_windows_are_those_of_their_samples() -> None:
    plane = RANDOM.integers(0, 256, (30, 50)).astype(np.uint8)
    means = window_means(plane, 12, 10)
    assert means.shape == (6, 10)
    for row, column in np.ndindex(means.shape):
        part = Place(4 * column, 4 * row, 12, 10).of(plane)
        assert means[row, column] == pytest.approx(part.mean())
    assert window_means(plane, 50, 30) == pytest.approx(np.array([[plane.mean()]]))


def test_the_best_places_hold_most_and_lie_apart() -> None:
    plane = RANDOM.random((120, 160)).astype(np.float32)
    plane[40:52, 80:92] += 9
    found = best_places(window_means(plane, 24, 16), 24, 16, 8)
    amounts = [amount for amount, _ in found]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[0] == pytest.approx(found[0][1].of(plane).mean(), rel=1e-5)
    assert found[0][1].overlaps(Place(80, 40, 12, 12))
    places = [place for _, place in found]
    assert len(places) == 8
    for number, place in enumerate(places):
        assert place.of(plane).shape == (16, 24)
        wide = Place(place.left - 12, place.top - 8, 48, 32)
        assert not any(wide.overlaps(other) for other in places[:number])


def test_the_first_of_equal_places_is_taken_and_no_more_than_there_are() -> None:
    found = best_places(
        window_means(
            np.zeros((20, 64)),
            24,
            20,
        ),
        24,
        20,
        3,
    )
    assert found == [(0, Place(0, 0, 24, 20)), (0, Place(36, 0, 24, 20))]


def colored(width: int, height: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_every_crop_stands_on_the_sheet_pixel_by_pixel(count: int) -> None:
    crops = [Crop(f"model {n}", colored(20, 15), f"{n} dB") for n in range(count)]
    width = 800
    drawn = sheet([Row(tuple(crops), "a title", 1)], width)
    assert drawn.shape[1] == width + 64
    factor = cell_width(width, count) // 20
    lefts = set()
    for crop in crops:
        large = crop.pixels.repeat(factor, 0).repeat(factor, 1)
        scores = cv2.matchTemplate(drawn, large, cv2.TM_SQDIFF)
        row, column = np.unravel_index(int(scores.argmin()), scores.shape)
        assert np.array_equal(drawn[row : row + 15 * factor, column : column + 20 * factor], large)
        lefts.add(int(column))
    assert min(lefts) == 32
    if count in (2, 5):  # those in one full line reach from border to border
        assert max(lefts) + 20 * factor == 32 + width


def test_margins_are_light_and_even() -> None:
    drawn = sheet([Row((Crop("one", np.zeros((30, 40), np.uint8)),))], 400, "Title", "note")
    ink = np.argwhere((drawn < 200).any(2))
    assert (drawn[0, 0] > 240).all()
    top, left = ink.min(0)
    bottom, right = drawn.shape[:2] - ink.max(0) - 1
    assert (left, right, bottom) == (32, 32, 32)
    assert 32 <= top < 48


def test_a_long_label_stays_in_its_cell() -> None:
    black = np.zeros((30, 40), np.uint8)
    short, long = (
        sheet([Row((Crop(label, black), Crop("b", black)))], 400) for label in ("a", "long " * 40)
    )
    assert short.shape == long.shape
    half = 32 + 200
    assert np.array_equal(short[:, half:], long[:, half:])


def test_places_are_numbered_on_a_copy() -> None:
    picture = np.full((200, 300, 3), 90, np.uint8)
    marked = numbered(picture, [Place(20, 30, 80, 60), Place(290, 195, 10, 5)])
    assert (picture == 90).all()
    assert marked[60, 20].tolist() == marked[30, 80].tolist() == [255, 255, 255]
    assert (marked[50:80, 60:90] == 90).all()
    assert (marked[180:, 270:] != 90).any()


def test_a_sheet_is_saved_as_png_alone(tmp_path: Path) -> None:
    pixels = colored(30, 20)
    save(tmp_path / "a.PNG", np.zeros_like(pixels))
    with pytest.raises(OutputError, match=r"a\.PNG: has been made by .* as .*a\.1\.PNG"):
        save(tmp_path / "a.PNG", pixels)
    (tmp_path / "a.1.PNG").unlink()
    save(tmp_path / "a.PNG", pixels, overwrite=True)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.PNG")), pixels)
    assert [file.name for file in tmp_path.iterdir()] == ["a.PNG"]
    assert WIDEST == 1600
    with pytest.raises(OutputError, match=r"a\.gif: a sheet cannot be a '\.gif'; allowed: \.png"):
        check_png(tmp_path / "a.gif", "a sheet")
    with pytest.raises(OutputError, match="does not exist"):
        check_png(tmp_path / "none/a.png", "a sheet")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match=r"folder\.png: cannot be written"):
        save(tmp_path / "folder.png", pixels, overwrite=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.PNG", "folder.png"]
