"""`vsr restore-image` and `vsr adapt --zero-shot` as people and programs meet them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cli_runner import SCRIPT, vsr
from support.clips import picture
from support.rgb_networks import colours

from vsr.images.files import read_picture

FAST = {
    "--prior": ["--prior", "--features", "4", "--iterations", "2"],
    "--zero-shot": ["--zero-shot", "--iterations", "2"],
}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A small picture with transparency."""
    seen = colours(1, 37, 34)
    alpha = np.linspace(0, 255, seen.shape[1]).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "in.png"), np.dstack([seen, np.tile(alpha, (len(seen), 1))]))
    return tmp_path / "in.png"


@pytest.mark.slow
@pytest.mark.parametrize("method", FAST)
def test_an_image_keeps_its_kind(image: Path, tmp_path: Path, method: str) -> None:
    """Odd sides, alpha as `vsr upscale` enlarges it."""
    out = tmp_path / "out.png"
    ran = vsr("restore-image", image, out, *FAST[method], "-s", "2", "--json")
    assert (ran.code, ran.err) == (0, "")
    made = read_picture(out).pixels
    assert (made.shape, made.dtype) == ((68, 74, 4), np.uint8)
    vsr("upscale", image, tmp_path / "bicubic.png", "-m", "bicubic", "-s", "2")
    assert np.array_equal(made[..., 3], read_picture(tmp_path / "bicubic.png").pixels[..., 3])
    found, *_, last, result = ran.events
    assert found["event"] == "found"
    assert found["estimated"] == (method == "--zero-shot")
    assert (last["event"], last["step"], last["done"]) == ("progress", 2, 1.0)
    assert (result["event"], result["width"], result["height"]) == ("result", 74, 68)
    assert result["steps"] == 2


@pytest.mark.slow
def test_depth_grey_and_profile_are_kept(tmp_path: Path) -> None:
    deep = picture(2, 40, 36).astype(np.uint16) * 257
    ok, data = cv2.imencode(".png", deep)
    assert ok
    plain = data.tobytes()
    exif = b"II*\0\x08\0\0\0\0\0\0\0\0\0"  # an empty TIFF block
    (tmp_path / "deep.png").write_bytes(with_chunk(plain, b"eXIf", exif))
    ran = vsr(
        "restore-image", tmp_path / "deep.png", tmp_path / "out.png", *FAST["--prior"], "-s", "3"
    )
    assert ran.code == 0, ran.err
    made = read_picture(tmp_path / "out.png")
    assert (made.pixels.shape, made.pixels.dtype) == ((108, 120), np.uint16)
    assert made.header.metadata.exif == exif


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    """A PNG with one chunk more, behind its header."""
    chunk = len(data).to_bytes(4, "big") + name + data
    chunk += zlib.crc32(name + data).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]


@pytest.mark.slow
def test_a_model_file_of_one_image(image: Path, tmp_path: Path) -> None:
    """`vsr upscale` takes it; learning begins from bicubic."""
    np.save(tmp_path / "k.npy", np.ones((4, 4)))
    model, out = tmp_path / "one.safetensors", tmp_path / "out.png"
    words = ["--zero-shot", "-s", "2", "--iterations", "2", "--kernel", tmp_path / "k.npy"]
    ran = vsr("adapt", image, "-o", model, *words)
    assert ran.code == 0, ran.err
    assert "its own reductions: bicubic" in ran.out
    assert f"--model {model}" in ran.out
    ran = vsr("upscale", image, out, "-m", model, "-s", "2", "--json")
    assert ran.code == 0, ran.err
    assert read_picture(out).pixels.shape == (68, 74, 4)
    again = vsr("adapt", image, "-o", model, *words)
    assert (again.code, "exists already" in again.err) == (1, True)


