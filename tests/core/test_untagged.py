"""Pictures without colour tags keep their look at another size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from support.clips import Clip, held, make
from support.noise_frames import described

import vsr
from vsr.core.frame import VideoInfo
from vsr.core.untagged import shown_alike, untagged_note


def sized(width: int, height: int, name: str = "yuv420p", matrix: int = 2) -> VideoInfo:
    return described(name, width, height, "left", 1, matrix)


@pytest.mark.parametrize(
    ("size", "scale", "tags"),  # matrix, primaries, transfer
    [
        ((720, 576), 2, (5, 5, 6)),
        ((704, 576), 2, (5, 5, 6)),
        ((720, 480), 2, (6, 6, 6)),
        ((720, 486), 2, (6, 6, 6)),
        ((320, 240), 4, (6, 2, 2)),
        ((640, 360), 2, (6, 2, 2)),
        ((854, 480), 3, (6, 6, 6)),
        ((400, 300), 2, (6, 2, 2)),  # 600 lines: some players say so, others not
        ((700, 100), 2, (6, 2, 2)),  # 1400 columns
        ((360, 640), 2, (6, 2, 2)),
        ((320, 240), 2, (2, 2, 2)),
        ((352, 288), 2, (2, 2, 2)),
        ((1280, 720), 2, (2, 2, 2)),
        ((720, 1280), 2, (2, 2, 2)),
        ((1280, 544), 2, (2, 2, 2)),
        ((720, 576), 1, (2, 2, 2)),
    ],
)
def test_a_larger_picture_is_tagged_with_what_the_source_is_taken_for(
    size: tuple[int, int], scale: int, tags: tuple[int, int, int]
) -> None:
    source = sized(*size)
    made = shown_alike(source, source.enlarged(scale))
    assert (made.color.matrix, made.color.primaries, made.color.transfer) == tags
    assert replace(made, color=source.color) == source.enlarged(scale)
    assert bool(untagged_note(source, made)) == (tags[0] != 2)


@pytest.mark.parametrize(
    ("name", "matrix"), [("yuv420p", 1), ("yuv420p", 6), ("yuv420p", 9), ("gbrp", 0), ("gray", 2)]
)
def test_what_has_a_tag_or_no_matrix_is_left_as_it_is(name: str, matrix: int) -> None:
    source = sized(720, 576, name, matrix)
    assert shown_alike(source, source.enlarged(2)) == source.enlarged(2)
    assert untagged_note(source, source.enlarged(2)) == ""


def test_primaries_and_transfer_that_are_told_stay() -> None:
    source = sized(720, 576)
    source = replace(source, color=replace(source.color, primaries=1, transfer=13))
    color = shown_alike(source, source.enlarged(2)).color
    assert (color.matrix, color.primaries, color.transfer) == (5, 1, 13)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts"])
def test_untagged_sd_made_hd_gets_tags_and_one_warning(tmp_path: Path, suffix: str) -> None:
    source = make(tmp_path / "sd.mp4", Clip(720, 576, pts=(0, 512)))
    target = tmp_path / f"hd{suffix}"
    result = vsr.upscale(source, target, model="nearest", scale=2, preset="ultrafast")
    said = [line for line in result.warnings if "no tags" in line]
    assert said == [
        "the colours have no tags: tagged as BT.601 of 625 lines, which players take them for at "
        "720x576, not at 1440x1152"
    ]
    info = held(target).info
    assert (info["matrix"], info["primaries"], info["transfer"]) == (5, 5, 6)


def test_where_no_tag_can_be_held_the_warning_says_so(tmp_path: Path) -> None:
    source = make(tmp_path / "sd.mp4", Clip(640, 360, pts=(0, 512)))
    result = vsr.upscale(source, tmp_path / "hd.avi", model="nearest", scale=2)
    assert (
        "the colours have no tags, and the output can hold none: players take them for BT.601 at "
        "640x360, not at 1280x720"
    ) in result.warnings


def test_frames_of_an_upscaler_are_converted_by_the_sources_matrix(tmp_path: Path) -> None:
    clip = Clip(64, 576, "yuv444p", fill=(140, 60, 60), pts=(0, 512))
    source = make(tmp_path / "sd.mp4", clip)
    with vsr.open_video(source) as video:
        (frame, *_) = vsr.Upscaler("nearest", scale=2).frames(video)
        assert frame.info.color.matrix == 5


def test_images_of_a_video_have_the_colours_that_its_source_is_shown_in(tmp_path: Path) -> None:
    clip = Clip(64, 576, "yuv444p", "ffv1", fill=(101, 69, 58), pts=(0, 512), options={})
    source = make(tmp_path / "green.mkv", clip)
    vsr.upscale(source, tmp_path / "frames", model="nearest", scale=2)
    pixels = cv2.imread(str(tmp_path / "frames" / "00000001.png"))
    blue, green, red = pixels[0, 0].tolist()
    assert (blue, red) == (0, 0)
    assert abs(green - 179) <= 1  # by BT.601; by BT.709 it is 149
