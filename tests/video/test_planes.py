"""What a stream says of its planes, and into which format each of libav's goes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
import pytest
from av.video.format import VideoFormat, names
from support.clips import PACKED_YUV, Clip, make

from vsr.core.errors import InputError
from vsr.core.frame import PIXEL_FORMATS, ColorTags, VideoInfo
from vsr.core.span import Span
from vsr.video.planes import PlaneReader, nearest_format
from vsr.video.reader import open_video

FAST = {"preset": "ultrafast", "bf": "0"}
SHORT = (0, 512, 1024)


def described(path: Path) -> VideoInfo:
    with open_video(path, Span(), lambda message: None) as video:
        return video.info


def of_clip(folder: Path, suffix: str = ".mp4", **changes: Any) -> VideoInfo:
    clip = {"options": FAST, "pts": SHORT, **changes}
    return described(make(folder / f"clip{suffix}", Clip(**clip)))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        *((name, name) for name in PIXEL_FORMATS),
        ("yuvj420p", "yuv420p"),
        ("yuvj422p", "yuv422p"),
        ("yuvj444p", "yuv444p"),
        *PACKED_YUV,
        ("p010le", "yuv420p10le"),
        ("p016le", "yuv420p16le"),
        ("p210le", "yuv422p10le"),
        ("y210le", "yuv422p10le"),
        ("yuv422p10be", "yuv422p10le"),
        ("yuva444p16be", "yuva444p16le"),
        ("ayuv", "yuva444p"),
        ("ayuv64le", "yuva444p16le"),
        ("uyyvyy411", "yuv411p"),
        ("yuvj440p", "yuv440p"),
        ("rgb24", "gbrp"),
        ("bgr0", "gbrp"),
        ("rgba", "gbrap"),
        ("rgb565le", "gbrp"),
        ("rgb8", "gbrp"),
        ("rgb48be", "gbrp16le"),
        ("rgba64le", "gbrap16le"),
        ("x2rgb10le", "gbrp10le"),
        ("gbrp12be", "gbrp12le"),
        ("gbrpf32le", "gbrp16le"),
        ("gbrap32be", "gbrap16le"),
        ("bayer_rggb8", "gbrp"),
        ("bayer_rggb16le", "gbrp16le"),
        ("xyz12le", "gbrp12le"),
        ("pal8", "gbrap"),
        # no colours
        ("monow", "gray"),
        ("monob", "gray"),
        ("gray14be", "gray14le"),
        ("grayf32le", "gray16le"),
        # a little more than there is
        ("ya8", "yuva444p"),
        ("ya16be", "yuva444p16le"),
    ],
)
def test_the_nearest_format_of_planes(name: str, nearest: str) -> None:
    assert nearest_format(VideoFormat(name)) == PIXEL_FORMATS[nearest]


def test_every_format_has_a_nearest_one_that_loses_nothing_or_is_refused() -> None:
    refused = set()
    for name in sorted(names):
        format_ = VideoFormat(name, 16, 16)
        try:
            nearest = nearest_format(format_)
        except InputError as error:
            assert "\n" not in str(error)
            assert name in str(error)
            refused.add(name)
            continue
        parts = format_.components
        colours = format_.has_palette or len([part for part in parts if not part.is_alpha]) > 2
        alpha = format_.has_palette or any(part.is_alpha for part in parts)
        assert nearest.has_alpha == alpha, name
        assert nearest.planes == (3 if colours else 1) + (1 if colours else 3) * alpha, name
        assert nearest.rgb == (format_.is_rgb or format_.has_palette or "xyz" in name), name
        assert nearest.depth >= min(16, max(part.bits for part in parts)), name
        if colours and not format_.has_palette:
            assert 16 // nearest.chroma_width >= format_.chroma_width(16), name
            assert 16 // nearest.chroma_height >= format_.chroma_height(16), name
    in_memory = {name for name in refused if VideoFormat(name).components}
    assert not in_memory & set(PIXEL_FORMATS)
    assert len(in_memory) < 20  # of which no decoder gives any


def read(frame: av.VideoFrame, warn: Any = pytest.fail) -> tuple[VideoInfo, list[np.ndarray]]:
    info = VideoInfo(frame.width, frame.height, Fraction(1, 25), nearest_format(frame.format))
    return info, list(PlaneReader(info, warn)(frame))


def filled(name: str, values: bytes | np.ndarray) -> av.VideoFrame:
    """A frame of 5x3 pixels whose first plane has these bytes in each row."""
    frame = av.VideoFrame(5, 3, name)
    rows = np.frombuffer(frame.planes[0], np.uint8).reshape(-1, frame.planes[0].line_size)
    row = np.frombuffer(bytes(values), np.uint8)
    rows[:, : row.size] = row
    return frame


@pytest.mark.parametrize("name", sorted(names))
def test_whatever_can_be_read_gives_whole_planes(name: str) -> None:
    if not VideoFormat(name).components:
        return
    frame = av.VideoFrame(37, 21, name)
    for plane in frame.planes:
        np.frombuffer(plane, np.uint8)[:] = 60
    try:
        info, planes = read(frame)
    except InputError:
        return
    assert len(planes) == info.format.planes
    for n, plane in enumerate(planes):
        assert plane.shape == info.format.plane_size(n, 37, 21)
        assert plane.dtype == info.format.dtype


SMALL = {"565": (5, 6, 5), "555": (5, 5, 5), "444": (4, 4, 4)}


@pytest.mark.parametrize("end", ["le", "be"])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("bits", SMALL)
def test_rgb_of_two_bytes(order: str, bits: str, end: str) -> None:
    """White is white and black is black, and each step lies between."""
    peaks = [(1 << n) - 1 for n in SMALL[bits]]
    values = [(0, 0, 0), tuple(peaks), (1, 2, 3), (peaks[0], 0, 0), (7, 5, peaks[2] // 2)]
    packed = []
    for first, second, third in values:
        _, middle, low = SMALL[bits]
        packed.append(first << (middle + low) | second << low | third)
    row = np.array(packed, "<u2" if end == "le" else ">u2")
    _, planes = read(filled(f"{order}{bits}{end}", row.tobytes()))
    for channel, plane in zip("gbr", planes, strict=True):
        place = order.index(channel)
        shares = [255 * value[place] / peaks[place] for value in values]
        assert np.abs(plane - np.array(shares)).max() <= 0.5


@pytest.mark.parametrize(("name", "type_"), [("ya8", "u1"), ("ya16le", "<u2"), ("ya16be", ">u2")])
def test_grey_with_alpha(name: str, type_: str) -> None:
    values = (np.arange(3, 13) * 20).astype(type_)
    info, planes = read(filled(name, values.tobytes()))
    neutral = (info.format.peak + 1) // 2
    expected = [values[0::2], np.full(5, neutral), np.full(5, neutral), values[1::2]]
    for plane, row in zip(planes, expected, strict=True):
        assert (plane == row).all()


@pytest.mark.parametrize("name", ["grayf32le", "grayf32be", "gbrpf32le", "gbrapf32be", "grayf16le"])
def test_samples_that_are_numbers_in_0_to_1(name: str) -> None:
    end, size = ("<" if name.endswith("le") else ">"), (2 if "16" in name else 4)
    values = np.array([0, 1, 0.25, -3, 7], f"{end}f{size}")
    frame = filled(name, values.tobytes())
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        rows[:, : values.nbytes] = np.frombuffer(values.tobytes(), np.uint8)
    _, planes = read(frame)
    for plane in planes:
        assert (plane == [0, 65535, 16384, 0, 65535]).all()
    frame = filled(name, np.array([np.nan, np.inf, -np.inf, 0, 0], values.dtype).tobytes())
    assert read(frame)[1][0][0].tolist()[:3] == [0, 65535, 0]


def test_ten_bits_in_a_word() -> None:
    red, green, blue = np.array([[0, 1023, 1, 700, 3], [5, 0, 1023, 2, 800], [9, 8, 7, 0, 1023]])
    words = (red << 20 | green << 10 | blue).astype("<u4")
    _, planes = read(filled("x2rgb10le", words.tobytes()))
    for plane, expected in zip(planes, (green, blue, red), strict=True):
        assert (plane == expected).all()


@pytest.mark.parametrize("kind", ["yuv444p", "gbrp"])
@pytest.mark.parametrize(("depth", "end"), [(10, "le"), (12, "be")])
def test_samples_with_their_bits_at_the_top(kind: str, depth: int, end: str) -> None:
    values = np.array([0, 1, 2, (1 << depth) - 1, 77])
    row = (values << (16 - depth)).astype("<u2" if end == "le" else ">u2")
    frame = filled(f"{kind}{depth}msb{end}", row.tobytes())
    assert (read(frame)[1][0] == values).all()


def test_a_palette_keeps_its_colours_and_alpha() -> None:
    frame = filled("pal8", bytes([0, 1, 2, 1, 255]))
    palette = np.frombuffer(frame.planes[1], np.uint8).reshape(-1, 4)
    palette[:] = np.random.default_rng(4).integers(0, 256, palette.shape)
    _, planes = read(frame)
    for n, plane in zip((1, 0, 2, 3), planes, strict=True):  # of blue, green, red, alpha
        assert (plane == palette[[0, 1, 2, 1, 255], n]).all()


def test_colours_of_rgb_are_said_to_be_rgb(tmp_path: Path) -> None:
    tags = {"color_primaries": 9, "color_trc": 14}
    clip = {"codec": "ffv1", "pix_fmt": "gbrp10le", "options": {}, "color": tags}
    found = of_clip(tmp_path, ".mkv", **clip)
    assert found.format.name == "gbrp10le"
    assert found.color == ColorTags(2, 0, 9, 14)


def test_frames_of_another_format_become_like_the_first() -> None:
    warned: list[str] = []
    info = VideoInfo(6, 4, Fraction(1, 25), PIXEL_FORMATS["yuv420p"])
    reader = PlaneReader(info, warned.append)
    for name in ("yuv420p", "yuva420p", "yuv422p10le", "gbrap10le", "yuva444p", "rgb24", "gray"):
        frame = av.VideoFrame(6, 4, name)
        for plane in frame.planes:
            np.frombuffer(plane, np.uint8)[:] = 1
        assert [plane.shape for plane in reader(frame)] == [(4, 6), (2, 3), (2, 3)]
    dropped = ("yuva420p", "gbrap10le", "yuva444p")
    assert warned == [f"transparency is dropped ({name})" for name in dropped]
    info = VideoInfo(6, 4, Fraction(1, 25), PIXEL_FORMATS["yuva420p"])
    *_, alpha = PlaneReader(info, pytest.fail)(av.VideoFrame(6, 4, "yuv420p"))
    assert (alpha == 255).all()


@pytest.mark.parametrize(("width", "height"), [(16, 12), (17, 13), (1, 1), (33, 2)])
def test_plane_sizes_are_libavs(width: int, height: int) -> None:
    for format_ in PIXEL_FORMATS.values():
        frame = av.VideoFrame(width, height, format_.name)
        assert len(frame.planes) == format_.planes
        for index, plane in enumerate(frame.planes):
            assert format_.plane_size(index, width, height) == (plane.height, plane.width)


@pytest.mark.parametrize(
    ("suffix", "options", "pix_fmt"),
    [(".mp4", FAST, "yuv420p"), (".mkv", {"bf": "2"}, "yuv420p10le"), (".ts", FAST, "yuvj420p")],
)
@pytest.mark.parametrize("siting", ["center", "topleft", "top"])
def test_the_siting_of_chroma_is_read(
    tmp_path: Path, suffix: str, options: dict[str, str], pix_fmt: str, siting: str
) -> None:
    told = {**options, "chroma_sample_location": siting}
    assert of_clip(tmp_path, suffix, options=told, pix_fmt=pix_fmt).color.siting == siting


def test_chroma_at_the_bottom_counts_as_unsaid(tmp_path: Path) -> None:
    told = {**FAST, "chroma_sample_location": "bottom"}
    assert of_clip(tmp_path, options=told).color.siting == ""


@pytest.mark.parametrize(
    ("suffix", "changes", "siting"),
    [
        (".avi", {"codec": "dvvideo", "width": 720, "height": 576}, "topleft"),
        (".avi", {"codec": "mpeg4"}, "left"),
        (".avi", {"codec": "rawvideo"}, ""),
        (".mkv", {"codec": "ffv1"}, ""),
    ],
)
def test_siting_without_a_word_is_the_codecs(
    tmp_path: Path, suffix: str, changes: dict[str, Any], siting: str
) -> None:
    assert of_clip(tmp_path, suffix, **changes, options={}).color.siting == siting


@pytest.mark.parametrize(
    ("word", "siting"),
    [("420mpeg2", "left"), ("420paldv", "topleft"), ("420jpeg", "center"), ("422", "")],
)
def test_the_siting_of_y4m_is_read(tmp_path: Path, word: str, siting: str) -> None:
    path = tmp_path / "clip.y4m"
    frame = b"FRAME\n" + bytes(range(16 * 8)) * 2
    path.write_bytes(f"YUV4MPEG2 W16 H8 F25:1 C{word}\n".encode() + 2 * frame[: _y4m(word)])
    assert described(path).color.siting == siting


def _y4m(word: str) -> int:
    """The bytes of a frame of 16x8 pixels, with its header."""
    return len("FRAME\n") + (2 * 16 * 8 if word == "422" else 3 * 16 * 8 // 2)


def test_siting_left_is_the_default_and_need_not_be_said(tmp_path: Path) -> None:
    for told in ({}, {"chroma_sample_location": "left"}):
        found = of_clip(tmp_path, options={**FAST, **told}).color
        assert found.siting in ("", "left")


def test_jpeg_chroma_lies_in_the_centre(tmp_path: Path) -> None:
    found = of_clip(
        tmp_path,
        ".mkv",
        codec="mjpeg",
        pix_fmt="yuvj420p",
        options={},
        pts=(0, 1, 2),
        time_base=Fraction(1, 25),
    )
    assert (found.color.siting, found.color.range) == ("center", 2)
    assert found.format.name == "yuv420p"


@pytest.mark.parametrize("before", [None, av.logging.FATAL, av.logging.DEBUG])
def test_looking_at_a_stream_leaves_the_log_as_it_was(tmp_path: Path, before: int | None) -> None:
    level = av.logging.get_level()
    try:
        av.logging.set_level(before)
        # a decoder without threads: PyAV may lock up where one of them logs while it is closed
        of_clip(tmp_path, ".nut", codec="rawvideo", options={})
        assert av.logging.get_level() == before
    finally:
        av.logging.set_level(level)


COLORS = {
    "bt709": ({"color_range": 1, "colorspace": 1, "color_primaries": 1, "color_trc": 1}, ""),
    "bt601": ({"color_range": 1, "colorspace": 6, "color_primaries": 6, "color_trc": 6}, ""),
    "pal": ({"color_range": 1, "colorspace": 5, "color_primaries": 5, "color_trc": 6}, ""),
    "hdr": ({"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 16}, "10le"),
    "full": ({"color_range": 2, "colorspace": 1, "color_primaries": 1, "color_trc": 1}, ""),
}


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_color_tags_are_read(tmp_path: Path, name: str, suffix: str) -> None:
    tags, depth = COLORS[name]
    found = of_clip(tmp_path, suffix, pix_fmt=f"yuv420p{depth}", color=tags)
    color = found.color
    assert (color.range, color.matrix, color.primaries, color.transfer) == tuple(tags.values())
    assert found.format.name == f"yuv420p{depth}"


def test_color_tags_of_a_stream_that_says_nothing(tmp_path: Path) -> None:
    color = of_clip(tmp_path).color
    assert (color.range, color.matrix, color.primaries, color.transfer) == (0, 2, 2, 2)


TURNS = {
    "garbage": (2147483647, -2147483648, 7, 0, 0, 0, -1, 1, 0),
    "nothing": (0,) * 9,
    "quarter": (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
    "half": (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    "mirrored": (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30),
    "mirrored quarter": (0, 65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
}


@pytest.mark.parametrize("name", TURNS)
def test_the_display_matrix_is_read(tmp_path: Path, name: str) -> None:
    found = of_clip(tmp_path, matrix=TURNS[name])
    assert found.display_matrix == TURNS[name]
    assert (found.width, found.height) == (64, 48)  # as coded


def test_a_video_without_a_display_matrix(tmp_path: Path) -> None:
    assert of_clip(tmp_path).display_matrix is None


@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(8, 9), Fraction(1), None])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_pixel_aspect_is_read(tmp_path: Path, aspect: Fraction | None, suffix: str) -> None:
    found = of_clip(tmp_path, suffix, pixel_aspect=aspect).pixel_aspect
    assert found == aspect or (aspect in (1, None) and found in (1, None))


@pytest.mark.parametrize("aspect", [Fraction(1, 30000), Fraction(20000, 1)])
def test_absurd_pixels_are_square(tmp_path: Path, aspect: Fraction) -> None:
    assert of_clip(tmp_path, ".mp4", pixel_aspect=aspect).pixel_aspect is None


def test_size_rate_and_length_of_a_video(tmp_path: Path) -> None:
    found = of_clip(tmp_path, width=66, height=50, pts=tuple(range(0, 5120, 512)))
    assert (found.width, found.height) == (66, 50)
    assert found.time_base == Fraction(1, 12800)
    assert found.frame_rate == 25
    assert found.expected_frames == 10
    large = found.enlarged(3)
    assert (large.width, large.height, large.time_base) == (198, 150, found.time_base)


def test_planes_are_copies(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(options=FAST, pts=tuple(range(0, 5120, 512))))
    with open_video(path, Span(), lambda message: None) as video:
        frames = video.frames()
        first = next(frames)
        before = [plane.copy() for plane in first.planes]
        for plane in first.planes:
            assert plane.flags.owndata
            assert plane.flags.c_contiguous
        assert len(list(frames)) == 9
        for plane, copy in zip(first.planes, before, strict=True):
            assert np.array_equal(plane, copy)  # libav reuses its buffers
