"""Animated PNGs are videos; still ones are images."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import held

from vsr import upscale
from vsr.images.animated import is_animated


def png(path: Path, frames: int) -> Path:
    with av.open(str(path), "w", format="apng") as out:
        stream: Any = out.add_stream("apng", rate=10)
        stream.width, stream.height, stream.pix_fmt = 24, 16, "rgba"
        for number in range(frames):
            pixels = np.full((16, 24, 4), 40 * number, np.uint8)
            pixels[:, number:, 3] = 255
            frame = av.VideoFrame.from_ndarray(pixels, "rgba")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_an_animation_becomes_a_video_of_all_its_frames(tmp_path: Path) -> None:
    source = png(tmp_path / "in.png", 5)
    assert is_animated(source)
    result = upscale(source, tmp_path / "out.mkv", scale=2, model="bicubic", codec="ffv1")
    after = held(tmp_path / "out.mkv")
    assert result.frames_in == result.frames_out == len(after.pts) == 5
    assert [t - after.pts[0] for t in after.pts] == [Fraction(n, 10) for n in range(5)]
    assert after.sizes == {(48, 32)}


def test_an_animation_may_stay_one(tmp_path: Path) -> None:
    source = png(tmp_path / "in.png", 5)
    result = upscale(source, tmp_path / "out.png", scale=2, model="nearest")
    assert result.warnings == ()
    assert is_animated(tmp_path / "out.png")
    with av.open(str(source)) as old, av.open(str(tmp_path / "out.png")) as new:
        small = [frame.to_ndarray(format="rgba") for frame in old.decode(video=0)]
        large = [frame.to_ndarray(format="rgba") for frame in new.decode(video=0)]
    assert len(large) == 5
    assert all(np.array_equal(a[::2, ::2], b) for a, b in zip(large, small, strict=True))


def test_a_still_image_is_none(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    assert not is_animated(path)
    assert not is_animated(png(tmp_path / "one.png", 1))


@pytest.mark.parametrize("kept", [0, 5, 8, 20, 33, 40])
def test_what_is_cut_short_is_none_or_one(tmp_path: Path, kept: int) -> None:
    path = png(tmp_path / "in.png", 3)
    path.write_bytes(path.read_bytes()[:kept])
    assert is_animated(path) == (kept > 36 + 8)
    assert not is_animated(tmp_path / "missing.png")
