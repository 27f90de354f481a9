"""Closed captions and the active format arrive in every codec that has room for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from support.clips import Clip, held, make, video_frame
from support.interlaced import NTSC, gray_frame, progressive, pulled_down

import vsr
from vsr.core.side_data import said_of, user_data_of
from vsr.encoding.user_data import takes_user_data, with_user_data
from vsr.video.field_vote import FieldOrder

KINDS = ("A53_CC", "AFD")


def captions(number: int) -> bytes:
    """Some triplets, with zeros in a row, that differ in every frame."""
    return b"\xfc\x94\x20" + b"\xfa\0\0" * (number % 4) + bytes([0xFD, 0, number])


def drawn(number: int) -> av.VideoFrame:
    return video_frame(number, 64, 48, "yuv420p")


def captioned(
    path: Path,
    codec: str = "libx264",
    frames: int = 12,
    first: int = 0,
    draw: Callable[[int], av.VideoFrame] = drawn,
    rate: Fraction = Fraction(25),
) -> Path:
    """A clip with captions in every frame from `first` on, and an active format in every third."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=rate, options={"g": "6"})
        stream.width, stream.height, stream.pix_fmt = draw(0).width, draw(0).height, "yuv420p"
        stream.codec_context.time_base = 1 / rate

        def put(packets: list[av.Packet]) -> None:
            for packet in packets:
                said = {"A53_CC": captions(packet.pts)} if packet.pts >= first else {}
                if packet.pts % 3 == 0 and said:
                    said["AFD"] = b"\x0a"
                payloads = list(user_data_of(said).values())
                name = stream.codec_context.codec.canonical_name
                full = av.Packet(with_user_data(name, bytes(packet), payloads))
                full.pts, full.dts, full.duration = packet.pts, packet.dts, packet.duration
                full.time_base, full.is_keyframe = packet.time_base, packet.is_keyframe
                full.stream = stream
                out.mux(full)

        for number in range(frames):
            frame = draw(number)
            frame.pts, frame.time_base = number, 1 / rate
            put(stream.encode(frame))
        put(stream.encode(None))
    return path


def read(path: Path) -> list[tuple[bytes | None, ...]]:
    """The captions and the active format of every frame."""
    with av.open(str(path)) as container:
        said = [said_of(frame) for frame in container.decode(video=0)]
    return [tuple(each.get(kind) for kind in KINDS) for each in said]


EXPECTED = [(captions(n), b"\x0a" if n % 3 == 0 else None) for n in range(12)]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_a_source_with_captions_is_one(tmp_path: Path, codec: str) -> None:
    assert read(captioned(tmp_path / "in.mkv", codec)) == EXPECTED


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *((f"out{suffix}", "") for suffix in (".mp4", ".mov", ".mkv", ".ts", ".flv", ".mpg")),
        *((f"out{suffix}", "hevc") for suffix in (".mp4", ".ts", ".mkv")),
    ],
)
def test_captions_arrive_in_their_frames(tmp_path: Path, name: str, codec: str) -> None:
    source = captioned(tmp_path / "in.mp4")
    result = vsr.upscale(source, tmp_path / name, model="nearest", scale=2, codec=codec)
    assert read(tmp_path / name) == EXPECTED
    assert result.dropped == ()


@pytest.mark.parametrize("name", ["out.webm", "out.mp4", "out.mkv"])
def test_captions_arrive_in_av1(tmp_path: Path, name: str) -> None:
    source = captioned(tmp_path / "in.mp4")
    vsr.upscale(source, tmp_path / name, model="nearest", scale=2, codec="av1")
    assert [told[0] for told in read(tmp_path / name)] == [told[0] for told in EXPECTED]


def test_captions_arrive_in_segments_and_in_a_part(tmp_path: Path) -> None:
    source = captioned(tmp_path / "in.mp4")
    vsr.upscale(source, tmp_path / "a.mp4", model="nearest", scale=2, resume="always")
    assert read(tmp_path / "a.mp4") == EXPECTED
    vsr.upscale(source, tmp_path / "b.mp4", model="nearest", scale=2, start=0.2, end=0.4)
    assert read(tmp_path / "b.mp4") == EXPECTED[5:10]


