"""ReadOptions: every frame that libav decodes, byte for byte, at its exact time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.clips import PACKED_YUV, Clip, make, picture

from vsr.core.damage import Damage
from vsr.core.errors import InputError
from vsr.core.frame import Frame, VideoInfo
from vsr.core.options import ReadOptions
from vsr.core.span import Span
from vsr.video.planes import PlaneReader, nearest_format
from vsr.video.reader import open_video

FAST = {"preset": "ultrafast", "bf": "0"}
# Whole groups of five with three B-frames between references, as x264 is told to.
GROUPS = {
    "preset": "ultrafast",
    "bf": "3",
    "x264-params": "keyint=5:min-keyint=5:scenecut=0:b-adapt=0",
}
OPEN_GROUPS = {**GROUPS, "x264-params": GROUPS["x264-params"] + ":open-gop=1"}
EVEN = tuple(range(0, 20 * 512, 512))
# Gaps from 1 to 12 ticks of 1/1000 s, none regular.
UNEVEN = (0, 40, 41, 90, 130, 142, 200, 260, 301, 333, 400, 410, 480, 520, 561, 600, 640, 700, 711)


def no_warning(message: str) -> None:
    raise AssertionError(f"warned: {message}")


WHOLE = Span()


def read(
    path: Path, span: Span = WHOLE, warn: Callable[[str], None] = no_warning
) -> tuple[VideoInfo, list[Frame]]:
    with open_video(path, span, warn) as video:
        return video.info, list(video.frames())


def decoded(path: Path) -> list[tuple[int | None, list[np.ndarray]]]:
    """pts and planes of every frame as libav decodes them."""
    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            deep = frame.format.components[0].bits > 8
            planes = []
            for plane in frame.planes:
                samples = np.frombuffer(plane, np.uint16 if deep else np.uint8)
                planes.append(samples.reshape(plane.height, -1)[:, : plane.width].copy())
            frames.append((frame.pts, planes))
    return frames


def assert_same(found: Sequence[Frame], truth: list[tuple[int | None, list[np.ndarray]]]) -> None:
    assert [frame.pts for frame in found] == [pts for pts, _ in truth]
    for frame, (_, planes) in zip(found, truth, strict=True):
        for plane, expected in zip(frame.planes, planes, strict=True):
            assert plane.dtype == expected.dtype
            assert np.array_equal(plane, expected)


# Whole files

# Not all that there are: test_lossless has every one. ffv1 takes 8-bit RGB in another layout.
STORED = [
    *("gray", "gray10le", "yuv420p", "yuv420p9le", "yuv420p10le", "yuv422p", "yuv422p12le"),
    *("yuv444p", "yuv440p", "yuva420p", "yuva422p10le", "yuva444p", "gbrp10le", "gbrap12le"),
]


@pytest.mark.parametrize("size", [(32, 24), (33, 17), (1, 1), (7, 5)])
@pytest.mark.parametrize("name", STORED)
def test_what_was_stored_without_loss_comes_back(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    width, height = size
    pts = (0, 40, 80, 120)
    clip = Clip(width, height, name, "ffv1", pts, Fraction(1, 1000), options={})
    info, frames = read(make(tmp_path / "clip.mkv", clip))
    assert (info.width, info.height, info.format.name) == (width, height, name)
    assert tuple(frame.pts for frame in frames) == pts
    for number, frame in enumerate(frames):
        assert len(frame.planes) == info.format.planes
        for index, plane in enumerate(frame.planes):
            rows, columns = info.format.plane_size(index, width, height)
            expected = picture(number + 31 * index, columns, rows, info.format.peak)
            assert plane.dtype == expected.dtype
            assert np.array_equal(plane, expected)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gray"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_frames_are_libavs(tmp_path: Path, name: str, suffix: str) -> None:
    path = make(tmp_path / f"clip{suffix}", Clip(pix_fmt=name, pts=EVEN, options=GROUPS))
    _, frames = read(path)
    truth = decoded(path)
    assert len(truth) == len(EVEN)  # the decoder is drained: the last ones come too
    assert_same(frames, truth)


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("libx265", ".mp4", {"preset": "ultrafast", "x265-params": "bframes=3:log-level=none"}),
        ("libvpx-vp9", ".webm", {"cpu-used": "8", "deadline": "realtime", "lag-in-frames": "3"}),
        ("mpeg4", ".avi", {"bf": "2"}),
        ("mpeg2video", ".mpg", {"bf": "2"}),
        ("mjpeg", ".mov", {}),
    ],
)
def test_frames_of_other_codecs_are_read(
    tmp_path: Path, codec: str, suffix: str, options: dict[str, str]
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = Clip(64, 48, pix_fmt, codec, tuple(range(12)), Fraction(1, 25), options)
    path = make(tmp_path / f"clip{suffix}", clip)
    info, frames = read(path)
    assert len(frames) == 12
    truth = decoded(path)
    with av.open(str(path)) as container:  # ticks of a coarse clock are cut into finer ones
        parts = container.streams.video[0].time_base / info.time_base
    assert_same(frames, [(round(pts * parts), planes) for pts, planes in truth])


@pytest.mark.parametrize("start", [0, 5000])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times_are_kept_to_the_tick(tmp_path: Path, start: int, suffix: str) -> None:
    pts = tuple(start + t for t in UNEVEN)
    clip = Clip(pts=pts, time_base=Fraction(1, 1000), options=GROUPS)
    info, frames = read(make(tmp_path / f"clip{suffix}", clip))
    assert [frame.pts * info.time_base for frame in frames] == [Fraction(t, 1000) for t in pts]
    for frame, following in pairwise(frames):
        assert frame.duration == following.pts - frame.pts
    assert frames[-1].duration > 0


def test_the_last_frame_is_shown_as_long_as_an_mp4s_index_says(tmp_path: Path) -> None:
    pts = tuple(5120 + 16 * t for t in UNEVEN)
    path = make(tmp_path / "clip.mp4", Clip(pts=pts, options=FAST))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        end = (stream.start_time or 0) + (stream.duration or 0)
    _, frames = read(path)
    assert frames[-1].pts + frames[-1].duration == end


def test_a_part_ends_where_it_was_told_to(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options=GROUPS))
    tick = Fraction(1, 12800)
    for end, last in ((1024, 512), (1025, 1), (1500, 476)):
        _, frames = read(path, Span(None, end * tick))
        durations = [512] * (len(frames) - 1) + [last]
        assert [frame.duration for frame in frames] == durations
    _, frames = read(path, Span(None, Fraction(100)))
    assert frames[-1].duration == 512  # the file's end comes first


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuvj444p"])
@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_full_range_values_are_untouched(tmp_path: Path, pix_fmt: str, codec: str) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as out:
        options = {"qp": "0", "preset": "ultrafast"} if codec == "libx264" else {"qmin": "1"}
        stream: Any = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pix_fmt
        frame = av.VideoFrame(48, 32, pix_fmt)
        for plane in frame.planes:
            view = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
            view[:] = 0
            view[: plane.height // 2] = 255
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info, frames = read(path)
    assert info.format.name == pix_fmt.replace("j", "")
    assert info.color.range == 2
    assert_same(frames, decoded(path))
    assert {0, 255} <= set(frames[0].planes[0].flat)


# Formats that are converted


def flat(width: int, height: int, pix_fmt: str, rgba: tuple[int, ...]) -> av.VideoFrame:
    """One colour, in any packed or planar RGB format of 8 bits."""
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[:] = rgba
    frame = av.VideoFrame.from_ndarray(pixels, "rgba")
    return frame if pix_fmt == "rgba" else frame.reformat(format=pix_fmt)


def store(path: Path, frames: list[av.VideoFrame], codec: str = "rawvideo") -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.width, stream.height = frames[0].width, frames[0].height
        stream.pix_fmt = frames[0].format.name
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def filled(width: int, height: int, pix_fmt: str, shift: int = 0) -> av.VideoFrame:
    """Noise in all bytes; with `shift`, in the upper bits of 16-bit samples."""
    frame = av.VideoFrame(width, height, pix_fmt)
    for index, plane in enumerate(frame.planes):
        random = np.random.default_rng(index)
        view = np.frombuffer(plane, np.uint16 if shift else np.uint8)
        view[:] = (
            random.integers(0, 65536 >> shift, view.size) << shift
            if shift
            else (random.integers(0, 256, view.size))
        )
    return frame


def converted(frame: av.VideoFrame) -> tuple[VideoInfo, tuple[np.ndarray, ...]]:
    """The planes of a frame, as the reader hands them on."""
    format_ = nearest_format(frame.format)
    info = VideoInfo(frame.width, frame.height, Fraction(1, 25), format_)
    return info, PlaneReader(info, no_warning)(frame)


@pytest.mark.parametrize(
    ("pix_fmt", "nearest"),
    PACKED_YUV,
)
def test_packed_yuv_is_unpacked(tmp_path: Path, pix_fmt: str, nearest: str) -> None:
    packed = filled(16, 12, pix_fmt)
    info, planes = converted(packed)
    assert info.format.name == nearest
    first = [np.frombuffer(p, np.uint8).reshape(p.height, -1) for p in packed.planes]
    if pix_fmt.startswith("nv"):
        columns = planes[1].shape[1]
        u, v = first[1][:, 0 : 2 * columns : 2], first[1][:, 1 : 2 * columns : 2]
        expected = [first[0][:, :16], *((v, u) if pix_fmt == "nv21" else (u, v))]
    elif pix_fmt == "uyvy422":
        expected = [first[0][:, 1:32:2], first[0][:, 0:32:4], first[0][:, 2:32:4]]
    else:
        expected = [first[0][:, 0:32:2], first[0][:, 1:32:4], first[0][:, 3:32:4]]
    for plane, truth in zip(planes, expected, strict=True):
        assert np.array_equal(plane, truth)
    if pix_fmt in ("nv12", "nv21", "uyvy422", "yuyv422"):  # those that files may hold
        info, frames = read(store(tmp_path / "clip.nut", [packed]))
        assert info.format.name == nearest
        for plane, truth in zip(frames[0].planes, expected, strict=True):
            assert np.array_equal(plane, truth)


@pytest.mark.parametrize(
    ("pix_fmt", "nearest", "shift"),
    [
        ("p010le", "yuv420p10le", 6),
        ("p012le", "yuv420p12le", 4),
        ("p210le", "yuv422p10le", 6),
        ("p410le", "yuv444p10le", 6),
    ],
)
def test_deep_packed_yuv_keeps_its_values(pix_fmt: str, nearest: str, shift: int) -> None:
    packed = filled(16, 12, pix_fmt, shift)
    info, planes = converted(packed)
    assert info.format.name == nearest
    y, c = (np.frombuffer(p, np.uint16).reshape(p.height, -1) >> shift for p in packed.planes)
    columns = 2 * planes[1].shape[1]
    expected = [y[:, :16], c[:, 0:columns:2], c[:, 1:columns:2]]
    for plane, truth in zip(planes, expected, strict=True):
        assert np.array_equal(plane, truth)


@pytest.mark.parametrize("pix_fmt", ["yuv420p10be", "yuv422p12be", "gray16be"])
def test_bytes_in_the_other_order(pix_fmt: str) -> None:
    frame = av.VideoFrame(16, 12, pix_fmt)
    info = VideoInfo(16, 12, Fraction(1, 25), nearest_format(frame.format))
    for index, plane in enumerate(frame.planes):
        view = np.frombuffer(plane, ">u2")
        view[:] = np.random.default_rng(index).integers(0, info.format.peak + 1, view.size)
    for index, plane in enumerate(PlaneReader(info, no_warning)(frame)):
        held = frame.planes[index]
        truth = np.frombuffer(held, ">u2").reshape(held.height, -1)[:, : held.width]
        assert np.array_equal(plane, truth)


COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 90, 30)]


def assert_colour(frame: Frame, rgba: Sequence[int]) -> None:
    red, green, blue, *alpha = rgba
    for plane, expected in zip(frame.planes, (green, blue, red, *alpha), strict=True):
        assert (plane == expected).all()


@pytest.mark.parametrize("pix_fmt", ["rgb24", "bgr24", "bgr0", "gbrp"])
def test_rgb_stays_rgb(tmp_path: Path, pix_fmt: str) -> None:
    path = store(tmp_path / "clip.nut", [flat(34, 18, pix_fmt, (*c, 255)) for c in COLOURS])
    info, frames = read(path)
    assert info.format.name == "gbrp"
    assert (info.color.range, info.color.matrix) == (2, 0)
    for colour, frame in zip(COLOURS, frames, strict=True):
        assert_colour(frame, colour)


def test_transparency_is_read(tmp_path: Path) -> None:
    opaque = flat(32, 18, "rgba", (200, 90, 30, 255))
    clear = flat(32, 18, "rgba", (200, 90, 30, 0))
    info, frames = read(store(tmp_path / "clip.nut", [opaque, clear]))
    assert info.format.name == "gbrap"
    assert_colour(frames[0], (200, 90, 30, 255))
    assert_colour(frames[1], (200, 90, 30, 0))  # not blended with anything


def test_a_gif_with_a_palette(tmp_path: Path) -> None:
    path = tmp_path / "clip.gif"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 18, "rgb8"
        for number, colour in enumerate(COLOURS[:3]):
            frame = flat(32, 18, "rgb8", (*colour, 255))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info, frames = read(path, warn=lambda message: None)
    assert info.format.name == "gbrp"  # nothing in it is transparent
    assert [frame.pts * info.time_base for frame in frames] == [0, Fraction(1, 10), Fraction(1, 5)]
    # libav's 8-bit palette holds 252 for 255 in red and green
    for colour, frame in zip([(252, 0, 0), (0, 252, 0), (0, 0, 255)], frames, strict=True):
        assert_colour(frame, colour)


def test_one_bit_pictures_become_grey(tmp_path: Path) -> None:
    pattern = (np.random.default_rng(0).integers(0, 2, (12, 16)) * 255).astype(np.uint8)
    frame = av.VideoFrame(16, 12, "monow")
    view = np.frombuffer(frame.planes[0], np.uint8).reshape(12, -1)
    view[:, :2] = np.packbits(pattern == 0, axis=1)  # a set bit is black
    info, frames = read(store(tmp_path / "clip.nut", [frame]))
    assert info.format.name == "gray"
    assert np.array_equal(frames[0].planes[0], pattern)


def test_a_picture_that_changes_size_is_scaled_to_the_first(tmp_path: Path) -> None:
    parts = []
    for number, (width, height) in enumerate([(64, 48), (96, 64)]):
        clip = Clip(width, height, pts=(0, 512, 1024), options=FAST)
        parts.append(make(tmp_path / f"{number}.h264", clip).read_bytes())
    path = tmp_path / "joined.h264"
    path.write_bytes(b"".join(parts))
    warnings: list[str] = []
    info, frames = read(path, warn=warnings.append)
    assert (info.width, info.height) == (64, 48)
    assert len(frames) == 6
    for frame in frames:
        assert [plane.shape for plane in frame.planes] == [(48, 64), (24, 32), (24, 32)]
    sizes = [message for message in warnings if "changes size" in message]
    assert sizes == [
        "the picture changes size to 96x64 on the way; scaled to the first size, 64x48"
    ]


def coded(range_: int, matrix: int, yuv: Sequence[int], pix_fmt: str = "yuv420p") -> bytes:
    """A raw H.264 stream, lossless, of three frames of one colour that it tells of so."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, pix_fmt
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.color_range, encoder.colorspace = range_, matrix
    encoder.options = {**FAST, "qp": "0"}
    packets = []
    for number in range(3):
        frame = av.VideoFrame(64, 48, pix_fmt)
        for plane, value in zip(frame.planes, yuv, strict=True):
            type_ = np.uint16 if "10" in pix_fmt else np.uint8
            np.frombuffer(plane, type_)[:] = value
        frame.pts, frame.color_range, frame.colorspace = number, range_, matrix
        packets += encoder.encode(frame)
    return b"".join(map(bytes, [*packets, *encoder.encode(None)]))


