"""HDR's tags and static metadata arrive; what cannot be kept is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from support.clips import Clip, held, make, planes, remux

from vsr import Result, upscale
from vsr.core.frame import PIXEL_FORMATS, ColorTags, VideoInfo
from vsr.core.hdr import (
    LightLevel,
    Mastering,
    dynamic_note,
    encoder_parameters,
    light_of,
    mastering_of,
)
from vsr.encoding.codecs import Encoding

PQ = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
HLG = PQ | {"color_trc": 18}
DISPLAY = "G(13250,34501)B(7499,3000)R(34000,16000)WP(15635,16450)L(9999999,51)"
LIGHT = LightLevel(1013, 397)
SHORT = (0, 512, 1024)


def fiftieth(*steps: int) -> Any:
    return tuple(Fraction(step, 50000) for step in steps)


MASTERING = Mastering(
    red=fiftieth(34000, 16000),
    green=fiftieth(13250, 34501),
    blue=fiftieth(7499, 3000),
    white=fiftieth(15635, 16450),
    most=Fraction(9999999, 10000),
    least=Fraction(51, 10000),
)


def hdr_clip(path: Path, color: dict[str, int] = PQ, pix_fmt: str = "yuv420p10le") -> Path:
    """A small HEVC clip that holds MASTERING and LIGHT."""
    said = f"log-level=error:master-display={DISPLAY}:max-cll={LIGHT.most},{LIGHT.average}"
    options = {"preset": "ultrafast", "x265-params": said}
    return make(
        path, Clip(pix_fmt=pix_fmt, codec="libx265", pts=SHORT, color=color, options=options)
    )


def enlarge(source: Path, target: Path, **options: Any) -> Result:
    return upscale(source, target, scale=2, model="bicubic", device="cpu", **options)


def first_frame(path: Path) -> Any:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def test_what_a_frame_says_is_read_exactly(tmp_path: Path) -> None:
    frame = first_frame(hdr_clip(tmp_path / "in.mkv"))
    assert mastering_of(frame) == MASTERING
    assert light_of(frame) == LIGHT
    assert dynamic_note("hevc", frame) == ""
    plain = first_frame(make(tmp_path / "plain.mkv", Clip(pts=SHORT)))
    assert mastering_of(plain) is None
    assert light_of(plain) is None


@pytest.mark.parametrize("color", [PQ, HLG])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("out.mkv", {}),
        ("out.mp4", {}),
        ("out.mov", {}),
        ("out.ts", {}),
        ("out.mkv", {"codec": "h264"}),
        ("out.mp4", {"codec": "h264"}),
    ],
)
def test_hevc_and_h264_keep_all(
    tmp_path: Path, name: str, options: dict[str, Any], color: dict[str, int]
) -> None:
    source, target = hdr_clip(tmp_path / "in.mkv", color), tmp_path / name
    result = enlarge(source, target, preset="ultrafast", **options)
    assert result.encoder == ("libx264" if options else "libx265")
    assert not result.warnings
    frame = first_frame(target)
    assert mastering_of(frame) == MASTERING
    assert light_of(frame) == LIGHT
    before, after = held(source).info, held(target).info
    for tag in ("format", "range", "matrix", "primaries", "transfer"):
        assert after[tag] == before[tag]


def test_every_keyframe_says_it_again_or_the_header_does(tmp_path: Path) -> None:
    """Who begins to play in the middle knows it too."""
    source, target = hdr_clip(tmp_path / "in.mkv"), tmp_path / "out.mp4"
    enlarge(source, target, preset="ultrafast")
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        container.seek(0, stream=stream)
        frames = list(container.decode(stream))
    assert len(frames) == len(SHORT)
    assert {mastering_of(frame) for frame in frames} == {MASTERING}


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm"])
def test_av1_keeps_all_in_its_own_steps(tmp_path: Path, suffix: str) -> None:
    source = hdr_clip(tmp_path / "in.mkv")
    first, again = tmp_path / f"first{suffix}", tmp_path / f"again{suffix}"
    assert not enlarge(source, first, codec="av1", preset="10").warnings
    enlarge(first, again, codec="av1", preset="10")
    found = mastering_of(first_frame(first))
    assert found is not None
    assert light_of(first_frame(first)) == LIGHT
    assert mastering_of(first_frame(again)) == found  # once rounded, nothing changes
    for point, wanted in zip(points(found), points(MASTERING), strict=True):
        assert abs(point - wanted) <= Fraction(1, 2 * 65536)
    assert abs(found.most - MASTERING.most) <= Fraction(1, 2 * 256)
    assert abs(found.least - MASTERING.least) <= Fraction(1, 2 * 16384)


def points(mastering: Mastering) -> Sequence[Fraction]:
    return [*mastering.red, *mastering.green, *mastering.blue, *mastering.white]


def test_what_the_container_alone_says_arrives(tmp_path: Path) -> None:
    """VP9 has no such metadata: Matroska keeps it beside the stream."""
    clip = Clip(codec="libvpx-vp9", options={}, pts=SHORT, color=PQ, muxer={"write_crc32": "0"})
    bare = make(tmp_path / "bare.mkv", clip)
    told = tmp_path / "told.mkv"
    told.write_bytes(with_light(bare.read_bytes()))
    assert light_of(first_frame(bare)) is None
    assert light_of(first_frame(told)) == LIGHT
    enlarge(told, tmp_path / "out.mkv", codec="hevc", preset="ultrafast")
    assert light_of(first_frame(tmp_path / "out.mkv")) == LIGHT


def with_light(data: bytes) -> bytes:
    """A Matroska file whose track's Colour element is rewritten: its transfer, and LIGHT."""
    begin = data.index(b"\x55\xb0") + 3
    size = data[begin - 1] & 0x7F
    body = b"\x55\xba\x81\x10"
    body += b"\x55\xbc\x82" + LIGHT.most.to_bytes(2, "big")
    body += b"\x55\xbd\x82" + LIGHT.average.to_bytes(2, "big")
    filler = size - len(body) - 2
    body += bytes([0xEC, 0x80 | filler]) + bytes(filler)
    assert len(body) == size
    return data[:begin] + body + data[begin + size :]


