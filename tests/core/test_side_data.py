"""Every kind of side data that libav has is kept, changed or named when it is left out."""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path
from typing import Any, get_args

import av
import pytest
from av.packet import PktSideDataT
from av.sidedata.sidedata import Type
from support.clips import Clip, make

import vsr
from vsr.core.side_data import (
    ACTIVE_FORMAT,
    CAPTIONS,
    OF_FRAMES,
    OF_STREAMS,
    UNREADABLE,
    Fate,
    dropped_of,
    said_of,
    user_data_of,
)


def libav_names(library: str, function: str) -> list[str]:
    """What the installed libav calls its kinds."""
    found = sorted(Path(av.__file__).parent.parent.glob(f"av.libs/{library}*"))
    if not found:
        pytest.skip("this PyAV has libav elsewhere")
    name: Any = getattr(ctypes.CDLL(str(found[0])), function)
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.c_int]
    names = []
    while told := name(len(names)):
        names.append(told.decode())
    return names


def test_no_kind_of_a_frame_is_silent() -> None:
    assert {kind.name for kind in Type} <= set(OF_FRAMES)
    assert len(OF_FRAMES) >= len(libav_names("libavutil", "av_frame_side_data_name"))


def test_no_kind_of_a_stream_is_silent() -> None:
    assert set(get_args(PktSideDataT)) <= set(OF_STREAMS)
    assert len(OF_STREAMS) >= len(libav_names("libavcodec", "av_packet_side_data_name"))


@pytest.mark.parametrize("kind", OF_FRAMES)
def test_what_is_left_out_is_named(kind: str) -> None:
    fate, name = OF_FRAMES[kind]
    assert name
    assert list(dropped_of({kind: b"\1" * 64})) == ([name] if fate is Fate.DROPPED else [])


def test_a_kind_of_tomorrow_is_named() -> None:
    assert list(dropped_of({"TOMORROW": b""})) == [UNREADABLE]

    class Frame:
        @property
        def side_data(self) -> None:
            raise ValueError("31 is not a valid Type")

    frame: Any = Frame()
    assert said_of(frame) == {UNREADABLE: b""}


def test_what_says_nothing_is_not_named() -> None:
    whole = struct.pack("=3i6h", 0, 720 * 16, 576 * 16, *[0] * 6)
    assert list(dropped_of({"PANSCAN": whole})) == []
    assert list(dropped_of({"PANSCAN": struct.pack("=3i6h", 0, 1, 1, 9, *[0] * 5)})) != []
    source = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef") + b"x264 - core 165"
    assert list(dropped_of({"SEI_UNREGISTERED": source})) == []
    assert list(dropped_of({"SEI_UNREGISTERED": bytes(16) + b"a drone's place"})) != []


def test_user_data_is_as_atsc_has_it() -> None:
    found = user_data_of({"A53_CC": b"\xfc\x94\x20\xfd\x80\x80", "AFD": b"\x0a"})
    assert found[CAPTIONS] == b"GA94\x03\x42\xff\xfc\x94\x20\xfd\x80\x80\xff"
    assert found[ACTIVE_FORMAT] == b"DTG1\x41\xfa"
    assert user_data_of({"A53_CC": b"", "STEREO3D": b"1"}) == {}
    many = user_data_of({"A53_CC": b"\xfc\x80\x80" * 40})[CAPTIONS]
    assert len(many) == 8 + 3 * 31


def box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I", 8 + len(inside)) + name + inside


def with_projection(path: Path) -> Path:
    """Write the boxes of a 360-degree, top-bottom video into an mp4 whose index comes last."""
    data = path.read_bytes()
    view = box(b"st3d", bytes(4), b"\x02")
    head = box(b"svhd", bytes(4), b"test\0")
    pose, flat = box(b"prhd", bytes(16)), box(b"equi", bytes(20))
    added = view + box(b"sv3d", head, box(b"proj", pose, flat))
    end = data.index(b"avcC") - 4
    made = bytearray(data[:end] + added + data[end:])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        at = made.index(name, data.index(b"moov") - 4) - 4
        made[at : at + 4] = struct.pack(
            ">I", struct.unpack(">I", made[at : at + 4])[0] + len(added)
        )
    path.write_bytes(bytes(made))
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".webm"])
def test_360_degree_and_stereo_tags_are_kept_or_named(tmp_path: Path, suffix: str) -> None:
    source = with_projection(make(tmp_path / "in.mp4", Clip(pts=(0, 512, 1024))))
    result = vsr.upscale(source, tmp_path / f"out{suffix}", model="nearest", scale=2)
    names = ["360-degree projection", "stereoscopic layout"]
    if suffix in (".mkv", ".webm"):
        assert stereo_mode(tmp_path / f"out{suffix}") == "left_right"
        del names[1]
    assert [f"of the video: {name}" for name in names] == list(result.dropped)
    (said,) = [line for line in result.warnings if "cannot be written" in line]
    assert all(name in said for name in names)


def stereo_mode(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.streams.video[0].metadata.get("stereo_mode", "")


@pytest.mark.parametrize(
    ("layout", "suffix", "kept"),
    [
        ("left_right", ".mkv", True),
        ("right_left", ".mkv", True),
        ("top_bottom", ".webm", True),
        ("bottom_top", ".mkv", True),
        ("block_rl", ".mkv", True),
        ("anaglyph_cyan_red", ".mkv", True),
        ("anaglyph_cyan_red", ".mp4", False),
        ("block_lr", ".webm", False),
        ("right_left", ".mp4", False),
        ("row_interleaved_lr", ".mkv", False),  # an enlargement mixes the views
        ("checkerboard_rl", ".mkv", False),
    ],
)
def test_matroskas_stereo_mode(tmp_path: Path, layout: str, suffix: str, kept: bool) -> None:
    clip = Clip(pts=(0, 512, 1024), stream_metadata={"stereo_mode": layout})
    source = make(tmp_path / "in.mkv", clip)
    assert stereo_mode(source) == layout
    target = tmp_path / f"out{suffix}"
    result = vsr.upscale(source, target, model="nearest", scale=2)
    assert stereo_mode(target) == (layout if kept else "")
    named = () if kept else ("of the video: stereoscopic layout",)
    assert result.dropped == named
    with av.open(str(target)) as container:
        assert container.streams.video[0].sample_aspect_ratio in (None, 1)


def test_a_part_of_two_views_is_no_such_layout(tmp_path: Path) -> None:
    clip = Clip(pts=(0, 512, 1024), stream_metadata={"stereo_mode": "left_right"})
    source = make(tmp_path / "in.mkv", clip)
    crop = {"crop": "0%,0%,50%,100%"}
    result = vsr.upscale(source, tmp_path / "out.mkv", model="nearest", scale=2, **crop)
    assert result.dropped == ("of the video: stereoscopic layout",)
    assert stereo_mode(tmp_path / "out.mkv") == ""


def test_a_plain_video_has_nothing_to_name(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=(0, 512, 1024)))
    result = vsr.upscale(source, tmp_path / "out.mp4", model="nearest", scale=2)
    assert (result.dropped, result.warnings) == ((), ())
