"""Interlaced video is found, progressive video is not, and every frame comes out whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.clips import Clip, make, picture, video_frame
from support.interlaced import (
    HEIGHT,
    WIDTH,
    encode,
    gray_frame,
    moment,
    progressive,
    telecined,
    woven,
)

from vsr.core.errors import InputError
from vsr.video.deinterlace import CONTEXT, deinterlaced, detect
from vsr.video.field_vote import FieldOrder

TOP, BOTTOM = FieldOrder.TOP, FieldOrder.BOTTOM
_X264 = {"preset": "ultrafast", "crf": "18"}


CODECS = {
    "told": ("a.mp4", "libx264", _X264 | {"x264-params": "tff=1"}),
    "told otherwise": ("a.mkv", "libx264", _X264 | {"x264-params": "bff=1"}),
    "not told": ("a.mp4", "libx264", _X264),
    "mpeg2": ("a.mpg", "mpeg2video", {"flags": "+ildct+ilme", "qmin": "2", "qmax": "3"}),
    "ts": ("a.ts", "mpeg2video", {"qmin": "2", "qmax": "4"}),
    "lossless": ("a.mkv", "ffv1", {}),
    "mjpeg": ("a.avi", "mjpeg", {"qmin": "2", "qmax": "3"}),
}


@pytest.mark.parametrize("order", FieldOrder)
@pytest.mark.parametrize("name, codec, options", CODECS.values(), ids=CODECS)
def test_fields_tell_their_order_whatever_the_header_says(
    tmp_path: Path, order: FieldOrder, name: str, codec: str, options: dict[str, str]
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = encode(tmp_path / name, woven(order, 24), codec, options, pix_fmt)
    assert detect(path, 0).order is order


@pytest.mark.parametrize("name, codec, options", CODECS.values(), ids=CODECS)
def test_progressive_pictures_are_told_whatever_the_header_says(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = encode(tmp_path / name, progressive(24), codec, options, pix_fmt)
    assert detect(path, 0).order is None


@pytest.mark.parametrize(
    "pix_fmt", ["gray", "gray10le", "gray16le", "yuv422p10le", "yuv444p16le", "yuv411p", "bgr0"]
)
def test_fields_are_found_in_every_format(tmp_path: Path, pix_fmt: str) -> None:
    path = encode(tmp_path / "a.mkv", woven(BOTTOM, 16), "ffv1", {}, pix_fmt)
    assert detect(path, 0).order is BOTTOM


def test_telecined_film_counts_as_interlaced(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mkv", telecined(40), "ffv1")
    assert detect(path, 0).order is TOP


def rows_of(values: np.ndarray) -> np.ndarray:
    """A picture whose rows have these values."""
    return np.asarray(np.repeat(values[:HEIGHT, None], WIDTH, axis=1).clip(0, 255), np.uint8)


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)


def text(number: int) -> np.ndarray:
    """Words of single rows and columns, as on a screen, that scroll up."""
    page = np.random.default_rng(1).integers(0, 2, (4 * HEIGHT, WIDTH)) * 200 + 30
    page[np.arange(4 * HEIGHT) % 6 < 2] = 230
    return page[number : number + HEIGHT].astype(np.uint8)


Y = np.arange(2 * HEIGHT)
DECEPTIVE: dict[str, Callable[[int], np.ndarray]] = {
    "stripes of a row that stand": lambda n: rows_of(128 + 100 * (-1) ** Y),
    "stripes of a row that move": lambda n: rows_of(128 + 100 * (-1) ** (Y + n)),
    "stripes of a row that flash": lambda n: rows_of(128 + 100 * (-1) ** (Y * (n // 2))),
    "stripes of three rows": lambda n: rows_of(128 + 100 * np.sin((Y + n) * 2 * np.pi / 3)),
    "black lines over a fade": lambda n: rows_of((Y % 2) * (250 - 10.0 * n)),
    "black lines over a picture": lambda n: moment(2 * n) * (Y[:HEIGHT, None] % 2 == 0),
    "lines doubled": lambda n: np.repeat(moment(2 * n)[: HEIGHT // 2], 2, axis=0),
    "noise": noise,
    "noise on a picture": lambda n: moment(2 * n) // 2 + noise(n) // 4,
    "text that scrolls by a row": text,
    "text that scrolls by three rows": lambda n: text(3 * n),
    "text at half the rate": lambda n: text(n // 2),
    "pictures held for two and three frames": lambda n: moment(4 * (2 * n // 5)),
    "a flash now and then": lambda n: moment(2 * n) // (2 - (n % 7 == 0)),
    "black": lambda n: rows_of(Y * 0 + 16),
}


@pytest.mark.parametrize("draw", DECEPTIVE.values(), ids=DECEPTIVE)
@pytest.mark.parametrize("name, codec", [("a.mkv", "ffv1"), ("a.mp4", "libx264")])
def test_what_looks_like_fields_is_none(
    tmp_path: Path, name: str, codec: str, draw: Callable[[int], np.ndarray]
) -> None:
    pictures = [np.asarray(draw(number), np.uint8) for number in range(24)]
    options = {"preset": "ultrafast", "crf": "30"} if codec == "libx264" else {}
    assert detect(encode(tmp_path / name, pictures, codec, options), 0).order is None


def test_a_still_or_black_opening_decides_nothing(tmp_path: Path) -> None:
    opening = [moment(0)] * 60 + [np.full((HEIGHT, WIDTH), 16, np.uint8)] * 60
    path = encode(tmp_path / "a.mkv", [*opening, *woven(TOP, 24)], "ffv1")
    assert detect(path, 0).order is TOP


def test_damage_and_a_cut_end_are_passed_over(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.ts", woven(TOP, 40), "mpeg2video", {"qmax": "3"}).read_bytes()
    damaged = bytearray(whole[: len(whole) * 3 // 4])
    for place in range(3000, len(damaged), 5000):
        damaged[place : place + 4] = b"\xff\x00\xaa\x55"
    path = tmp_path / "b.ts"
    path.write_bytes(bytes(damaged))
    assert detect(path, 0).order is TOP


def test_where_nothing_can_be_decoded_nothing_is_found(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mp4", woven(TOP, 24), "libx264", _X264)
    content = bytearray(whole.read_bytes())
    start = content.index(b"mdat") + 4
    length = int.from_bytes(content[start - 8 : start - 4], "big") - 8
    content[start : start + length] = bytes(length)
    path = tmp_path / "b.mp4"
    path.write_bytes(bytes(content))
    assert detect(path, 0).order is None


def test_what_is_no_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video" * 10)
    with pytest.raises(InputError):
        detect(tmp_path / "a.mp4", 0)


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_the_smallest_pictures_pass(tmp_path: Path, width: int, height: int) -> None:
    pictures = [rows[:height, :width] for rows in woven(TOP, 6)]
    path = encode(tmp_path / "a.nut", pictures, "rawvideo")
    detect(path, 0)
    frames = [video_frame(n, width, height, "yuv420p") for n in range(3)]
    assert len(list(deinterlaced(iter(frames), TOP))) == 3


def test_a_change_of_size_starts_anew(tmp_path: Path) -> None:
    first = encode(tmp_path / "a.ts", woven(BOTTOM, 16), "mpeg2video", {"qmax": "3"})
    small = [rows[:48, :80] for rows in woven(BOTTOM, 16)]
    second = encode(tmp_path / "b.ts", small, "mpeg2video", {"qmax": "3"})
    joined = tmp_path / "c.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    assert detect(joined, 0).order is BOTTOM


def frame_of(rows: np.ndarray, pix_fmt: str = "yuv420p") -> av.VideoFrame:
    return gray_frame(rows).reformat(format=pix_fmt)


def samples(frame: av.VideoFrame) -> list[bytes]:
    """What is visible of each plane."""
    depth = 2 if frame.format.components[0].bits > 8 else 1
    return [
        np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width * depth].tobytes()
        for plane in frame.planes
    ]


@pytest.mark.parametrize("order", FieldOrder)
def test_the_earlier_field_stays_and_the_other_is_made(order: FieldOrder) -> None:
    frames = [frame_of(rows, "gray") for rows in woven(order, 12)]
    late = int(order is TOP)
    made = list(deinterlaced(iter(frames), order))
    assert len(made) == len(frames)
    for number, (frame, before) in enumerate(zip(made, frames, strict=True)):
        rows, given = frame.to_ndarray(), before.to_ndarray()
        true = gray_at(2 * number)
        kept = slice(1 - late, None, 2)
        assert np.array_equal(rows[kept], given[kept])
        assert error(rows, true) < 0.5 * error(given, true)


def gray_at(time: int) -> np.ndarray:
    shown: np.ndarray = frame_of(moment(time), "gray").to_ndarray()
    return shown


def error(rows: np.ndarray, true: np.ndarray) -> float:
    return float(np.abs(rows[4:-4].astype(int) - true[4:-4]).mean())


def test_without_an_order_frames_are_believed() -> None:
    def made(order: FieldOrder | None) -> list[list[bytes]]:
        frames = (frame_of(rows) for rows in woven(TOP, 6))
        return [samples(frame) for frame in deinterlaced(frames, order)]

    assert made(None) == made(TOP) != made(BOTTOM)


PTS: dict[str, Sequence[int | None]] = {
    "even": range(0, 5120, 512),
    "uneven": [0, 1, 5, 700, 701, 702, 9000, 9001, 9100, 9999],
    "missing": [None, 10, None, None, 40, 50, None, 70, 80, None],
    "standing": [0, 10, 10, 10, 40, 50, 50, 70, 80, 80],
    "backward": [90, 80, 70, 60, 50, 40, -30, -20, -10, 0],
}


@pytest.mark.parametrize("pts", PTS.values(), ids=PTS)
def test_times_and_colours_stay(pts: Sequence[int | None]) -> None:
    frames = []
    for number, time in enumerate(pts):
        frame = frame_of(moment(number))
        frame.pts, frame.duration, frame.dts = time, 7 + number, number
        frame.time_base = Fraction(1, 12800)
        frame.color_range, frame.colorspace = 2, 1
        frame.color_primaries, frame.color_trc = 9, 16
        frames.append(frame)
    made = list(deinterlaced(iter(frames), BOTTOM))
    assert [frame.pts for frame in made] == list(pts)
    assert [frame.duration for frame in made] == [7 + number for number in range(len(pts))]
    assert [frame.dts for frame in made] == list(range(len(pts)))
    assert {frame.time_base for frame in made} == {Fraction(1, 12800)}
    tags = {(f.color_range, f.colorspace, f.color_primaries, f.color_trc) for f in made}
    assert tags == {(2, 1, 9, 16)}
    assert not any(frame.interlaced_frame for frame in made)


def test_deinterlacing_keeps_the_rotation(tmp_path: Path) -> None:
    quarter = (0, 65536, 0, -65536, 0, 0, 0, 0, 1073741824)
    path = make(tmp_path / "a.mp4", Clip(matrix=quarter))
    with av.open(str(path)) as container:
        made = list(deinterlaced(container.decode(video=0), TOP))
        assert (
            {frame.rotation for frame in made}
            == {frame.rotation for frame in container_frames(path)}
            != {0}
        )


def container_frames(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_frames_are_enough(count: int) -> None:
    made = list(deinterlaced((frame_of(moment(n)) for n in range(count)), TOP))
    assert len(made) == count


def test_deinterlacing_no_frames_gives_none() -> None:
    assert list(deinterlaced(iter(()), TOP)) == []


@pytest.mark.parametrize("order", [*FieldOrder, None])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "uyvy422"])
def test_a_part_with_its_context_has_the_bits_of_the_whole(
    order: FieldOrder | None, pix_fmt: str
) -> None:
    def made(first: int, last: int) -> list[list[bytes]]:
        frames = (frame_of(rows, pix_fmt) for rows in woven(TOP, 12)[first:last])
        return [samples(frame) for frame in deinterlaced(frames, order)]

    whole = made(0, 12)
    for first in range(1, 10):
        part = made(first - CONTEXT, 11)
        assert part[CONTEXT:-CONTEXT] == whole[first : 11 - CONTEXT]
        assert made(first - CONTEXT, 12)[CONTEXT:] == whole[first:]


def test_sizes_and_formats_may_change_on_the_way() -> None:
    shapes = [(WIDTH, HEIGHT, "yuv420p")] * 3 + [(80, 48, "yuv420p")] + [(80, 48, "yuv444p")] * 2
    frames = [frame_of(moment(n)[:h, :w], f) for n, (w, h, f) in enumerate(shapes)]
    for number, frame in enumerate(frames):
        frame.pts = number
    made = list(deinterlaced(iter(frames), TOP))
    assert [(f.width, f.height, f.format.name) for f in made] == shapes
    assert [f.pts for f in made] == list(range(6))


@pytest.mark.parametrize(
    "given, comes",
    [
        ("nv12", "yuv420p"),
        ("uyvy422", "yuv422p"),
        ("p010le", "yuv420p10le"),
        ("rgb24", "gbrp"),
        ("rgba", "gbrap"),
        ("rgb48le", "gbrp16le"),
        ("yuva420p", "yuva420p"),
        ("gray10le", "gray10le"),
    ],
)
def test_pixel_formats_that_deinterlacing_gives(given: str, comes: str) -> None:
    frames = [frame_of(moment(n), given) for n in range(3)]
    made = list(deinterlaced(iter(frames), TOP))
    assert [frame.format.name for frame in made] == [comes] * 3
    kept = frames[1].reformat(format=comes).planes[0]
    rows = [
        np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[::2]
        for plane in (made[1].planes[0], kept)
    ]
    width = kept.width * (2 if "1" in comes else 1)
    assert np.array_equal(rows[0][:, :width], rows[1][:, :width])


def test_errors_of_the_source_come_through() -> None:
    def frames() -> Iterator[av.VideoFrame]:
        yield frame_of(picture(0, WIDTH, HEIGHT))
        raise InputError("broken")

    with pytest.raises(InputError, match="broken"):
        list(deinterlaced(frames(), TOP))
