"""Odd sides, and how long the last frame is shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import Clip, held, make, planes

from vsr import Result, upscale

LOSSLESS: dict[str, Any] = {"codec": "ffv1", "options": {}, "pts": (0, 512, 1024)}


def enlarge(source: Path, target: Path, scale: int = 2, **options: Any) -> Result:
    return upscale(source, target, scale=scale, model="bicubic", device="cpu", **options)


def shown_until(path: Path) -> Fraction:
    """When the last frame ends."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        last = max((f.pts, f.duration) for f in container.decode(stream))
        return Fraction(sum(last) * stream.time_base)


@pytest.mark.parametrize(
    ("pix_fmt", "width", "height"),
    [
        ("yuv420p", 46, 28),
        ("yuv420p10le", 46, 28),
        ("yuv422p", 46, 27),
        ("yuv444p", 45, 27),
        ("gray", 45, 27),
    ],
)
def test_odd_sides_are_kept_or_rounded_as_the_encoder_needs(
    tmp_path: Path, pix_fmt: str, width: int, height: int
) -> None:
    source = make(tmp_path / "in.mkv", Clip(15, 9, pix_fmt, **LOSSLESS))
    odd, even = tmp_path / "odd.mkv", tmp_path / "even.mkv"
    kept = enlarge(source, odd, 3, codec="ffv1")
    assert not kept.warnings
    assert held(odd).sizes == {(45, 27)}
    rounded = enlarge(source, even, 3, crf=0, preset="ultrafast")
    slack = 4 if "10" in pix_fmt else 0  # x264's crf 0 is lossless in 8 bits alone
    assert held(even).sizes == {(width, height)}
    if (width, height) == (45, 27):
        assert not rounded.warnings
    else:
        (warning,) = rounded.warnings
        assert "takes no 45x27" in warning
        assert f"{width}x{height}" in warning
        assert "repeated" in warning
    for large, larger in zip(planes(odd), planes(even), strict=True):
        for plane, wider in zip(large, larger, strict=False):  # x264 stores grey with chroma
            rim = [(0, wider.shape[n] - plane.shape[n]) for n in (0, 1)]
            wanted = np.pad(plane, rim, mode="edge")
            assert np.abs(wider.astype(int) - wanted.astype(int)).max() <= slack


@pytest.mark.parametrize(("width", "height"), [(2, 2), (2, 6), (8, 2)])
def test_tiny_pictures_are_encoded(tmp_path: Path, width: int, height: int) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(width, height)), tmp_path / "out.mp4"
    enlarge(source, target, preset="ultrafast")
    assert held(target).sizes == {(2 * width, 2 * height)}
    assert len(held(target).pts) == 12


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])  # without and with B-frames
@pytest.mark.parametrize(
    "pts",
    [
        tuple(range(0, 12 * 512, 512)),
        (0, 512, 1024, 1600, 2600, 5000, 5100, 9000, 9512, 10000),
        (0,),
    ],
)
def test_the_last_frame_is_shown_as_long(tmp_path: Path, pts: tuple[int, ...], preset: str) -> None:
    options = {"bf": "0", "preset": "ultrafast"}
    source = make(tmp_path / "in.mp4", Clip(pts=pts, options=options))
    target = tmp_path / "out.mp4"
    enlarge(source, target, preset=preset)
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert after.duration == before.duration
    if preset == "ultrafast":  # else the container counts in the order of decoding
        assert shown_until(target) == shown_until(source)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_long_frame_does_not_make_the_file_longer(tmp_path: Path, suffix: str) -> None:
    """An mp4 with B-frames says how long until the next frame to decode, not to show."""
    pts = (0, 512, 1024, 1600, 2600, 5000, 5100, 9000, 9512, 10000)
    source = make(tmp_path / "in.mp4", Clip(pts=pts, options={"bf": "2", "preset": "veryfast"}))
    target = tmp_path / f"out{suffix}"
    enlarge(source, target, preset="ultrafast")
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert abs(after.duration - before.duration) <= 2000  # microseconds


def test_planes_are_written_whole_whatever_their_width(tmp_path: Path) -> None:
    """Rows in libav's memory are padded to its liking."""
    for width in (31, 32, 33, 65):
        source = make(tmp_path / f"{width}.mkv", Clip(width, 7, "yuv422p10le", **LOSSLESS))
        target = tmp_path / f"{width}-large.mkv"
        enlarge(source, target, codec="ffv1")
        for small, large in zip(planes(source), planes(target), strict=True):
            for plane, larger in zip(small, large, strict=True):
                near = plane.repeat(2, 0).repeat(2, 1)[: larger.shape[0], : larger.shape[1]]
                assert np.abs(near.astype(int) - larger).max() < 400


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_short_hevc_has_sane_times(tmp_path: Path, suffix: str, count: int) -> None:
    """libx265 itself takes decoding times of one or two frames from memory it never wrote."""
    source = make(tmp_path / "in.mp4", Clip(pts=tuple(range(0, 512 * count, 512))))
    target = tmp_path / f"out{suffix}"
    for preset in ("ultrafast", "medium", "medium"):
        enlarge(source, target, codec="hevc", preset=preset, overwrite=True)
        assert held(target).pts == [Fraction(n, 25) for n in range(count)]
        with av.open(str(target)) as container:
            packets = [p for p in container.demux(video=0) if p.size and p.dts is not None]
        assert all(-3 / 25 <= p.dts * p.time_base <= p.pts * p.time_base for p in packets)
