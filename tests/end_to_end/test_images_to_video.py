"""Folders of images as videos: an encoder that loses nothing keeps their colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import vsr

COUNT = 3


def folder_of(path: Path, channels: int, depth: int = 8) -> list[Any]:
    """Images of noise, whose colours no subsampled chroma could hold."""
    path.mkdir()
    random = np.random.default_rng(channels)
    size = (24, 32) if channels == 1 else (24, 32, channels)
    images = [random.integers(0, 1 << depth, size).astype(f"uint{depth}") for _ in range(COUNT)]
    for number, image in enumerate(images):
        cv2.imwrite(str(path / f"{number}.png"), image)
    return images


def enlarge(source: Path, target: Path, **options: object) -> list[str]:
    """The warnings."""
    warnings: list[str] = []
    vsr.upscale(
        source, target, scale=2, model="nearest", device="cpu", warn=warnings.append, **options
    )
    return warnings


def decoded(path: Path, layout: str) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=layout) for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("ffv1", ".mkv"),
        ("huffyuv", ".avi"),
        ("ffvhuff", ".avi"),
        ("utvideo", ".avi"),
        ("png", ".mov"),
        ("rawvideo", ".avi"),
        ("", ".apng"),
    ],
)
@pytest.mark.parametrize(("channels", "layout"), [(1, "gray"), (3, "bgr24"), (4, "bgra")])
def test_a_lossless_encoder_keeps_colours_to_the_bit(
    tmp_path: Path, codec: str, suffix: str, channels: int, layout: str
) -> None:
    images = folder_of(tmp_path / "images", channels)
    target = tmp_path / f"out{suffix}"
    enlarge(tmp_path / "images", target, codec=codec)
    found = decoded(target, layout)
    assert len(found) == COUNT
    for image, frame in zip(images, found, strict=True):
        np.testing.assert_array_equal(frame, image.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("wish", ["gbrp", "rgb24", "bgr24", "bgr0"])
def test_rgb_may_be_asked_for_by_any_of_its_names(tmp_path: Path, wish: str) -> None:
    (image, *_) = folder_of(tmp_path / "images", 3)
    enlarge(tmp_path / "images", tmp_path / "out.mkv", codec="ffv1", pix_fmt=wish)
    frame, *_ = decoded(tmp_path / "out.mkv", "bgr24")
    np.testing.assert_array_equal(frame, image.repeat(2, 0).repeat(2, 1))


def test_sixteen_bits_are_kept_and_told_of_where_they_are_not(tmp_path: Path) -> None:
    image, *_ = folder_of(tmp_path / "images", 3, 16)
    assert not enlarge(tmp_path / "images", tmp_path / "out.mkv", codec="ffv1")
    frame, *_ = decoded(tmp_path / "out.mkv", "rgb48le")
    large = image[..., ::-1].repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(frame, large)
    enlarge(tmp_path / "out.mkv", tmp_path / "back")
    first = cv2.imread(str(tmp_path / "back" / "00000001.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(first, large[..., ::-1].repeat(2, 0).repeat(2, 1))
    warnings = enlarge(tmp_path / "images", tmp_path / "out.avi", codec="huffyuv")
    assert "encoder huffyuv has no gbrp16le: encoded as rgb24" in warnings


@pytest.mark.parametrize(
    ("codec", "suffix", "channels", "layout"),
    [
        ("", ".mp4", 3, "yuv420p"),
        ("prores_ks", ".mov", 3, "yuv444p12le"),  # written as 10 bits, which decode as 12
        ("prores_ks", ".mov", 4, "yuva444p12le"),
    ],
)
def test_other_encoders_are_given_what_is_usual_or_nearest(
    tmp_path: Path, codec: str, suffix: str, channels: int, layout: str
) -> None:
    folder_of(tmp_path / "images", channels)
    enlarge(tmp_path / "images", tmp_path / f"out{suffix}", codec=codec)
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == layout
    assert frame.colorspace == 1
