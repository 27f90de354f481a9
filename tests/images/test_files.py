"""Image files that are damaged, or lie about themselves: one line of ours, and nothing else."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cli_runner import vsr
from support.damaged_images import (
    JPEGS,
    OTHERS,
    PNGS,
    chunk,
    damaged,
    picture,
    png,
    rows,
    with_checksums,
)

from vsr.core.errors import InputError
from vsr.core.limits import Limits
from vsr.images.files import read_header, read_picture
from vsr.images.images import open_images

ALL = JPEGS | PNGS | OTHERS


def stored(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", [*JPEGS, *PNGS])
def test_pixels_are_those_that_opencv_decodes(tmp_path: Path, name: str) -> None:
    ours = read_picture(stored(tmp_path, name, ALL[name]))
    known = cv2.imdecode(np.frombuffer(ALL[name], np.uint8), cv2.IMREAD_UNCHANGED)
    assert ours.damage == ""
    assert ours.pixels.dtype == known.dtype
    assert np.array_equal(ours.pixels, known)


@pytest.mark.parametrize("name", ALL)
def test_damage_ends_in_one_line_or_a_picture(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ends = set()
    for number in range(30):
        data = damaged(ALL[name], random.Random(f"{name} {number}"))
        if name in PNGS and number % 2:
            data = with_checksums(data)
        path = stored(tmp_path, name, data)
        try:
            picture = read_picture(path)
            assert "\n" not in picture.damage
            ends.add("read")
        except InputError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
            assert "OpenCV" not in str(error)
            ends.add("refused")
    assert "refused" in ends
    assert capfd.readouterr() == ("", "")


_RAW = rows(picture()[..., :3])
_PACKED = zlib.compress(_RAW)
_PALETTE = chunk(b"PLTE", bytes(range(30)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(zlib.compress(_RAW[:3000])), "cut short"),
        (png(_PACKED[: len(_PACKED) // 2]), "cut short"),
        (png(_PACKED[:-4]), "cut short"),
        (png(_PACKED[:-4] + b"abcd"), "cannot be unpacked"),
        (png(b"no pixels at all"), "cannot be unpacked"),
        (png(zlib.compress(rows(picture()[..., :3], filtered=9))), "filter"),
        (png(_PACKED, bits=3), "a kind of PNG that there is not"),
        (png(_PACKED, color=5), "a kind of PNG that there is not"),
        (png(_PACKED, width=0), "a size of 0x45"),
        (png(_PACKED, color=3), "palette"),
        (png(_PACKED, chunk(b"PLTE", b"1234"), color=3), "palette"),
        (png(_PACKED, _PALETTE, chunk(b"tRNS", bytes(300)), color=3), "transparency"),
        (png(_PACKED, chunk(b"tRNS", b"1")), "transparency"),
        (png(_PACKED, chunk(b"ABCD", b"1234")), "'ABCD' chunk"),
        (png(_PACKED, chunk(b"IHDR", bytes(13))), "header"),
    ],
)
def test_a_damaged_png_says_what_is_damaged(
    tmp_path: Path, data: bytes, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=words):
        read_picture(stored(tmp_path, "a.png", data))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data",
    [
        png(zlib.compress(_RAW + bytes(999))),
        png(_PACKED + b"more than is packed"),
        png(_PACKED[:99]).replace(chunk(b"IEND", b""), chunk(b"IDAT", _PACKED[99:]))
        + chunk(b"IEND", b""),
        png(_PACKED, chunk(b"PLTE", bytes(3)), chunk(b"gAMA", b"1")),
    ],
)
def test_what_a_png_holds_beyond_its_picture_does_not_matter(
    tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    found = read_picture(stored(tmp_path, "a.png", data)).pixels
    assert np.array_equal(found, picture()[..., :3])
    assert capfd.readouterr() == ("", "")


def test_a_palette_that_lacks_colours_gives_black(tmp_path: Path) -> None:
    packed = zlib.compress(bytes([0, 1, 2]))
    data = png(packed, chunk(b"PLTE", bytes([9, 9, 9, 5, 6, 7])), width=2, height=1, color=3)
    assert read_picture(stored(tmp_path, "a.png", data)).pixels.tolist() == [[[7, 6, 5], [0, 0, 0]]]


def test_a_png_may_hold_its_pixels_in_one_large_chunk(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (1700, 1700, 3)).astype(np.uint8)
    data = png(zlib.compress(rows(pixels), 0), width=1700, height=1700)
    assert np.array_equal(read_picture(stored(tmp_path, "a.png", data)).pixels, pixels)


def _large(side: int) -> dict[str, bytes]:
    """Small images whose headers say that they are large squares."""
    webp, jp2, avif = (OTHERS.get(f"plain.{suffix}", b"") for suffix in ("webp", "jp2", "avif"))
    sides = struct.pack(">II", side, side)
    return {
        "a.png": png(_PACKED, width=side, height=side),
        "a.jpg": _with(JPEGS["444.jpg"], b"\xff\xc0", 5, sides[2:4] + sides[6:]),
        "a.ppm": f"P6\n# two of them\n{side} {side}\n255\n".encode() + bytes(99),
        "a.bmp": _with(OTHERS["plain.bmp"], b"BM", 18, struct.pack("<ii", side, -side)),
        "a.tga": _with(OTHERS["plain.tga"], b"", 12, struct.pack("<HH", side, side)),
        "a.webp": _with(webp, b"\x9d\x01\x2a", 3, struct.pack("<HH", side, side)),
        "a.jp2": _with(jp2, b"ihdr", 4, sides),
        "a.avif": _with(avif, b"ispe", 8, sides),
    }


def _with(data: bytes, mark: bytes, offset: int, new: bytes) -> bytes:
    at = data.find(mark) + offset
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("name", _large(1))
def test_a_header_that_claims_too_much_is_refused_by_its_size(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    side = 16000  # WebP can tell 16383
    path = stored(tmp_path, name, _large(side)[name])
    words = f"a picture of {side}x{side} is {side**2} pixels, over the limit of 67108864; --max-pix"
    with pytest.raises(InputError, match=words):
        read_picture(path)
    with (
        pytest.raises(InputError, match="over the limit of 100; "),
        open_images(path, print, limits=Limits(pixels=100)),
    ):
        pass
    assert capfd.readouterr() == ("", "")


def test_no_limit_allows_what_cannot_be_decoded(tmp_path: Path) -> None:
    path = stored(tmp_path, "a.png", png(_PACKED, width=2**21, height=2))
    with pytest.raises(InputError, match="a picture of 2097152x2 is not read; allowed are up to"):
        read_picture(path)


@pytest.mark.parametrize("name", OTHERS)
def test_headers_tell_the_size_before_anything_is_decoded(tmp_path: Path, name: str) -> None:
    header = read_header(stored(tmp_path, name, OTHERS[name]))
    shape = header.shape
    assert header.size == (61, 45) if shape is None else (shape.width, shape.height) == (61, 45)


def _mendable(folder: Path) -> Path:
    """A JPEG with bytes too many, as some cameras write them."""
    data = JPEGS["420.jpg"]
    return stored(folder, "a.jpg", data[:-2] + bytes(4) + data[-2:])


def test_a_jpeg_that_is_mended_is_told_and_counted(tmp_path: Path) -> None:
    source, target = _mendable(tmp_path), tmp_path / "out.png"
    ran = vsr("upscale", source, target, "--model", "bicubic", "--json")
    (line,) = ran.err.splitlines()
    assert line.startswith(f"vsr: warning: {source}: is damaged, and was taken as the decoder")
    assert ran.events[-1]["damage"] == {"corrupt": 1}
    assert target.exists()


def test_strict_refuses_a_jpeg_that_is_mended(tmp_path: Path) -> None:
    source, target = _mendable(tmp_path), tmp_path / "out.png"
    ran = vsr("upscale", source, target, "--model", "bicubic", "--strict")
    assert ran.code == 1
    assert ran.err.splitlines()[-1].endswith("--strict allows no damage")
    assert not target.exists()
