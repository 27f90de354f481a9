"""One line that says what to do, where people often go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.clips import Clip, held, make

import vsr
from vsr.core.frame import PIXEL_FORMATS, VideoInfo
from vsr.encoding.players import player_note

CLIP = Clip(pts=(0, 512, 1024))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make(tmp_path / "in.mp4", CLIP)


def enlarge(source: str | Path, target: str | Path, **options: Any) -> vsr.Result:
    return vsr.upscale(source, target, scale=2, **{"model": "nearest", "device": "cpu", **options})


@pytest.mark.parametrize("target", ["pipe:1", "pipe:", "fd:1"])
def test_nothing_is_written_to_a_pipe(
    source: Path, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vsr.OutputError, match=r"nothing is written to a pipe.*; name a file$"):
        enlarge(source, target)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("source", ["pipe:0", "pipe:"])
def test_standard_input_has_another_name(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vsr.InputError, match=r"pipe:\d?: is not read; standard input is called -$"):
        enlarge(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("suffix", [".yuv", ".rgb"])
def test_raw_samples_are_not_written(source: Path, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(vsr.OutputError, match=r"choose \.y4m, or \.mkv with --codec ffv1"):
        enlarge(source, tmp_path / f"out{suffix}")


@pytest.mark.parametrize("name", ["net.param", "net.ENGINE", "net.h5"])
def test_weights_of_other_kinds_are_not_loaded(source: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(vsr.ModelError, match=r"are not loaded; .*file of \.safetensors, \.pth"):
        enlarge(source, tmp_path / "out.mp4", model=str(tmp_path / name))


def test_pictures_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for path in (tmp_path / "a.hdr", tmp_path / "frames" / "b.HDR"):
        path.write_bytes(b"v/1\1")
    with pytest.raises(vsr.InputError, match=r"a\.hdr: \.hdr pictures are not read; convert"):
        enlarge(tmp_path / "a.hdr", tmp_path / "out.png")
    with pytest.raises(vsr.InputError, match=r"frames: \.hdr pictures are not read; convert"):
        enlarge(tmp_path / "frames", tmp_path / "out.mp4")


def test_a_folder_of_videos_is_for_batch(source: Path, tmp_path: Path) -> None:
    with pytest.raises(vsr.InputError, match=r"no image but 1 video; `vsr batch .* OUTPUT_DIR`"):
        enlarge(tmp_path, tmp_path / "out.mp4")


def test_a_forgotten_suffix_is_told_of(source: Path, tmp_path: Path) -> None:
    told: list[str] = []
    enlarge(source, tmp_path / "out", tell=told.append)
    assert f"{tmp_path / 'out'}: has no suffix, so it becomes a folder of PNGs" in told[-1]
    told.clear()
    (tmp_path / "frames").mkdir()
    enlarge(source, tmp_path / "frames", tell=told.append)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    enlarge(tmp_path / "a.png", tmp_path / "images", tell=told.append)
    assert not told


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
@pytest.mark.parametrize("codec", ["h264_nvenc", "hevc_nvenc"])
def test_an_encoder_without_its_gpu(source: Path, tmp_path: Path, codec: str) -> None:
    with pytest.raises(vsr.EncoderError, match=f"{codec} needs an NVIDIA GPU .*--codec h264"):
        enlarge(source, tmp_path / "out.mp4", codec=codec)


@pytest.mark.parametrize("resume", ["never", "always"])
def test_a_setting_that_the_containers_own_encoder_lacks(
    source: Path, tmp_path: Path, resume: str
) -> None:
    result = enlarge(source, tmp_path / "out.mpg", preset="fast", crf=20, resume=resume)
    (said,) = [line for line in result.warnings if "left out" in line]
    assert said.startswith("encoder mpeg2video, which the container takes, has no crf and no pre")
    assert len(held(tmp_path / "out.mpg").pts) == 3
    with pytest.raises(vsr.EncoderError, match="leave --preset out"):  # it was asked for
        enlarge(source, tmp_path / "b.mpg", preset="fast", codec="mpeg2video")


@pytest.mark.parametrize(
    ("encoder", "layout", "size", "said"),
    [
        ("libx264", "yuv420p", (1920, 1080), ""),
        ("libx264", "yuv420p", (4096, 2304), ""),
        ("libx264", "yuv420p", (7680, 4320), "7680x4320; --codec hevc or av1"),
        ("libx264", "yuv444p", (640, 480), "4:4:4; --pix-fmt yuv420p"),
        ("libx264", "yuv422p10le", (640, 480), "4:2:2 and 10 bits; --pix-fmt yuv420p"),
        ("libx264rgb", "gbrp", (640, 480), "RGB; --pix-fmt yuv420p"),
        ("h264_nvenc", "yuv444p", (640, 480), "4:4:4; "),
        ("libx265", "yuv444p10le", (7680, 4320), ""),
        ("ffv1", "yuv444p", (640, 480), ""),
    ],
)
def test_what_many_players_cannot_show(
    encoder: str, layout: str, size: tuple[int, int], said: str
) -> None:
    info = VideoInfo(*size, time_base=CLIP.time_base, format=PIXEL_FORMATS[layout])
    note = player_note(encoder, info)
    assert bool(note) == bool(said)
    assert said in note


@pytest.mark.parametrize("resume", ["never", "always"])
def test_it_is_told_before_the_work(source: Path, tmp_path: Path, resume: str) -> None:
    told: list[str] = []
    result = enlarge(
        source, tmp_path / "out.mp4", pix_fmt="yuv444p", resume=resume, tell=told.append
    )
    assert sum("many players cannot show H.264 in 4:4:4" in line for line in told) == 1
    assert not result.warnings
