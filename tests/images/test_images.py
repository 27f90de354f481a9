"""Images in and out: exact colours, kept kinds and metadata, clean failures."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import vsr
from vsr.core.color import enlarge_chroma
from vsr.core.errors import InputError, OutputError
from vsr.core.events import Warn
from vsr.core.frame import VideoInfo
from vsr.core.stream_report import Others
from vsr.images.encode import encode
from vsr.images.files import read_header, read_picture, read_shape
from vsr.images.formats import IMAGE_FORMATS
from vsr.images.images import Images, open_images
from vsr.images.listing import is_image, is_image_folder, list_images, same_size
from vsr.images.metadata import Metadata, Shape
from vsr.images.planes import to_pixels, to_planes
from vsr.output.image_files import ImageSpec, create_image, create_image_folder

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa9</x:xmpmeta>'


def random_pixels(*shape: int, depth: int = 8) -> np.ndarray:
    dtype = np.uint8 if depth == 8 else np.uint16
    return np.random.default_rng(7).integers(0, 2**depth, shape).astype(dtype)


def save(path: Path, pixels: np.ndarray, *parameters: int) -> Path:
    done, data = cv2.imencode(path.suffix, pixels, parameters)
    assert done
    path.write_bytes(data.tobytes())
    return path


def load(path: Path, flags: int = cv2.IMREAD_UNCHANGED) -> np.ndarray:
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    assert pixels is not None
    return pixels


def spec_of(target: Path, images: Images, warn: Warn) -> ImageSpec:
    return ImageSpec(
        target=target,
        info=images.info,
        warn=warn,
        depth=images.depth,
        metadata=images.metadata,
        overwrite=True,
    )


def copy(source: Path, target: Path) -> list[str]:
    """Read an image and write it in its own size. Returns the warnings."""
    said: list[str] = []
    with (
        open_images(source, said.append) as images,
        create_image(spec_of(target, images, said.append)) as out,
    ):
        for frame in images.frames():
            out.write(frame)
    return said


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(path: Path, bits: int, color: int, rows: list[bytes], width: int, *more: bytes) -> Path:
    """A PNG of any kind; `more` chunks come before the pixels."""
    size = struct.pack(">IIBBBBB", width, len(rows), bits, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = [chunk(b"IHDR", size), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    return path


def color_png(path: Path, pixels: np.ndarray, *more: bytes) -> Path:
    rows = [row[:, ::-1].tobytes() for row in pixels]
    return png(path, 8, 2, rows, pixels.shape[1], *more)


def tiff(path: Path, tags: dict[int, tuple[int, ...]], data: bytes, order: str = "<") -> Path:
    """An uncompressed TIFF of SHORT tags, with one strip of data."""
    tags = {259: (1,), 273: (0,), 277: (1,), 278: tags[257], 279: (len(data),), **tags}
    table = 8 + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag in sorted(tags):
        numbers = tags[tag]
        place = struct.pack(f"{order}{len(numbers)}H", *numbers)
        if len(place) > 4:
            place, values = struct.pack(f"{order}I", table + len(values)), values + place
        entries += struct.pack(f"{order}HHI", tag, 3, len(numbers)) + place.ljust(4, b"\0")
    start = struct.pack(f"{order}H", table + len(values))
    strip = struct.pack(f"{order}HHI", 273, 3, 1)
    entries = entries.replace(strip + b"\0\0", strip + start)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags))
    path.write_bytes(head + entries + b"\0\0\0\0" + values + data)
    return path


def exif(orientation: int, order: str = "<") -> bytes:
    """An EXIF block with an orientation and, further on, a made-up second directory."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x112, 3, 1, orientation, 0)
    return mark + struct.pack(f"{order}IH", 8, 1) + entry + struct.pack(f"{order}I", 26) + b"\0\0"


def profile(space: bytes = b"RGB ", size: int = 600) -> bytes:
    """The head of an ICC profile, and noise."""
    noise = np.random.default_rng(1).bytes(size - 20)
    return struct.pack(">I", size) + bytes(12) + space + noise


# Colour, grey, alpha -----------------------------------------------------------------------