# One colour, (0.6, 0.4, 0.5), in the numbers of each range and matrix.
SAME = {
    (1, 1): (114, 134, 149),  # limited, BT.709
    (1, 6): (119, 132, 149),  # limited, BT.601
    (2, 1): (115, 135, 152),  # full, BT.709
}


@pytest.mark.parametrize(("first", "then"), [((1, 1), (2, 1)), ((2, 1), (1, 1)), ((1, 6), (1, 1))])
@pytest.mark.parametrize("deep", [False, True])
def test_colours_that_change_their_numbers_stay_what_they_are(
    tmp_path: Path, first: tuple[int, int], then: tuple[int, int], deep: bool
) -> None:
    pix_fmt, times = ("yuv420p10le", 4) if deep else ("yuv420p", 1)
    parts = [coded(*c, [times * n for n in SAME[c]], pix_fmt) for c in (first, then, first)]
    path = tmp_path / "joined.h264"
    path.write_bytes(b"".join(parts))
    warnings: list[str] = []
    info, frames = read(path, warn=warnings.append)
    assert (info.color.range, info.color.matrix) == first
    assert len(frames) == 9
    expected = [times * n for n in SAME[first]]
    for number, frame in enumerate(frames):
        found = [int(plane[12, 10]) for plane in frame.planes]
        off = max(abs(a - b) for a, b in zip(found, expected, strict=True))
        assert off <= (2 * times if 3 <= number < 6 else 0)
    words = {1: "limited", 2: "full"}
    change = [message for message in warnings if "colours" in message]
    assert change == [
        f"the colours change to {words[then[0]]} range, matrix {then[1]} on the way; converted "
        f"to the first, {words[first[0]]} range, matrix {first[1]} (matrices of ITU-T H.273)"
    ]


