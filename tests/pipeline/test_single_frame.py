"""A video of one frame becomes an image: still GIFs and icons, and spans of one frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import Clip, make

import vsr
from vsr.core.errors import OutputError
from vsr.core.options import ReadOptions
from vsr.pipeline import single_frame
from vsr.pipeline.single_frame import gives_one_frame
from vsr.video.reader import open_video

FAST: dict[str, Any] = {"model": "nearest", "scale": 2, "device": "cpu"}


def still(path: Path, codec: str, pix_fmt: str, frames: int = 1) -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, pix_fmt
        for number in range(frames):
            pixels = np.full((24, 32, 3), (255, 0, 85 * number), np.uint8)
            pixels[:, 16:] = (0, 255, 0)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=pix_fmt)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("a.gif", "gif", "rgb8"), ("a.ico", "bmp", "bgra"), ("a.mkv", "ffv1", "bgra")],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_one_frame_becomes_an_image(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, suffix: str
) -> None:
    source, target = still(tmp_path / name, codec, pix_fmt), tmp_path / f"b{suffix}"
    result = vsr.upscale(source, target, **FAST)
    assert (result.frames_in, result.frames_out) == (1, 1)
    found = cv2.imread(str(target))
    assert found.shape == (48, 64, 3)
    near = 8 if suffix == ".jpg" or name == "a.gif" else 0  # its palette is rgb8's
    for column, colour in ((5, (0, 0, 255)), (50, (0, 255, 0))):  # blue first
        assert np.abs(found[10, column].astype(int) - colour).max() <= near


def test_an_opaque_gif_has_no_alpha_as_an_image(tmp_path: Path) -> None:
    source, target = still(tmp_path / "a.gif", "gif", "rgb8"), tmp_path / "b.png"
    assert vsr.upscale(source, target, **FAST).warnings == ()
    assert cv2.imread(str(target), cv2.IMREAD_UNCHANGED).shape == (48, 64, 3)
    moving = still(tmp_path / "c.gif", "gif", "rgb8", 3)
    vsr.upscale(moving, tmp_path / "d", **FAST)
    for file in (tmp_path / "d").iterdir():
        assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape == (48, 64, 3)


def test_it_is_found_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def looked(source: Path, *rest: Any) -> Any:
        looks.append(source)
        return open_video(source, *rest)

    monkeypatch.setattr(single_frame, "open_video", looked)
    source = still(tmp_path / "a.gif", "gif", "rgb8")
    vsr.upscale(source, tmp_path / "b.png", **FAST)
    vsr.upscale(source, tmp_path / "b.mkv", **FAST)  # where it does not matter
    assert looks == [source]


def test_its_model_is_that_of_stills(tmp_path: Path) -> None:
    source = still(tmp_path / "a.gif", "gif", "rgb8")
    as_image = vsr.upscale(source, tmp_path / "b.png", scale=2, device="cpu")
    assert as_image.model == "edsr-8x32"


def test_several_frames_are_refused_as_before(tmp_path: Path) -> None:
    source, target = still(tmp_path / "a.gif", "gif", "rgb8", 2), tmp_path / "b.png"
    with pytest.raises(OutputError, match=r"one image cannot hold a video; name a folder"):
        vsr.upscale(source, target, **FAST)
    assert not target.exists()


def test_a_span_of_one_frame(tmp_path: Path) -> None:
    clip = Clip(32, 24, codec="ffv1", options={}, pts=range(0, 5 * 512, 512))
    source = make(tmp_path / "a.mkv", clip)
    first, second = ReadOptions(start=0, end=0.04), ReadOptions(end=0.08)
    assert gives_one_frame(source, first)
    assert not gives_one_frame(source, second)
    assert not gives_one_frame(tmp_path, first)
    assert not gives_one_frame(tmp_path / "none.gif", first)
    vsr.upscale(source, tmp_path / "b.png", **FAST, start=0.04, end=0.08)
    assert cv2.imread(str(tmp_path / "b.png")).shape == (48, 64, 3)
