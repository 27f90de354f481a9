"""`vsr check` and `vsr.check`: outputs held against their sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.cli_runner import vsr as run
from support.clips import Clip, make

import vsr

LOSSLESS: dict[str, Any] = {"model": "bicubic", "codec": "ffv1", "device": "cpu"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = Clip(width=64, height=48, pts=range(0, 6 * 512, 512), options={"qp": "0"})
    return make(tmp_path_factory.mktemp("check") / "in.mkv", clip)


def test_bicubic_agrees_and_nearest_differs_as_it_does(source: Path, tmp_path: Path) -> None:
    found = {}
    for model in ("bicubic", "nearest"):
        target = tmp_path / f"{model}.mkv"
        vsr.upscale(source, target, **{**LOSSLESS, "model": model}, scale=2)
        found[model] = vsr.check(target, source)
    assert found["bicubic"].frames == 6
    assert found["bicubic"].psnr > 38
    assert found["nearest"].overshoot == 0
    assert found["bicubic"].flicker is not None
    assert found["bicubic"].heat.shape == (48, 64)


def test_the_record_tells_what_was_taken(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "part.mkv"
    words = ("--model", "bicubic", "--codec", "ffv1", "--scale", "2", "--record")
    part = ("--crop", "16,8,32,24", "--start", "0.05", "--end", "0.2")
    assert run("upscale", source, target, *words, *part).code == 0
    shown = tmp_path / "map.png"
    ran = run("check", target, "--source", source, "--record", "--heat-map", shown, "--json")
    assert ran.code == 0, ran.err
    *told, facts = ran.events
    assert [event["event"] for event in told] == ["progress"] * len(told) != []
    assert facts["event"] == "result"
    assert facts["frames"] < 6
    assert facts["psnr"] > 35
    record = json.loads((tmp_path / "part.mkv.record.json").read_text())
    assert record["consistency"]["psnr"] == facts["psnr"]
    assert cv2.imread(str(shown)).shape == (24, 32, 3)
    again = run("check", target, "--source", source, "--record", "--json")
    assert again.events[-1]["psnr"] == facts["psnr"]


def test_an_image_can_be_checked_too(tmp_path: Path) -> None:
    small, large = tmp_path / "in.png", tmp_path / "out.png"
    cv2.imwrite(
        str(small),
        cv2.resize(cv2.getGaussianKernel(40, 9) @ cv2.getGaussianKernel(40, 9).T * 5e4, (40, 40)),
    )
    vsr.upscale(small, large, model="bicubic", scale=3, device="cpu")
    found = vsr.check(large, small)
    assert found.frames == 1
    assert found.flicker is None
    assert found.psnr > 40


@pytest.mark.parametrize("source_format", ["gbrp10le", "gbrp12le", "yuvj444p"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le", "gbrp"])
def test_green_is_no_luma_and_full_range_not_limited(
    tmp_path: Path, source_format: str, pix_fmt: str
) -> None:
    best = {"qmin": "2", "qmax": "2"}
    codec, options = ("mjpeg", best) if source_format == "yuvj444p" else ("ffv1", {})
    small = tmp_path / "in.mkv"
    with av.open(str(small), "w") as container:
        stream = container.add_stream(codec, 25, options)
        stream.width, stream.height, stream.pix_fmt = 48, 32, source_format
        y, x = np.mgrid[0:32, 0:48].astype(np.float32)
        colours = np.stack([128 + 100 * np.sin(x / 9), 4 * x, 255 - 6 * y], -1)  # none like another
        frame = av.VideoFrame.from_ndarray(colours.clip(0, 255).astype(np.uint8), "rgb24")
        for packet in (*stream.encode(frame.reformat(format=source_format)), *stream.encode()):
            container.mux(packet)
    large = tmp_path / "out.mkv"
    vsr.upscale(small, large, **LOSSLESS, pix_fmt=pix_fmt, scale=2)
    found = vsr.check(large, small)
    assert found.psnr > 45
    assert found.largest < 1
    assert found.overshoot < 0.01


@pytest.mark.parametrize("place", ["in", "out"])
def test_a_map_never_replaces_a_picture_that_was_compared(tmp_path: Path, place: str) -> None:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "1.png"), np.zeros((8, 8, 3), np.uint8))
    picture = tmp_path / place / "1.png"
    kept = picture.read_bytes()
    words = ("--source", tmp_path / "in", "--heat-map", picture, "-y")
    ran = run("check", tmp_path / "out", *words)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "1.png: is the input itself; choose another name" in ran.err
    assert picture.read_bytes() == kept


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    long = tmp_path / f"{'a' * 300}.mp4"
    ran = run("check", long, "--source", long, "--heat-map", tmp_path / "map.png")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "cannot be read (File name too long)" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--crop", "0,0,32,20"], "is no enlargement of 32x20"),
        (["--end", "0.1"], "has 3 frames"),
        (["--heat-map", "map.jpg"], r"the map of differences is a .png"),
        (["--record"], "no record to add to"),
        (["--frames", "0"], "a whole number of 1"),
    ],
)
def test_what_is_refused_in_one_line(
    source: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    target = tmp_path / "out.mkv"
    vsr.upscale(source, target, **LOSSLESS, scale=2)
    before = sorted(tmp_path.iterdir())
    ran = run("check", target, "--source", source, *words)
    assert ran.code != 0
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("small", "large"), [((3, 2), (976, 752)), ((976, 752), (975, 752)), ((60, 40), (961, 641))]
)
def test_a_size_that_upscaling_refuses_is_refused_in_its_words(
    tmp_path: Path, small: tuple[int, int], large: tuple[int, int]
) -> None:
    own, made = tmp_path / "own.png", tmp_path / "made.png"
    for path, (width, height) in ((own, small), (made, large)):
        cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))
    size = f"{large[0]}x{large[1]}"
    asked = ("--size", size, "--fit", "stretch", "-m", "bicubic", "-d", "cpu")
    refused = run("upscale", own, tmp_path / "new.png", *asked)
    ran = run("check", made, "--source", own)
    assert (refused.code, ran.code, ran.err.count("\n")) == (1, 1, 1)
    words = refused.err.removeprefix("vsr: error: ").strip()
    assert "can become 1 to 16 times as large" in words
    assert ran.err.startswith(f"vsr: error: {made}: {words}")


def test_the_largest_size_of_upscaling_is_checked(tmp_path: Path) -> None:
    own, made = tmp_path / "own.png", tmp_path / "made.png"
    cv2.imwrite(str(own), np.full((2, 3, 3), 90, np.uint8))
    vsr.upscale(own, made, model="bicubic", scale=16, device="cpu")
    assert vsr.check(made, own).largest < 1
