"""Any size: asked for in the command or in Python, met to the pixel, however it is made."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.cli_runner import vsr as command
from support.clips import Clip, held, make, picture, planes

import vsr
from vsr.core.errors import OutputError

TURNED = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
QUICK: dict[str, Any] = {"codec": "ffv1", "device": "cpu", "precision": "fp32", "threads": 1}
CLIP = Clip(width=64, height=48, audio=("eng",))
PAL = Clip(width=72, height=58, pixel_aspect=Fraction(16, 11))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clips") / "in.mkv", CLIP)


def shape(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


@pytest.mark.parametrize(
    ("words", "wanted", "model"),
    [
        ("-s 7/3", (150, 112), "bicubic"),
        ("-s 1", (64, 48), "vespcn"),
        ("-s 1", (64, 48), "recurrent"),
        ("-s 2.25", (144, 108), "recurrent"),
        ("-s 2.25", (144, 108), "edsr-8x32"),
        ("-s 5", (320, 240), "edsr-8x32"),
        ("-s 5", (320, 240), "recurrent"),
        ("--height 100", (134, 100), "vespcn"),
        ("--width 99", (99, 74), "bicubic"),
        ("--size 200x100", (134, 100), "bicubic"),
        ("--size 200x100 --fit pad", (200, 100), "edsr-8x32"),
        ("--size 200x100 --fit cover", (200, 100), "vespcn"),
        ("--size 200x100 --fit stretch", (200, 100), "bicubic"),
        ("--to 720p", (960, 720), "bicubic"),
    ],
)
def test_the_command_meets_it(
    tmp_path: Path, clip: Path, words: str, wanted: tuple[int, int], model: str
) -> None:
    target = tmp_path / "out.mkv"
    options = ["-m", model, "-c", "ffv1", "--end", "0.1"]
    ran = command("upscale", clip, target, *options, *words.split())
    assert ran.code == 0, ran.err
    assert shape(target) == wanted
    assert "3 frames in, 3 out" in ran.err + ran.out


def test_frames_times_and_sound_arrive(tmp_path: Path, clip: Path) -> None:
    target = tmp_path / "out.mkv"
    result = vsr.upscale(clip, target, model="bicubic", scale=1.5, verify=True, **QUICK)
    before, after = held(clip), held(target)
    assert after.times == before.times
    assert result.frames_in == result.frames_out == len(CLIP.pts)
    assert (result.scale, result.run.width, result.run.height) == (Fraction(3, 2), 96, 72)
    assert result.facts()["scale"] == 1.5


SIZES: list[dict[str, Any]] = [{"scale": 2.5}, {"size": "150x90", "fit": "cover"}, {"scale": 5}]


@pytest.mark.parametrize("model", ["vespcn", "recurrent"])
@pytest.mark.parametrize("asked", SIZES, ids=str)
def test_spans_and_segments_are_parts_of_the_whole(
    tmp_path: Path, clip: Path, asked: dict[str, Any], model: str
) -> None:
    """To the bit, in float32 on a CPU."""
    given = {**QUICK, **asked, "model": model}
    vsr.upscale(clip, tmp_path / "whole.mkv", resume="never", **given)
    vsr.upscale(clip, tmp_path / "parts.mkv", resume="always", **given)
    vsr.upscale(clip, tmp_path / "span.mkv", start=0.2, end=0.4, **given)
    vsr.upscale(clip, tmp_path / "tiles.mkv", tile=16, **given)
    whole = planes(tmp_path / "whole.mkv")
    for name in ("parts", "tiles"):
        for one, other in zip(planes(tmp_path / f"{name}.mkv"), whole, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    span = planes(tmp_path / "span.mkv")
    for one, other in zip(span, whole[5 : 5 + len(span)], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_turned_video_is_as_large_as_it_is_shown(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(width=64, height=36, matrix=TURNED))
    target = tmp_path / "out.mp4"
    vsr.upscale(source, target, model="bicubic", height=128, device="cpu")
    assert shape(target) == (128, 72)
    assert held(target).info["matrix"] == held(source).info["matrix"]


@pytest.mark.parametrize(("square", "wanted", "aspect"), [(False, 144, (16, 11)), (True, 210, 1)])
def test_anamorphic_video_keeps_its_shape_on_the_screen(
    tmp_path: Path, square: bool, wanted: int, aspect: Any
) -> None:
    source, target = make(tmp_path / "in.mkv", PAL), tmp_path / "out.mp4"
    result = vsr.upscale(source, target, model="bicubic", scale=2, square_pixels=square)
    assert shape(target) == (wanted, 116)
    with vsr.open_video(target) as video:
        assert (video.info.pixel_aspect or 1) == (aspect if square else Fraction(*aspect))
    assert not result.warnings


def test_it_is_told_where_players_would_not_learn_of_it(tmp_path: Path) -> None:
    source, target = make(tmp_path / "in.mkv", PAL), tmp_path / "out.mkv"
    result = vsr.upscale(source, target, model="bicubic", scale=2, **QUICK)
    assert "ffv1 in matroska does not tell players that pixels are 16:11" in result.warnings[0]
    again = vsr.upscale(
        source, target, model="bicubic", scale=2, square_pixels=True, overwrite=True, **QUICK
    )
    assert not again.warnings


def test_a_size_that_the_encoder_does_not_take_is_refused(tmp_path: Path, clip: Path) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(OutputError, match=r"libx264 takes no 135x101 in yuv420p: ask for 136x102"):
        vsr.upscale(clip, target, model="bicubic", size="135x101", fit="stretch", device="cpu")
    assert not target.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-s", "0.5"], "write 4, 2.25 or 7/3"),
        (["-s", "17"], "a number of 1 to 16"),
        (["-s", "two"], "is not a scale"),
        (["-s", "1e99999999"], "is not a scale"),
        (["-s", "2", "--to", "4k"], "scale and to exclude each other"),
        (["--size", "1920"], "write WIDTHxHEIGHT"),
        (["--size", "99999999x2"], "must be a whole number of 1 to"),
        (["--width", "0"], "0"),
        (["--height", "20"], "can become 1 to 16 times as large"),
        (["--to", "8k"], "can become 1 to 16 times as large"),
        (["--fit", "pad"], "needs both sides"),
    ],
)
def test_bad_sizes_are_refused_in_one_line(
    tmp_path: Path, clip: Path, words: list[str], said: str
) -> None:
    ran = command("upscale", clip, tmp_path / "out.mkv", "-m", "bicubic", *words)
    assert ran.code != 0
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out.mkv").exists()


def still(path: Path, width: int, height: int) -> Path:
    cv2.imwrite(str(path), picture(1, width, height))
    return path


def test_images_of_any_size_become_of_one_height(tmp_path: Path) -> None:
    folder = tmp_path / "stills"
    folder.mkdir()
    still(folder / "a.png", 40, 20)
    still(folder / "b.png", 31, 47)
    result = vsr.upscale(folder, tmp_path / "out", height=100, model="bicubic", device="cpu")
    assert result.scale == 5
    large = [cv2.imread(str(tmp_path / "out" / name), -1) for name in ("a.png", "b.png")]
    assert [image.shape[:2] for image in large] == [(100, 200), (100, 66)]


def test_a_still_may_be_of_odd_size(tmp_path: Path) -> None:
    source, target = still(tmp_path / "a.png", 40, 20), tmp_path / "b.png"
    vsr.upscale(source, target, size="101x77", fit="stretch", model="bicubic", device="cpu")
    assert cv2.imread(str(target), -1).shape[:2] == (77, 101)


def test_the_record_tells_of_it(tmp_path: Path, clip: Path) -> None:
    target = tmp_path / "out.mkv"
    given = {**QUICK, "model": "vespcn", "record": True}
    vsr.upscale(clip, target, size="640x400", fit="pad", **given)
    record = json.loads((tmp_path / "out.mkv.record.json").read_text())
    assert (record["settings"]["size"], record["settings"]["fit"]) == ("640x400", "pad")
    assert record["settings"]["scale"] is None
    assert (record["picture"]["width"], record["picture"]["height"]) == (640, 400)
    assert [model["scale"] for model in record["model"]["then"]] == [3]
    with av.open(str(target)) as container:
        assert "vespcn to 640x400" in container.metadata["COMMENT"]
    with pytest.raises(vsr.DoneError):
        vsr.upscale(clip, target, size="640x400", fit="pad", **given)
    with pytest.raises(OutputError, match="fit pad, not cover"):
        vsr.upscale(clip, target, size="640x400", fit="cover", **given)


def test_a_batch_names_what_it_makes(tmp_path: Path, clip: Path) -> None:
    out = tmp_path / "out"
    words = ["-m", "bicubic", "-c", "ffv1", "--end", "0.1"]
    assert command("batch", clip, out, *words, "--height", "96").code == 0
    assert command("batch", clip, out, *words, "-s", "1.5").code == 0
    names = {path.name for path in out.iterdir() if path.suffix == ".mkv"}
    assert names == {"in_h96.mkv", "in_x1.5.mkv"}
    ran = command("batch", clip, out, *words, "--to", "720p", "--dry-run")
    assert ran.code == 0
    assert "in_720p.mkv" in ran.out


def test_a_preview_prints_what_was_asked_for(tmp_path: Path, clip: Path) -> None:
    ran = command("preview", clip, tmp_path / "p.png", "--to", "720p", "-m", "bicubic", "--json")
    assert ran.code == 0, ran.err
    assert "--to 720p" in ran.out
    assert "in_720p.mkv" in ran.out


def test_an_upscaler_takes_fractions() -> None:
    up = vsr.Upscaler("espcn", scale=2.5, device="cpu", precision="fp32")
    image = picture(1, 40, 24)
    assert up.scale == Fraction(5, 2)
    assert up(image).shape == (60, 100)
    assert vsr.Upscaler("bicubic", scale=6, device="cpu")(image).shape == (144, 240)


@pytest.mark.parametrize("resume", ["never", "always"])
def test_the_size_that_is_told_is_that_of_the_file(tmp_path: Path, resume: str) -> None:
    """An encoder that takes even sizes alone repeats the last column and row."""
    odd = Clip(width=33, height=17, codec="ffv1", options={})
    source, target = make(tmp_path / "in.mkv", odd), tmp_path / "out.mkv"
    words = ("-s", 3, "-m", "bicubic", "--resume", resume, "--json")
    result = command("upscale", source, target, *words).events[-1]
    assert (result["width"], result["height"]) == shape(target) == (100, 52)
