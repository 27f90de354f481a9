"""EXR, DPX, JPEG XL and float TIFF, in and out."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import Clip, make

import vsr
from vsr.core.errors import InputError, OutputError
from vsr.images.encode import encode
from vsr.images.files import read_header, read_picture
from vsr.images.film_header import unpacked
from vsr.images.metadata import Metadata

oiio: Any = pytest.importorskip("OpenImageIO", reason="needs the extra `stills`")

WIDE = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)


def write(path: Path, pixels: Any, channels: str = "", **attributes: Any) -> Path:
    """A file by OpenImageIO itself; `pixels` (H, W, C) in the order of the channels."""
    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, str(pixels.dtype).replace("float16", "half"))
    if channels:
        spec.channelnames = tuple(channels.split(","))
    for name, value in attributes.items():
        if name in ("x", "y", "full_width", "full_height"):
            setattr(spec, name, value)
        elif isinstance(value, tuple):
            spec.attribute(name.replace("__", ":"), oiio.TypeDesc(value[0]), value[1])
        else:
            spec.attribute(name.replace("__", ":"), value)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    assert output.write_image(np.ascontiguousarray(pixels))
    output.close()
    return path


def load(path: Path, kind: str = "half") -> Any:
    source = oiio.ImageInput.open(str(path))
    return source.read_image(0, 0, 0, source.spec().nchannels, kind)


def attribute(path: Path, name: str) -> Any:
    return oiio.ImageInput.open(str(path)).spec().getattribute(name)


def light(*shape: int, seed: int = 1) -> Any:
    """Half floats from far below 0 to far above 1."""
    random = np.random.default_rng(seed)
    size = np.exp2(random.uniform(-14, 15.9, shape))
    return (size * random.choice([-1, 1, 1, 1], shape)).astype(np.float16)


def enlarge(source: Path, target: Path, scale: int = 2, **options: Any) -> list[str]:
    """The warnings."""
    options = {"model": "nearest", "device": "cpu"} | options
    return list(vsr.upscale(source, target, scale=scale, **options).warnings)


@pytest.mark.parametrize("channels", [3, 4])
def test_an_exr_comes_back_to_the_bit(tmp_path: Path, channels: int) -> None:
    pixels = light(9, 11, channels)
    pixels[0, 0, :3] = 0, 65504, -65504
    pixels[..., 3:] = np.linspace(0, 1, 99).reshape(9, 11, 1)
    source = write(tmp_path / "a.exr", pixels)
    assert enlarge(source, tmp_path / "b.exr") == []
    found = load(tmp_path / "b.exr")
    np.testing.assert_array_equal(found[..., :3], pixels[..., :3].repeat(2, 0).repeat(2, 1))
    alpha = pixels[..., 3:].repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(found[..., 3:], alpha, rtol=0, atol=2**-11)


@pytest.mark.parametrize("model", ["bicubic", "espcn", "vespcn", "recurrent", "edsr-8x32"])
@pytest.mark.parametrize("value", [-3.5, 0.0, 0.18, 1.0, 7.25, 4096.0])
def test_an_even_light_stays_as_it_is(tmp_path: Path, model: str, value: float) -> None:
    """Whatever it is: also where no network has seen the like."""
    pixels = np.full((32, 32, 3), value, np.float16)
    enlarge(write(tmp_path / "a.exr", pixels), tmp_path / "b.exr", 4, model=model)
    inside = load(tmp_path / "b.exr")[48:80, 48:80].astype(float)  # networks see the borders
    np.testing.assert_allclose(inside, value, rtol=1e-3 if model == "bicubic" else 0.04, atol=0.01)


def test_a_network_sees_what_a_display_shows(tmp_path: Path) -> None:
    """In the range of a display an EXR becomes what a PNG of the same picture becomes."""
    shown = cv2.GaussianBlur(np.random.default_rng(3).random((48, 40, 3)), (0, 0), 1.5)
    shown = ((shown - shown.min()) / np.ptp(shown) * 0.9 + 0.05).astype(np.float64)
    cv2.imwrite(str(tmp_path / "a.png"), np.rint(shown * 65535).astype(np.uint16))
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    write(tmp_path / "a.exr", linear[..., ::-1].astype(np.float16))
    for suffix in (".png", ".exr"):
        enlarge(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", model="espcn", precision="fp32")
    enlarge(tmp_path / "b.exr", tmp_path / "c.png", model="nearest")
    png, exr = (cv2.imread(str(tmp_path / f"{n}.png"), -1) / 65535 for n in "bc")
    np.testing.assert_allclose(exr[::2, ::2], png, rtol=0, atol=0.002)


def test_what_is_brighter_than_white_is_not_clipped(tmp_path: Path) -> None:
    pixels = np.full((32, 32, 3), 0.2, np.float16)
    pixels[12:20, 12:20] = 40
    pixels[24:28] = -0.5
    enlarge(write(tmp_path / "a.exr", pixels), tmp_path / "b.exr", 4, model="vespcn")
    found = load(tmp_path / "b.exr").astype(float)
    assert found[64, 64] == pytest.approx([40] * 3, rel=0.05)
    assert found[104, 64] == pytest.approx([-0.5] * 3, abs=0.05)


def test_the_header_is_carried(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "chromaticities": ("float[8]", WIDE),
        "smpte__TimeCode": ("timecode", (0x01020304, 0)),
        "framesPerSecond": ("rational", (24, 1)),
        "worldToCamera": ("matrix", tuple(float(n) for n in range(16))),
        "compression": "piz",
        "Copyright": "the studio",
    }
    source = write(tmp_path / "a.exr", light(8, 8, 3), **told)
    assert enlarge(source, tmp_path / "b.exr") == []
    for name in told:
        name = name.replace("__", ":")
        assert attribute(tmp_path / "b.exr", name) == attribute(source, name) is not None
    assert "left out: header" in enlarge(source, tmp_path / "b.png")[1]


@pytest.mark.parametrize(("x", "y"), [(5, 4), (-6, -2)])
def test_windows_grow_with_the_picture(tmp_path: Path, x: int, y: int) -> None:
    """Data within the window is put where it belongs; data around it stays around it."""
    width, height = (32, 24) if x > 0 else (12, 20)
    pixels = light(16, 24, 3)
    write(tmp_path / "a.exr", pixels, x=x, y=y, full_width=width, full_height=height)
    enlarge(tmp_path / "a.exr", tmp_path / "b.exr")
    spec = oiio.ImageInput.open(str(tmp_path / "b.exr")).spec()
    assert (spec.full_x, spec.full_y) == (0, 0)
    assert (spec.full_width, spec.full_height) == (2 * width, 2 * height)
    left, top = 2 * x - spec.x, 2 * y - spec.y
    part = load(tmp_path / "b.exr")[top : top + 32, left : left + 48]
    np.testing.assert_array_equal(part, pixels.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("suffix", [".exr", ".dpx"])
def test_anamorphic_pictures_stay_so(tmp_path: Path, suffix: str) -> None:
    pixels = light(16, 16, 3) if suffix == ".exr" else np.full((16, 16, 3), 9, np.uint16)
    source = write(tmp_path / f"a{suffix}", pixels, PixelAspectRatio=2.0)
    enlarge(source, tmp_path / f"b{suffix}")
    assert attribute(tmp_path / f"b{suffix}", "PixelAspectRatio") == 2
    (tmp_path / "in").mkdir()
    source.rename(tmp_path / "in" / source.name)
    source = tmp_path / "in" / source.name
    enlarge(tmp_path / "in", tmp_path / "c.mkv")
    with av.open(str(tmp_path / "c.mkv")) as container:
        assert container.streams.video[0].sample_aspect_ratio == 2
    square = {"square_pixels": True, "model": "bicubic"}
    enlarge(source, tmp_path / f"d{suffix}", **square)
    found = read_picture(tmp_path / f"d{suffix}")
    assert (found.shape.width, found.shape.height) == (64, 32)
    assert attribute(tmp_path / f"d{suffix}", "PixelAspectRatio") == 1


def test_what_is_no_colour_is_named(tmp_path: Path) -> None:
    pixels = light(8, 8, 5)
    write(tmp_path / "a.exr", pixels, "R,G,B,Z,diffuse.R")
    (warning,) = enlarge(tmp_path / "a.exr", tmp_path / "b.exr")
    assert "not carried over: channels Z, diffuse.R" in warning
    np.testing.assert_array_equal(load(tmp_path / "b.exr")[::2, ::2], pixels[..., :3])
    write(tmp_path / "c.exr", pixels[..., :2], "Z,N.x")
    with pytest.raises(InputError, match=r"no channels R, G and B, but Z, N\.x") as refused:
        read_header(tmp_path / "c.exr")
    assert "\n" not in str(refused.value)


def test_floats_of_32_bits_become_halves(tmp_path: Path) -> None:
    pixels = light(8, 8, 3).astype(np.float32)
    write(tmp_path / "a.exr", pixels)
    assert enlarge(tmp_path / "a.exr", tmp_path / "b.exr") == []
    np.testing.assert_array_equal(load(tmp_path / "b.exr", "float")[::2, ::2], pixels)
    pixels[0, 0] = np.nan, np.inf, 1e6
    write(tmp_path / "a.exr", pixels)
    (warning,) = enlarge(tmp_path / "a.exr", tmp_path / "c.exr")
    assert "infinities and what is no number" in warning
    assert load(tmp_path / "c.exr")[0, 0].tolist() == [0, 65504, 65504]


def test_grey_light_stays_one_channel(tmp_path: Path) -> None:
    pixels = light(8, 8, 1)
    enlarge(write(tmp_path / "a.exr", pixels, "Y"), tmp_path / "b.exr")
    np.testing.assert_array_equal(load(tmp_path / "b.exr")[::2, ::2], pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_becomes_grey_light(tmp_path: Path, dtype: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (8, 8)).astype(dtype)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    cv2.imwrite(str(tmp_path / "colour.png"), cv2.merge([pixels] * 3))
    for name in ("a", "colour"):
        enlarge(tmp_path / f"{name}.png", tmp_path / f"{name}.exr", model="nearest")
    grey, colour = load(tmp_path / "a.exr"), load(tmp_path / "colour.exr")
    assert (grey.shape, colour.shape) == ((16, 16, 1), (16, 16, 3))
    np.testing.assert_allclose(grey.repeat(3, 2), colour, rtol=2e-3, atol=1e-4)


def test_grey_light_stays_grey_where_there_is_such(tmp_path: Path) -> None:
    pixels = light(8, 8, 1)
    source = write(tmp_path / "a.exr", pixels, "Y")
    enlarge(source, tmp_path / "b.tif")
    found = cv2.imread(str(tmp_path / "b.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found[::2, ::2], pixels[..., 0])
    enlarge(source, tmp_path / "b.dpx")
    assert load(tmp_path / "b.dpx").shape == (16, 16, 1)


def test_a_sequence_keeps_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    frames = {number: light(8, 8, 3, seed=number) for number in (98, 99, 100, 101)}
    for number, pixels in frames.items():
        write(tmp_path / "in" / f"f_{number:04d}.exr", pixels)
    enlarge(tmp_path / "in" / "f_%04d.exr", tmp_path / "out" / "g_%04d.exr")
    enlarge(tmp_path / "in", tmp_path / "folder")
    for folder, letter in (("out", "g"), ("folder", "f")):
        files = sorted((tmp_path / folder).iterdir())
        assert [file.name for file in files] == [f"{letter}_{n:04d}.exr" for n in frames]
        for file, pixels in zip(files, frames.values(), strict=True):
            np.testing.assert_array_equal(load(file)[::2, ::2], pixels)


@pytest.mark.parametrize("depth", [8, 16])
def test_from_whole_numbers_to_light_and_back(tmp_path: Path, depth: int) -> None:
    random = np.random.default_rng(2)
    pixels = random.integers(0, 1 << depth, (16, 16, 3)).astype(f"uint{depth}")
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    assert enlarge(tmp_path / "a.png", tmp_path / "b.exr") == []
    shown = pixels[..., ::-1] / ((1 << depth) - 1)
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(load(tmp_path / "b.exr")[::2, ::2], linear, rtol=1e-3, atol=1e-6)
    (clipped, header) = enlarge(tmp_path / "b.exr", tmp_path / "c.png")
    assert "clipped to 0 to 1" in clipped
    assert "left out: header" in header
    back = cv2.imread(str(tmp_path / "c.png"), -1)[::4, ::4] / 65535
    np.testing.assert_allclose(back, shown[..., ::-1], rtol=0, atol=2e-4)


def test_alpha_is_multiplied_into_light_alone(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:] = 255, 255, 255, 51
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    enlarge(tmp_path / "a.png", tmp_path / "b.exr")
    np.testing.assert_allclose(load(tmp_path / "b.exr"), 0.2, rtol=1e-3)
    enlarge(tmp_path / "b.exr", tmp_path / "c.png")
    back = cv2.imread(str(tmp_path / "c.png"), -1)
    assert np.abs(back / 65535 - (1, 1, 1, 0.2)).max() < 5e-4


def test_a_glow_without_alpha_stays(tmp_path: Path) -> None:
    """Light that is added to what lies below, as fire has, has no alpha."""
    pixels = np.full((8, 8, 4), (3, 1, 0.25, 0), np.float16)
    enlarge(write(tmp_path / "a.exr", pixels), tmp_path / "b.exr")
    np.testing.assert_array_equal(load(tmp_path / "b.exr"), pixels.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiffs_of_floats(tmp_path: Path, channels: int) -> None:
    pixels = light(8, 8, channels).astype(np.float32)
    pixels[..., 3:] = np.linspace(0, 1, 64).reshape(8, 8, 1).round(3)
    data = encode(
        np.repeat(pixels, 3 if channels == 1 else 1, 2).astype(np.float16),
        tmp_path / "a.tif",
        Metadata(),
    )
    (tmp_path / "a.tif").write_bytes(data)
    assert enlarge(tmp_path / "a.tif", tmp_path / "b.tif") == []
    found = load(tmp_path / "b.tif", "float")[::2, ::2, [2, 1, 0, 3][: max(3, channels)]]
    assert (found[..., :3] == pixels[..., :3].astype(np.float16)).all()
    np.testing.assert_allclose(found[..., 3:], pixels[..., 3:], rtol=0, atol=1e-3)
    enlarge(tmp_path / "b.tif", tmp_path / "c.exr")
    np.testing.assert_array_equal(
        load(tmp_path / "c.exr")[::4, ::4, 2], pixels[..., 0].astype(np.float16)
    )


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("space", ["KodakLog", "Linear", ""])
def test_a_dpx_keeps_its_samples_and_tags(tmp_path: Path, bits: int, space: str) -> None:
    values = np.random.default_rng(4).integers(0, 1 << bits, (10, 12, 3))
    full = np.rint(values * (255 if bits == 8 else 65535) / ((1 << bits) - 1))
    pixels = full.astype(np.uint8 if bits == 8 else np.uint16)
    told: dict[str, Any] = {"oiio__BitsPerSample": bits, "dpx__FrameRate": 24.0}
    told["smpte__TimeCode"] = ("timecode", (0x01020304, 0))
    if space:
        told["oiio__ColorSpace"] = space
    source = write(tmp_path / "a.dpx", pixels, **told)
    assert enlarge(source, tmp_path / "b.dpx") == []
    kind = str(pixels.dtype)
    before, after = load(source, kind), load(tmp_path / "b.dpx", kind)
    np.testing.assert_array_equal(after, before.repeat(2, 0).repeat(2, 1))
    heads = [file.read_bytes()[:2048] for file in (source, tmp_path / "b.dpx")]
    assert heads[0][800:804] == heads[1][800:804]  # layout, transfer, colorimetry, bits
    assert heads[0][1724:1728] == heads[1][1724:1728] == struct.pack("<f", 24)
    assert heads[0][1920:1928] == heads[1][1920:1928]  # timecode


def test_jpeg_xl_is_read(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for depth, channels in ((8, 1), (8, 3), (8, 4), (16, 3), (16, 4)):
        pixels = random.integers(0, 1 << depth, (9, 7, channels)).astype(f"uint{depth}")
        write(tmp_path / "a.jxl", pixels, compression="jpegxl:100", oiio__UnassociatedAlpha=1)
        picture = read_picture(tmp_path / "a.jxl")
        order = [0] if channels == 1 else [2, 1, 0, 3][:channels]
        np.testing.assert_array_equal(picture.pixels.reshape(pixels.shape), pixels[..., order])
        assert picture.header.metadata == Metadata()  # sRGB goes without saying
    assert enlarge(tmp_path / "a.jxl", tmp_path / "b.png") == []


def test_a_jpeg_xl_in_display_p3_keeps_its_profile(tmp_path: Path) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    colours = {"oiio__ColorSpace": "srgb_p3d65_scene", "CICP": ("int[4]", (12, 13, 0, 1))}
    enlarge(write(tmp_path / "a.jxl", pixels, **colours), tmp_path / "b.png")
    metadata = read_header(tmp_path / "b.png").metadata
    assert metadata.icc[36:40] == b"acsp"
    assert metadata.cicp == bytes([12, 13, 0, 1])


def test_light_becomes_a_video_and_a_video_light(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shown = [50, 100, 150]
    for number, level in enumerate(shown):
        linear = ((level / 255 + 0.055) / 1.055) ** 2.4
        write(tmp_path / "in" / f"{number}.exr", np.full((32, 32, 3), linear, np.float16))
    warnings = enlarge(tmp_path / "in", tmp_path / "v.mkv", codec="ffv1")
    assert ".mkv holds no floats: light is shown by sRGB's curve, and clipped to 0 to 1" in warnings
    enlarge(tmp_path / "v.mkv", tmp_path / "out" / "f_%03d.exr")
    for number, level in enumerate(shown, 1):
        linear = ((level / 255 + 0.055) / 1.055) ** 2.4
        found = load(tmp_path / "out" / f"f_{number:03d}.exr")
        np.testing.assert_allclose(found, linear, rtol=0.002)


def test_wide_primaries_are_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.exr", light(8, 8, 3), chromaticities=("float[8]", WIDE))
    enlarge(tmp_path / "a.exr", tmp_path / "b.png")
    assert read_header(tmp_path / "b.png").metadata.cicp == bytes([9, 13, 0, 1])
    assert unpacked(read_header(tmp_path / "a.exr").metadata.film).primaries == 9
    aces = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    write(tmp_path / "c.exr", light(8, 8, 3), chromaticities=("float[8]", aces))
    said, *_ = enlarge(tmp_path / "c.exr", tmp_path / "d.png")
    assert said.endswith("; its primaries are not known here, and not converted")
    assert enlarge(tmp_path / "c.exr", tmp_path / "d.exr") == []


def test_primaries_are_told_in_light(tmp_path: Path) -> None:
    for primaries, points in ((9, WIDE), (1, (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329))):
        color = {"color_primaries": primaries, "color_trc": 1, "colorspace": 1}
        clip = Clip(codec="ffv1", pts=(0, 512), color=color, options={})
        make(tmp_path / "a.mkv", clip)
        out = tmp_path / f"out{primaries}"
        assert enlarge(tmp_path / "a.mkv", out / "f%d.exr") == []
        assert attribute(out / "f1.exr", "chromaticities") == pytest.approx(points)


@pytest.mark.parametrize("space", ["KodakLog", "Linear"])
def test_a_dpx_of_density_or_light_is_not_taken_for_srgb(tmp_path: Path, space: str) -> None:
    pixels = np.full((8, 8, 3), 30000, np.uint16)
    source = write(tmp_path / "a.dpx", pixels, oiio__ColorSpace=space, oiio__BitsPerSample=10)
    with pytest.raises(OutputError, match="a DPX that is logarithmic or linear"):
        enlarge(source, tmp_path / "b.exr")
    assert not (tmp_path / "b.exr").exists()


def test_headers_do_not_go_from_one_format_to_another(tmp_path: Path) -> None:
    write(tmp_path / "a.exr", light(8, 8, 3), Copyright="me")
    assert ".dpx cannot hold, left out: header" in enlarge(tmp_path / "a.exr", tmp_path / "b.dpx")


def test_hdr_video_is_not_taken_for_srgb(tmp_path: Path) -> None:
    color = {"color_trc": 16}
    clip = Clip(pix_fmt="yuv420p10le", codec="libx265", pts=(0, 512, 1024), color=color)
    source = make(tmp_path / "a.mkv", clip)
    with pytest.raises(OutputError, match="HDR is not written as linear light"):
        enlarge(source, tmp_path / "out" / "f_%03d.exr")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a.exr", "a.dpx", "a.jxl"])
def test_damage_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    random = np.random.default_rng(6).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    write(tmp_path / name, light(64, 64, 3) if name == "a.exr" else random)
    whole = (tmp_path / name).read_bytes()
    for length in (20, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(InputError, match="cannot be read as an image") as refused:
            enlarge(tmp_path / name, tmp_path / "b.png")
        assert "\n" not in str(refused.value)
        assert not (tmp_path / "b.png").exists()


def test_what_is_needed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a.exr", light(8, 8, 3))
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setitem(__import__("sys").modules, "OpenImageIO", None)
    needs = r"OpenEXR needs OpenImageIO: pip install 'vsr-video\[stills\]'"
    with pytest.raises(InputError, match=needs):
        enlarge(source, tmp_path / "b.png")
    with pytest.raises(OutputError, match=needs):
        enlarge(tmp_path / "a.png", tmp_path / "b.exr")


def test_an_exr_that_is_cut_short_is_one_plain_line(tmp_path: Path) -> None:
    source = tmp_path / "a.exr"
    write(source, light(8, 8, 3))
    whole = source.read_bytes()
    for length in (50, len(whole) // 2):
        source.write_bytes(whole[:length])
        with pytest.raises(InputError) as caught:
            enlarge(source, tmp_path / "b.exr")
        assert str(caught.value).startswith(f"{source}: cannot be read as an image: ")
        assert "EXR_ERR" not in str(caught.value)
        assert str(caught.value).count(source.name) == 1