def test_8_bit_colours_return_exactly(tmp_path: Path) -> None:
    pixels = random_pixels(256, 256, 3)
    pixels[0, :8] = [[b, g, r] for b in (0, 255) for g in (0, 255) for r in (0, 255)]
    assert copy(save(tmp_path / "a.png", pixels), tmp_path / "b.png") == []
    assert (load(tmp_path / "b.png") == pixels).all()
    assert load(tmp_path / "b.png").dtype == np.uint8


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_colours_return_exactly(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = random_pixels(256, 256, channels, depth=16)
    pixels[0, :8, :3] = [[b, g, r] for b in (0, 65535) for g in (0, 65535) for r in (0, 65535)]
    assert copy(save(tmp_path / "a.png", pixels), tmp_path / f"b{suffix}") == []
    assert copy(tmp_path / f"b{suffix}", tmp_path / "c.png") == []
    written = load(tmp_path / "c.png")
    assert written.dtype == np.uint16
    assert (written == pixels).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_what_nearest_repeats_is_exact_in_16_bits(tmp_path: Path, channels: int) -> None:
    pixels = random_pixels(24, 20, channels, depth=16)
    vsr.upscale(save(tmp_path / "a.png", pixels), tmp_path / "b.png", scale=2, model="nearest")
    assert (load(tmp_path / "b.png") == pixels.repeat(2, 0).repeat(2, 1)).all()


def test_planes_are_full_range_bt601() -> None:
    bgr = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [99, 99, 99]]], np.uint8)
    y, u, v = to_planes(bgr)
    assert y.dtype == np.uint16
    assert y[0].tolist() == [7471, 38469, 19595, 99 * 257]
    assert u[0].tolist() == [65535, 11059, 21710, 32768]
    assert v[0].tolist() == [27439, 5329, 65535, 32768]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_grey_stays_grey(tmp_path: Path, suffix: str, depth: int) -> None:
    pixels = random_pixels(40, 31, depth=depth)
    assert copy(save(tmp_path / f"a{suffix}", pixels), tmp_path / f"b{suffix}") == []
    written = load(tmp_path / f"b{suffix}")
    assert written.shape == pixels.shape
    assert written.dtype == pixels.dtype
    assert (written == pixels).all()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_is_kept(tmp_path: Path, suffix: str, depth: int) -> None:
    pixels = random_pixels(40, 31, 4, depth=depth)
    source = save(tmp_path / "a.png", pixels)
    assert copy(source, tmp_path / f"b{suffix}") == []
    copy(tmp_path / f"b{suffix}", tmp_path / "c.png")
    for written in (read_picture(tmp_path / f"b{suffix}").pixels, load(tmp_path / "c.png")):
        assert written.dtype == pixels.dtype
        assert (written[..., 3] == pixels[..., 3]).all()
        assert (written == pixels).all()


def test_alpha_is_enlarged_with_the_chroma(tmp_path: Path) -> None:
    pixels = np.full((6, 5, 4), (10, 20, 30, 128), np.uint8)
    with open_images(save(tmp_path / "a.png", pixels), pytest.fail) as images:
        (frame,) = images.frames()
        chroma = [torch.from_numpy(plane)[None] for plane in frame.planes[1:]]
        large = [plane[0].numpy() for plane in enlarge_chroma(chroma, images.info, 2)]
    planes = (np.repeat(np.repeat(frame.planes[0], 2, 0), 2, 1), *large)
    found = to_pixels(planes, images.info.format, Shape(10, 12, 4, 8))
    assert (found == np.full((12, 10, 4), (10, 20, 30, 128))).all()


def test_grey_with_alpha_keeps_both(tmp_path: Path) -> None:
    source = png(tmp_path / "a.png", 8, 4, [bytes([0, 1, 200, 254])], 2)
    assert copy(source, tmp_path / "b.png") == []
    assert load(tmp_path / "b.png").tolist() == [[[0, 0, 0, 1], [200, 200, 200, 254]]]


def test_palette_and_few_bits(tmp_path: Path) -> None:
    palette = chunk(b"PLTE", bytes([0, 0, 0, 255, 0, 0, 1, 2, 3]))
    source = png(tmp_path / "a.png", 2, 3, [b"\x18"], 3, palette)
    assert copy(source, tmp_path / "b.png") == []
    assert load(tmp_path / "b.png").tolist() == [[[0, 0, 0], [0, 0, 255], [3, 2, 1]]]

    clear = chunk(b"tRNS", b"\x00\x80")
    source = png(tmp_path / "a.png", 2, 3, [b"\x18"], 3, palette, clear)
    assert copy(source, tmp_path / "b.png") == []
    assert load(tmp_path / "b.png")[0, :, 3].tolist() == [0, 128, 255]

    source = png(tmp_path / "a.png", 1, 0, [b"\xa0"], 4)
    assert copy(source, tmp_path / "b.png") == []
    assert load(tmp_path / "b.png").tolist() == [[255, 0, 255, 0]]


