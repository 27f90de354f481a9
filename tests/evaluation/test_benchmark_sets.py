"""The papers' sets: which folders are one, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vsr.core.errors import InputError
from vsr.evaluation.benchmark_sets import SETS, Size, images_of


def draw(path: Path, size: Size) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((size[1], size[0]), np.uint8))
    return path


@pytest.fixture
def set5(tmp_path: Path) -> Path:
    for name, size in SETS["set5"].pictures:
        draw(tmp_path / f"Set5/{name}.png", size)
    return tmp_path / "Set5"


def test_pictures_are_as_many_as_the_set_has() -> None:
    assert [len(SETS[name].pictures) for name in ("set5", "set14")] == [5, 14]
    assert all(one.count == (len(one.pictures) or 100) for one in SETS.values())


def test_a_whole_set(set5: Path) -> None:
    said: list[str] = []
    images = images_of("set5", set5, said.append)
    assert [image.stem for image in images] == ["baby", "bird", "butterfly", "head", "woman"]
    assert said == []


def test_names_do_not_matter(set5: Path) -> None:
    for number, file in enumerate(sorted(set5.iterdir())):
        file.rename(set5 / f"img_{number:03d}.png")
    assert len(images_of("set5", set5)) == 5


def test_pictures_of_one_size_are_told_apart_by_their_count(tmp_path: Path) -> None:
    for name, size in SETS["set14"].pictures:
        draw(tmp_path / f"{name}.png", size)
    assert len(images_of("set14", tmp_path)) == 14
    (tmp_path / "man.png").unlink()
    with pytest.raises(InputError, match=r"holds 13 images, not 14 \(missing: .*\(512x512\)\)"):
        images_of("set14", tmp_path)


def test_a_missing_picture_is_named(set5: Path) -> None:
    (set5 / "woman.png").unlink()
    with pytest.raises(InputError) as caught:
        images_of("set5", set5)
    assert str(caught.value) == (
        f"{set5}: is not Set5: holds 4 images, not 5 (missing: woman (228x344))"
    )


def test_small_copies_beside_the_true_images_are_told(set5: Path) -> None:
    draw(set5 / "LR/babyx4.png", (128, 128))
    with pytest.raises(InputError, match=r"holds 6 images, not 5 \(babyx4.png is 128x128, as none"):
        images_of("set5", set5)


def test_another_picture_in_place_of_one_is_told(set5: Path) -> None:
    draw(set5 / "head.png", (300, 300))
    with pytest.raises(InputError, match=r"head.png is 300x300.*missing: head \(280x280\)"):
        images_of("set5", set5)


def test_pictures_cropped_beforehand_are_warned_of(set5: Path) -> None:
    draw(set5 / "baby.png", (510, 510))
    said: list[str] = []
    assert len(images_of("set5", set5, said.append)) == 5
    (line,) = said
    assert "baby.png" in line
    assert "smaller than published" in line


def test_bsd100_has_two_sizes(tmp_path: Path) -> None:
    for number in range(100):
        draw(tmp_path / f"{number:06d}.png", (321, 481) if number % 3 else (481, 321))
    assert len(images_of("bsd100", tmp_path)) == 100
    draw(tmp_path / "000007.png", (480, 640))
    with pytest.raises(InputError, match=r"000007\.png is 480x640, as none of the set is"):
        images_of("bsd100", tmp_path)


def test_urban100_is_numbered(tmp_path: Path) -> None:
    for number in range(1, 101):
        draw(tmp_path / f"img_{number:03d}_HR.png", (24 + number, 32))
    assert len(images_of("urban100", tmp_path)) == 100
    (tmp_path / "img_007_HR.png").rename(tmp_path / "img_101_HR.png")
    with pytest.raises(InputError, match="without number 7"):
        images_of("urban100", tmp_path)


def test_what_is_no_set_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image"):
        images_of("set5", tmp_path)
    image = draw(tmp_path / "baby.png", (512, 512))
    with pytest.raises(InputError, match="must be a folder"):
        images_of("set5", image)