@pytest.mark.parametrize(("first", "then"), [((1, 6), (1, 5)), ((1, 1), (0, 2)), ((0, 2), (1, 1))])
def test_what_says_nothing_else_of_colours_is_taken_as_it_is(
    tmp_path: Path, first: tuple[int, int], then: tuple[int, int]
) -> None:
    path = tmp_path / "joined.h264"
    path.write_bytes(b"".join(coded(*told, (100, 90, 170)) for told in (first, then)))
    warnings: list[str] = []
    _, frames = read(path, warn=warnings.append)
    assert {int(plane[5, 5]) for frame in frames for plane in frame.planes} == {100, 90, 170}
    assert not [message for message in warnings if "colours" in message]


# Parts

PLACES = (0, 1, 2, 4, 5, 8, 11)  # every place in a group of five


def spans(path: Path) -> tuple[VideoInfo, list[Frame], Fraction]:
    with open_video(path, WHOLE, no_warning) as video:
        return video.info, list(video.frames()), video.origin


def assert_parts(path: Path, starts: Sequence[int]) -> None:
    """Whichever frames a span begins and ends at, it holds exactly those between."""
    info, whole, origin = spans(path)
    assert len(whole) > max(starts)
    times = [frame.pts * info.time_base - origin for frame in whole]
    wrong = []
    for first in starts:
        for last in {first + 1, first + 6, len(whole)}:
            end = times[last] if last < len(whole) else None
            span = Span(max(Fraction(0), times[first]), end)
            try:
                _, found = read(path, span)
            except InputError as error:
                wrong.append((first, last, str(error)))
                continue
            if [frame.pts for frame in found] != [frame.pts for frame in whole[first:last]]:
                wrong.append((first, last, f"{len(found)} frames"))
                continue
            for frame, truth in zip(found, whole[first:last], strict=True):
                for plane, expected in zip(frame.planes, truth.planes, strict=True):
                    assert np.array_equal(plane, expected)
    assert wrong == []


