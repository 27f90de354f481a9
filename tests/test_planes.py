"""What a stream says of its planes, and into which format each of libav's goes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
import pytest
from av.video.format import VideoFormat, names
from clips import PACKED_YUV, Clip, make

from vsr.video.frame import PIXEL_FORMATS, VideoInfo
from vsr.video.planes import nearest_format
from vsr.video.reader import open_video
from vsr.video.span import Span

FAST = {"preset": "ultrafast", "bf": "0"}
SHORT = (0, 512, 1024)


def described(path: Path) -> VideoInfo:
    with open_video(path, Span(), lambda message: None) as video:
        return video.info


def of_clip(folder: Path, suffix: str = ".mp4", **changes: Any) -> VideoInfo:
    clip = {"options": FAST, "pts": SHORT, **changes}
    return described(make(folder / f"clip{suffix}", Clip(**clip)))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        *((name, name) for name in PIXEL_FORMATS),
        ("yuvj420p", "yuv420p"),
        ("yuvj422p", "yuv422p"),
        ("yuvj444p", "yuv444p"),
        *PACKED_YUV,
        ("p010le", "yuv420p10le"),
        ("p016le", "yuv420p16le"),
        ("p210le", "yuv422p10le"),
        ("y210le", "yuv422p10le"),
        ("yuv420p9le", "yuv420p10le"),
        ("yuv422p10be", "yuv422p10le"),
        ("yuv444p14le", "yuv444p16le"),
        ("yuva420p", "yuv420p"),
        ("yuva422p12le", "yuv422p12le"),
        ("yuva444p16be", "yuv444p16le"),
        ("ayuv64le", "yuv444p16le"),
        # too rare for formats of their own: chroma is resampled
        ("yuv411p", "yuv422p"),
        ("yuv410p", "yuv420p"),
        ("yuv440p", "yuv444p"),
        # colours that are not Y, U and V need chroma at every pixel
        ("rgb24", "yuv444p"),
        ("bgr0", "yuv444p"),
        ("rgba", "yuv444p"),
        ("rgb565le", "yuv444p"),
        ("rgb48be", "yuv444p16le"),
        ("x2rgb10le", "yuv444p10le"),
        ("gbrp", "yuv444p"),
        ("gbrp12le", "yuv444p12le"),
        ("gbrap10le", "yuv444p10le"),
        ("gbrpf32le", "yuv444p16le"),
        ("pal8", "yuv444p"),
        # no colours
        ("monow", "gray"),
        ("monob", "gray"),
        ("ya8", "gray"),
        ("ya16le", "gray16le"),
        ("gray9le", "gray10le"),
        ("gray14be", "gray16le"),
        ("grayf32le", "gray16le"),
    ],
)
def test_nearest_format(name: str, nearest: str) -> None:
    assert nearest_format(VideoFormat(name)) == PIXEL_FORMATS[nearest]


def test_every_format_in_memory_has_a_nearest_one_that_loses_nothing() -> None:
    for name in sorted(names):
        format_ = VideoFormat(name, 16, 16)
        if not format_.components:
            continue  # frames of a graphics card
        nearest = nearest_format(format_)
        colours = format_.has_palette or len(format_.components) > 2
        assert nearest.planes == (3 if colours else 1), name
        bits = min(16, max(component.bits for component in format_.components))
        assert nearest.depth >= bits, name
        if colours and not format_.has_palette and 0 < format_.chroma_width(16) < 8:
            continue  # 4:1:1 and 4:1:0 aside, chroma is not thinned out
        if colours:
            assert 16 // nearest.chroma_width >= format_.chroma_width(16), name
            assert 16 // nearest.chroma_height >= format_.chroma_height(16), name


@pytest.mark.parametrize(("width", "height"), [(16, 12), (17, 13), (1, 1), (33, 2)])
def test_plane_sizes_are_libavs(width: int, height: int) -> None:
    for format_ in PIXEL_FORMATS.values():
        frame = av.VideoFrame(width, height, format_.name)
        assert len(frame.planes) == format_.planes
        for index, plane in enumerate(frame.planes):
            assert format_.plane_size(index, width, height) == (plane.height, plane.width)


@pytest.mark.parametrize(
    ("suffix", "options", "pix_fmt"),
    [(".mp4", FAST, "yuv420p"), (".mkv", {"bf": "2"}, "yuv420p10le"), (".ts", FAST, "yuvj420p")],
)
@pytest.mark.parametrize("siting", ["center", "topleft", "top", "bottomleft", "bottom"])
def test_siting(
    tmp_path: Path, suffix: str, options: dict[str, str], pix_fmt: str, siting: str
) -> None:
    told = {**options, "chroma_sample_location": siting}
    assert of_clip(tmp_path, suffix, options=told, pix_fmt=pix_fmt).color.siting == siting


def test_siting_left_is_the_default_and_need_not_be_said(tmp_path: Path) -> None:
    for told in ({}, {"chroma_sample_location": "left"}):
        found = of_clip(tmp_path, options={**FAST, **told}).color
        assert found.siting in ("", "left")


def test_jpeg_chroma_lies_in_the_centre(tmp_path: Path) -> None:
    found = of_clip(
        tmp_path,
        ".mkv",
        codec="mjpeg",
        pix_fmt="yuvj420p",
        options={},
        pts=(0, 1, 2),
        time_base=Fraction(1, 25),
    )
    assert (found.color.siting, found.color.range) == ("center", 2)
    assert found.format.name == "yuv420p"


@pytest.mark.parametrize("before", [None, av.logging.FATAL, av.logging.DEBUG])
def test_looking_at_a_stream_leaves_the_log_as_it_was(tmp_path: Path, before: int | None) -> None:
    level = av.logging.get_level()
    try:
        av.logging.set_level(before)
        # a decoder without threads: PyAV may lock up where one of them logs while it is closed
        of_clip(tmp_path, ".nut", codec="rawvideo", options={})
        assert av.logging.get_level() == before
    finally:
        av.logging.set_level(level)


COLORS = {
    "bt709": ({"color_range": 1, "colorspace": 1, "color_primaries": 1, "color_trc": 1}, ""),
    "bt601": ({"color_range": 1, "colorspace": 6, "color_primaries": 6, "color_trc": 6}, ""),
    "pal": ({"color_range": 1, "colorspace": 5, "color_primaries": 5, "color_trc": 6}, ""),
    "hdr": ({"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 16}, "10le"),
    "full": ({"color_range": 2, "colorspace": 1, "color_primaries": 1, "color_trc": 1}, ""),
}


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_color_tags(tmp_path: Path, name: str, suffix: str) -> None:
    tags, depth = COLORS[name]
    found = of_clip(tmp_path, suffix, pix_fmt=f"yuv420p{depth}", color=tags)
    color = found.color
    assert (color.range, color.matrix, color.primaries, color.transfer) == tuple(tags.values())
    assert found.format.name == f"yuv420p{depth}"


def test_color_tags_of_a_stream_that_says_nothing(tmp_path: Path) -> None:
    color = of_clip(tmp_path).color
    assert (color.range, color.matrix, color.primaries, color.transfer) == (0, 2, 2, 2)


TURNS = {
    "quarter": (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
    "half": (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    "mirrored": (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30),
    "mirrored quarter": (0, 65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
}


@pytest.mark.parametrize("name", TURNS)
def test_display_matrix(tmp_path: Path, name: str) -> None:
    found = of_clip(tmp_path, matrix=TURNS[name])
    assert found.display_matrix == TURNS[name]
    assert (found.width, found.height) == (64, 48)  # as coded


def test_no_display_matrix(tmp_path: Path) -> None:
    assert of_clip(tmp_path).display_matrix is None


@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(8, 9), Fraction(1), None])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pixel_aspect(tmp_path: Path, aspect: Fraction | None, suffix: str) -> None:
    found = of_clip(tmp_path, suffix, pixel_aspect=aspect).pixel_aspect
    assert found == aspect or (aspect in (1, None) and found in (1, None))


def test_the_rest(tmp_path: Path) -> None:
    found = of_clip(tmp_path, width=66, height=50, pts=tuple(range(0, 5120, 512)))
    assert (found.width, found.height) == (66, 50)
    assert found.time_base == Fraction(1, 12800)
    assert found.frame_rate == 25
    assert found.expected_frames == 10
    large = found.enlarged(3)
    assert (large.width, large.height, large.time_base) == (198, 150, found.time_base)


def test_planes_are_copies(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(options=FAST, pts=tuple(range(0, 5120, 512))))
    with open_video(path, Span(), lambda message: None) as video:
        frames = video.frames()
        first = next(frames)
        before = [plane.copy() for plane in first.planes]
        for plane in first.planes:
            assert plane.flags.owndata
            assert plane.flags.c_contiguous
        assert len(list(frames)) == 9
        for plane, copy in zip(first.planes, before, strict=True):
            assert np.array_equal(plane, copy)  # libav reuses its buffers