def test_transparency_of_a_grey_palette_is_named(tmp_path: Path) -> None:
    source = png(tmp_path / "a.png", 8, 0, [b"\0\1"], 2, chunk(b"tRNS", b"\0\1"))
    assert copy(source, tmp_path / "b.png") == [f"{source}: not carried over: transparency"]


def test_tiff_alpha_of_both_kinds(tmp_path: Path) -> None:
    data = bytes([100, 50, 0, 128, 9, 8, 7, 0])
    rgba = {256: (2,), 257: (1,), 258: (8,) * 4, 262: (2,), 277: (4,)}
    straight = tiff(tmp_path / "straight.tif", {**rgba, 338: (2,)}, data)
    assert read_picture(straight).pixels.tolist() == [[[0, 50, 100, 128], [7, 8, 9, 0]]]
    multiplied = tiff(tmp_path / "multiplied.tif", {**rgba, 338: (1,)}, data)
    assert read_picture(multiplied).pixels[0, 0].tolist() == [0, 100, 199, 128]


def test_written_tiff_tells_its_alpha(tmp_path: Path) -> None:
    copy(save(tmp_path / "a.png", random_pixels(4, 4, 4)), tmp_path / "b.tif")
    data = (tmp_path / "b.tif").read_bytes()
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [struct.unpack_from("<HHIH", data, start + 2 + 12 * n) for n in range(count)]
    assert (338, 3, 1, 2) in entries
    assert entries == sorted(entries)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_either_byte_order(tmp_path: Path, order: str) -> None:
    data = struct.pack(f"{order}2H", 1, 65535)
    tags = {256: (2,), 257: (1,), 258: (16,), 262: (1,)}
    assert read_picture(tiff(tmp_path / "a.tif", tags, data, order)).pixels.tolist() == [[1, 65535]]