@pytest.mark.slow
def test_a_model_file_of_one_clip(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for number in range(8):
        cv2.imwrite(str(tmp_path / f"clip/{number}.png"), colours(number, 64, 56))
    words = ["--zero-shot", "-s", "2", "--iterations", "2", "--blur", "0.5", "--json"]
    ran = vsr("adapt", tmp_path / "clip", "-o", tmp_path / "clip.safetensors", *words)
    assert ran.code == 0, ran.err
    result = ran.events[-1]
    assert 1 < result["pictures"] <= 6
    assert result["steps"] == 2


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["in.png", "out.png"], 2, "choose one of --prior and --zero-shot"),
        (["in.png", "out.png", "--prior", "--zero-shot"], 2, "choose one of"),
        (["in.png", "out.png", "--prior", "--gradual"], 2, "--gradual is for --zero-shot alone"),
        (["in.png", "out.png", "--zero-shot", "--features", "8"], 2, "is for --prior alone"),
        (["in.png", "out.png", "--prior", "--features", "0"], 2, "whole number of 1 to 1024"),
        (["in.png", "out.png", "--prior", "-s", "5"], 2, "5"),
        (["in.png", "out.png", "--prior", "--blur", "1", "--kernel", "k"], 2, "exclude each other"),
        (["in.png", "out.png", "--prior", "--kernel", "k.npy"], 1, "k.npy: no such file"),
        (["in.png", "in.png", "--prior", "-y"], 1, "in.png: is the input itself"),
        (["in.png", "there.png", "--prior"], 1, "there.png: exists already"),
        (["in.png", "out.mp4", "--prior"], 1, "out.mp4: must be an image file"),
        (["in.png", "folder", "--prior"], 1, "folder: must be an image file"),
        (["in.png", "-", "--prior"], 1, "-: must be an image file"),
        (["in.png", "none/out.png", "--prior"], 1, "none does not exist"),
        (["folder", "out.png", "--prior"], 1, "folder: must be one image"),
        (["text.png", "out.png", "--prior"], 1, "text.png"),
        (["none.png", "out.png", "--prior"], 1, "none.png: no such file"),
        (["tiny.png", "out.png", "--zero-shot"], 1, "tiny.png: 9x8 pixels are too few to learn"),
    ],
)
def test_what_cannot_be_restored(
    image: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "text.png").write_text("no picture")
    cv2.imwrite(str(tmp_path / "tiny.png"), colours(0, 9, 8))
    before = sorted(tmp_path.rglob("*"))
    paths = [word if word == "-" else str(tmp_path / word) for word in words[:2]]
    ran = vsr("restore-image", *paths, *words[2:])
    assert ran.code == code
    assert message in ran.err
    assert "unexpected" not in ran.err
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.png").read_bytes() == b"mine"


def test_what_a_link_leads_to_is_replaced(image: Path, tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"old")
    link = tmp_path / "link.png"
    link.symlink_to("old.png")
    ran = vsr("restore-image", image, link, *FAST["--prior"], "-s", "2", "-y", "-q")
    assert ran.code == 0, ran.err
    assert link.is_symlink()
    assert read_picture(tmp_path / "old.png").pixels.shape == (68, 74, 4)


def test_the_kernels_file_is_never_replaced(image: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.png"
    cv2.imwrite(str(kernel), np.full((4, 4), 9, np.uint8))
    kept = kernel.read_bytes()
    words = (*FAST["--zero-shot"], "-s", "2", "--kernel", kernel, "-y")
    ran = vsr("restore-image", image, kernel, *words)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "kernel.png: is the input itself; choose another name" in ran.err
    assert kernel.read_bytes() == kept


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["in.png", "--kernel", "k.npy"], "--kernel is for --zero-shot alone"),
        (["in.png", "--gradual"], "--gradual is for --zero-shot alone"),
        (["in.png", "in.png", "--zero-shot"], "learns from one image or clip"),
        (["in.png", "--zero-shot", "-m", "espcn"], "--zero-shot and --model exclude each other"),
        (["in.png", "--zero-shot", "--lr", "1e-3"], "--zero-shot and --lr exclude each other"),
    ],
)
def test_usage_of_adapt(image: Path, words: list[str], message: str) -> None:
    given = [image if word == "in.png" else word for word in words]
    ran = vsr("adapt", *given, "-o", image.with_name("m.safetensors"))
    assert (ran.code, message in ran.err) == (2, True)


@pytest.mark.slow
def test_an_interrupt_leaves_nothing(image: Path, tmp_path: Path) -> None:
    words = [SCRIPT, "restore-image", image, tmp_path / "out.png", "--prior", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert b"found" in run.stdout.readline()  # it is at work
        time.sleep(0.2)
        os.kill(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.strip() == b"vsr: interrupted"
    assert list(tmp_path.iterdir()) == [image]