def test_other_encoders_lose_it_and_say_so(tmp_path: Path) -> None:
    source = hdr_clip(tmp_path / "in.mkv")
    result = enlarge(source, tmp_path / "out.mkv", codec="ffv1")
    assert result.warnings == (
        "encoder ffv1 cannot be told of HDR's mastering display and light level; "
        "--codec hevc, av1 and h264 can",
    )


def test_metadata_of_single_frames_are_named(tmp_path: Path) -> None:
    plain = hdr_clip(tmp_path / "in.hevc")
    (tmp_path / "plus.hevc").write_bytes(with_hdr10_plus(plain.read_bytes()))
    frame = first_frame(tmp_path / "plus.hevc")
    assert dynamic_note("hevc", frame) == (
        "HDR10+ metadata are left out: no encoder here can write them"
    )
    assert dynamic_note("png", frame) == ""
    assert mastering_of(frame) == MASTERING


def with_hdr10_plus(data: bytes) -> bytes:
    """A raw HEVC stream with one SEI of SMPTE ST 2094-40 before its first slice."""
    fields = [(1, 2), (400, 27), (0, 1)]  # windows, the target's light, no map of it
    fields += [(500, 17), (500, 17), (500, 17), (100, 17), (0, 4), (5, 10)]  # light in the window
    fields += [(0, 1), (0, 1), (0, 1)]  # no map of the display's, no curve, no saturation
    bits = "".join(f"{value:0{width}b}" for value, width in fields)
    bits += "0" * (-len(bits) % 8)
    told = int(bits, 2).to_bytes(len(bits) // 8, "big")
    payload = bytes.fromhex("b5003c00010401") + told
    body = bytes([4, len(payload)]) + payload + b"\x80"
    escaped = bytearray()
    for byte in body:  # no start code may appear within
        if len(escaped) > 1 and escaped[-2:] == b"\0\0" and byte <= 3:
            escaped.append(3)
        escaped.append(byte)
    start = next(
        at
        for at in range(len(data) - 4)
        if data[at : at + 3] == b"\0\0\1" and (data[at + 3] >> 1) & 63 < 32
    )
    return data[:start] + b"\0\0\1\x4e\x01" + bytes(escaped) + data[start:]


INFO = VideoInfo(64, 48, Fraction(1, 25), PIXEL_FORMATS["yuv420p10le"])


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_becomes_hevc_unless_wished_otherwise(transfer: int) -> None:
    hdr = replace(INFO, color=ColorTags(1, 9, 9, transfer))
    for name in ("a.mp4", "a.MKV", "a.mov", "a.m4v", "a.ts"):
        assert Encoding().encoder(Path(name), hdr) == "libx265"
        assert Encoding("h264").encoder(Path(name), hdr) == "libx264"
        assert Encoding().encoder(Path(name), INFO) == "libx264"
        eight_bits = replace(hdr, format=PIXEL_FORMATS["yuv420p"])
        assert Encoding().encoder(Path(name), eight_bits) == "libx264"
    assert Encoding().encoder(Path("a.webm"), hdr) == "libsvtav1"


@pytest.mark.parametrize(("suffix", "tag"), [(".mp4", "hvc1"), (".mov", "hvc1"), (".mkv", "")])
def test_apples_players_know_the_hevc(tmp_path: Path, suffix: str, tag: str) -> None:
    source, target = make(tmp_path / "in.mp4", Clip(pts=SHORT)), tmp_path / f"out{suffix}"
    enlarge(source, target, codec="hevc", preset="ultrafast")
    with av.open(str(target)) as container:
        assert container.streams.video[0].codec_context.codec_tag.strip("\0") == tag
    assert len(planes(target)) == len(SHORT)


@pytest.mark.parametrize("encoder", ["h264_nvenc", "ffv1", "libvpx-vp9"])
def test_encoders_that_cannot_be_told(encoder: str) -> None:
    assert encoder_parameters(encoder, MASTERING, LIGHT) == ("", "")


def test_encoder_parameters_without_hdr_metadata() -> None:
    assert encoder_parameters("libx265", None, None) == ("", "")
    assert encoder_parameters("libx265", None, LIGHT) == ("x265-params", "max-cll=1013,397")


def test_a_copy_keeps_what_it_says(tmp_path: Path) -> None:
    """The clip of these tests itself: a remux into mp4 reads the same."""
    copy = remux(hdr_clip(tmp_path / "in.mkv"), tmp_path / "in.mp4", ("video",))
    assert mastering_of(first_frame(copy)) == MASTERING
