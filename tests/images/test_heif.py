"""HEIC in: colours, depth, orientation and profiles, as of a telephone's pictures."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.heif_files import heic

import vsr
from vsr.core.errors import InputError
from vsr.images.files import read_header, read_picture

pytest.importorskip("pi_heif", reason="needs the extra `stills`")


def picture(depth: int = 8) -> Any:
    """Red to the right, green downwards: (48, 64, 3)."""
    rgb = np.zeros((48, 64, 3))
    rgb[..., 0] = np.linspace(0.1, 0.9, 64)
    rgb[..., 1] = np.linspace(0.2, 0.8, 48)[:, None]
    rgb[..., 2] = 0.5
    return np.rint(rgb * ((1 << depth) - 1)).astype(f"uint{depth}")


@pytest.mark.parametrize(
    ("depth", "pix_fmt"), [(8, "yuv444p"), (8, "yuv420p"), (16, "yuv444p10le")]
)
def test_colours_are_right(tmp_path: Path, depth: int, pix_fmt: str) -> None:
    rgb = picture(depth)
    found = read_picture(heic(tmp_path / "a.heic", rgb, pix_fmt=pix_fmt))
    assert found.shape == read_header(tmp_path / "a.heic").shape
    assert found.pixels.dtype == rgb.dtype
    off = np.abs(found.pixels[..., ::-1].astype(float) - rgb) / ((1 << depth) - 1)
    assert off.max() < 0.02
    assert off.mean() < 0.006


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_it_is_turned_once(tmp_path: Path, turns: int) -> None:
    """By the file's own word; EXIF repeats it, as telephones have it, and then says upright."""
    orientation = {1: 8, 2: 3, 3: 6}[turns]
    exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)
    source = heic(tmp_path / "a.heic", picture(), turns=turns, exif=exif)
    vsr.upscale(source, tmp_path / "b.png", scale=2, model="nearest", device="cpu")
    found = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_COLOR_RGB)[::2, ::2]
    assert np.abs(found.astype(int) - np.rot90(picture(), turns)).max() < 6
    (told,) = struct.unpack_from(">H", read_header(tmp_path / "b.png").metadata.exif, 18)
    assert told == 1


def test_the_profile_is_carried(tmp_path: Path) -> None:
    icc = bytes(16) + b"RGB " + bytes(16) + b"acsp" + bytes(88)
    source = heic(tmp_path / "a.heic", picture(), icc=icc)
    assert vsr.upscale(source, tmp_path / "b.jpg", scale=2, model="nearest").warnings == ()
    assert read_header(tmp_path / "b.jpg").metadata.icc == icc


@pytest.mark.parametrize("cicp", [(12, 13, 6), (9, 16, 9)])
def test_wide_and_hdr_colours_are_told(tmp_path: Path, cicp: tuple[int, int, int]) -> None:
    source = heic(tmp_path / "a.heic", picture(16), pix_fmt="yuv444p10le", cicp=cicp)
    vsr.upscale(source, tmp_path / "b.png", scale=2, model="nearest", device="cpu")
    assert read_header(tmp_path / "b.png").metadata.cicp == bytes([*cicp[:2], 0, 1])


def test_folders_become_pngs(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in (3, 4):
        heic(tmp_path / "in" / f"IMG_{number}.HEIC", picture())
    vsr.upscale(tmp_path / "in", tmp_path / "out", scale=2, model="nearest", device="cpu")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["IMG_3.png", "IMG_4.png"]


def test_damage_is_told_in_one_line(tmp_path: Path) -> None:
    whole = heic(tmp_path / "a.heic", picture()).read_bytes()
    for length in (40, len(whole) // 2):
        (tmp_path / "a.heic").write_bytes(whole[:length])
        with pytest.raises(InputError, match="cannot be read as an image") as refused:
            read_picture(tmp_path / "a.heic")
        assert "\n" not in str(refused.value)


def test_what_is_needed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = heic(tmp_path / "a.heic", picture())
    monkeypatch.setitem(__import__("sys").modules, "pi_heif", None)
    with pytest.raises(InputError, match=r"HEIC needs pi-heif: pip install 'vsr-video\[stills\]'"):
        read_header(source)