@pytest.mark.parametrize("options", [GROUPS, OPEN_GROUPS], ids=["closed", "open"])
@pytest.mark.parametrize("offset", [0, 5000])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_parts_of_a_file_have_exactly_their_frames(
    tmp_path: Path, suffix: str, offset: int, options: dict[str, str]
) -> None:
    pts = tuple(offset + t for t in UNEVEN)
    clip = Clip(pts=pts, time_base=Fraction(1, 1000), options=options)
    assert_parts(make(tmp_path / f"clip{suffix}", clip), PLACES)


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("libx264", ".ts", GROUPS),
        ("libx264", ".flv", GROUPS),
        ("mpeg2video", ".mpg", {"g": "5", "bf": "2"}),
        ("mpeg4", ".avi", {"g": "5", "bf": "2"}),
    ],
)
def test_parts_are_exact_where_libav_seeks_by_decoding_time(
    tmp_path: Path, codec: str, suffix: str, options: dict[str, str]
) -> None:
    clip = Clip(codec=codec, pts=tuple(range(20)), time_base=Fraction(1, 25), options=options)
    assert_parts(make(tmp_path / f"clip{suffix}", clip), (0, 3, 4, 7, 11, 13))


def test_a_start_between_two_frames_takes_the_later_one(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options=GROUPS))
    tick = Fraction(1, 12800)
    for number in (3, 7):
        at = number * 512 * tick
        for start, end, first, last in (
            (at - tick, at + tick, number, number),
            (at, at + tick, number, number),
            (at + tick / 3, at + 513 * tick, number + 1, number + 1),
            (at - tick / 3, at, None, None),
            (at - 512 * tick, at, number - 1, number - 1),
        ):
            if first is None:
                with pytest.raises(InputError, match="no frame begins between"):
                    read(path, Span(start, end))
                continue
            _, frames = read(path, Span(start, end))
            assert (frames[0].pts, frames[-1].pts) == (first * 512, last * 512)