def valid(said: Iterable[tuple[bytes | None, ...]]) -> list[bytes]:
    """The captions of frames, without padding."""
    joined = b"".join(told[0] or b"" for told in said)
    triplets = [joined[at : at + 3] for at in range(0, len(joined), 3)]
    return [triplet for triplet in triplets if triplet[0] & 4]


def test_captions_of_frames_that_inverse_telecine_leaves_out_stay(tmp_path: Path) -> None:
    pictures = pulled_down(progressive(48), FieldOrder.TOP)

    def draw(number: int) -> av.VideoFrame:
        return gray_frame(pictures[number]).reformat(format="yuv420p")

    source = captioned(tmp_path / "in.mp4", frames=60, draw=draw, rate=NTSC)
    result = vsr.upscale(source, tmp_path / "out.mp4", model="nearest", scale=2)
    assert result.frames_out == 48
    assert valid(read(tmp_path / "out.mp4")) == valid(read(source))


def test_captions_stay_with_the_first_field(tmp_path: Path) -> None:
    source = captioned(tmp_path / "in.mp4")
    vsr.upscale(source, tmp_path / "out.mp4", model="nearest", scale=2, deinterlace="field")
    told = [each[0] for each in read(tmp_path / "out.mp4")]
    assert told[::2] == [each[0] for each in EXPECTED]
    assert set(told[1::2]) == {None}


def test_captions_of_variable_rate_and_of_deinterlaced_frames_stay(tmp_path: Path) -> None:
    source = captioned(tmp_path / "in.mkv", "mpeg2video")
    vsr.upscale(source, tmp_path / "out.mp4", model="nearest", scale=2, deinterlace="on")
    assert read(tmp_path / "out.mp4") == EXPECTED
    assert held(tmp_path / "out.mp4").pts == held(source).pts


@pytest.mark.parametrize(
    ("name", "codec"), [("out.mkv", "ffv1"), ("out.mov", "prores_ks"), ("out.avi", "")]
)
def test_where_there_is_no_room_they_are_named(tmp_path: Path, name: str, codec: str) -> None:
    source = captioned(tmp_path / "in.mp4")
    result = vsr.upscale(source, tmp_path / name, model="nearest", scale=2, codec=codec)
    names = ["closed captions", "active format description"]
    assert list(result.dropped) == [f"of the video: {each}" for each in names]
    assert sum("closed captions" in line for line in result.warnings) == 1


def test_captions_that_begin_later_are_named_too(tmp_path: Path) -> None:
    source = captioned(tmp_path / "in.mp4", first=5)
    target = tmp_path / "out.mkv"
    result = vsr.upscale(source, target, model="nearest", scale=2, codec="ffv1")
    assert "of the video: closed captions" in result.dropped
    assert sum("closed captions" in line for line in result.warnings) == 1
    vsr.upscale(source, tmp_path / "kept.mp4", model="nearest", scale=2)
    assert [told[0] for told in read(tmp_path / "kept.mp4")] == [
        *[None] * 5,
        *(told[0] for told in EXPECTED[5:]),
    ]


def test_what_cannot_be_told_apart_is_left_as_it_is() -> None:
    for codec in ("h264", "hevc", "mpeg2video", "av1"):
        assert takes_user_data(codec)
        assert with_user_data(codec, b"", [b"x"]) == b""
        assert with_user_data(codec, bytes(9), [b"x"]) == bytes(9)
    assert not takes_user_data("vp9")


def test_a_plain_output_is_the_encoders_own(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=(0, 512, 1024)))
    vsr.upscale(source, tmp_path / "out.mp4", model="nearest", scale=2)
    assert read(tmp_path / "out.mp4") == [(None, None)] * 3
