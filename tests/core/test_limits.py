"""What a hostile header asks for is refused before it is had; an option raises each limit."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import pytest
from support.clips import Clip, make

from vsr.cli.limits import Pixels, limits_of
from vsr.core.errors import InputError
from vsr.core.limits import Limits, check_header, check_length, check_size

SHORT = tuple(range(0, 4 * 512, 512))


def gif(path: Path, width: int, height: int) -> Path:
    """A GIF of any size in some forty bytes, with a picture of four pixels that never ends."""
    screen = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    picture = b"\x2c" + struct.pack("<HHHH", 0, 0, width, height) + b"\0"
    path.write_bytes(screen + picture + b"\x02\x02\x44\x01\0\x3b")
    return path


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    with av.open(str(path)) as container:
        yield container, container.streams.video[0]


def check(path: Path, limits: Limits) -> None:
    with opened(path) as (container, stream):
        check_header(path, container, stream, limits)


def test_a_small_file_that_would_be_a_huge_picture(tmp_path: Path) -> None:
    bomb = gif(tmp_path / "bomb.gif", 16000, 16000)
    assert bomb.stat().st_size < 100
    with pytest.raises(InputError) as raised:
        check(bomb, Limits())
    assert str(raised.value) == (
        f"{bomb}: a picture of 16000x16000 is 256000000 pixels, over the limit of 67108864; "
        "--max-pixels raises it"
    )
    check(bomb, Limits(pixels=16000 * 16000))


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(64, 48, pts=SHORT))
    check(source, Limits(pixels=64 * 48))
    with pytest.raises(InputError, match=r"64x48 is 3072 pixels, over the limit of 3071;"):
        check(source, Limits(pixels=64 * 48 - 1))
    check_size(source, 8192, 8192, Limits())
    with pytest.raises(InputError, match="8193x8192"):
        check_size(source, 8193, 8192, Limits())


def test_a_size_that_is_not_said_is_left_to_the_decoder(tmp_path: Path) -> None:
    check_size(tmp_path, 0, 0, Limits())
    check_size(tmp_path, -1, 2**31, Limits())


def test_a_file_that_says_it_lasts_for_years(tmp_path: Path) -> None:
    """A single frame that comes late makes one: nothing is as long as it says."""
    day = 24 * 3600
    source = make(tmp_path / "in.mkv", Clip(pts=(0, 16 * day), time_base=Fraction(1)))
    with pytest.raises(InputError) as raised:
        check(source, Limits())
    assert str(raised.value).startswith(f"{source}: its header says that it lasts 768 hours, ")
    assert str(raised.value).endswith("over the limit of 720; --max-hours raises it")
    check(source, Limits(seconds=33 * day))


def test_the_length_that_is_allowed(tmp_path: Path) -> None:
    check_length(tmp_path, Fraction(720 * 3600), Limits())
    with pytest.raises(InputError):
        check_length(tmp_path, Fraction(720 * 3600) + Fraction(1, 1000), Limits())
    check_length(tmp_path, Fraction(-5), Limits())  # says nothing


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_a_picture_that_grows_later_on_is_never_allocated(tmp_path: Path, codec: str) -> None:
    """Its decoder refuses each such packet, and still gives all before them."""
    repeated = {"preset": "ultrafast", "x264-params": "repeat-headers=1"}
    options = repeated if codec == "libx264" else {}
    small, large = (
        make(tmp_path / f"{n}.mkv", Clip(64 * n, 48 * n, codec=codec, options=options, pts=SHORT))
        for n in (1, 10)
    )
    with opened(large) as (container, stream):
        grown = [bytes(packet) for packet in container.demux(stream) if packet.size]
    sizes, refused = [], 0
    with opened(small) as (container, stream):
        check_header(small, container, stream, Limits(pixels=10_000))
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
        for packet in [*packets, *grown]:
            try:
                sizes += [(f.width, f.height) for f in stream.decode(av.Packet(packet))]
            except av.FFmpegError:
                refused += 1
    assert set(sizes) == {(64, 48)}
    assert refused > 0


def test_the_decoder_is_not_hindered_below_the_limit(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(64, 48, pts=SHORT))
    with opened(source) as (container, stream):
        check_header(source, container, stream, Limits())
        assert len(list(container.decode(stream))) == len(SHORT)


@pytest.mark.parametrize("wrong", [{"pixels": 0}, {"seconds": 0}, {"pixels": -1}])
def test_limits_that_allow_nothing(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="must be 1 or more"):
        Limits(**wrong)


@pytest.mark.parametrize(
    ("text", "pixels"), [("1", 1), ("67108864", 67108864), ("100M", 10**8), ("256m", 256 * 10**6)]
)
def test_pixels_as_people_write_them(text: str, pixels: int) -> None:
    assert Pixels().convert(text, None, None) == pixels


@pytest.mark.parametrize("text", ["", "0", "0M", "-5", "1.5M", "M", "12G", "8192x8192", "9" * 30])
def test_what_is_no_number_of_pixels(text: str) -> None:
    with pytest.raises(click.UsageError, match="is no number of pixels: write 100000000 or 100M"):
        Pixels().convert(text, None, None)


def test_options_make_limits() -> None:
    assert limits_of(10**8, 2) == Limits(10**8, 7200)
