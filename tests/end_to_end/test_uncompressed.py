"""`--codec rawvideo`: what a container says of the samples is what they are, or it is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.raw_planes import frame_of, store, stored

import vsr
from vsr import EncoderError
from vsr.core.color_codes import ColorRange, Matrix
from vsr.core.frame import PIXEL_FORMATS, ColorTags, VideoInfo
from vsr.core.recolor import recoloured
from vsr.encoding.raw import holds_raw
from vsr.video.upright_image import as_image

CONTAINERS = {
    ".avi": "avi",
    ".mov": "mov",
    ".nut": "nut",
    ".mkv": "matroska",
    ".y4m": "yuv4mpegpipe",
}
WIDTH, HEIGHT = 38, 26
USUAL = ["gray", "gray10le", "yuv420p", "yuv422p10le", "yuv444p", "yuv440p", "yuva420p", "gbrp"]
DEEP = ["gray16le", "yuv420p16le", "yuva444p12le", "gbrp10le", "gbrap16le"]


def scene(name: str) -> list[np.ndarray]:
    """A smooth picture in the planes of a format."""
    layout = PIXEL_FORMATS[name]
    noise = np.random.default_rng(2).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 65535
    rgb = [np.ascontiguousarray(smooth[..., n].astype(np.uint16)) for n in range(3)]
    made = info(name)
    source = VideoInfo(WIDTH, HEIGHT, made.time_base, PIXEL_FORMATS["gbrp16le"], ColorTags(2, 0))
    return list(recoloured(rgb, source, made)) if layout.planes else []


def info(name: str) -> VideoInfo:
    layout = PIXEL_FORMATS[name]
    color = ColorTags(ColorRange.LIMITED, Matrix.SMPTE170M)
    color = ColorTags(ColorRange.FULL, Matrix.RGB) if layout.rgb else color
    return VideoInfo(WIDTH, HEIGHT, Fraction(1, 25), layout, color)


def source_of(folder: Path, name: str) -> Path:
    frame = frame_of(scene(name), name, WIDTH, HEIGHT)
    return store(folder / "in.nut", "rawvideo", name, [frame, frame])


def shown(path: Path) -> np.ndarray:
    """The first picture as people see it, (H, W, 3) uint8."""
    with vsr.open_video(path) as video:
        frame, *_ = list(video.frames())
        image = as_image(frame.planes, video.info, 8)
    return np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image[..., :3]


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("name", USUAL + DEEP)
def test_what_is_nearest_is_written_and_read_back(tmp_path: Path, name: str, suffix: str) -> None:
    source, target = source_of(tmp_path, name), tmp_path / f"out{suffix}"
    result = vsr.upscale(source, target, model="nearest", scale=2, codec="rawvideo", device="cpu")
    assert result.frames_out == 2
    found, _ = stored_name(target), None
    assert holds_raw(CONTAINERS[suffix], found)
    before = shown(source).repeat(2, 0).repeat(2, 1).astype(int)
    assert np.abs(shown(target) - before).mean() < 4
    if holds_raw(CONTAINERS[suffix], name):
        assert found == name


def stored_name(path: Path) -> str:
    return stored(path)[0]


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("wish", PIXEL_FORMATS)
def test_a_wish_is_kept_or_refused(tmp_path: Path, wish: str, suffix: str) -> None:
    source, target = source_of(tmp_path, "yuv420p"), tmp_path / f"out{suffix}"
    asked = {"model": "nearest", "scale": 2, "codec": "rawvideo", "pix_fmt": wish}
    try:
        vsr.upscale(source, target, device="cpu", **asked)
    except EncoderError as error:
        assert f"rawvideo cannot write {wish!r} in" in str(error)
        assert "\n" not in str(error)
        assert not target.exists()
        assert not holds_raw(CONTAINERS[suffix], wish)
        return
    with vsr.open_video(target) as video:
        kept, layout = PIXEL_FORMATS[wish], video.info.format
        assert (layout.depth, layout.planes, layout.rgb) == (kept.depth, kept.planes, kept.rgb)
        assert (layout.chroma_width, layout.chroma_height) == (
            kept.chroma_width,
            kept.chroma_height,
        )
    before = shown(source).repeat(2, 0).repeat(2, 1).astype(int)
    limit = 40 if kept.planes == 1 else 8  # without its colours, or with fewer
    assert np.abs(shown(target) - before).mean() < limit


@pytest.mark.parametrize("suffix", [".ts", ".webm", ".mxf", ".flv"])
def test_where_nothing_is_held_that_is_said(tmp_path: Path, suffix: str) -> None:
    source = source_of(tmp_path, "yuv420p")
    with pytest.raises(vsr.VsrError) as refused:
        vsr.upscale(source, tmp_path / f"out{suffix}", model="nearest", codec="rawvideo")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / f"out{suffix}").exists()


def test_raw_samples_alone_are_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path, "yuv420p")
    with pytest.raises(vsr.OutputError, match=r"tell neither their size .* choose \.y4m"):
        vsr.upscale(source, tmp_path / "out.yuv", model="nearest")


@pytest.mark.parametrize("rate", [24, Fraction(30000, 1001)])
def test_y4m_needs_no_codec_and_keeps_the_rate(tmp_path: Path, rate: Fraction) -> None:
    planes = scene("yuv420p10le")
    frames = [frame_of(planes, "yuv420p10le", WIDTH, HEIGHT) for _ in range(4)]
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, 1 / Fraction(rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    target = tmp_path / "out.y4m"
    result = vsr.upscale(source, target, model="nearest", scale=2, device="cpu", verify=True)
    assert [line for line in result.warnings if "timestamps" not in line] == []
    with av.open(str(target)) as found:
        assert found.streams.video[0].average_rate == rate
        assert found.streams.video[0].format.name == "yuv420p10le"
    large = [plane.repeat(2, 0).repeat(2, 1) for plane in planes]
    for made in stored(target)[1]:
        assert all(np.array_equal(its, mine) for its, mine in zip(made, large, strict=True))
