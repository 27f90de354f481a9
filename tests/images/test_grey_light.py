"""Grey images of floats stay grey, whatever they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import vsr
from vsr.core.color import from_rgb, to_rgb
from vsr.core.half import displayed_light
from vsr.images.files import read_header, read_picture
from vsr.images.info import image_info
from vsr.images.planes import to_pixels, to_planes

PLAIN: dict[str, Any] = {"scale": 2, "device": "cpu", "model": "nearest"}


def light(low: float = -0.5, high: float = 30.0) -> NDArray[np.float32]:
    """Grey light (20, 24) that half floats hold, from below black to far above white."""
    values = np.random.default_rng(3).uniform(low, high, (20, 24))
    return values.astype(np.float16).astype(np.float32)


def saved(path: Path, pixels: NDArray[np.float32]) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


def test_the_header_and_the_pixels_agree(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.tif", light())
    picture = read_picture(source)
    assert read_header(source).shape == picture.shape
    assert (picture.shape.channels, picture.shape.half) == (1, True)
    assert str(picture.shape) == "24x20 grey, 16-bit floats"
    np.testing.assert_array_equal(picture.pixels, light())


def test_planes_and_back_to_the_bit(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.tif", light(-60000, 60000)))
    info = image_info(picture.shape)
    planes = to_planes(picture.pixels)
    assert len(planes) == info.format.planes == 3
    np.testing.assert_array_equal(to_pixels(planes, info.format, picture.shape), picture.pixels)
    again = from_rgb(to_rgb([torch.from_numpy(plane)[None] for plane in planes], info), info)
    for plane, before in zip(again, planes, strict=True):
        np.testing.assert_array_equal(plane[0].numpy(), before)


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", np.uint16), (".pgm", np.uint16), (".jpg", np.uint8), (".tif", np.float32)],
)
def test_grey_light_stays_grey(tmp_path: Path, suffix: str, dtype: type) -> None:
    pixels = light(0, 1)
    target = tmp_path / f"b{suffix}"
    vsr.upscale(saved(tmp_path / "a.tif", pixels), target, **PLAIN)
    found = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert (found.shape, found.dtype) == ((40, 48), dtype)
    if suffix == ".tif":
        np.testing.assert_array_equal(found[::2, ::2], pixels)
    elif suffix != ".jpg":
        np.testing.assert_array_equal(found[::2, ::2], displayed_light(pixels.astype(np.float16)))


@pytest.mark.parametrize("model", ["edsr-8x32", "espcn", "bicubic"])
@pytest.mark.parametrize("size", [{"scale": 2}, {"scale": 1.7}, {"width": 60, "height": 40}])
def test_networks_leave_it_grey(tmp_path: Path, model: str, size: dict[str, Any]) -> None:
    y, x = np.mgrid[0:20, 0:24].astype(np.float32)
    source, target = saved(tmp_path / "a.tif", (x + y) / 44), tmp_path / "b.png"
    fit = {"fit": "pad"} if "width" in size else {}
    vsr.upscale(source, target, model=model, device="cpu", **size, **fit)
    found = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert (found.ndim, found.dtype) == (2, np.uint16)
    assert found.max() > 40000


@pytest.mark.parametrize("suffix", [".webp", ".bmp"])
def test_it_becomes_colour_where_it_must(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"b{suffix}"
    vsr.upscale(saved(tmp_path / "a.tif", light(0, 1)), target, **PLAIN)
    found = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    if suffix == ".webp":
        assert found.shape == (40, 48, 3)
        np.testing.assert_array_equal(found[..., 0], found[..., 2])
    else:
        assert found.shape == (40, 48)


def test_a_folder_of_it_stays_grey(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in (1, 2, 3):
        saved(tmp_path / "in" / f"{number}.tif", light(0, number))
    vsr.upscale(tmp_path / "in", tmp_path / "out", **PLAIN)
    for number in (1, 2, 3):
        found = cv2.imread(str(tmp_path / "out" / f"{number}.tif"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found[::2, ::2], light(0, number))
