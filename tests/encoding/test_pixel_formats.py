"""Which pixel format an encoder is given, its colour tags, and what people are told of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.clips import Clip, held, make
from support.raw_planes import frame_of, noise, planes_of, store

from vsr import EncoderError, Result, upscale
from vsr.core.frame import PIXEL_FORMATS, ColorTags, VideoInfo
from vsr.encoding.codecs import find_encoder
from vsr.encoding.pixel_formats import encodable_format, encoded_color, format_note

SHORT = (0, 512)


def enlarge(source: Path, target: Path, **options: object) -> Result:
    return upscale(source, target, scale=2, model="nearest", device="cpu", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoder", "source", "chosen"),
    [
        # alpha, where the encoder has it in truth: some list formats that they refuse
        ("ffv1", "yuva420p", "yuva420p"),
        ("ffv1", "yuva422p12le", "yuva422p12le"),
        ("ffv1", "yuv444p14le", "yuv444p14le"),
        ("libvpx-vp9", "yuva420p", "yuva420p"),
        ("libvpx-vp9", "yuva444p", "yuva420p"),
        ("libvpx-vp9", "yuva444p16le", "yuva420p"),
        ("libvpx-vp9", "gbrap", "yuva420p"),
        ("libvpx-vp9", "yuv444p", "yuv444p"),
        ("prores_ks", "yuva420p", "yuva444p10le"),
        ("prores_ks", "gbrap", "yuva444p10le"),
        ("prores_ks", "yuv420p", "yuv422p10le"),
        ("qtrle", "yuva420p", "argb"),
        ("png", "yuva444p12le", "rgba64be"),
        ("libx265", "yuva420p10le", "yuv420p10le"),
        ("libx264", "yuva420p", "yuv420p"),
        ("libx264", "yuva444p16le", "yuv444p10le"),
        # RGB, where there is some that is deep enough
        ("libx264", "gbrp", "yuv444p"),
        ("libx264", "gbrap10le", "yuv444p10le"),
        ("libx264rgb", "gbrp", "bgr0"),
        ("libx265", "gbrp10le", "gbrp10le"),
        ("libsvtav1", "gbrp", "yuv420p"),
        ("ffv1", "gbrp", "bgr0"),
        ("ffv1", "gbrap", "bgra"),
        ("ffv1", "gbrp9le", "gbrp9le"),
        ("utvideo", "gbrap", "gbrap"),
        ("utvideo", "gbrp10le", "gbrp"),
        ("cfhd", "gbrp", "gbrp12le"),
        ("h264_nvenc", "gbrp", "yuv444p"),  # it would make YUV of RGB by itself
        ("h264_nvenc", "yuv420p10le", "p010le"),
        # colours do not become grey, and not RGB without need
        ("png", "yuv420p", "rgb24"),
        ("libx264rgb", "yuv420p", "bgr0"),
        ("utvideo", "yuv444p", "yuv444p"),
        ("qtrle", "gray", "gray"),
        ("libvpx-vp9", "gray", "yuv420p"),
        ("mpeg4", "gray", "yuv420p"),
        # what the source has, else the least loss: depth goes before chroma does
        ("libx264", "yuv420p", "yuv420p"),
        ("libx264", "gray10le", "gray10le"),
        ("libx264", "yuv422p12le", "yuv422p10le"),
        ("libsvtav1", "yuv420p10le", "yuv420p10le"),
        ("libsvtav1", "yuv444p", "yuv420p"),
        # rare layouts
        ("libx264", "yuv411p", "yuv422p"),
        ("libx264", "yuv410p", "yuv420p"),
        ("libx264", "yuv440p", "yuv444p"),
        ("libx264", "yuv420p9le", "yuv420p10le"),
        ("libx264", "gray14le", "gray10le"),
    ],
)
def test_the_encoders_nearest_pixel_format_is_chosen(
    encoder: str, source: str, chosen: str
) -> None:
    try:
        codec = find_encoder(encoder)
    except EncoderError:
        pytest.skip(f"libav has no {encoder}")
    assert encodable_format(codec, PIXEL_FORMATS[source], "").name == chosen


def test_a_wish_may_name_any_layout_that_the_encoder_takes() -> None:
    source = PIXEL_FORMATS["yuv420p"]
    assert encodable_format(find_encoder("qtrle"), source, "argb").name == "argb"
    assert encodable_format(find_encoder("libx264"), source, "gray").planes == 1
    assert encodable_format(find_encoder("libx264rgb"), source, "gbrp").name == "bgr0"
    with pytest.raises(EncoderError, match=r"libx264rgb cannot write 'yuv420p': it can bgr0, rgb"):
        encodable_format(find_encoder("libx264rgb"), source, "yuv420p")
    with pytest.raises(EncoderError, match="takes no YUV, RGB or grey pictures"):
        encodable_format(find_encoder("msvideo1"), source, "")


@pytest.mark.parametrize(
    ("source", "encoded", "note"),
    [
        ("yuv420p", "yuv420p", ""),
        ("yuv420p", "yuv422p10le", ""),
        ("yuv410p", "yuv420p", ""),
        ("gray", "yuv420p", ""),
        ("yuv444p", "gbrp", "encoder E has no yuv444p: encoded as gbrp"),
        ("yuv444p", "gray", "encoder E has no yuv444p: encoded as gray"),
        ("yuv444p", "yuv420p", "encoder E has no yuv444p: encoded as yuv420p"),
        ("yuva420p", "yuv420p", ""),  # the first transparent frame tells
        ("yuva444p", "yuv420p", "encoder E has no yuva444p: encoded as yuv420p"),
        ("gbrp", "yuv444p", ""),
        ("gbrap", "yuv444p", ""),
        ("gbrp12le", "yuv444p10le", "encoder E has no gbrp12le: encoded as yuv444p10le"),
        ("gbrp", "yuv420p", "encoder E has no gbrp: encoded as yuv420p"),
    ],
)
def test_what_is_told_of_a_changed_pixel_format(source: str, encoded: str, note: str) -> None:
    assert format_note("E", PIXEL_FORMATS[source], PIXEL_FORMATS[encoded]) == note


def test_another_layout_of_the_same_is_not_told_of() -> None:
    bgr0 = encodable_format(find_encoder("ffv1"), PIXEL_FORMATS["gbrp"], "")
    assert format_note("ffv1", PIXEL_FORMATS["gbrp"], bgr0) == ""


@pytest.mark.parametrize(
    ("source", "height", "tags", "encoded", "expected"),
    [
        ("gbrp", 719, (2, 0, 1, 13), "yuv444p", (1, 6, 1, 13)),
        ("gbrp", 720, (2, 0, 9, 16), "yuv444p10le", (1, 1, 9, 16)),
        ("gbrp", 720, (2, 0, 1, 13), "gbrp10le", (2, 0, 1, 13)),
        ("yuv420p", 64, (1, 6, 2, 2), "gbrp", (2, 0, 2, 2)),
        ("yuv420p", 64, (1, 9, 9, 16), "yuv444p", (1, 9, 9, 16)),
        ("yuv420p", 64, (0, 2, 2, 2), "yuv420p10le", (0, 2, 2, 2)),
    ],
)
def test_colour_tags_of_the_encoded_format(
    source: str, height: int, tags: tuple[int, ...], encoded: str, expected: tuple[int, ...]
) -> None:
    info = VideoInfo(64, height, Fraction(1, 25), PIXEL_FORMATS[source], ColorTags(*tags))
    assert encoded_color(info.color, info, PIXEL_FORMATS[encoded]) == ColorTags(*expected)


# Through files


def libavs(planes: list[np.ndarray], pix_fmt: str, depth: str, matrix: int) -> list[np.ndarray]:
    """What libav's accurate conversion of RGB to limited YUV gives."""
    height, width = planes[0].shape
    frame = frame_of(planes, pix_fmt, width, height)
    accurate = 0x4 | 0x40000 | 0x2000
    spaces = {1: 1, 6: 5}
    made = frame.reformat(
        format=f"yuv444p{depth}",
        interpolation=accurate,
        dst_colorspace=spaces[matrix],
        dst_color_range=1,
    )
    return planes_of(made)


