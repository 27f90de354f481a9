"""Community models in every kind of job: videos, images, previews, batches, segments, scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.cli_runner import vsr as command
from support.clips import Clip, held, make, planes
from support.community_networks import NETWORKS, drawn, saved
from torch import nn

import vsr

CLIP = Clip(pts=range(0, 20 * 512, 512), audio=("eng",), options={"g": "5", "preset": "veryfast"})
EXACT: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make(tmp_path / "in.mp4", CLIP)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    drawn_picture = np.random.default_rng(2).integers(0, 256, (40, 56, 3), np.uint8)
    path = tmp_path / "in.png"
    cv2.imwrite(str(path), cv2.GaussianBlur(drawn_picture, (5, 5), 1))
    return path


def model_file(name: str, folder: Path, suffix: str = ".pth") -> Path:
    return saved(drawn(name), folder / f"{name}{suffix}")


def own(network: nn.Module, path: Path) -> np.ndarray:
    """What a network makes of an image's RGB, rounded to bytes."""
    rgb = torch.from_numpy(cv2.imread(str(path))[..., ::-1].copy()).movedim(-1, 0)[None] / 255
    with torch.inference_mode():
        large = network(rgb)[0].clamp(0, 1).mul(255).round()
    return large.movedim(0, -1).numpy().astype(np.uint8)[..., ::-1]