def test_a_start_after_the_end_of_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options=GROUPS))
    with pytest.raises(InputError) as caught:
        read(path, Span(Fraction(100)))
    assert str(caught.value) == f"{path}: no frame can be decoded from 100 s on: it is 0.8 s long"


def test_the_number_of_frames_to_expect_of_a_span(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options=GROUPS))
    for span, expected in (
        (Span(), 20),
        (Span(Fraction(1, 5)), 15),
        (Span(None, Fraction(1, 5)), 5),
        (Span(Fraction(1, 5), Fraction(2, 5)), 5),
        (Span(Fraction(1, 5), Fraction(200)), 15),
    ):
        with open_video(path, span, no_warning) as video:
            assert video.expected_frames == expected
            assert len(list(video.frames())) == expected


# Frames around a part


@pytest.mark.parametrize("context", [1, 2, 3])
@pytest.mark.parametrize("options", [GROUPS, OPEN_GROUPS], ids=["closed", "open"])
def test_frames_around_a_part(tmp_path: Path, options: dict[str, str], context: int) -> None:
    clip = Clip(pts=UNEVEN, time_base=Fraction(1, 1000), options=options)
    path = make(tmp_path / "clip.mkv", clip)
    _, whole = read(path)
    for first in PLACES:
        for end in (None, Fraction(UNEVEN[first] + 100, 1000)):
            span = Span(Fraction(UNEVEN[first], 1000), end)
            _, inside = read(path, span)
            with open_video(path, span, no_warning) as video:
                found = list(video.frames(context))
            before = min(first, context + 1)
            assert [frame.pts for frame in found] == list(UNEVEN[first - before :])
            for frame, expected in zip(found, whole[first - before :], strict=True):
                assert frame.shows_same(expected)
            last = before + len(inside)
            outside = [n for n, frame in enumerate(found) if frame.is_context]
            assert outside == [*range(before), *range(last, len(found))]
            for frame, same in zip(found[before:last], inside, strict=True):
                assert (frame.pts, frame.duration) == (same.pts, same.duration)


