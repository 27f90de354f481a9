"""Frames for encoders: chroma stays in its place, RGB keeps its bits, alpha its ends."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from support.chroma_sitings import FIRST
from support.raw_planes import noise, planes_of

from vsr.core.frame import PIXEL_FORMATS, ColorTags, PixelFormat, Plane, VideoInfo, find_format
from vsr.core.recolor import recoloured
from vsr.encoding.convert import Converter

RGB, UNSAID = ColorTags(2, 0), ColorTags()


def info(name: str, color: ColorTags = UNSAID, width: int = 48, height: int = 40) -> VideoInfo:
    return VideoInfo(width, height, Fraction(1, 25), PIXEL_FORMATS[name], color)


def through(
    planes: list[Plane], source: VideoInfo, target: VideoInfo, warned: list[str] | None = None
) -> list[np.ndarray]:
    notes: list[str] = [] if warned is None else warned
    frame = Converter(source, target, "E", notes.append)(planes)
    assert frame.format.name == target.format.name
    assert (frame.width, frame.height) == (target.width, target.height)
    assert warned is not None or not notes
    return planes_of(frame)


def places(layout: PixelFormat, siting: str, axis: int, count: int) -> np.ndarray:
    """Where chroma samples lie along an axis (0 across), in luma samples."""
    step = (layout.chroma_width, layout.chroma_height)[axis]
    first = FIRST[siting][axis] * (step - 1)
    return first + step * np.arange(count)


@pytest.mark.parametrize("siting", FIRST)
@pytest.mark.parametrize(
    ("have", "want"),
    [
        ("yuv444p16le", "yuv420p16le"),
        ("yuv444p16le", "yuv422p16le"),
        ("yuv422p16le", "yuv420p16le"),
        ("yuv420p16le", "yuv422p16le"),
        ("yuv420p16le", "yuv444p16le"),
        ("yuv444p", "yuv410p"),
        ("yuv411p", "yuv422p"),
        ("yuv411p", "yuv422p10le"),
        ("yuv410p", "yuv420p"),
        ("yuv440p", "yuv444p"),
        ("yuva444p12le", "yuva420p"),
    ],
)
def test_chroma_stays_in_its_place(have: str, want: str, siting: str) -> None:
    source, target = (info(name, ColorTags(siting=siting)) for name in (have, want))
    peaks = source.format.peak, target.format.peak
    planes = noise(have, 48, 40, 1)
    for n, axis in ((1, 0), (2, 1)):  # U rises across, V down
        line = 0.2 + 0.01 * places(source.format, siting, axis, planes[n].shape[1 - axis])
        line = line[None] if axis == 0 else line[:, None]
        rounded = np.rint(np.broadcast_to(line, planes[n].shape) * peaks[0])
        planes[n] = rounded.astype(source.format.dtype)
    luma, u, v, *_ = through(planes, source, target, [])
    for plane, axis in ((u, 0), (v, 1)):
        true = 0.2 + 0.01 * places(target.format, siting, axis, plane.shape[1 - axis])
        off = plane.mean(axis=axis)[3:-3] / peaks[1] - true[3:-3]
        assert abs(off.mean()) <= 0.0025  # a quarter of a luma sample
        assert np.abs(off).max() <= (0.002 if min(peaks) > 255 else 0.012)
    if peaks[0] == peaks[1]:
        assert np.array_equal(luma, planes[0])


@pytest.mark.parametrize(
    "name", ["yuv420p", "yuv444p10le", "gray", "gbrp", "yuva420p", "gbrap12le"]
)
def test_what_needs_no_change_has_none(name: str) -> None:
    about = info(name, RGB if "gbr" in name else ColorTags(1, 1), 13, 7)
    planes = noise(name, 13, 7, 2)
    for plane, same in zip(through(planes, about, about), planes, strict=True):
        assert np.array_equal(plane, same)


@pytest.mark.parametrize("name", ["yuv420p", "yuva420p", "gbrap", "yuv444p"])
@pytest.mark.parametrize("want", ["yuv420p", "yuva420p"])
def test_the_last_column_and_row_are_repeated(name: str, want: str) -> None:
    source = info(name, RGB if name == "gbrap" else ColorTags(1, 1), 13, 7)
    target = replace(info(want, ColorTags(1, 1)), width=14, height=8)
    planes = noise(name, 13, 7, 2)
    found = through(planes, source, target, [])
    luma = found[0]
    assert np.array_equal(luma[:, 13], luma[:, 12])
    assert np.array_equal(luma[7], luma[6])
    if name.startswith("yuv"):
        assert np.array_equal(luma[:7, :13], planes[0])
    if want == "yuva420p":
        alpha = planes[3] if len(planes) == 4 else np.full((7, 13), 255)
        assert np.array_equal(found[3], np.pad(alpha, ((0, 1), (0, 1)), mode="edge"))


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 14, 16])
@pytest.mark.parametrize("other", [8, 10, 12, 16])
def test_rgb_at_another_depth_and_back(depth: int, other: int) -> None:
    source = info(find_format(depth, 1, 1, 3, rgb=True).name, RGB)
    target = info(find_format(other, 1, 1, 3, rgb=True).name, RGB)
    planes = noise(source.format.name, 48, 40, 3)
    share = target.format.peak / source.format.peak
    found = through(planes, source, target)
    for plane, given in zip(found, planes, strict=True):
        assert np.abs(plane - given * share).max() <= 0.51
    if other >= depth:
        for plane, given in zip(through(found, target, source), planes, strict=True):
            assert np.array_equal(plane, given)


@pytest.mark.parametrize("want", ["yuva420p", "yuva444p10le", "yuva422p16le", "rgba", "rgba64be"])
@pytest.mark.parametrize("have", ["yuva420p", "yuva444p12le", "gbrap", "gbrap10le"])
def test_alpha_keeps_its_ends_and_what_lies_between(have: str, want: str) -> None:
    if want.startswith("rgba"):
        kind = find_format(16 if "64" in want else 8, 1, 1, 4, rgb=True)
        target = replace(info("gbrap", RGB), format=replace(kind, name=want))
    else:
        target = info(want, ColorTags(1, 1))
    source = info(have, RGB if "gbr" in have else ColorTags(1, 1))
    planes = noise(have, 48, 40, 4)
    planes[3].flat[:4] = [0, 0, source.format.peak, source.format.peak]
    frame = Converter(source, target, "E", pytest.fail)(planes)
    if want == "rgba64be":
        memory = np.frombuffer(frame.planes[0], ">u2").reshape(40, -1)[:, : 48 * 4]
        alpha = memory.reshape(40, 48, 4)[..., 3].astype(int)
    else:
        alpha = planes_of(frame)[3].astype(int)
    share = target.format.peak / source.format.peak
    assert np.abs(alpha - planes[3] * share).max() <= 0.5
    assert alpha.flat[:4].tolist() == [0, 0, target.format.peak, target.format.peak]


@pytest.mark.parametrize("range_", [1, 2])
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("rgb", ["gbrp", "gbrp10le", "gbrp16le"])
def test_the_fast_way_from_rgb_is_the_exact_one(rgb: str, depth: int, range_: int) -> None:
    source = info(rgb, RGB)
    for matrix in (1, 6, 9):
        name = "yuv444p" if depth == 8 else "yuv444p10le"
        target = info(name, ColorTags(range_, matrix))
        planes = noise(rgb, 48, 40, 5)
        for plane, exact in zip(
            through(planes, source, target), recoloured(planes, source, target), strict=True
        ):
            assert plane.dtype == exact.dtype
            differences = np.abs(plane.astype(int) - exact)
            assert differences.max() <= 1
            assert (differences > 0).mean() < 0.01  # ties alone


@pytest.mark.parametrize("range_", [0, 1, 2])
@pytest.mark.parametrize("name", ["yuv420p", "yuv444p10le", "yuv422p", "gbrp"])
def test_grey_becomes_colour_in_its_own_range(name: str, range_: int) -> None:
    tags = ColorTags(range_, 1)
    target = info(name, RGB if name == "gbrp" else tags)
    planes = noise("gray", 48, 40, 6)
    luma, *others = through(planes, info("gray", tags), target)
    if name == "gbrp":
        black, white = (0, 255) if range_ == 2 else (16, 235)
        exact = (planes[0].astype(float) - black) / (white - black) * 255
        assert np.abs(luma - exact.clip(0, 255)).max() <= 0.51
        assert all(np.array_equal(luma, other) for other in others)
        return
    share = 4 if target.format.depth == 10 else 1
    top = share * 255 if range_ != 2 else target.format.peak
    assert np.abs(luma - planes[0] * (top / 255)).max() <= 0.51
    middle = (target.format.peak + 1) // 2
    assert all((other == middle).all() for other in others)


def test_transparency_is_told_of_once_and_when_there_is_some() -> None:
    source, target = info("yuva420p"), info("yuv420p")
    warned: list[str] = []
    convert = Converter(source, target, "E", warned.append)
    planes = noise("yuva420p", 48, 40, 7)
    planes[3][:] = 255
    convert(planes)
    assert warned == []
    planes[3][3, 4] = 254
    for _ in range(3):
        for plane, same in zip(planes_of(convert(planes)), planes, strict=False):
            assert np.array_equal(plane, same)
    assert warned == [
        "transparency is dropped (yuva420p): E cannot hold it; --codec libvpx-vp9, prores_ks or "
        "ffv1 can"
    ]