def test_depths_between_8_and_16_fill_the_range(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5\n# ten bits\n2 1 1023\n" + bytes([3, 255, 0, 1]))
    assert read_picture(tmp_path / "a.pgm").pixels.tolist() == [[65535, 64]]
    (tmp_path / "b.pgm").write_bytes(b"P5 2 1 15\n" + bytes([15, 5]))
    assert read_picture(tmp_path / "b.pgm").pixels.tolist() == [[255, 85]]
    (tmp_path / "c.pgm").write_bytes(b"P2 2 1 15\n15 5\n")
    assert read_picture(tmp_path / "c.pgm").pixels.tolist() == [[255, 85]]


@pytest.mark.skipif(not cv2.haveImageWriter("a.avif"), reason="OpenCV without AVIF")
@pytest.mark.parametrize("depth", [10, 12])
def test_deep_avif_fills_the_range(tmp_path: Path, depth: int) -> None:
    pixels = np.full((16, 16, 3), 2**depth - 1, np.uint16)
    source = save(tmp_path / "a.avif", pixels, cv2.IMWRITE_AVIF_DEPTH, depth)
    assert read_picture(source).pixels.min() > 65000


def test_12_bit_jpeg_2000_fills_the_range(tmp_path: Path) -> None:
    # Samples count from the middle of their range: what was 30720..34815 of 16 bits is
    # 0..4095 of 12, once both places that tell the depth say so.
    pixels = np.full((64, 64), 34815, np.uint16)
    data = bytearray(cv2.imencode(".jp2", pixels)[1].tobytes())
    data[data.index(b"ihdr") + 14] = 11
    data[data.index(b"\xff\x51") + 40] = 11
    (tmp_path / "a.jp2").write_bytes(data)
    assert read_picture(tmp_path / "a.jp2").pixels.min() > 65000


def test_a_bmp_without_alpha_mask_has_none(tmp_path: Path) -> None:
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 32, 0, 8, 0, 0, 0, 0)
    data = bytes([1, 2, 3, 0, 4, 5, 6, 0])
    (tmp_path / "a.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 62, 0, 0, 54) + head + data)
    assert read_picture(tmp_path / "a.bmp").pixels.tolist() == [[[1, 2, 3], [4, 5, 6]]]


@pytest.mark.parametrize("suffix", sorted(IMAGE_FORMATS))
def test_every_format_can_be_written(tmp_path: Path, suffix: str) -> None:
    if not cv2.haveImageWriter(f"a{suffix}"):
        pytest.skip(f"OpenCV without {suffix}")
    y, x = np.mgrid[0:64, 0:80].astype(np.uint8)
    pixels = y + x if suffix == ".pgm" else np.stack([2 * y, 3 * x, y + x], 2)
    assert copy(save(tmp_path / "a.png", pixels), tmp_path / f"b{suffix}") == []
    written = read_picture(tmp_path / f"b{suffix}").pixels
    assert written.shape == pixels.shape
    assert np.abs(written.astype(int) - pixels).mean() < 1.5


def test_grey_becomes_colour_where_it_must(tmp_path: Path) -> None:
    pixels = random_pixels(8, 9)
    assert copy(save(tmp_path / "a.png", pixels), tmp_path / "b.ppm") == []
    assert (load(tmp_path / "b.ppm") == pixels[..., None]).all()


def test_fewer_bits_and_no_alpha_are_said(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", random_pixels(16, 16, 4, depth=16))
    assert copy(source, tmp_path / "b.jpg") == [
        ".jpg cannot hold transparency; it is dropped",
        ".jpg holds 8 bits per sample; 16 are rounded to that",
    ]
    assert load(tmp_path / "b.jpg").shape == (16, 16, 3)
    deep = save(tmp_path / "a.png", np.full((2, 2), 257 * 77 + 100, np.uint16))
    assert len(copy(deep, tmp_path / "b.bmp")) == 1
    assert (load(tmp_path / "b.bmp") == 77).all()


def test_jpeg_keeps_full_chroma(tmp_path: Path) -> None:
    copy(save(tmp_path / "a.png", random_pixels(16, 16, 3)), tmp_path / "b.jpg")
    data = (tmp_path / "b.jpg").read_bytes()
    at = data.index(b"\xff\xc0") + 10
    assert [data[at + 1 + 3 * n] for n in range(3)] == [0x11] * 3


# Orientation and metadata ------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_shows_the_same(tmp_path: Path, orientation: int) -> None:
    order = "<" if orientation % 2 else ">"
    block = chunk(b"eXIf", exif(orientation, order))
    source = color_png(tmp_path / "a.png", random_pixels(4, 6, 3), block)
    shown = load(source, cv2.IMREAD_COLOR)  # which heeds the tag
    assert read_shape(source) == read_picture(source).shape
    for suffix in (".png", ".bmp", ".tif", ".ppm"):
        copy(source, tmp_path / f"b{suffix}")
        assert (load(tmp_path / f"b{suffix}", cv2.IMREAD_COLOR) == shown).all()
    written = read_header(tmp_path / "b.png").metadata.exif
    assert written[:18] == exif(1, order)[:18]
    assert (written[22:26] == bytes(4)) == (orientation > 1)  # the thumbnail, unlinked


def test_orientation_of_a_tiff(tmp_path: Path) -> None:
    tags = {256: (3,), 257: (2,), 258: (8,), 262: (1,), 274: (6,)}
    source = tiff(tmp_path / "a.tif", tags, bytes([1, 2, 3, 4, 5, 6]))
    assert read_picture(source).pixels.tolist() == [[4, 1], [5, 2], [6, 3]]
    assert read_shape(source) == read_picture(source).shape


@pytest.mark.parametrize("size", [600, 200_000])
def test_metadata_is_carried_from_format_to_format(tmp_path: Path, size: int) -> None:
    icc = profile(size=size)
    chunks = (
        chunk(b"iCCP", b"any name\0\0" + zlib.compress(icc)),
        chunk(b"eXIf", exif(1)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0title\0" + zlib.compress(XMP)),
    )
    source = color_png(tmp_path / "a.png", random_pixels(17, 18, 3), *chunks)
    expected = Metadata(icc=icc, exif=exif(1), xmp=XMP)
    for suffix in (".png", ".jpg", ".webp", ".png"):
        target = tmp_path / f"b{suffix}"
        assert copy(source, target) == []
        assert read_header(target).metadata == expected
        assert load(target).shape == (17, 18, 3)
        types, blocks = cv2.imdecodeWithMetadata(np.fromfile(target, np.uint8), -1)[1:]
        held = {int(t): bytes(b.ravel()) for t, b in zip(types, blocks, strict=True)}
        assert held[cv2.IMAGE_METADATA_EXIF] == exif(1)
        source = target
    assert copy(source, tmp_path / "b.tif") == [".tif cannot hold, left out: EXIF"]
    assert copy(tmp_path / "b.tif", tmp_path / "c.tif") == []
    assert read_header(tmp_path / "c.tif").metadata == Metadata(icc=icc, xmp=XMP)
    assert copy(source, tmp_path / "b.bmp") == [
        ".bmp cannot hold, left out: ICC profile, EXIF, XMP"
    ]


def test_webp_holds_metadata_beside_alpha(tmp_path: Path) -> None:
    pixels = random_pixels(20, 30, 4)
    data = save(tmp_path / "a.png", pixels).read_bytes()
    (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"eXIf", exif(1)) + data[33:])
    assert copy(tmp_path / "a.png", tmp_path / "b.webp") == []
    assert (load(tmp_path / "b.webp")[..., 3] == pixels[..., 3]).all()
    assert read_header(tmp_path / "b.webp").metadata.exif == exif(1)


def test_color_space_codes_of_a_png_are_carried(tmp_path: Path) -> None:
    codes = chunk(b"cICP", bytes([9, 16, 0, 1]))
    source = color_png(tmp_path / "a.png", random_pixels(4, 4, 3), codes)
    assert copy(source, tmp_path / "b.png") == []
    assert read_header(tmp_path / "b.png").metadata.cicp == bytes([9, 16, 0, 1])
    with open_images(source, pytest.fail) as images:
        assert images.info.color.transfer == 16  # not sRGB


def test_a_profile_for_other_colours_is_left_out(tmp_path: Path) -> None:
    packed = chunk(b"iCCP", b"p\0\0" + zlib.compress(profile(b"CMYK")))
    source = color_png(tmp_path / "a.png", random_pixels(4, 4, 3), packed)
    assert copy(source, tmp_path / "b.png") == [
        ".png cannot hold, left out: ICC profile not for RGB"
    ]
    assert copy(source, tmp_path / "b.bmp") == [".bmp cannot hold, left out: ICC profile"]


def test_a_jpeg_from_a_camera(tmp_path: Path) -> None:
    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, 16:] = 255
    data = save(tmp_path / "a.jpg", pixels).read_bytes()
    icc, xmp = profile(), b'<x tiff:Orientation="6"/>'
    more = segment(0xE1, b"Exif\0\0" + exif(6)) + b"\xff"  # with a byte of padding
    more += segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)
    for number in (2, 1):  # parts may come in any order
        part = icc[:300] if number == 1 else icc[300:]
        more += segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + part)
    (tmp_path / "a.jpg").write_bytes(data[:2] + more + data[2:])
    assert copy(tmp_path / "a.jpg", tmp_path / "b.jpg") == []
    header = read_header(tmp_path / "b.jpg")
    assert (header.orientation, header.metadata.icc) == (1, icc)
    assert header.metadata.xmp == xmp.replace(b"6", b"1")
    shown = load(tmp_path / "b.jpg", cv2.IMREAD_COLOR)
    assert shown.shape == (32, 16, 3)
    assert shown[:16].max() < 10
    assert shown[16:].min() > 245