def test_nothing_is_around_the_whole(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(pts=EVEN, options=GROUPS))
    for span in (WHOLE, Span(Fraction(0)), Span(None, Fraction(100))):
        with open_video(path, span, no_warning) as video:
            assert not any(frame.is_context for frame in video.frames(2))


def test_before_a_part_pictures_that_stand_still_count_once(tmp_path: Path) -> None:
    numbers = [0, 1, *[2] * 60, 3, *[4] * 60]
    lossless = {**GROUPS, "qp": "0"}
    clip = Clip(pts=range(0, len(numbers) * 512, 512), numbers=numbers, options=lossless)
    path = make(tmp_path / "clip.mp4", clip)
    _, whole = read(path)
    span = Span(Fraction(100, 25), Fraction(101, 25))  # amid the last picture
    with open_video(path, span, no_warning) as video:
        found = [frame for frame in video.frames(2) if frame.pts < 100 * 512]
    assert len(found) == 3
    for frame, n in zip(found, (2, 62, 63), strict=True):
        assert frame.shows_same(whole[n])


# Times that need mending


def test_a_stream_without_times_gets_even_ones(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.h264", Clip(pts=EVEN, options=GROUPS))
    warnings: list[str] = []
    info, frames = read(path, warn=warnings.append)
    seconds = [frame.pts * info.time_base for frame in frames]
    assert seconds == [Fraction(n, 25) for n in range(20)]
    assert len(warnings) == 1


# What is no video, and what is only the beginning of one


JPEG = cv2.imencode(".jpg", np.full((32, 32, 3), 90, np.uint8))[1].tobytes()


def sound(path: Path, codec: str, cover: bool = False) -> Path:
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream(codec, rate=48000)
        track.layout = "stereo"
        if cover:
            out.add_attachment("cover.jpg", "image/jpeg", JPEG)
        name = track.codec_context.format.name
        frame = av.AudioFrame(name, "stereo", 1152)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def with_id3_cover(mp3: bytes) -> bytes:
    """The file with an ID3v2.3 tag before it that holds a picture."""

    def syncsafe(n: int) -> bytes:
        return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))

    body = b"\0image/jpeg\0\x03\0" + JPEG
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    return b"ID3\x03\0\0" + syncsafe(len(frame)) + frame + mp3


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("aac", ".m4a"), ("libmp3lame", ".mp3"), ("flac", ".flac"), ("pcm_s16le", ".wav")],
)
def test_sound_is_no_video(tmp_path: Path, codec: str, suffix: str) -> None:
    path = sound(tmp_path / f"song{suffix}", codec)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: no video stream (it holds only audio)"