def differ(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("name", ["1x-dncnn", "2x-span", "4x-esrgan", "8x-compact"])
def test_an_image_is_what_the_network_makes_of_it(name: str, image: Path, tmp_path: Path) -> None:
    _, scale, architecture = NETWORKS[name]
    path, target = model_file(name, tmp_path, ".safetensors"), tmp_path / "out.png"
    result = vsr.upscale(image, target, model=path, scale=scale, record=True, **EXACT)
    assert result.model == name
    assert differ(cv2.imread(str(target)), own(drawn(name), image)) <= 1
    record = json.loads((tmp_path / "out.png.record.json").read_text())["model"]
    assert (record["name"], record["scale"], record["network"]) == (name, scale, architecture)
    assert len(record["sha256"]) == 64


def test_luma_alone(image: Path, tmp_path: Path) -> None:
    grey = cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    path = model_file("1x-grey", tmp_path)
    vsr.upscale(tmp_path / "grey.png", tmp_path / "out.png", model=path, scale=1, **EXACT)
    with torch.inference_mode():
        large = drawn("1x-grey")(torch.from_numpy(grey)[None, None] / 255)
    expected = large[0, 0].clamp(0, 1).mul(255).round().numpy()
    made = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert differ(made, expected) <= 1


@pytest.mark.parametrize("name", ["1x-nafnet", "1x-grey", "2x-span", "4x-compact"])
def test_a_video_end_to_end(name: str, clip: Path, tmp_path: Path) -> None:
    scale, target = NETWORKS[name][1], tmp_path / "out.mp4"
    path = model_file(name, tmp_path)
    result = vsr.upscale(clip, target, model=str(path), scale=scale, preset="ultrafast")
    assert (result.frames_in, result.frames_out) == (20, 20)
    source, found = held(clip), held(target)
    assert found.pts == source.pts
    assert found.packets["audio"] == source.packets["audio"]
    assert found.sizes == {(64 * scale, 48 * scale)}


@pytest.mark.parametrize(("name", "size"), [("1x-dncnn", (96, 72)), ("8x-compact", (160, 120))])
def test_other_sizes(name: str, size: tuple[int, int], clip: Path, tmp_path: Path) -> None:
    path, target = model_file(name, tmp_path), tmp_path / "out.mkv"
    vsr.upscale(clip, target, model=path, width=size[0], preset="ultrafast", end=0.2)
    with vsr.open_video(target) as video:
        assert (video.info.width, video.info.height) == size


def test_a_part_of_the_picture(image: Path, tmp_path: Path) -> None:
    path = model_file("2x-span", tmp_path)
    for target, crop in (("whole.png", None), ("part.png", "20,12,24,16")):
        vsr.upscale(image, tmp_path / target, model=path, scale=2, crop=crop, **EXACT)
    whole, part = (cv2.imread(str(tmp_path / name)) for name in ("whole.png", "part.png"))
    assert differ(part, whole[24:56, 40:88]) <= 1


def test_segments_are_the_whole(clip: Path, tmp_path: Path) -> None:
    path, made = model_file("2x-compact", tmp_path), []
    for resume in ("never", "always"):
        target = tmp_path / f"{resume}.mkv"
        vsr.upscale(
            clip, target, model=path, scale=2, codec="ffv1", resume=resume, device="cpu", threads=1
        )
        made.append([plane.tobytes() for frame in planes(target) for plane in frame])
    assert len(made[0]) == 60
    assert made[0] == made[1]


def test_self_ensemble_and_strength(image: Path, tmp_path: Path) -> None:
    path = model_file("2x-compact", tmp_path)
    pictures = []
    for number, more in enumerate(({}, {"self_ensemble": True}, {"strength": 0}, {"tile": 16})):
        target = tmp_path / f"{number}.png"
        vsr.upscale(image, target, model=path, scale=2, **EXACT, **more)
        pictures.append(cv2.imread(str(target)))
    plain, ensemble, bicubic, tiled = pictures
    assert differ(plain, ensemble) > 0
    assert differ(plain, bicubic) > 0
    assert differ(plain, tiled) <= 1


def test_the_upscaler(image: Path, tmp_path: Path) -> None:
    up = vsr.Upscaler(model_file("2x-compact", tmp_path, ".safetensors"), scale=2, **EXACT)
    assert (up.model, up.precision) == ("2x-compact", "fp32")
    rgb = cv2.imread(str(image))[..., ::-1].copy()
    assert differ(up(rgb), own(drawn("2x-compact"), image)[..., ::-1]) <= 1


def test_the_precision_is_one_that_the_network_bears(tmp_path: Path) -> None:
    path = model_file("1x-nafnet", tmp_path)
    assert vsr.Upscaler(path, scale=1, device="cpu").precision in ("fp32", "bf16")


def test_scores(image: Path, tmp_path: Path) -> None:
    path = model_file("2x-compact", tmp_path)
    (score,) = vsr.evaluate([image], path, device="cpu")
    assert np.isfinite(score.psnr)
    (restored,) = vsr.evaluate([image], model_file("1x-dncnn", tmp_path), device="cpu", scale=1)
    assert np.isfinite(restored.psnr)


def test_a_preview(clip: Path, tmp_path: Path) -> None:
    path, page = model_file("2x-compact", tmp_path), tmp_path / "p.html"
    vsr.preview(clip, page, models=[str(path)], scale=2, duration=0.2, preset="ultrafast")
    assert "2x-compact" in page.read_text()
    assert "2x-compact.pth" in page.read_text()  # in the command that does it all


@pytest.mark.slow
def test_a_batch(clip: Path, tmp_path: Path) -> None:
    path, folder = model_file("2x-compact", tmp_path), tmp_path / "out"
    words = ("batch", clip, folder, "-m", path, "-s", "2", "--preset", "ultrafast")
    ran = command(*map(str, words), patience=240)
    assert ran.code == 0, ran.err
    (made,) = folder.glob("*.mp4")
    assert len(held(made).pts) == 20


def test_a_community_model_is_not_adapted(clip: Path, tmp_path: Path) -> None:
    path = model_file("2x-compact", tmp_path)
    ran = command(
        "adapt", str(clip), "-o", str(tmp_path / "a.safetensors"), "-s", "2", "-m", str(path)
    )
    assert ran.code != 0
    assert "2x-compact: community models are not adapted; choose another model" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_community_model_is_not_exported(tmp_path: Path) -> None:
    path = model_file("2x-compact", tmp_path)
    with pytest.raises(vsr.ModelError, match="2x-compact: community models are not exported"):
        vsr.export(path, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_a_file_that_is_refused_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(b"PK\x03\x04")
    ran = command("upscale", str(clip), str(tmp_path / "out.mp4"), "-m", str(tmp_path / "bad.pth"))
    assert ran.code != 0
    assert len(ran.err.splitlines()) == 1
    assert "bad.pth: damaged, or cut short" in ran.err
    assert not (tmp_path / "out.mp4").exists()
