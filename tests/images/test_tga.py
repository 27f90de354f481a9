"""TGA images, made here by their specification, are read to the bit."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import vsr
from vsr import InputError, OutputError
from vsr.images.files import read_picture, read_shape

SIDE = (5, 7)
RANDOM = np.random.default_rng(1)


def pixels(channels: int) -> Any:
    return RANDOM.integers(0, 256, SIDE if channels == 1 else (*SIDE, channels)).astype(np.uint8)


def tga(
    stored: Any,
    bits: int,
    *,
    kind: int | None = None,
    flags: int = 0x20,
    palette: Any = None,
    body: bytes | None = None,
    alpha_kind: int | None = None,
) -> bytes:
    """A file with `stored` as it lies there, or `body` in its place."""
    mapped = palette is not None
    kind = kind if kind is not None else 1 if mapped else 3 if bits == 8 else 2
    height, width = stored.shape[:2]
    colors = (0, len(palette), 8 * palette.shape[1]) if mapped else (0, 0, 0)
    head = struct.pack(
        "<BBBHHBHHHHBB", 4, int(mapped), kind, *colors, 0, 0, width, height, bits, flags
    )
    body = np.ascontiguousarray(stored).tobytes() if body is None else body
    data = head + b"name" + (palette.tobytes() if mapped else b"") + body
    if alpha_kind is None:
        return data
    area = struct.pack("<H", 495) + bytes(492) + bytes([alpha_kind])
    return data + area + struct.pack("<II", len(data), 0) + b"TRUEVISION-XFILE.\0"


def read(folder: Path, data: bytes) -> Any:
    file = folder / "a.tga"
    file.write_bytes(data)
    picture = read_picture(file)
    assert read_shape(file) == picture.shape
    return picture.pixels


@pytest.mark.parametrize(("bits", "alpha"), [(8, 0), (24, 0), (32, 8)])
@pytest.mark.parametrize("top", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_plain_ones_in_every_direction(
    tmp_path: Path, bits: int, alpha: int, top: bool, right: bool
) -> None:
    image = pixels(bits // 8)
    stored = image[:: 1 if top else -1, :: -1 if right else 1]
    assert np.array_equal(
        read(tmp_path, tga(stored, bits, flags=0x20 * top | 0x10 * right | alpha)), image
    )


def test_a_fourth_byte_that_is_no_alpha(tmp_path: Path) -> None:
    image = pixels(4)
    assert np.array_equal(read(tmp_path, tga(image, 32)), image[..., :3])
    data = tga(image, 32, flags=0x28, alpha_kind=0)
    assert np.array_equal(read(tmp_path, data), image[..., :3])
    assert np.array_equal(read(tmp_path, tga(image, 32, flags=0x28, alpha_kind=3)), image)


def test_premultiplied_alpha(tmp_path: Path) -> None:
    image = np.full((*SIDE, 4), (50, 25, 0, 128), np.uint8)
    found = read(tmp_path, tga(image, 32, flags=0x28, alpha_kind=4))
    assert found[0, 0].tolist() == [100, 50, 0, 128]


@pytest.mark.parametrize("entry", [3, 4])
def test_palettes(tmp_path: Path, entry: int) -> None:
    palette = RANDOM.integers(0, 256, (20, entry)).astype(np.uint8)
    numbers = RANDOM.integers(0, 20, SIDE).astype(np.uint8)
    flags = 0x28 if entry == 4 else 0x20
    found = read(tmp_path, tga(numbers, 8, palette=palette, flags=flags))
    assert np.array_equal(found, palette[numbers])


def test_fifteen_bits(tmp_path: Path) -> None:
    words = RANDOM.integers(0, 2**15, SIDE).astype("<u2")
    parts = np.stack([words >> shift & 31 for shift in (0, 5, 10)], -1)
    wanted = (parts << 3 | parts >> 2).astype(np.uint8)
    assert np.array_equal(read(tmp_path, tga(words, 16)), wanted)


@pytest.mark.parametrize(("bits", "kind"), [(8, 11), (24, 10), (32, 10)])
def test_run_lengths(tmp_path: Path, bits: int, kind: int) -> None:
    image = pixels(bits // 8)
    image[:, 2:6] = image[:, 2:3]
    rows = [row.reshape(SIDE[1], -1) for row in image]
    body = b"".join(
        b"\1" + row[:2].tobytes() + b"\x83" + row[2].tobytes() + b"\0" + row[6].tobytes()
        for row in rows
    )
    flags = 0x28 if bits == 32 else 0x20
    data = tga(image, bits, kind=kind, flags=flags, body=body)
    assert np.array_equal(read(tmp_path, data), image)


@pytest.mark.parametrize("length", [1, 3, 17, 18, 60, 120])
def test_a_file_that_is_cut_short_is_one_line(tmp_path: Path, length: int) -> None:
    with pytest.raises(InputError, match=r"a\.tga: cannot be read as an image"):
        read(tmp_path, tga(pixels(3), 24)[:length])


def test_kinds_that_are_not_read_are_one_line(tmp_path: Path) -> None:
    words = RANDOM.integers(0, 2**15, SIDE).astype("<u2")
    with pytest.raises(InputError, match=r"kind 3 with 16 bits; convert to \.png"):
        read(tmp_path, tga(words, 16, kind=3))  # grey with alpha
    with pytest.raises(InputError, match="it has no pixels"):
        read(tmp_path, tga(np.zeros((0, 7, 3), np.uint8), 24))


def test_another_image_of_that_name(tmp_path: Path) -> None:
    image = pixels(3)
    assert np.array_equal(read(tmp_path, cv2.imencode(".png", image)[1].tobytes()), image)


@pytest.mark.parametrize("stills", [False, True])
def test_a_folder_of_them_becomes_pngs(tmp_path: Path, stills: bool) -> None:
    folder, images = tmp_path / "in", [pixels(3) for _ in range(2)]
    folder.mkdir()
    for number, image in enumerate(images):
        (folder / f"{number}.tga").write_bytes(tga(image, 24))
    out = tmp_path / "out"
    vsr.upscale(folder, out, model="nearest", scale=2, device="cpu", stills=stills)
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "1.png"]
    assert all(
        np.array_equal(cv2.imread(str(out / f"{n}.png"))[::2, 1::2], image)
        for n, image in enumerate(images)
    )
    cv2.imwrite(str(folder / "1.png"), images[1])
    with pytest.raises(OutputError, match=r"two images would be named 1\.png"):
        vsr.upscale(folder, tmp_path / "again", model="nearest", device="cpu", stills=stills)


def test_they_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.tga").write_bytes(tga(pixels(3), 24))
    with pytest.raises(OutputError, match=r"no image can be written with suffix '\.tga'"):
        vsr.upscale(tmp_path / "a.tga", tmp_path / "b.tga", model="nearest", device="cpu")


@pytest.mark.parametrize("suffix", [".hdr", ".psd", ".cr2"])
@pytest.mark.parametrize("name", ["a", "f_%04d"])
def test_other_kinds_are_told_what_to_become(tmp_path: Path, suffix: str, name: str) -> None:
    source = tmp_path / f"{name}{suffix}"
    if name == "a":
        source.write_bytes(b"not looked into")
    with pytest.raises(InputError, match=rf"\{suffix} pictures are not read; convert to \.png"):
        vsr.upscale(source, tmp_path / "out.png", model="nearest", device="cpu")