@pytest.mark.parametrize("name", ["ICC profile", "XMP"])
def test_metadata_that_unpacks_to_more_than_16_mib_is_left_out(tmp_path: Path, name: str) -> None:
    packed = zlib.compress(bytes(1 << 27), 9)  # 128 kB
    xmp = b"XML:com.adobe.xmp\0\1\0\0\0"
    body = b"p\0\0" + packed if name == "ICC profile" else xmp + packed
    packed_chunk = chunk(b"iCCP" if name == "ICC profile" else b"iTXt", body)
    source = color_png(tmp_path / "a.png", random_pixels(4, 4, 3), packed_chunk)
    tracemalloc.start()
    try:
        header = read_header(source)
        assert tracemalloc.get_traced_memory()[1] < 1 << 26
    finally:
        tracemalloc.stop()
    assert header.metadata == Metadata()
    assert header.lost == (f"{name} of over 16 MiB",)


def test_a_tiff_with_a_profile_over_16_mib_loses_it(tmp_path: Path) -> None:
    source = tmp_path / "in.tif"
    pixels = np.zeros((4, 4, 3), np.uint8)
    large = Metadata(icc=bytes((1 << 24) + 1), xmp=b"<x/>")
    source.write_bytes(encode(pixels, source, large))
    header = read_header(source)
    assert header.metadata == Metadata(xmp=b"<x/>")
    assert header.lost == ("ICC profile of over 16 MiB",)