@pytest.mark.parametrize(("pix_fmt", "depth"), [("gbrp", ""), ("gbrp10le", "10le")])
@pytest.mark.parametrize(("height", "matrix"), [(30, 6), (360, 1)])
def test_rgb_in_h264_is_what_libav_makes_of_it(
    tmp_path: Path, pix_fmt: str, depth: str, height: int, matrix: int
) -> None:
    held_as = "bgr0" if pix_fmt == "gbrp" else pix_fmt
    planes = noise(pix_fmt, 40, height, 3)
    small = store(tmp_path / "in.mkv", "ffv1", held_as, [frame_of(planes, held_as, 40, height)])
    large = tmp_path / "out.mkv"
    result = enlarge(small, large, codec="ffv1", pix_fmt=f"yuv444p{depth}")
    assert result.warnings == ()
    with av.open(str(large)) as container:
        frame = next(container.decode(video=0))
    assert (int(frame.color_range), int(frame.colorspace)) == (1, matrix)
    big = [plane.repeat(2, 0).repeat(2, 1) for plane in planes]
    for plane, theirs in zip(planes_of(frame), libavs(big, pix_fmt, depth, matrix), strict=True):
        assert np.abs(plane.astype(int) - theirs).max() <= (1 if not depth else 3)
    enlarge(small, tmp_path / "out.mp4", preset="ultrafast")
    info = held(tmp_path / "out.mp4").info
    assert (info["format"], info["range"], info["matrix"]) == (f"yuv444p{depth}", 1, matrix)


