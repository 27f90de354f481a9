"""Finding images and videos, and reading their luma."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import Clip, make, picture

from vsr.errors import InputError
from vsr.media import is_clip, list_items, list_media, luma, read_image, read_luma

LOSSLESS = {"codec": "ffv1", "options": {}, "pts": tuple(range(5))}


def test_luma_of_known_colours() -> None:
    bgr = [[0, 0, 0], [255, 255, 255], [0, 0, 255], [0, 255, 0], [255, 0, 0]]
    # MATLAB: rgb2ycbcr(uint8(cat(3, 255, 0, 0))) is 81, and so on
    assert luma(np.array([bgr], np.uint8)).tolist() == [[16, 235, 81, 145, 41]]


def test_media_are_found_in_name_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/z.mkv", "a/c.jpg", "a/notes.txt", "a/._c.jpg", "d.webp/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list_media([tmp_path, tmp_path / "a/notes.txt"])
    names = [str(path.relative_to(tmp_path)) for path in found]
    assert names == ["a/c.jpg", "a/z.mkv", "b.PNG", "a/notes.txt"]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        list_media([tmp_path, tmp_path / "nowhere"])


def test_images_of_all_kinds(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    colour = random.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    alpha = np.dstack([colour, random.integers(0, 256, (6, 5), dtype=np.uint8)])
    for name, saved, expected in (
        ("colour", colour, luma(colour)),
        ("alpha", alpha, luma(colour)),
        ("grey", colour[..., 0], colour[..., 0]),  # as it is, like the papers' Set14
        ("deep", colour.astype(np.uint16) * 257, luma(colour)),
    ):
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), saved)
        assert np.array_equal(read_image(path), expected), name
        assert [plane.tolist() for plane in read_luma(path)] == [expected.tolist()]


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "is empty"), (b"no image at all", "cannot be read as an image")]
)
def test_what_is_no_image(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"broken\.png: {why}"):
        read_image(path)


def save_images(folder: Path, *sizes: tuple[int, int]) -> None:
    folder.mkdir(parents=True)
    for number, (width, height) in enumerate(sizes, 8):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number, width, height))


def test_folders_that_are_clips(tmp_path: Path) -> None:
    save_images(tmp_path / "clips/a", *[(20, 16)] * 4)
    save_images(tmp_path / "clips/b/frames", *[(16, 20)] * 3)
    save_images(tmp_path / "mixed", *[(20, 16)] * 3, (16, 20))
    save_images(tmp_path / "two", *[(20, 16)] * 2)
    (tmp_path / "clips/a/sound.mkv").touch()

    def names(*paths: Path, stills: bool = False) -> list[str]:
        items = list_items(paths, stills)
        return [path.relative_to(tmp_path).as_posix() for path in items]

    assert names(tmp_path / "clips") == ["clips/a", "clips/a/sound.mkv", "clips/b/frames"]
    assert names(tmp_path / "clips/b/frames") == ["clips/b/frames"]
    assert names(tmp_path / "mixed") == [f"mixed/{name}.png" for name in (10, 11, 8, 9)]
    assert names(tmp_path / "two") == ["two/8.png", "two/9.png"]
    files = sorted((tmp_path / "clips/b/frames").iterdir())
    assert list_items(files) == files
    assert list_items([tmp_path / "clips/b"], stills=True) == files
    with pytest.raises(InputError, match="no such file or folder"):
        list_items([tmp_path / "nowhere"])


def test_what_has_frames(tmp_path: Path) -> None:
    assert is_clip(tmp_path)
    assert is_clip(tmp_path / "a.mkv")
    assert not is_clip(tmp_path / "a.PNG")


@pytest.mark.parametrize("step", [1, 2])
def test_frames_of_a_folder_come_in_natural_order(tmp_path: Path, step: int) -> None:
    save_images(tmp_path / "clip", *[(20, 16)] * 4)  # 8, 9, 10, 11
    found = list(read_luma(tmp_path / "clip", step))
    for number, plane in zip(range(8, 12, step), found, strict=True):
        assert np.array_equal(plane, picture(number, 20, 16))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_luma_of_a_video_is_what_was_stored(tmp_path: Path, step: int) -> None:
    path = make(tmp_path / "clip.mkv", Clip(width=33, height=17, **LOSSLESS))
    found = list(read_luma(path, step))
    assert len(found) == len(range(0, 5, step))
    for number, plane in zip(range(0, 5, step), found, strict=True):
        assert np.array_equal(plane, picture(number, 33, 17))


def test_deep_video_is_rounded_to_eight_bits(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mkv", Clip(32, 16, "yuv420p10le", **LOSSLESS))
    first = next(read_luma(path))
    stored = picture(0, 32, 16, 1023).astype(int)
    assert first.dtype == np.uint8
    assert np.abs(first.astype(int) * 4 - stored).max() <= 2