def test_broken_metadata_does_not_matter(tmp_path: Path) -> None:
    chunks = (chunk(b"iCCP", b"p\0\0junk"), chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"))
    source = color_png(tmp_path / "a.png", random_pixels(4, 4, 3), *chunks)
    assert copy(source, tmp_path / "b.png") == []


def test_more_pictures_than_one_are_said(tmp_path: Path) -> None:
    pages = [np.full((16, 16, 3), level, np.uint8) for level in (10, 200)]
    (tmp_path / "a.tif").write_bytes(cv2.imencodemulti(".tif", pages)[1].tobytes())
    animation = cv2.Animation()
    animation.frames, animation.durations = pages, [100, 100]
    (tmp_path / "a.png").write_bytes(cv2.imencodeanimation(".png", animation)[1].tobytes())
    for suffix in (".tif", ".png"):
        source = tmp_path / f"a{suffix}"
        assert copy(source, tmp_path / "b.png") == [
            f"{source}: only the first of its pictures is read"
        ]
        assert (load(tmp_path / "b.png") == 10).all()


# Folders -----------------------------------------------------------------------------------


def test_names_of_images_are_told_by_suffix() -> None:
    assert is_image(Path("a.PNG"))
    assert is_image(Path("a.b.jp2"))
    assert not any(is_image(Path(name)) for name in ("a.gif", "a.mp4", "png", "a.psd", ".png"))


def test_images_are_listed_in_natural_order(tmp_path: Path) -> None:
    names = ["Frame2.png", "a.png", "frame 1.png", "frame1.png", "frame01b.png", "frame10.png"]
    for name in (*names, ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    found = [path.name for path in list_images(tmp_path)]
    assert found == [
        "a.png",
        "frame1.png",
        "frame01b.png",
        "Frame2.png",
        "frame10.png",
        "frame 1.png",
    ]


def test_a_folder_with_images_is_an_image_folder(tmp_path: Path) -> None:
    assert not is_image_folder(tmp_path)
    assert not is_image_folder(tmp_path / "none")
    with pytest.raises(InputError, match="holds no image"):
        list_images(tmp_path)
    save(tmp_path / "a.png", random_pixels(2, 2))
    assert is_image_folder(tmp_path)


def clip(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for number in range(count):
        save(folder / f"{number}.png", np.full((6, 8, 3), 40 * number, np.uint8))
    return folder


def test_a_folder_is_a_clip(tmp_path: Path) -> None:
    with open_images(clip(tmp_path / "in"), pytest.fail, Fraction(30000, 1001)) as images:
        frames = list(images.frames())
    assert images.expected_frames == images.info.expected_frames == 3
    assert images.info.time_base == Fraction(1001, 30000)
    assert (images.info.width, images.info.height) == (8, 6)
    assert [(frame.pts, frame.duration) for frame in frames] == [(0, 1), (1, 1), (2, 1)]
    assert [int(frame.planes[0][0, 0]) for frame in frames] == [0, 40 * 257, 80 * 257]
    assert (images.info.color.range, images.info.color.matrix) == (2, 5)


@pytest.mark.parametrize(
    ("odd", "is_one_size"),
    [
        (random_pixels(6, 9, 3), False),
        (random_pixels(6, 8), True),
        (random_pixels(6, 8, 4), True),
        (random_pixels(6, 8, 3, depth=16), True),
    ],
)
def test_an_odd_image_is_named(tmp_path: Path, odd: np.ndarray, is_one_size: bool) -> None:
    folder = clip(tmp_path / "in")
    save(folder / "1.png", odd)
    assert same_size(list_images(folder)) == is_one_size
    with pytest.raises(InputError, match=r"1\.png: is .*--stills"), open_images(folder, print):
        pass


def test_headers_tell_the_shape_that_decoding_gives(tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".tif", ".webp", ".bmp"):
        for channels in (1, 3, 4):
            for depth in (8, 16):
                size = (5, 7) if channels == 1 else (5, 7, channels)
                source = save(tmp_path / f"a{suffix}", random_pixels(*size, depth=depth))
                assert read_shape(source) == read_picture(source).shape


# What cannot be read -----------------------------------------------------------------------


def bad_files(folder: Path) -> dict[str, Path]:
    files = {}
    for suffix in (".png", ".jpg", ".tif", ".webp", ".bmp"):
        whole = save(folder / f"whole{suffix}", random_pixels(64, 64, 3)).read_bytes()
        for part in (len(whole) // 2, 20):
            files[f"cut {suffix} {part}"] = folder / f"cut{part}{suffix}"
            files[f"cut {suffix} {part}"].write_bytes(whole[:part])
    data = bytearray((folder / "whole.png").read_bytes())
    data[100] ^= 255
    (folder / "damaged.png").write_bytes(data)
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no image at all, but some words\n" * 9)
    plain = {256: (2,), 257: (1,)}
    tiff(folder / "float.tif", {**plain, 258: (64,), 262: (1,), 339: (3,)}, bytes(16))
    tiff(folder / "signed.tif", {**plain, 258: (16,), 262: (1,), 339: (2,)}, bytes(4))
    cmyk = {**plain, 258: (8,) * 4, 262: (5,), 277: (4,)}
    tiff(folder / "cmyk.tif", cmyk, bytes(8))
    tiff(folder / "alpha.tif", {**plain, 258: (8, 8), 262: (1,), 277: (2,), 338: (2,)}, bytes(4))
    names = ("damaged.png", "empty.png", "text.png", "none.png", "float.tif", "signed.tif")
    return files | {name: folder / name for name in (*names, "cmyk.tif", "alpha.tif")}


def test_bad_files_are_named_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for path in bad_files(tmp_path).values():
        with pytest.raises(InputError) as caught, open_images(path, print):
            pass
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_images_may_have_any_name(tmp_path: Path) -> None:
    source = save(tmp_path / "größe 图 #1%d.png", random_pixels(4, 4, 3))
    assert copy(source, tmp_path / "ü 出.PNG") == []
    assert (load(tmp_path / "ü 出.PNG") == load(source)).all()


# What is written, and what is not ----------------------------------------------------------


def test_unknown_suffixes_are_refused(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", random_pixels(4, 4, 3))
    for name in ("b.gif", "b.pbm", "b"):
        with pytest.raises(OutputError, match=r"allowed: \.png, \.jpg"):
            copy(source, tmp_path / name)
    with pytest.raises(OutputError, match="grey alone"):
        copy(source, tmp_path / "b.pgm")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_too_large_is_said_before_the_work(tmp_path: Path) -> None:
    info = VideoInfo(20000, 20, Fraction(1), _color_info(tmp_path).format)
    with (
        pytest.raises(OutputError, match="16383"),
        create_image(ImageSpec(target=tmp_path / "b.webp", info=info, warn=print)),
    ):
        pytest.fail("no work")


def _color_info(folder: Path) -> VideoInfo:
    with open_images(save(folder / "small.png", random_pixels(4, 4, 3)), print) as images:
        return images.info


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class _StopError(Exception):
    pass


def test_nothing_is_left_of_a_failed_image(tmp_path: Path) -> None:
    source, target = save(tmp_path / "a.png", random_pixels(4, 4, 3)), tmp_path / "b.png"
    target.write_bytes(b"before")
    with open_images(source, print) as images:
        frames = list(images.frames())
        with (
            pytest.raises(_StopError),
            create_image(ImageSpec(target=target, info=images.info, warn=print)) as out,
        ):
            out.write(frames[0])
            raise _StopError
        for count in (0, 2):
            with (
                pytest.raises(OutputError, match=f"{count} frames"),
                create_image(ImageSpec(target=target, info=images.info, warn=print)) as out,
            ):
                for _ in range(count):
                    out.write(frames[0])
    assert _files(tmp_path) == ["a.png", "b.png"]
    assert target.read_bytes() == b"before"


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", random_pixels(4, 4, 3))
    with pytest.raises(OutputError, match="cannot be written"):
        copy(source, tmp_path / "none" / "b.png")


def copy_folder(
    source: Path,
    target: Path,
    names: list[str],
    overwrite: bool = False,
    before_end: Callable[[], None] = lambda: None,
) -> list[str]:
    said: list[str] = []
    with (
        open_images(source, said.append) as images,
        create_image_folder(
            replace(spec_of(target, images, said.append), names=names, overwrite=overwrite)
        ) as out,
    ):
        for frame in images.frames():
            out.write(frame)
        before_end()
    return said


def test_a_folder_keeps_names_and_metadata(tmp_path: Path) -> None:
    source = clip(tmp_path / "in")
    for number in range(3):
        block = chunk(b"eXIf", exif(1) + bytes([number]))
        color_png(source / f"{number}.png", np.full((6, 8, 3), number, np.uint8), block)
    assert copy_folder(source, tmp_path / "out", ["x.png", "y.tif", "z.bmp"]) == [
        f"{tmp_path / 'out'}: .tif cannot hold, left out: EXIF",
        f"{tmp_path / 'out'}: .bmp cannot hold, left out: EXIF",
    ]
    assert _files(tmp_path / "out") == ["x.png", "y.tif", "z.bmp"]
    for number, name in enumerate(("x.png", "y.tif", "z.bmp")):
        assert (load(tmp_path / "out" / name) == number).all()
    assert copy_folder(source, tmp_path / "same", ["0.png", "1.png", "2.png"]) == []
    for number in range(3):
        written = read_header(tmp_path / "same" / f"{number}.png").metadata
        assert written.exif == exif(1) + bytes([number])


def test_an_existing_folder(tmp_path: Path) -> None:
    source, target = clip(tmp_path / "in"), tmp_path / "out"
    names = ["0.png", "1.png", "2.png"]
    target.mkdir()
    copy_folder(source, target, names)
    assert _files(target) == names
    with pytest.raises(OutputError, match="holds files already"):
        copy_folder(source, target, names)
    (target / "1.png").write_bytes(b"old")
    (target / "other.txt").write_bytes(b"kept")
    copy_folder(source, target, names, overwrite=True)
    assert _files(target) == [*names, "other.txt"]
    assert (load(target / "1.png") == 40).all()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        copy_folder(source, tmp_path / "file", names)


def _stop() -> None:
    raise _StopError


@pytest.mark.parametrize("exists", [False, True])
def test_nothing_is_left_of_a_failed_folder(tmp_path: Path, exists: bool) -> None:
    source, target = clip(tmp_path / "in"), tmp_path / "out"
    if exists:
        target.mkdir()
        (target / "0.png").write_bytes(b"before")
    before = _files(tmp_path)
    with pytest.raises(_StopError):
        copy_folder(source, target, ["0.png", "1.png", "2.png"], exists, _stop)
    with pytest.raises(OutputError, match="3 frames were written instead of 4"):
        copy_folder(source, target, ["0.png", "1.png", "2.png", "3.png"], exists)
    with pytest.raises(OutputError, match="more frames than the 2 names"):
        copy_folder(source, target, ["0.png", "1.png"], exists)
    with pytest.raises(OutputError, match=r"two images would be named 0\.png"):
        copy_folder(source, target, ["0.png", "1.png", "0.png"], exists)
    assert _files(tmp_path) == before


def test_warnings_of_a_folder_come_once(tmp_path: Path) -> None:
    source = clip(tmp_path / "in")
    for number in range(3):
        save(source / f"{number}.png", random_pixels(6, 8, 4))
    names = ["0.jpg", "1.jpg", "2.jpg"]
    assert copy_folder(source, tmp_path / "out", names) == [
        ".jpg cannot hold transparency; it is dropped"
    ]


def test_output_tells_what_became_of_the_metadata(tmp_path: Path) -> None:
    metadata = Metadata(icc=profile(), exif=exif(1))
    spec = ImageSpec(
        target=tmp_path / "b.tif",
        info=_color_info(tmp_path),
        warn=print,
        metadata=lambda number: metadata,
    )
    with pytest.raises(OutputError), create_image(spec) as out:
        assert (out.encoder, out.others) == ("", Others(("ICC profile",), (), ("EXIF",)))