def test_yuv_in_an_encoder_for_rgb(tmp_path: Path) -> None:
    colour = {"color_range": 1, "colorspace": 6}
    clip = Clip(pix_fmt="yuv444p", fill=(81, 90, 240), pts=SHORT, color=colour)
    result = enlarge(make(tmp_path / "in.mkv", clip), tmp_path / "out.mov", codec="png")
    assert result.warnings == ("encoder png has no yuv444p: encoded as rgb24",)
    with av.open(str(tmp_path / "out.mov")) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(pixels.astype(int) - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize(
    ("tags", "height", "fill", "told"),
    [
        ((1, 1), 48, (63, 102, 240), True),  # red by BT.709, in limited range
        ((0, 2), 720, (63, 102, 240), True),  # what players take an untagged one of 720 rows for
        ((1, 6), 48, (81, 90, 240), True),  # red by BT.601
        ((2, 5), 48, (76, 85, 255), False),  # JPEG's own
    ],
)
@pytest.mark.parametrize("suffix", ["avi", "mov"])
def test_motion_jpeg_has_jpegs_colours(
    tmp_path: Path,
    tags: tuple[int, int],
    height: int,
    fill: tuple[int, int, int],
    told: bool,
    suffix: str,
) -> None:
    """They are said nowhere in the file: every player takes them for these."""
    colour = {"color_range": tags[0], "colorspace": tags[1]} if tags[0] else {}
    clip = Clip(
        64, height, codec="ffv1", pix_fmt="yuv444p", options={}, fill=fill, pts=SHORT, color=colour
    )
    source = make(tmp_path / "in.mkv", clip)
    result = enlarge(source, tmp_path / f"out.{suffix}", codec="mjpeg")
    said = "encoder mjpeg takes colours as JPEG has them, in full range by BT.601: converted"
    assert (said in result.warnings) == told
    with av.open(str(tmp_path / f"out.{suffix}")) as container:
        frame = next(container.decode(video=0))
    for plane, expected in zip(planes_of(frame), (76, 85, 255), strict=True):
        assert np.abs(plane.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("range_", [1, 2])
def test_grey_keeps_its_range_as_colour(tmp_path: Path, range_: int) -> None:
    planes = [np.arange(256, dtype=np.uint8).reshape(8, 32)]
    small = tmp_path / "in.mkv"
    with av.open(str(small), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 8, "gray"  # type: ignore[attr-defined]
        stream.codec_context.color_range = range_  # type: ignore[attr-defined]
        frame = frame_of(planes, "gray", 32, 8)
        frame.pts, frame.color_range = 0, range_  # type: ignore[assignment]
        out.mux(stream.encode(frame))  # type: ignore[attr-defined]
        out.mux(stream.encode(None))  # type: ignore[attr-defined]
    large = tmp_path / "out.mkv"
    enlarge(small, large, codec="ffv1", pix_fmt="yuv420p")
    with av.open(str(large)) as container:
        luma, *chroma = planes_of(next(container.decode(video=0)))
    assert np.array_equal(luma, planes[0].repeat(2, 0).repeat(2, 1))
    assert all((plane == 128).all() for plane in chroma)
