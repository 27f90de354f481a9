"""With the model "nearest" and a lossless encoder every stored sample is one of the source's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.raw_planes import frame_of, noise, store, stored

from vsr import upscale
from vsr.core.frame import PIXEL_FORMATS

STORED = {"gbrp": "bgr0", "gbrap": "bgra"}  # what ffv1 takes in place of these
FRAMES = 2


def repeated(planes: list[np.ndarray], pix_fmt: str, width: int, height: int) -> list[np.ndarray]:
    """Each sample as a block; libav's planes end where the large picture does."""
    format_, large = PIXEL_FORMATS[pix_fmt], []
    scale = width // planes[0].shape[1]
    for n, plane in enumerate(planes):
        rows, columns = format_.plane_size(n, width, height)
        large.append(plane.repeat(scale, 0).repeat(scale, 1)[:rows, :columns])
    return large


def assert_repeated(source: list[list[np.ndarray]], found: Path, pix_fmt: str, scale: int) -> str:
    """The format in which a file holds `source`, each sample repeated, and nothing else."""
    name, frames = stored(found)
    assert len(frames) == len(source)
    for planes, large in zip(source, frames, strict=True):
        height, width = planes[0].shape
        expected = repeated(planes, pix_fmt, width * scale, height * scale)
        for plane, true in zip(large, expected, strict=True):
            assert np.array_equal(plane, true)
    return name


@pytest.mark.parametrize("pix_fmt", PIXEL_FORMATS)
@pytest.mark.parametrize(("scale", "size"), [(2, (13, 7)), (3, (18, 10))])
def test_every_native_pixel_format_is_kept(
    tmp_path: Path, pix_fmt: str, scale: int, size: tuple[int, int]
) -> None:
    if PIXEL_FORMATS[pix_fmt].chroma_width == 4:
        size = 16, 16  # libav's ffv1 loses chroma at the edges of its slices in others
    source = [noise(pix_fmt, *size, seed) for seed in range(FRAMES)]
    held = STORED.get(pix_fmt, pix_fmt)
    frames = [frame_of(planes, held, *size) for planes in source]
    small = store(tmp_path / "in.mkv", "ffv1", held, frames)
    assert stored(small)[0] == held
    large = tmp_path / "out.mkv"
    result = upscale(small, large, model="nearest", scale=scale, codec="ffv1", device="cpu")
    assert result.warnings == ()
    assert assert_repeated(source, large, pix_fmt, scale) == held


@pytest.mark.parametrize("tile", [16, 20])
@pytest.mark.parametrize("pix_fmt", ["yuva420p", "yuv420p10le", "yuv411p", "gbrap12le"])
def test_every_sample_is_kept_in_tiles(tmp_path: Path, pix_fmt: str, tile: int) -> None:
    size = (64, 48) if pix_fmt == "yuv411p" else (53, 39)
    source = [noise(pix_fmt, *size, seed) for seed in range(FRAMES)]
    frames = [frame_of(planes, pix_fmt, *size) for planes in source]
    small = store(tmp_path / "in.mkv", "ffv1", pix_fmt, frames)
    large = tmp_path / "out.mkv"
    upscale(small, large, model="nearest", scale=2, codec="ffv1", device="cpu", tile=tile)
    assert_repeated(source, large, pix_fmt, 2)


@pytest.mark.parametrize(
    ("codec", "suffix", "pix_fmt", "options"),
    [
        ("libx264rgb", ".mp4", "gbrp", {"crf": 0, "preset": "ultrafast"}),
        ("utvideo", ".nut", "gbrp", {}),
        ("utvideo", ".nut", "gbrap", {}),
        ("png", ".mov", "gbrp", {}),
        ("png", ".mov", "gbrap", {}),
        ("qtrle", ".mov", "gbrp", {}),
        ("qtrle", ".mov", "gbrap", {}),
        ("magicyuv", ".nut", "gbrap", {}),
        ("ffvhuff", ".nut", "gbrp16le", {}),
    ],
)
def test_encoders_for_rgb(
    tmp_path: Path, codec: str, suffix: str, pix_fmt: str, options: dict[str, Any]
) -> None:
    """Each takes RGB in a layout of its own, and gives it back exactly."""
    held = STORED.get(pix_fmt, pix_fmt)
    source = [noise(pix_fmt, 22, 14, seed) for seed in range(FRAMES)]
    frames = [frame_of(planes, held, 22, 14) for planes in source]
    small = store(tmp_path / "in.mkv", "ffv1", held, frames)
    large = tmp_path / f"out{suffix}"
    result = upscale(small, large, model="nearest", scale=2, codec=codec, device="cpu", **options)
    assert result.warnings == ()
    assert_repeated(source, large, pix_fmt, 2)
    with av.open(str(large)) as container:
        frame = next(container.decode(video=0))
        assert int(frame.colorspace) in (0, 2)  # RGB, or no word of a matrix
        assert int(frame.color_range) in (0, 2)


@pytest.mark.parametrize("source_format", ["rgb24", "bgra", "rgb48be", "pal8"])
def test_packed_sources_are_kept(tmp_path: Path, source_format: str) -> None:
    """What a file holds in another layout comes out as libav itself says it is."""
    frame = av.VideoFrame(21, 11, source_format)
    random = np.random.default_rng(8)
    for plane in frame.planes:
        memory = np.frombuffer(plane, np.uint8)
        memory[:] = random.integers(0, 256, memory.size)
    small = store(tmp_path / "in.nut", "rawvideo", source_format, [frame])
    large = tmp_path / "out.mkv"
    upscale(small, large, model="nearest", scale=2, codec="ffv1", device="cpu")
    pixels = "rgba64le" if "48" in source_format else "rgba"
    with av.open(str(small)) as before, av.open(str(large)) as after:
        given = next(before.decode(video=0)).to_ndarray(format=pixels)
        found = next(after.decode(video=0)).to_ndarray(format=pixels)
    assert np.array_equal(found, given.repeat(2, 0).repeat(2, 1))
