"""Finding images and videos, and reading their luma and their colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.clips import Clip, make, picture
from support.rgb_networks import colours

from vsr.core.errors import InputError
from vsr.datasets.ground_truth import luma
from vsr.datasets.media import (
    is_clip,
    is_lossless,
    list_items,
    list_media,
    read_luma,
    read_pictures,
)

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
    grey = colour[..., 0]
    for name, saved, expected, rgb in (
        ("colour", colour, luma(colour), colour[..., ::-1]),
        ("alpha", alpha, luma(colour), colour[..., ::-1]),
        ("grey", grey, grey, cv2.merge([grey] * 3)),  # as it is, like the papers' Set14
        ("deep", colour.astype(np.uint16) * 257, luma(colour), colour[..., ::-1]),
        ("deep grey", grey.astype(np.uint16) * 257, grey, cv2.merge([grey] * 3)),
    ):
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), saved)
        assert [plane.tolist() for plane in read_luma(path)] == [expected.tolist()], name
        (seen,) = read_pictures(path, "rgb")
        assert np.array_equal(seen.samples, rgb), name
        assert np.array_equal(seen.luma, expected), name
        assert np.array_equal(seen.luma_of(seen.samples), expected), name
        (seen,) = read_pictures(path, "y")
        for plane in (seen.samples, seen.luma, seen.luma_of(seen.samples)):
            assert np.array_equal(plane, expected), name


def test_grey_stays_what_it_is(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.arange(256, dtype=np.uint8).reshape(16, 16))
    (seen,) = read_pictures(tmp_path / "grey.png", "rgb")
    assert np.array_equal(seen.luma_of(seen.samples).ravel(), np.arange(256))
    red, green, blue = (np.full((1, 1, 3), 100, np.uint8) for _ in range(3))
    for n, changed in enumerate((red, green, blue)):
        changed[..., n] += 10
    assert [int(seen.luma_of(c)[0, 0]) for c in (red, green, blue)] == [103, 106, 101]


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "is empty"), (b"no image at all", "cannot be read as an image")]
)
def test_what_is_no_image(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(data)
    for color in ("y", "rgb"):
        with pytest.raises(InputError, match=rf"broken\.png: {why}"):
            next(read_pictures(path, color))


def test_what_holds_its_pixels_as_they_were(tmp_path: Path) -> None:
    plane = picture(0, 20, 16)
    for name, flags, lossless in (
        ("a.png", [], True),
        ("a.BMP", [], True),
        ("a.jpg", [], False),
        ("a.webp", [cv2.IMWRITE_WEBP_QUALITY, 80], False),
        ("b.webp", [cv2.IMWRITE_WEBP_QUALITY, 101], True),
        ("frames/a.png", [], True),
        ("mixed/a.png", [], True),
        ("mixed/b.jpg", [], False),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(tmp_path / name), plane, flags)
        assert is_lossless(tmp_path / name) == lossless, name
    assert is_lossless(tmp_path / "frames")
    assert not is_lossless(tmp_path / "mixed")
    assert not is_lossless(tmp_path / "clip.mp4")


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
    for number in range(8, 12):
        cv2.imwrite(str(tmp_path / "clip" / f"{number}.png"), colours(number, 20, 16))
    pictures = list(read_pictures(tmp_path / "clip", "rgb", step))
    for number, seen in zip(range(8, 12, step), pictures, strict=True):
        assert np.array_equal(seen.samples, colours(number, 20, 16)[..., ::-1])


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


# The colours of a video

RED, GREEN, BLUE, DARK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (50, 60, 40)


def stored(rgb: tuple[int, ...], red: float, blue: float, full: bool, depth: int) -> list[int]:
    """Y, U, V of a colour, by the weights of a matrix: ITU-T H.273, equations 1 to 6 of 8.3."""
    r, g, b = (value / 255 for value in rgb)
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)
    whole, step = 2**depth - 1, 2 ** (depth - 8)
    if full:
        return [round(y * whole), *(min(round(c * whole) + 128 * step, whole) for c in (u, v))]
    return [round((y * 219 + 16) * step), *(round((c * 224 + 128) * step) for c in (u, v))]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "weights"), [(1, (0.2126, 0.0722)), (5, (0.299, 0.114))])
def test_a_video_has_the_colours_of_its_own_matrix_and_range(
    tmp_path: Path, pix_fmt: str, full: bool, matrix: int, weights: tuple[float, float]
) -> None:
    depth = 10 if "10" in pix_fmt else 8
    tags = {"colorspace": matrix, "color_range": 2 if full else 1}
    for number, rgb in enumerate((RED, GREEN, BLUE, DARK)):
        fill = stored(rgb, *weights, full, depth)
        options: dict[str, Any] = {"codec": "ffv1", "options": {}, "pts": (0, 1)}
        clip = Clip(33, 17, pix_fmt, fill=fill, color=tags, **options)
        first, _ = read_pictures(make(tmp_path / f"{number}.mkv", clip), "rgb")
        assert first.samples.shape == (17, 33, 3)
        assert np.abs(first.samples.astype(int) - rgb).max() <= 2, rgb  # Y, U, V were rounded
        eight = fill[0] if depth == 8 else (fill[0] + 2) // 4
        assert (first.luma == eight).all()
        assert np.abs(first.luma_of(first.samples).astype(int) - eight).max() <= 1


@pytest.mark.parametrize(("height", "red", "blue"), [(48, 0.299, 0.114), (720, 0.2126, 0.0722)])
def test_without_a_tag_a_video_has_the_colours_that_players_show(
    tmp_path: Path, height: int, red: float, blue: float
) -> None:
    fill = stored(GREEN, red, blue, False, 8)
    clip = Clip(64, height, codec="ffv1", options={}, pts=(0, 1), fill=fill)
    first = next(read_pictures(make(tmp_path / "clip.mkv", clip), "rgb"))
    assert np.abs(first.samples.astype(int) - GREEN).max() <= 2


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "yuv422p"])
def test_luma_comes_back_from_the_colours_of_a_video(
    tmp_path: Path, pix_fmt: str, step: int
) -> None:
    """Exactly, but for colours that RGB has not."""
    path = make(tmp_path / "clip.mkv", Clip(33, 17, pix_fmt, **LOSSLESS))
    found = list(read_pictures(path, "rgb", step))
    expected = list(read_luma(path, step))
    assert len(found) == len(range(0, 5, step))
    for seen, plane in zip(found, expected, strict=True):
        assert np.array_equal(seen.luma, plane)
        inside = ((seen.samples > 0) & (seen.samples < 255)).all(-1)
        assert inside.mean() > 0.3
        error = np.abs(seen.luma_of(seen.samples).astype(int) - plane)[inside]
        assert error.max() <= (0 if "gray" in pix_fmt else 1)


def test_a_video_is_rounded_to_eight_bits_before_its_colours(tmp_path: Path) -> None:
    deep = Clip(32, 16, "yuv444p10le", codec="ffv1", options={}, pts=(0, 1), fill=(401, 503, 530))
    eight = Clip(32, 16, "yuv444p", codec="ffv1", options={}, pts=(0, 1), fill=(100, 126, 133))
    one, other = (
        next(read_pictures(make(tmp_path / f"{n}.mkv", clip), "rgb"))
        for n, clip in enumerate((deep, eight))
    )
    assert np.array_equal(one.samples, other.samples)
    assert np.array_equal(one.luma, other.luma)
