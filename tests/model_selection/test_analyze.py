"""What a video looks like: what it was coded with, and what that left of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import Clip, make, remux

from vsr.core.errors import InputError
from vsr.core.limits import Limits
from vsr.core.options import ReadOptions
from vsr.model_selection.analyze import analyze
from vsr.model_selection.noise import noise

CLIP = Clip(96, 64, pts=tuple(range(0, 30 * 512, 512)))
COUNTED = replace(CLIP, pts=range(30), time_base=Fraction(1, 25))  # for encoders that count
COMPLEX = (37, 211)  # sides that are no multiples of blocks


def coded(path: Path, codec: str = "libx264", **options: str) -> Path:
    return make(path, replace(CLIP, codec=codec, options=options))


def smooth(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return 120 + 60 * np.sin(x / 40) * np.cos(y / 50)


# Noise


@pytest.mark.parametrize("deviation", [1.0, 2.0, 4.0, 8.0])
def test_noise_is_measured(deviation: float) -> None:
    random = np.random.default_rng(1)
    clean = smooth(320, 240)
    noisy = (clean + random.normal(0, deviation, clean.shape)).round().clip(0, 255)
    assert noise(noisy.astype(np.uint8)) == pytest.approx(deviation, rel=0.15, abs=0.2)


def test_edges_and_texture_are_no_noise() -> None:
    random = np.random.default_rng(2)
    picture = smooth(320, 240)
    picture[:, 100:] += 50  # an edge
    picture[60:180, 160:] += random.normal(0, 30, (120, 160))  # a texture
    assert noise(picture.clip(0, 255).astype(np.uint8)) < 0.5


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (16, 16), COMPLEX])
def test_noise_of_small_pictures(size: tuple[int, int]) -> None:
    assert noise(np.full(size, 90, np.uint8)) == 0
    assert noise(np.zeros(size, np.uint8)) == 0  # where noise would be cut off


# How it was coded


@pytest.mark.parametrize("quantiser", [12, 24, 36])
def test_the_quantiser_is_the_encoders_own(tmp_path: Path, quantiser: int) -> None:
    params = "ipratio=1:pbratio=1"  # the same for all kinds of frames
    path = coded(tmp_path / "a.mkv", qp=str(quantiser), **{"x264-params": params})
    assert analyze(path).quantiser == pytest.approx(quantiser, abs=0.01)


def test_all_decoders_use_one_scale(tmp_path: Path) -> None:
    """MPEG-4's quantiser 4 is a step of 8, which is H.264's 22."""
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=25, options={"qmin": "4", "qmax": "4"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(8):
            picture = np.roll(smooth(96, 64), number, 1).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert analyze(tmp_path / "a.mkv").quantiser == pytest.approx(22, abs=0.5)


def test_less_is_given_the_coarser_it_is(tmp_path: Path) -> None:
    looks = [analyze(coded(tmp_path / f"{crf}.mkv", crf=str(crf))) for crf in (8, 20, 32, 44)]
    for kind in ("bits", "bits_per_gradient"):
        values = [getattr(look, kind) for look in looks]
        assert values == sorted(values, reverse=True)
        assert len(set(values)) == 4
    quantisers = [look.quantiser or 0 for look in looks]
    assert quantisers == sorted(quantisers)


def test_bits_are_those_of_the_packets(tmp_path: Path) -> None:
    path = coded(tmp_path / "a.mkv", "ffv1")
    with av.open(str(path)) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    assert analyze(path).bits == pytest.approx(8 * sum(sizes) / (30 * 96 * 64), rel=0.01)
    assert analyze(path).quantiser is None


def test_sound_is_not_counted(tmp_path: Path) -> None:
    both = make(tmp_path / "a.mp4", replace(CLIP, audio=("eng",)))
    alone = remux(both, tmp_path / "b.mp4", ["video"])
    assert analyze(both) == analyze(alone)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("ffv1", "yuv420p10le", ".mkv"),
        ("ffv1", "gray", ".mkv"),
        ("ffv1", "yuva420p", ".mkv"),
        ("libx265", "yuv420p", ".mp4"),
        ("mpeg2video", "yuv420p", ".mpg"),
        ("mpeg2video", "yuv420p", ".ts"),
        ("mjpeg", "yuvj420p", ".avi"),
        ("libvpx-vp9", "yuv420p", ".webm"),
        ("libx264", "yuv420p", ".h264"),
    ],
)
def test_all_kinds_can_be_looked_at(tmp_path: Path, codec: str, pix_fmt: str, suffix: str) -> None:
    clip = COUNTED if codec in ("mpeg2video", "mjpeg") else CLIP
    path = make(tmp_path / f"a{suffix}", replace(clip, codec=codec, pix_fmt=pix_fmt, options={}))
    look = analyze(path)
    assert look == analyze(path)
    assert look.bits > 0
    assert look.bits_per_gradient
    assert (look.quantiser is not None) == (codec in ("mpeg2video", "libx264", "libvpx-vp9"))


# What is left of it


def test_depth_makes_no_difference(tmp_path: Path) -> None:
    kinds = ("yuv420p", "yuv420p10le")
    fine = [replace(CLIP, codec="ffv1", pix_fmt=kind, options={}) for kind in kinds]
    one, two = (analyze(make(tmp_path / f"{n}.mkv", clip)) for n, clip in enumerate(fine))
    assert two.noise == pytest.approx(one.noise, abs=0.1)
    assert two.blocks == pytest.approx(one.blocks, abs=0.02)


def test_blocks_come_with_compression(tmp_path: Path) -> None:
    clip = replace(COUNTED, codec="mjpeg", pix_fmt="yuvj420p")
    fine, coarse = (
        make(tmp_path / f"{q}.avi", replace(clip, options={"qmin": q, "qmax": q}))
        for q in ("2", "28")
    )
    assert analyze(fine).blocks < 1.2 < 1.3 < analyze(coarse).blocks


@pytest.mark.parametrize("size", [(16, 16), (30, 200), (2, 2)])
def test_small_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    """They have no room for blocks, and some none for noise."""
    clip = replace(CLIP, width=size[0], height=size[1], codec="ffv1", options={})
    assert analyze(make(tmp_path / "a.mkv", clip)).blocks == 1


def test_a_picture_of_one_colour_has_no_gradient(tmp_path: Path) -> None:
    clip = replace(CLIP, codec="ffv1", options={}, fill=(90, 128, 128))
    assert analyze(make(tmp_path / "a.mkv", clip)).bits_per_gradient is None


def test_all_of_a_file_is_looked_at(tmp_path: Path) -> None:
    """A film begins with a grey title, a quarter of its length: that is not what it looks like."""
    with av.open(str(tmp_path / "film.mkv"), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"g": "10", "crf": "40"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(200):
            luma = np.full((64, 96), 90.0) if number < 50 else np.roll(smooth(96, 64), number, 1)
            frame = av.VideoFrame.from_ndarray(luma.astype(np.uint8), "gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    title = make(tmp_path / "title.mkv", replace(CLIP, options={}, fill=(90, 128, 128)))
    film = analyze(tmp_path / "film.mkv")
    assert film.quantiser is not None
    assert film.quantiser > 30 > (analyze(title).quantiser or 0)


# What is wrong


def test_what_cannot_be_looked_at(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    sound = remux(
        make(tmp_path / "a.mp4", replace(CLIP, audio=("eng",))), tmp_path / "s.mp4", ["audio"]
    )
    large = make(tmp_path / "b.mp4", CLIP)
    for path, reading in (
        (text, ReadOptions()),
        (sound, ReadOptions()),
        (tmp_path / "missing.mp4", ReadOptions()),
        (large, ReadOptions(limits=Limits(pixels=95 * 64))),
    ):
        with pytest.raises(InputError) as caught:
            analyze(path, reading)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_damage_is_passed_over(tmp_path: Path, suffix: str) -> None:
    options = {"g": "10", "bf": "0"}
    path = make(
        tmp_path / f"a{suffix}", replace(CLIP, pts=range(0, 80 * 512, 512), options=options)
    )
    random = np.random.default_rng(3)
    data = bytearray(path.read_bytes())
    for place in random.integers(len(data) // 4, 3 * len(data) // 4, 40):
        data[place] ^= 255
    path.write_bytes(data)
    assert analyze(path).bits > 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".flv"])
def test_one_keyframe_is_enough(tmp_path: Path, suffix: str) -> None:
    clip = replace(CLIP, pts=range(0, 200 * 512, 512), options={"g": "999", "qp": "30"})
    look = analyze(make(tmp_path / f"a{suffix}", clip))
    assert look.quantiser == pytest.approx(30, abs=3)


def test_nothing_is_held_open(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", CLIP)
    analyze(path)
    held = Path("/proc/self/fd")
    if not held.exists():
        pytest.skip("open files are counted by /proc")
    before = len(list(held.iterdir()))
    for _ in range(3):
        analyze(path)
    assert len(list(held.iterdir())) <= before