@pytest.mark.parametrize("suffix", [".mka", ".mkv", ".mp3"])
def test_cover_art_is_no_video(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"song{suffix}"
    if suffix == ".mp3":
        path.write_bytes(with_id3_cover(sound(path, "libmp3lame").read_bytes()))
    else:
        sound(path, "aac", cover=True)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1  # that is what libav takes it for
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: no video stream (it holds only cover art)"


def test_a_video_beside_cover_art_is_found(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as out:
        out.add_attachment("cover.jpg", "image/jpeg", JPEG)
        stream: Any = out.add_stream("libx264", rate=25, options=FAST)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"  # smaller than its cover
        for number in range(5):
            frame = av.VideoFrame(16, 16, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info, frames = read(path)
    assert (info.width, info.height, len(frames)) == (16, 16, 5)


def cut(path: Path, kept: int) -> Path:
    short = path.with_name(f"cut{path.suffix}")
    short.write_bytes(path.read_bytes()[:kept])
    return short


LONG = Clip(pts=EVEN, options=GROUPS)


@pytest.mark.parametrize("missing", [1, 300, 3000])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".flv", ".avi"])
def test_what_is_left_of_a_file_cut_short_within_a_packet(
    tmp_path: Path, suffix: str, missing: int
) -> None:
    clip = replace(LONG, muxer={"movflags": "faststart"} if suffix in (".mp4", ".mov") else {})
    if suffix == ".avi":
        clip = Clip(codec="ffv1", options={}, pts=tuple(range(20)), time_base=Fraction(1, 25))
    path = make(tmp_path / f"clip{suffix}", clip)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size and p.pos is not None]
        last = max(packets, key=lambda packet: packet.pos)
        end = last.pos + last.size
    assert_salvaged(path, cut(path, end - missing))


