"""Cuts: found where one picture has nothing to do with the last, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import cv2
import numpy as np
import pytest
from support.clips import picture
from support.paths import SHARED

from vsr.core.frame import Frame, Plane
from vsr.datasets.media import read_luma
from vsr.video.shots import mark_shots

FOOTAGE = SHARED / "footage"


def frames(planes: Sequence[Plane]) -> list[Frame]:
    return [Frame((plane,), 3 * number, 3) for number, plane in enumerate(planes)]


def starts(planes: Sequence[Plane], peak: int = 255) -> list[int]:
    """The numbers of the frames that start a shot."""
    marked = mark_shots(iter(frames(planes)), peak)
    return [number for number, frame in enumerate(marked) if frame.starts_shot]


def scenes(
    lengths: Sequence[int], width: int = 64, height: int = 48, peak: int = 255
) -> list[Plane]:
    """Moving pictures, every other scene the negative of what would come."""
    signs = [1 if number % 2 == 0 else -1 for number, n in enumerate(lengths) for _ in range(n)]
    return [picture(sign * (n + 1), width, height, peak) for n, sign in enumerate(signs)]


@pytest.mark.parametrize("lengths", [(12,), (1, 11), (6, 6), (11, 1), (1, 1, 1, 4), (3, 4, 5)])
@pytest.mark.parametrize("size", [(64, 48), (33, 17), (480, 270), (48, 96)])
def test_each_cut_starts_a_shot(size: tuple[int, int], lengths: tuple[int, ...]) -> None:
    first = [sum(lengths[:n]) for n in range(len(lengths))]
    assert starts(scenes(lengths, *size)) == first


@pytest.mark.parametrize("peak", [1023, 4095, 65535])
def test_the_depth_makes_no_difference(peak: int) -> None:
    assert starts(scenes((4, 5), peak=peak), peak) == [0, 4]


def test_a_part_has_the_cuts_of_the_whole() -> None:
    planes = scenes((5, 1, 2, 7, 3))
    whole = starts(planes)
    for first in range(len(planes)):
        for last in range(first + 1, len(planes) + 1):
            inside = [n - first for n in whole if first < n < last]
            assert starts(planes[first:last]) == [0, *inside]


def test_all_else_passes_through_at_once() -> None:
    drawn = 0

    def source() -> Iterator[Frame]:
        nonlocal drawn
        for number in range(6):
            drawn += 1
            planes = (picture(number, 32, 24), picture(number, 16, 12))
            yield Frame(planes, number * number, 2 * number, is_context=number < 2)

    given = list(source())
    drawn = 0
    for number, frame in enumerate(mark_shots(source(), 255)):
        assert drawn == number + 1
        expected = given[number]
        assert (frame.pts, frame.duration) == (expected.pts, expected.duration)
        assert frame.is_context == expected.is_context
        assert frame.shows_same(expected)


def test_no_frames_have_no_shots() -> None:
    assert list(mark_shots(iter(()), 255)) == []


def test_a_still_picture_is_one_shot() -> None:
    assert starts([picture(3, 64, 48)] * 9) == [0]
    assert starts([np.zeros((48, 64), np.uint8)] * 9) == [0]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 5)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    dark, bright = (np.full(size, value, np.uint8) for value in (20, 230))
    assert starts([dark, dark, bright, bright]) == [0, 2]


def test_chroma_is_not_looked_at() -> None:
    luma = picture(0, 32, 24)
    made = [Frame((luma, np.full((12, 16), n * 60, np.uint8)), n) for n in range(4)]
    assert [frame.starts_shot for frame in mark_shots(iter(made), 255)] == [True] + [False] * 3


def texture(seed: int, width: int = 96, height: int = 64) -> Plane:
    """Smooth noise: much detail at every size."""
    noise = np.random.default_rng(seed).random((height, width)) * 255
    blurred = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 20, 235, cv2.NORM_MINMAX)
    return np.asarray(blurred, np.uint8)


def pan(plane: Plane, n: int) -> Plane:
    return np.ascontiguousarray(plane[n : n + 64, 5 * n : 5 * n + 96])  # 5 % of the width


def noise(plane: Plane, n: int) -> Plane:
    chance = np.random.default_rng(n).normal(0, 8, (64, 96))
    return np.asarray((plane[:64, :96] + chance).clip(0, 255), np.uint8)


def fade(plane: Plane, n: int) -> Plane:
    return np.asarray((170 + plane[:64, :96] / 4) * (1 - n / 50), np.uint8)


@pytest.mark.parametrize("change", [pan, noise, fade])
def test_what_is_no_cut(change: Callable[[Plane, int], Plane]) -> None:
    for seed in range(10):
        plane = texture(seed, 200, 90)
        assert starts([change(plane, n) for n in range(20)]) == [0]


def test_cuts_between_textures_bright_and_dark() -> None:
    for seed in range(20):
        planes = [texture(seed)] * 2 + [texture(seed + 100)] * 2
        assert starts(planes) == [0, 2]
        assert starts([np.asarray(16 + plane * 0.2, np.uint8) for plane in planes]) == [0, 2]


def test_a_flash_is_left_alone_by_its_neighbours() -> None:
    plane = texture(1)
    assert starts([plane, plane, cv2.add(plane, 60), plane, plane]) == [0, 2, 3]


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason=f"no footage at {FOOTAGE}")
def test_cuts_between_real_clips_and_none_within() -> None:
    clips = [
        list(islice(read_luma(FOOTAGE / f"{name}_720p.mp4"), 25)) for name in ("bee", "cat-bed")
    ]
    assert starts([*clips[0], *clips[1], *clips[0][::-1]]) == [0, 25, 50]
