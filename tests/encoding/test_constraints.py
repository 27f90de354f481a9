"""Sizes and clocks that encoders refuse are met by the nearest that they take."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import Clip, held, make, planes

from vsr import Result, upscale
from vsr.core.errors import EncoderError
from vsr.core.frame import PIXEL_FORMATS, VideoInfo
from vsr.encoding.codecs import Encoding, find_encoder
from vsr.encoding.constraints import acceptable, check_largest
from vsr.encoding.pixel_formats import encodable_format

INFO = VideoInfo(64, 48, Fraction(1, 12800), PIXEL_FORMATS["yuv420p"], frame_rate=Fraction(25))
SHORT = tuple(range(0, 4 * 512, 512))
FAST = {"h264": "ultrafast", "hevc": "ultrafast", "av1": "10"}


def enlarge(source: Path, target: Path, **options: Any) -> Result:
    return upscale(source, target, scale=2, model="bicubic", device="cpu", **options)


def taken(name: str, info: VideoInfo) -> VideoInfo:
    format_ = encodable_format(find_encoder(name), info.format, "")
    return acceptable(name, replace(info, format=format_), Encoding())


@pytest.mark.parametrize(
    ("name", "size", "least"),
    [
        ("libx264", (2, 2), (2, 2)),
        ("libx264", (45, 27), (46, 28)),
        ("libx265", (2, 2), (16, 16)),
        ("libx265", (48, 2), (48, 16)),
        ("libx265", (17, 33), (18, 34)),
        ("libsvtav1", (2, 2), (4, 4)),
        ("libsvtav1", (45, 3), (45, 4)),
        ("libvpx-vp9", (1, 1), (1, 1)),
        ("ffv1", (1, 24), (1, 24)),
        ("ffv1", (3, 3), (3, 3)),
        ("prores_ks", (1, 1), (1, 1)),
        ("prores", (3, 5), (4, 5)),
        ("mpeg4", (1, 1), (1, 1)),
        ("h263p", (6, 10), (8, 12)),
        ("cfhd", (2, 2), (48, 48)),
    ],
)
def test_the_least_size_that_an_encoder_takes(
    name: str, size: tuple[int, int], least: tuple[int, int]
) -> None:
    found = taken(name, replace(INFO, width=size[0], height=size[1]))
    assert (found.width, found.height) == least


@pytest.mark.parametrize("size", [(1, 1), (1, 12), (24, 1), (3, 5)])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("h264", ".mp4"),
        ("hevc", ".mp4"),
        ("av1", ".mkv"),
        ("ffv1", ".mkv"),
        ("libvpx-vp9", ".webm"),
        ("prores_ks", ".mov"),
        ("mpeg4", ".mp4"),
        ("cfhd", ".mov"),
    ],
)
def test_the_smallest_pictures_arrive(
    tmp_path: Path, codec: str, suffix: str, size: tuple[int, int]
) -> None:
    width, height = size
    clip = Clip(width, height, "yuv444p", codec="ffv1", options={"slices": "1"}, pts=SHORT)
    source, target = make(tmp_path / "in.mkv", clip), tmp_path / f"out{suffix}"
    result = enlarge(source, target, codec=codec, preset=FAST.get(codec, ""))
    found = held(target)
    assert len(found.pts) == len(SHORT)
    ((columns, rows),) = found.sizes
    assert columns >= 2 * width
    assert rows >= 2 * height
    told = [warning for warning in result.warnings if "encoded as" in warning and "x" in warning]
    padded = (columns, rows) != (2 * width, 2 * height)
    assert padded == any(f"encoded as {columns}x{rows}, the last" in line for line in told)


@pytest.mark.parametrize("size", [(200, 2), (250, 4), (2, 150), (4, 160), (177, 7)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_long_narrow_pictures_arrive_in_ffv1(
    tmp_path: Path, pix_fmt: str, size: tuple[int, int]
) -> None:
    clip = Clip(*size, pix_fmt, codec="ffv1", options={"slices": "1"}, pts=SHORT)
    source, target = make(tmp_path / "in.mkv", clip), tmp_path / "out.mkv"
    enlarge(source, target, codec="ffv1")
    found = held(target)
    assert len(found.pts) == len(SHORT)
    assert found.sizes == {(2 * size[0], 2 * size[1])}


def test_what_is_added_repeats_the_edge(tmp_path: Path) -> None:
    clip = Clip(3, 5, codec="ffv1", options={"slices": "1"}, pts=SHORT)
    source, exact, padded = make(tmp_path / "in.mkv", clip), tmp_path / "a.mkv", tmp_path / "b.mkv"
    enlarge(source, exact, codec="ffv1")
    enlarge(source, padded, codec="hevc", crf=0, preset="ultrafast")
    for small, large in zip(planes(exact), planes(padded), strict=True):
        wanted = np.pad(small[0], [(0, 6), (0, 10)], mode="edge")
        assert np.abs(large[0].astype(int) - wanted.astype(int)).max() <= 4


@pytest.mark.parametrize("size", [(24, 8), (24, 24), (16, 40)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p12le"])
def test_narrow_hevc_does_not_kill_the_process(
    tmp_path: Path, pix_fmt: str, size: tuple[int, int]
) -> None:
    """libx265 writes past its buffers under 64 columns unless it is kept from it."""
    clip = Clip(*size, pix_fmt, codec="ffv1", options={}, pts=tuple(range(0, 12 * 512, 512)))
    source, target = make(tmp_path / "in.mkv", clip), tmp_path / "out.mkv"
    enlarge(source, target, codec="hevc")
    assert len(planes(target)) == 12
    assert settings(target) >= {"no-cutree"}
    enlarge(
        make(tmp_path / "wide.mkv", Clip(32, 24, pts=SHORT)), target, codec="hevc", overwrite=True
    )
    assert settings(target) >= {"cutree"}


def settings(path: Path) -> set[str]:
    """What libx265 wrote into the stream about itself."""
    with av.open(str(path)) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
    return set(extradata.split(b"options: ")[1].decode("ascii", "replace").split())


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("libx264", (16386, 2), "takes pictures of at most 16384x16384, not 16386x2: choose a "),
        ("libsvtav1", (70000, 64), "takes pictures of at most 16384x8704, not 70000x64: choose"),
        ("libsvtav1", (64, 8706), "at most 16384x8704, not 64x8706: choose a smaller --scale or "),
        ("prores_ks", (65536, 16), "takes pictures of at most 65535x65535"),
        ("mpeg4", (16, 8192), "at most 8191x8191"),
        ("ffv1", (20000, 20000), "takes pictures of at most 268 million pixels, not 20000x20000"),
    ],
)
def test_the_largest_size(name: str, size: tuple[int, int], message: str) -> None:
    with pytest.raises(EncoderError) as raised:
        check_largest(name, replace(INFO, width=size[0], height=size[1]))
    assert message in str(raised.value)
    check_largest(name, INFO)


@pytest.mark.parametrize(
    ("name", "size"),
    [("libx264", (16384, 2)), ("libsvtav1", (64, 8704)), ("mpeg4", (8191, 16)), ("ffv1", (1, 9))],
)
def test_the_largest_size_opens(name: str, size: tuple[int, int]) -> None:
    info = replace(INFO, width=size[0], height=size[1])
    check_largest(name, info)
    assert acceptable(name, info, Encoding()) == info


def test_a_picture_that_grows_too_large_is_refused_before_any_work(tmp_path: Path) -> None:
    clip = Clip(4096, 2, codec="ffv1", options={"slices": "1"}, pts=(0,))
    source = make(tmp_path / "in.mkv", clip)
    with pytest.raises(EncoderError, match="at most 8191x8191, not 8192x4: choose a smaller"):
        enlarge(source, tmp_path / "out.mp4", codec="mpeg4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.parametrize(
    ("name", "base", "rate", "taken_rate"),
    [
        ("libx264", Fraction(1, 90000), Fraction(25), None),
        ("mpeg4", Fraction(1, 12800), Fraction(25), None),
        ("mpeg4", Fraction(1, 90000), Fraction(719, 24), Fraction(719, 24)),
        ("mpeg2video", Fraction(1, 12800), Fraction(30000, 1001), Fraction(30000, 1001)),
        ("mpeg2video", Fraction(1, 12800), Fraction(35), Fraction(36)),
        ("mpeg1video", Fraction(1, 600), Fraction(15), Fraction(24000, 1001)),
        ("libsvtav1", Fraction(1, 1000), Fraction(1000), None),
    ],
)
def test_clocks_that_encoders_take(
    name: str, base: Fraction, rate: Fraction, taken_rate: Fraction | None
) -> None:
    """A time base that is refused becomes one frame, at the rate or the nearest that there is."""
    info = replace(INFO, time_base=base, frame_rate=rate)
    found = taken(name, info)
    assert found == (
        replace(info, time_base=1 / taken_rate, frame_rate=taken_rate) if taken_rate else info
    )


def test_other_refusals_change_nothing() -> None:
    """The encoder itself then says why."""
    odd = replace(INFO, width=45, height=27)
    assert acceptable("libx264", odd, Encoding(preset="warp")) == odd
