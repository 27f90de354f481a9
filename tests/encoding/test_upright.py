"""Frames are turned upright for containers that cannot say how to turn them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.clips import Clip, held, make, planes
from support.noise_frames import described, noise

import vsr
from vsr.core.frame import PIXEL_FORMATS
from vsr.encoding.upright import turned_for, upright

ONE = 65536
TURNS = {
    "right": (0, ONE, -ONE, 0),
    "left": (0, -ONE, ONE, 0),
    "half": (-ONE, 0, 0, -ONE),
    "mirror": (-ONE, 0, 0, ONE),
    "flip": (ONE, 0, 0, -ONE),
    "transpose": (0, ONE, ONE, 0),
    "transverse": (0, -ONE, -ONE, 0),
}


def matrix(turn: str) -> tuple[int, ...]:
    a, b, c, d = TURNS[turn]
    return a, b, 0, c, d, 0, 0, 0, 2**30


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(
    "name", ["yuv420p", "yuv444p10le", "yuva420p", "gbrp", "gray16le", "yuv410p"]
)
def test_planes_are_turned_sample_by_sample(name: str, turn: str) -> None:
    info = replace(described(name, 24, 16), display_matrix=matrix(turn))
    made = upright(info)
    (frame,) = noise(1, info)
    found = made(frame.planes)
    for plane, stored in zip(found, frame.planes, strict=True):
        assert np.array_equal(plane, info.orientation.shown(stored))
        assert plane.flags.c_contiguous
    assert made.made.format == info.format
    assert made.made.display_matrix is None
    sizes = [plane.shape for plane in found]
    wanted = made.made
    assert sizes == [
        wanted.format.plane_size(n, wanted.width, wanted.height) for n in range(len(found))
    ]


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("yuv422p", "yuv440p"),
        ("yuv440p", "yuv422p"),
        ("yuv422p10le", "yuv440p10le"),
        ("yuv422p16le", "yuv444p16le"),  # libav has no such 4:4:0
        ("yuva422p", "yuva444p"),
        ("yuv411p", "yuv444p"),
    ],
)
def test_chroma_gets_the_transposed_layout(name: str, turned: str) -> None:
    info = replace(described(name, 24, 16), display_matrix=matrix("right"))
    made = upright(info)
    assert made.made.format == PIXEL_FORMATS[turned]
    (frame,) = noise(1, info)
    found = made(frame.planes)
    assert np.array_equal(found[0], info.orientation.shown(frame.planes[0]))
    size = made.made.width, made.made.height
    assert [p.shape for p in found] == [
        made.made.format.plane_size(n, *size) for n in range(len(found))
    ]
    assert upright(replace(info, display_matrix=matrix("half"))).made.format == info.format


@pytest.mark.parametrize(
    ("siting", "turn", "found"),
    [
        ("left", "right", "top"),
        ("", "left", "bottom"),
        ("left", "half", "center"),  # at the right, which has no name
        ("center", "right", "center"),
        ("topleft", "flip", "bottomleft"),
        ("topleft", "transpose", "topleft"),
        ("top", "left", "left"),
    ],
)
def test_chroma_lies_where_it_is_turned_to(siting: str, turn: str, found: str) -> None:
    info = replace(described("yuv420p", 24, 16, siting), display_matrix=matrix(turn))
    assert upright(info).made.color.siting == found


def test_pixels_that_are_not_square_lie_on_their_side() -> None:
    info = replace(
        described("yuv420p", 24, 16),
        display_matrix=matrix("right"),
        pixel_aspect=Fraction(16, 15),
    )
    assert upright(info).made.pixel_aspect == Fraction(15, 16)


def test_containers_that_hold_the_matrix_keep_it() -> None:
    turned = replace(described(), display_matrix=matrix("right"))
    straight = replace(described(), display_matrix=(ONE, 0, 0, 0, ONE, 0, 0, 0, 2**30))
    for name in ("mp4", "mov", "ipod", "3gp", "matroska", "webm"):
        assert turned_for(turned, name) is None
    for name in ("mpegts", "avi", "mpeg", "flv", "asf", "apng", "nut"):
        assert turned_for(turned, name) is not None
        assert turned_for(straight, name) is None
        assert turned_for(described(), name) is None


@pytest.mark.parametrize("turn", ["right", "transverse"])
def test_a_lossless_output_holds_the_turned_samples(tmp_path: Path, turn: str) -> None:
    clip = Clip(48, 32, "yuv422p", "ffv1", pts=(0, 40, 80), time_base=Fraction(1, 1000), options={})
    source = make(tmp_path / "in.mkv", replace(clip, matrix=matrix(turn)))
    target = tmp_path / "out.avi"
    result = vsr.upscale(source, target, model="nearest", scale=2, codec="ffv1")
    assert (
        "avi files cannot say how to turn the picture: frames are turned upright"
    ) in result.warnings
    orientation = upright(replace(described(), display_matrix=matrix(turn))).source.orientation
    for mine, its in zip(planes(target), planes(source), strict=True):
        for plane, stored in zip(mine, its, strict=True):
            large = stored.repeat(2, 0).repeat(2, 1)
            assert np.array_equal(plane, orientation.shown(large))


@pytest.mark.parametrize("suffix", [".ts", ".mpg", ".flv", ".wmv", ".apng"])
def test_other_containers_get_upright_frames(tmp_path: Path, suffix: str) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=(0, 512, 1024), matrix=matrix("right")))
    target = tmp_path / f"out{suffix}"
    result = vsr.upscale(source, target, model="nearest", scale=2)
    assert held(target).sizes == {(96, 128)}
    assert sum("turned upright" in line for line in result.warnings) == 1


def test_images_of_a_turned_video_are_upright(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(64, 48, pts=(0, 512), matrix=matrix("right")))
    straight = make(tmp_path / "straight.mp4", Clip(64, 48, pts=(0, 512)))
    for path, folder in ((source, "turned"), (straight, "straight")):
        vsr.upscale(path, tmp_path / folder, model="nearest", scale=2)
    turned = cv2.imread(str(tmp_path / "turned" / "00000001.png"))
    stored = cv2.imread(str(tmp_path / "straight" / "00000001.png"))
    assert np.array_equal(turned, np.rot90(stored, -1))


def test_in_segments_they_are_turned_once(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in.mp4", Clip(pts=tuple(range(0, 60 * 512, 512)), matrix=matrix("left"))
    )
    target = tmp_path / "out.ts"
    vsr.upscale(source, target, model="nearest", scale=2, resume="always")
    assert held(target).sizes == {(96, 128)}