@pytest.mark.parametrize("lost", [1, 2, 7])
def test_what_is_left_of_an_mp4_cut_short_between_packets(tmp_path: Path, lost: int) -> None:
    path = make(tmp_path / "clip.mp4", replace(LONG, muxer={"movflags": "faststart"}))
    with av.open(str(path)) as container:
        places = sorted(p.pos for p in container.demux(video=0) if p.size and p.pos is not None)
    assert_salvaged(path, cut(path, places[-lost]), "truncated")


def test_an_mp4_whose_index_is_lost_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", LONG)  # the index comes last
    with pytest.raises(InputError, match="cannot be read as a video"):
        read(cut(path, path.stat().st_size - 200))


@pytest.mark.parametrize("part", [0.4, 0.7, 0.95])
@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", ".mkv"), ("ffv1", ".mkv"), ("libvpx-vp9", ".webm")]
)
def test_what_is_left_of_a_matroska_file_cut_short(
    tmp_path: Path, codec: str, suffix: str, part: float
) -> None:
    options = {"libx264": GROUPS, "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"}}
    clip = Clip(codec=codec, pts=EVEN, options=options.get(codec, {}))
    path = make(tmp_path / f"clip{suffix}", clip)
    assert len(read(path)[1]) == len(EVEN)
    assert_salvaged(path, cut(path, round(path.stat().st_size * part)), "truncated")


@pytest.mark.parametrize("number", [1, 10, 17, 18, 19])
def test_a_packet_of_zeros_is_skipped(tmp_path: Path, number: int) -> None:
    """Also among the last, which a decoder with threads would take others along with."""
    path = make(tmp_path / "whole.mp4", replace(LONG, options={"preset": "veryfast", "bf": "0"}))
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][number]
        place, size = packet.pos, packet.size
    assert place is not None
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    broken = path.with_name("clip.mp4")
    broken.write_bytes(data)
    frames, damage = assert_salvaged(path, broken, "could not be decoded", exact=number)
    assert [frame.pts for frame in frames] == [t for n, t in enumerate(EVEN) if n != number]
    assert damage.undecodable == 1


def assert_salvaged(
    whole: Path, broken: Path, word: str = "", exact: int | None = None
) -> tuple[list[Frame], Damage]:
    """Frames of the broken file stand at times of the whole one's, and damage is told.

    Those before the number `exact`, or else all but the last three, are the same pictures.
    Strict, there is an error. Returns frames and damage.
    """
    warnings: list[str] = []
    with open_video(broken, WHOLE, warnings.append) as video:
        frames = list(video.frames())
        damage = video.damage
    truth = {frame.pts: frame for frame in read(whole)[1]}
    assert 0 < len(frames) <= len(truth)
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    assert {frame.pts for frame in frames} <= set(truth)
    for frame in frames[: len(frames) - 3 if exact is None else exact]:
        assert frame.shows_same(truth[frame.pts])
    assert warnings
    assert any(word in warning for warning in warnings)
    assert any(astuple(damage))
    with (
        pytest.raises(InputError) as caught,
        open_video(broken, WHOLE, no_warning, ReadOptions(strict=True)) as video,
    ):
        list(video.frames())
    assert "--strict" in str(caught.value)
    return frames, damage


def test_leaving_early_closes_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", LONG)
    with open_video(path, WHOLE, no_warning) as video:
        frames = video.frames()
        next(frames)
    path.unlink()
    with pytest.raises(LookupError), open_video(make(path, LONG), WHOLE, no_warning):
        raise LookupError  # the caller's own error comes out as it is
