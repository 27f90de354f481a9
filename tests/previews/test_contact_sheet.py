"""One frame of takes: the sheet of crops, and the folder of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.clips import Clip, make, planes

import vsr
from vsr.core.errors import InputError, OutputError
from vsr.previews.contact_sheet import file_names, write_frames, write_sheet
from vsr.previews.variant import Take

FULL = {"color_range": 2}
GREY = Clip(160, 120, "gray", "ffv1", range(0, 5 * 512, 512), options={}, color=FULL)


def make_takes(folder: Path, shown: Sequence[Sequence[int]], clip: Clip = GREY) -> list[Take]:
    """Takes with these pictures; the second is the baseline."""
    return [
        Take(f"m{n}", make(folder / f"take{n}.mkv", replace(clip, numbers=numbers)), n == 1)
        for n, numbers in enumerate(shown)
    ]


def grey_image(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


def stands_in(image: np.ndarray, part: np.ndarray) -> bool:
    """Whether some part of an image is just so."""
    scores = cv2.matchTemplate(image, part, cv2.TM_SQDIFF)
    row, column = np.unravel_index(int(scores.argmin()), scores.shape)
    return np.array_equal(image[row : row + part.shape[0], column : column + part.shape[1]], part)


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[Take]:
    """One that is like the baseline but for frame 3, and one that is just like it."""
    folder = tmp_path_factory.mktemp("takes")
    return make_takes(folder, [(0, 1, 2, 40, 4), (0, 1, 2, 3, 4), (0, 1, 2, 3, 4)])


def test_the_frame_that_differs_most(takes: list[Take], tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", takes)
    for take in takes:
        expected = planes(take.file)[3][0]
        assert np.array_equal(grey_image(tmp_path / f"frames/{take.label}.png"), expected)
    write_sheet(tmp_path / "chosen.png", takes)
    write_sheet(tmp_path / "asked.png", takes, 3)
    write_sheet(tmp_path / "other.png", takes, 2)
    chosen, asked, other = (
        (tmp_path / f"{name}.png").read_bytes() for name in ("chosen", "asked", "other")
    )
    assert chosen == asked != other


def test_the_sheet_shows_every_take_where_they_differ(tmp_path: Path) -> None:
    """One take has a spot that the baseline has not: a crop of each shows it, enlarged."""
    takes = []
    frames = [np.full((240, 320), 120, np.uint8) for _ in range(3)]
    texture = np.random.default_rng(3).integers(0, 256, (10, 12)).astype(np.uint8)
    frames[0][150:160, 200:212] = texture
    frames[2][150:160, 200:212] = texture[::-1]
    for number, frame in enumerate(frames):
        folder = tmp_path / f"frames{number}"
        folder.mkdir()
        cv2.imwrite(str(folder / "1.png"), frame)
        file = tmp_path / f"{number}.mkv"
        vsr.upscale(folder, file, scale=2, model="nearest", codec="ffv1", pix_fmt="gray")
        takes.append(Take(f"m{number}", file, is_baseline=number == 1))
    write_sheet(tmp_path / "sheet.png", takes)
    sheet = grey_image(tmp_path / "sheet.png")
    assert sheet.shape[1] == 640 * 2 + 64
    for take in takes[::2]:
        spot = planes(take.file)[0][0][300:320, 400:424]
        # full range, as `as_image` has it
        found = [
            stands_in(sheet[..., 0], full_range(spot).repeat(n, 0).repeat(n, 1))
            for n in range(2, 9)
        ]
        assert sum(found) >= 1


def full_range(luma: np.ndarray) -> np.ndarray:
    """Luma in limited range as grey in full range."""
    return np.rint((luma.astype(float) - 16) * 255 / 219).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(64, 48, 2), (30, 400, 2), (400, 30, 3), (8, 8, 7), (1700, 40, 1)],
)
def test_sheets_of_all_sizes(tmp_path: Path, width: int, height: int, count: int) -> None:
    clip = replace(GREY, width=width, height=height, pts=(0, 512))
    takes = make_takes(tmp_path, [(10 * n, 10 * n + 1) for n in range(count)], clip)
    write_sheet(tmp_path / "one.png", takes)
    write_sheet(tmp_path / "two.png", takes)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    sheet = grey_image(tmp_path / "one.png")
    assert 800 <= sheet.shape[1] - 64 <= 1600
    dark = np.argwhere((sheet < 245).any(2))
    assert (dark.min(0)[1], sheet.shape[1] - 1 - dark.max(0)[1]) == (32, 32)
    assert sheet.shape[0] - 1 - dark.max(0)[0] == 32


@pytest.mark.parametrize("format_", ["yuv420p", "yuv420p10le", "yuv444p", "gray10le", "gbrp10le"])
def test_images_are_what_a_folder_of_frames_holds(tmp_path: Path, format_: str) -> None:
    color = {"colorspace": 1, "color_range": 1} if format_.startswith("yuv") else {}
    clip = replace(GREY, width=48, height=32, pix_fmt=format_, color=color)
    (take,) = make_takes(tmp_path, [range(5)], clip)
    vsr.upscale(take.file, tmp_path / "folder", scale=2, model="nearest")
    write_frames(tmp_path / "frames", [take], 2)
    found = grey_image(tmp_path / "frames/m0.png")
    expected = grey_image(tmp_path / "folder/00000003.png")
    assert found.dtype == expected.dtype
    steps = 1 if format_ == "yuv420p10le" else 0
    if "420" in format_:  # their chroma is enlarged otherwise
        found, expected = (x.astype(int).mean((0, 1)) for x in (found, expected))
        assert np.allclose(found, expected, rtol=0.01)
    else:
        assert np.abs(found.astype(int) - expected[::2, ::2]).max() <= steps


def test_images_are_upright(tmp_path: Path) -> None:
    one = 65536
    clip = replace(GREY, matrix=(0, one, 0, -one, 0, 0, 0, 0, 2**30))
    takes = make_takes(tmp_path, [range(5), range(1, 6)], clip)
    write_frames(tmp_path / "frames", takes, 1)
    stored = planes(takes[0].file)[1][0]
    assert np.array_equal(grey_image(tmp_path / "frames/m0.png"), np.rot90(stored, -1))
    write_sheet(tmp_path / "sheet.png", takes, 1)
    assert grey_image(tmp_path / "sheet.png").shape[1] == 120 * 7 + 64


def test_pixels_that_are_not_square_are_shown_in_shape(tmp_path: Path) -> None:
    clip = Clip(800, 100, pts=(0, 512), pixel_aspect=Fraction(2))
    wide = make_takes(tmp_path, [(0, 1), (2, 3)], clip)
    plain = tmp_path / "plain"
    plain.mkdir()
    square = make_takes(plain, [(0, 1), (2, 3)], replace(clip, pixel_aspect=None))
    heights = []
    for number, takes in enumerate((wide, square)):
        write_sheet(tmp_path / f"{number}.png", takes, 0)
        heights.append(grey_image(tmp_path / f"{number}.png").shape[0])
    assert heights[1] - heights[0] == 50


def test_files_are_named_after_labels() -> None:
    labels = ["vespcn", "runs/a/best", "Runs a best", "..", "vespcn", "émile", "x" * 3]
    names = ["vespcn", "runs-a-best", "Runs-a-best-2", "take", "vespcn-2", "émile", "xxx"]
    assert file_names(labels) == [f"{name}.png" for name in names]


def test_a_sheet_that_cannot_be_drawn_is_refused(takes: list[Take], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.jpg: a sheet cannot be a '\.jpg'; allowed: \.png"):
        write_sheet(tmp_path / "sheet.jpg", takes)
    for number in (5, -1):
        with pytest.raises(InputError, match=f"frame {number}: must be 0 to 4"):
            write_sheet(tmp_path / "sheet.png", takes, number)
    with pytest.raises(InputError, match="no take"):
        write_frames(tmp_path / "frames", [])
    other = make(tmp_path / "other.mkv", replace(GREY, width=96))
    with pytest.raises(OutputError, match="must be alike"):
        write_frames(tmp_path / "frames", [*takes, Take("other", other)])
    assert [file.name for file in tmp_path.iterdir()] == ["other.mkv"]


def test_a_folder_with_files_is_kept(takes: list[Take], tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "m0.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="holds files already"):
        write_frames(folder, takes, 0)
    assert [(file.name, file.read_bytes()) for file in folder.iterdir()] == [("m0.png", b"mine")]
    write_frames(folder, takes, 0, overwrite=True)
    assert sorted(file.name for file in folder.iterdir()) == ["m0.png", "m1.png", "m2.png"]
    assert np.array_equal(grey_image(folder / "m0.png"), planes(takes[0].file)[0][0])
