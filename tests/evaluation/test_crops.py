"""Crops where models' errors differ most: which are kept, and the sheet they are drawn on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cli_runner import vsr
from support.clips import Clip, make, picture
from support.natural_picture import natural

from vsr import load_model
from vsr.core.errors import OutputError
from vsr.evaluation.clip import Restored
from vsr.evaluation.crops import Finder, Part, check_crops, write_crops
from vsr.evaluation.evaluate import compare
from vsr.evaluation.metrics import psnr
from vsr.figures.hotspots import Place

CLIP, STILL = Path("clip.mkv"), Path("still.png")
RANDOM = np.random.default_rng(5)


def made(truth: np.ndarray, *wrong: tuple[int, int, int]) -> Restored:
    """A frame with an error of so much in blocks of 20 x 20."""
    picture_ = truth.copy()
    for left, top, error in wrong:
        picture_[top : top + 20, left : left + 20] += np.uint8(error)
    return Restored(picture_, truth, False)


def flat(width: int = 400, height: int = 300) -> np.ndarray:
    return np.full((height, width), 100, np.uint8)


def holds(part: Part, left: int, top: int) -> bool:
    return part.place.overlaps(Place(left, top, 20, 20))


def test_the_place_where_models_differ_is_found() -> None:
    truth, finder = flat(), Finder(Fraction(4))
    both = (50, 200, 60)  # both are as wrong there: no difference
    finder.look(CLIP, 0, [made(truth, both), made(truth, both)])
    assert finder.parts == ()
    finder.look(CLIP, 7, [made(truth, both, (250, 90, 30)), made(truth, both)])
    (part,) = finder.parts
    assert (part.item, part.frame) == (CLIP, 7)
    assert holds(part, 250, 90)
    assert part.difference == pytest.approx(900 * 400 / (96 * 72))
    assert part.truth.shape == (72, 96)
    assert [int((m != part.truth).sum()) for m in part.made] == [400, 0]
    assert part.truth.base is None  # the frame itself need not be kept for it


def test_one_place_of_an_item_is_kept_once_with_its_worst_frame() -> None:
    truth, finder = flat(), Finder(Fraction(4))
    for number, error in enumerate((10, 40, 20)):
        finder.look(CLIP, number, [made(truth), made(truth, (200, 100, error))])
    assert [part.frame for part in finder.parts] == [1]
    finder.look(STILL, 0, [made(truth), made(truth, (200, 100, 30))])
    assert [(part.item, part.frame) for part in finder.parts] == [(CLIP, 1), (STILL, None)]


def test_no_more_than_five_are_kept() -> None:
    truth, finder = flat(2000, 120), Finder(Fraction(4))
    errors = [9, 30, 12, 50, 40, 5, 60, 20]
    for number, error in enumerate(errors):
        finder.look(CLIP, number, [made(truth, (240 * number + 40, 50, error)), made(truth)])
    assert [part.frame for part in finder.parts] == [6, 3, 4, 1, 7]


def test_what_stands_aside_is_shown_and_does_not_count() -> None:
    truth = flat()
    models = [made(truth, (50, 50, 80)), made(truth, (250, 200, 10)), made(truth)]
    finder = Finder(Fraction(4), aside=1)
    finder.look(CLIP, 0, models)
    assert [holds(part, 250, 200) for part in finder.parts] == [True]
    assert len(finder.parts[0].made) == 3
    alone = Finder(Fraction(4), aside=1)
    alone.look(CLIP, 0, models[:2])  # against what stands aside, then
    assert [holds(part, 50, 50) for part in alone.parts] == [True, False]


@pytest.mark.parametrize(("item", "border"), [(CLIP, 8), (STILL, 4)])
def test_the_border_does_not_count(item: Path, border: int) -> None:
    truth = flat(60, 40)
    wrong = truth.copy()
    wrong[:border] += np.uint8(50)
    wrong[:, -border:] += np.uint8(50)
    finder = Finder(Fraction(4))
    finder.look(item, 0, [Restored(wrong, truth, False), made(truth)])
    assert finder.parts == ()
    wrong[border, border] += np.uint8(9)
    finder.look(item, 0, [Restored(wrong, truth, False), made(truth)])
    place = Place(border, border, 60 - 2 * border, 40 - 2 * border)
    assert [part.place for part in finder.parts] == [place]


def test_frames_of_all_models_are_seen_together(tmp_path: Path) -> None:
    """And the scores are those of each model by itself."""
    lossless = Clip(48, 44, codec="ffv1", options={}, pts=range(0, 6 * 512, 512))
    items = [make(tmp_path / "clip.mkv", lossless), tmp_path / "still.png"]
    cv2.imwrite(str(items[1]), picture(3, 45, 38))
    models = [load_model("nearest", 2), load_model("bicubic", 2)]
    seen: list[tuple[str, int, list[float]]] = []

    def look(item: Path, number: int, frames: object) -> None:
        border = 8 if item.suffix == ".mkv" else 2
        assert isinstance(frames, (tuple, list))
        assert np.array_equal(frames[0].truth, frames[1].truth)
        values = [psnr(frame.picture, frame.truth, border) for frame in frames]
        seen.append((item.name, number, values))

    scores = list(compare(items, models, look=look))
    assert [(name, number) for name, number, _ in seen] == [
        *(("clip.mkv", n) for n in range(6)),
        ("still.png", 0),
    ]
    for number in range(2):
        assert scores[0][number].frame_psnr == pytest.approx([v[number] for _, _, v in seen[:6]])
        assert scores[1][number].psnr == pytest.approx(seen[6][2][number])
    assert scores == list(zip(*(list(row) for row in _alone(items, models)), strict=True))


def _alone(items: list[Path], models: list[object]) -> list[list[object]]:
    return [[score for (score,) in compare(items, [model])] for model in models]  # type: ignore[list-item]


@pytest.mark.slow
def test_eval_writes_a_sheet_of_crops(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", Clip(160, 120, codec="ffv1", options={}, pts=(0, 512, 1024)))
    cv2.imwrite(str(tmp_path / "still.png"), picture(3, 140, 108))
    words = ("eval", clip, tmp_path / "still.png", "-s", "2", "--models", "nearest,bilinear")
    plain, ran = vsr(*words), vsr(*words, "--crops", tmp_path / "crops.png")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == plain.out
    sheet = cv2.imread(str(tmp_path / "crops.png"))
    assert sheet is not None
    assert sheet.shape[1] == 4 * 400 + 64  # truth, bicubic and both
    assert vsr(*words, "--crops", tmp_path / "again.png").code == 0
    assert (tmp_path / "crops.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_single_model_is_compared_with_bicubic(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), picture(3, 140, 108))
    words = ("eval", tmp_path / "still.png", "-m", "nearest", "--json")
    ran = vsr(*words, "--crops", tmp_path / "crops.png")
    assert ran.code == 0, ran.err
    assert {event["model"] for event in ran.events} == {"nearest"}
    sheet = cv2.imread(str(tmp_path / "crops.png"))
    assert sheet is not None
    assert sheet.shape[1] == 3 * 400 + 64


@pytest.mark.slow
def test_crops_of_recordings(tmp_path: Path) -> None:
    """They show what was given to the models, and say so; a JPEG is smaller."""
    cv2.imwrite(str(tmp_path / "still.png"), natural())
    words = ("eval", tmp_path / "still.png", "-s", "2", "--models", "nearest,bilinear")
    sheets = []
    for name, more in (
        ("clean.png", ()),
        ("noisy.png", ("--noise", 20)),
        ("n.jpg", ("--noise", 20)),
    ):
        ran = vsr(*words, *more, "--crops", tmp_path / name)
        assert (ran.code, ran.err) == (0, "")
        sheets.append(cv2.imread(str(tmp_path / name)).astype(int))
    clean, noisy, jpeg = sheets
    assert clean.shape == noisy.shape == jpeg.shape
    assert np.abs(clean - noisy)[:60].max() > 100  # the line above
    assert np.abs(clean - noisy).mean() > 5 > np.abs(jpeg - noisy).mean()
    assert (tmp_path / "n.jpg").stat().st_size < (tmp_path / "noisy.png").stat().st_size


@pytest.mark.parametrize(
    ("models", "target", "message"),
    [
        ("nearest", "crops.gif", "a sheet of crops cannot be a '.gif'; allowed: .png, .jpg, .jpeg"),
        ("nearest", "none/crops.png", "the folder"),
        ("bicubic,bicubic", "crops.png", "crops.png: no crops to draw"),
    ],
)
def test_what_cannot_be_drawn(tmp_path: Path, models: str, target: str, message: str) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), picture(3, 60, 48))
    ran = vsr("eval", tmp_path / "still.png", "--models", models, "--crops", tmp_path / target)
    assert ran.code == 1
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["still.png"]


def test_a_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    part = Part(STILL, None, Place(0, 0, 20, 10), 1.0, flat(20, 10), (flat(20, 10),))
    write_crops(tmp_path / "crops.png", [part], ["a"], str)
    assert check_crops(tmp_path / "crops.png") is None
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match=r"folder\.png: has been made by somebody else"):
        write_crops(tmp_path / "folder.png", [part], ["a"], str)
