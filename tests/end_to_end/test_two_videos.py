"""Files with several videos: which one is taken, and what becomes of the others."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition
from support.cli_runner import vsr as command
from support.clips import tags_first, video_frame

import vsr
from vsr.core.errors import InputError
from vsr.core.options import ReadOptions
from vsr.estimation.estimate import measure
from vsr.segmented.keyframe_scan import scan

DEFAULT = int(Disposition.default)
BASICS: dict[str, Any] = {"model": "bicubic", "scale": 2, "device": "cpu", "precision": "fp32"}


@dataclass(frozen=True)
class Part:
    """A video of a file: its size, how many frames, every 1/25 s, and its disposition."""

    width: int
    height: int
    frames: int
    disposition: int | None = None
    codec: str = "libx264"


SMALL, LARGE = Part(48, 32, 30), Part(64, 48, 25)


def written(path: Path, parts: Sequence[Part], cover: bool = False) -> Path:
    """A file of several videos, each with two keyframes a second, and perhaps a cover."""
    art: Any = None
    with av.open(str(path), "w") as out:
        videos: list[Any] = []
        for part in parts:
            options = {"g": "12", "preset": "veryfast"} if part.codec == "libx264" else {}
            video: Any = out.add_stream(part.codec, rate=25, options=options)
            video.width, video.height, video.pix_fmt = part.width, part.height, "yuv420p"
            if part.disposition is not None:
                video.disposition = part.disposition
            videos.append(video)
        if cover and path.suffix == ".mkv":
            out.add_attachment("cover.png", "image/png", picture())
        elif cover:
            art = out.add_mux_stream("png", width=500, height=400)
            art.disposition = Disposition.attached_pic
        out.start_encoding()
        if art is not None:
            packet: Any = av.Packet(picture())
            packet.stream, packet.pts, packet.dts = art, 0, 0
            out.mux(packet)
        for number in range(max(part.frames for part in parts)):
            for part, video in zip(parts, videos, strict=True):
                if number < part.frames:
                    frame = video_frame(number, part.width, part.height, "yuv420p")
                    frame.pts, frame.time_base = number, Fraction(1, 25)
                    out.mux(video.encode(frame))
        for video in videos:
            out.mux(video.encode(None))
    return path


def picture() -> bytes:
    """A cover that is larger than all videos."""
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 500, 400, "rgb24"
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame(500, 400, "rgb24")
    return b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])


def sizes(path: Path) -> list[tuple[int, int]]:
    """Of the videos in the file's order, without covers."""
    with av.open(str(path)) as container:
        return [(s.width, s.height) for s in container.streams.video if not s.disposition & 1024]


def coded(path: Path, number: int) -> list[bytes]:
    """The packets of a video."""
    with av.open(str(path)) as container:
        videos = [s for s in container.streams.video if not s.disposition & 1024]
        return [bytes(p) for p in container.demux(videos[number]) if p.size]


def frames(path: Path, number: int) -> int:
    """How many frames of a video can be decoded, without an error."""
    with av.open(str(path)) as container:
        videos = [s for s in container.streams.video if not s.disposition & 1024]
        return sum(1 for _ in container.decode(videos[number]))


def shown(path: Path, number: int) -> list[Fraction]:
    """When the packets of a video are shown."""
    with av.open(str(path)) as container:
        videos = [s for s in container.streams.video if not s.disposition & 1024]
        packets = [p for p in container.demux(videos[number]) if p.size]
        return sorted((p.pts or 0) * p.time_base for p in packets)


def doubled(part: Part) -> tuple[int, int]:
    return 2 * part.width, 2 * part.height


ORDERS = {"small first": (SMALL, LARGE), "large first": (LARGE, SMALL), "alike": (SMALL, SMALL)}
DEFAULTS = {"first": (DEFAULT, 0), "second": (0, DEFAULT), "both": (DEFAULT, DEFAULT)}
DEFAULTS["neither"] = (0, 0)


# In Matroska covers are attachments, behind all streams.
COVERS = [(".mp4", cover) for cover in ("no cover", "cover behind", "cover before")]
COVERS += [(".mkv", cover) for cover in ("no cover", "cover behind")]


def expected(path: Path) -> int:
    """The rule, by what the file says of its two videos once it is written."""
    with av.open(str(path)) as container:
        found = [s for s in container.streams.video if not s.disposition & 1024]
        ranks = [(bool(s.disposition & DEFAULT), s.width * s.height) for s in found]
    return int(ranks[1] > ranks[0])


@pytest.mark.parametrize(("suffix", "cover"), COVERS)
@pytest.mark.parametrize("defaults", DEFAULTS)
@pytest.mark.parametrize("order", ORDERS)
def test_one_is_taken_and_the_other_copied(
    tmp_path: Path, order: str, defaults: str, cover: str, suffix: str
) -> None:
    parts = [
        Part(part.width, part.height, part.frames, disposition)
        for part, disposition in zip(ORDERS[order], DEFAULTS[defaults], strict=True)
    ]
    source = written(tmp_path / f"in{suffix}", parts, cover != "no cover")
    if cover == "cover before":
        source.write_bytes(tags_first(source.read_bytes()))
    taken = expected(source)
    if defaults in ("first", "second"):
        assert taken == (defaults == "second")
    elif suffix == ".mkv" or defaults == "both":  # an mp4's first track is never off
        assert taken == (order == "small first")
    other = 1 - taken
    for target in (tmp_path / "out.mp4", tmp_path / "out.mkv"):
        result = vsr.upscale(source, target, **BASICS, verify=True)
        assert result.frames_out == parts[taken].frames
        found = sizes(target)
        assert found[taken] == doubled(parts[taken])
        assert found[other] == (parts[other].width, parts[other].height)
        assert frames(target, other) == parts[other].frames
        kept = sum(bool(s) for s in result.run.others.copied)
        assert kept == 1 + (cover != "no cover")
        (note,) = [line for line in result.warnings if "videos" in line]
        assert note.startswith(f"2 videos: number {taken} is taken, ")
        assert note.endswith("(--video-stream 0..1 picks another)")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("number", [0, 1])
def test_one_is_asked_for(tmp_path: Path, number: int, suffix: str) -> None:
    parts = (SMALL, LARGE)
    source = written(tmp_path / f"in{suffix}", parts)
    for target in (tmp_path / f"out{other}" for other in (".mp4", ".mkv", ".ts")):
        result = vsr.upscale(source, target, **BASICS, video_stream=number, verify=True)
        assert result.frames_out == parts[number].frames
        assert sizes(target)[number] == doubled(parts[number])
        other = parts[1 - number]
        assert sizes(target)[1 - number] == (other.width, other.height)
        assert frames(target, 1 - number) == other.frames
        late = [
            a - b for a, b in zip(shown(target, 1 - number), shown(source, 1 - number), strict=True)
        ]
        assert max(late) - min(late) <= Fraction(1, 1000)
        assert not result.run.damage.other_packets
        assert not [line for line in result.warnings if "videos" in line]


def test_a_number_that_no_video_has(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mp4", (SMALL, LARGE), cover=True)
    with pytest.raises(InputError) as raised:
        vsr.upscale(source, tmp_path / "out.mp4", **BASICS, video_stream=2)
    assert str(raised.value) == f"{source}: --video-stream 2: it holds 2 videos, counted from 0"
    assert raised.value.__notes__ == ["in Python: video_stream=..."]
    ran = command("upscale", source, tmp_path / "out.mp4", "--video-stream", "7")
    assert ran.code != 0
    assert ran.err.strip().splitlines()[-1].endswith("it holds 2 videos, counted from 0")
    assert not (tmp_path / "out.mp4").exists()


PACKET, TABLES, FIRST_TABLE, FIRST_VIDEO, H264 = 188, 0, 0x1000, 0x100, 0x1B


def two_programs(data: bytes) -> bytes:
    """A transport stream of two videos as one of two programs, each with one of them."""
    out, tables = [], 0
    for at in range(0, len(data), PACKET):
        packet = data[at : at + PACKET]
        pid = int.from_bytes(packet[1:3], "big") & 0x1FFF
        if pid == TABLES:
            entries = [(number + 1, 0xE000 | (FIRST_TABLE + number)) for number in range(2)]
            listed = b"".join(struct.pack(">HH", *entry) for entry in entries)
            out.append(section(pid, 0, 1, listed, tables))
        elif pid == FIRST_TABLE:
            for number in range(2):
                video = 0xE000 | (FIRST_VIDEO + number)
                listed = struct.pack(">HHBHH", video, 0xF000, H264, video, 0xF000)
                out.append(section(FIRST_TABLE + number, 2, number + 1, listed, tables))
            tables += 1
        else:
            out.append(packet)
    return b"".join(out)


def section(pid: int, table: int, number: int, listed: bytes, counter: int) -> bytes:
    """A packet with a table: ISO 13818-1, 2.4.4."""
    length = 0xB000 | (len(listed) + 9)
    body = struct.pack(">BHHBBB", table, length, number, 0xC1, 0, 0) + listed
    checksum = 0xFFFFFFFF
    for byte in body:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
    header = struct.pack(">BHBB", 0x47, 0x4000 | pid, 0x10 | counter & 15, 0)
    return (header + body + struct.pack(">I", checksum)).ljust(PACKET, b"\xff")


@pytest.mark.parametrize("programs", [1, 2])
@pytest.mark.parametrize("parts", [(SMALL, LARGE), (LARGE, SMALL)])
def test_transport_streams(tmp_path: Path, parts: tuple[Part, Part], programs: int) -> None:
    source = written(tmp_path / "in.ts", parts)
    if programs == 2:
        source.write_bytes(two_programs(source.read_bytes()))
    taken = parts.index(LARGE)
    for suffix in (".ts", ".mkv"):
        target = tmp_path / f"out{suffix}"
        assert vsr.upscale(source, target, **BASICS, verify=True).frames_out == LARGE.frames
        assert sizes(target)[taken] == doubled(LARGE)
        assert frames(target, 1 - taken) == SMALL.frames


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_part_of_it(tmp_path: Path, suffix: str) -> None:
    source = written(tmp_path / "in.mkv", (SMALL, LARGE))
    target = tmp_path / f"out{suffix}"
    span: dict[str, Any] = {"start": Fraction(3, 10), "end": Fraction(9, 10)}
    result = vsr.upscale(source, target, **BASICS, **span, video_stream=1, verify=True)
    assert result.frames_out == 15
    with av.open(str(target)) as container:
        first = next(p for p in container.demux(container.streams.video[0]) if p.size)
        assert first.is_keyframe
    assert 5 <= frames(target, 0) <= 15


@pytest.mark.parametrize("start", [None, Fraction(3, 10)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_in_segments(tmp_path: Path, suffix: str, start: Fraction | None) -> None:
    source = written(tmp_path / f"in{suffix}", (SMALL, LARGE))
    once, parts = tmp_path / f"once{suffix}", tmp_path / f"parts{suffix}"
    options: dict[str, Any] = {**BASICS, "start": start, "verify": True}
    vsr.upscale(source, once, **options, video_stream=1, resume="never")
    result = vsr.upscale(source, parts, **options, video_stream=1, resume="always")
    assert result.frames_out == LARGE.frames - (0 if start is None else 8)
    assert sizes(parts) == sizes(once)
    assert coded(parts, 0) == coded(once, 0)
    target = tmp_path / f"rule{suffix}"
    by_rule = vsr.upscale(source, target, **options, resume="always")
    assert len([line for line in by_rule.warnings if "videos" in line]) == 1


def test_the_record_has_it(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mkv", (SMALL, LARGE))
    target = tmp_path / "out.mkv"
    vsr.upscale(source, target, **BASICS, video_stream=0, record=True)
    record = json.loads(target.with_name("out.mkv.record.json").read_text("utf-8"))
    assert '"video_stream": 0' in json.dumps(record)
    with pytest.raises(vsr.DoneError):
        vsr.upscale(source, target, **BASICS, video_stream=0, record=True)


def test_without_the_others(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mp4", (SMALL, LARGE), cover=True)
    target = tmp_path / "out.mp4"
    vsr.upscale(source, target, **BASICS, video_stream=0, other_videos=False)
    assert sizes(target) == [doubled(SMALL)]
    with av.open(str(target)) as container:
        assert len(container.streams.video) == 2


@pytest.mark.parametrize("suffix", [".avi", ".mov", ".flv", ".mpg", ".webm"])
def test_other_containers_hold_it_or_say_so(tmp_path: Path, suffix: str) -> None:
    codec = {".mpg": "mpeg2video", ".webm": "libvpx-vp9"}.get(suffix, "libx264")
    parts = [Part(48, 32, 30, codec=codec), Part(64, 48, 25, codec=codec)]
    source = written(tmp_path / "in.mkv", parts)
    target = tmp_path / f"out{suffix}"
    result = vsr.upscale(source, target, **BASICS, codec=codec, video_stream=1)
    assert result.frames_out == 25
    assert doubled(LARGE) in sizes(target)
    assert len(result.run.others.copied) + len(result.run.others.dropped) == 1
    assert len(sizes(target)) == 1 + len(result.run.others.copied)


def test_all_that_read_it_take_the_same(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mkv", (SMALL, LARGE))
    for number, part in enumerate((SMALL, LARGE)):
        with vsr.open_video(source, video_stream=number) as video:
            assert (video.info.width, video.stream_index) == (part.width, number)
            assert scan(source, video.stream_index).packets == part.frames
        facts = vsr.probe(source, video_stream=number)
        assert (facts.video.width, facts.video_index) == (part.width, number)
        options = vsr.UpscaleOptions.of(**BASICS, video_stream=number)
        assert measure(source, options, 0, 1, ".mkv").frames > 0
        (estimate,) = vsr.estimate([(source, tmp_path / "out.mkv")], options)
        assert estimate.frames == pytest.approx(part.frames, abs=6)  # by the file's length
    assert vsr.probe(source).video_index == 1


def test_probe_shows_the_numbers(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mp4", (SMALL, LARGE), cover=True)
    shown = command("probe", source, "--video-stream", "1").out.splitlines()
    streams = [line for line in shown if line.startswith("stream")]
    assert streams[0].endswith("(--video-stream 0)")
    assert streams[1].endswith("(upscaled, --video-stream 1)")
    assert "--video-stream" not in streams[2]


def test_one_that_no_decoder_knows_is_not_taken(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mkv", (LARGE, SMALL))
    data = source.read_bytes()
    source.write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_UNKNOWN/CODEC", 1))
    target = tmp_path / "out.mkv"
    assert vsr.upscale(source, target, **BASICS).frames_out == SMALL.frames
    assert doubled(SMALL) in sizes(target)
    with pytest.raises(InputError, match="no decoder knows its video 0"):
        vsr.probe(source, video_stream=0)


def test_a_batch_takes_the_number(tmp_path: Path) -> None:
    written(tmp_path / "in.mkv", (SMALL, LARGE))
    words = ("--model", "bicubic", "--scale", "2", "--device", "cpu", "--video-stream", "0")
    ran = command("batch", tmp_path / "in.mkv", tmp_path / "out", *words)
    assert ran.code == 0, ran.err
    (made,) = (tmp_path / "out").glob("*.mkv")
    assert sizes(made) == [doubled(SMALL), (LARGE.width, LARGE.height)]


@pytest.mark.parametrize("target", ["out.mkv", "out.html"])
def test_a_preview_shows_the_one_asked_for(tmp_path: Path, target: str) -> None:
    source = written(tmp_path / "in.mp4", (SMALL, LARGE))
    options: dict[str, Any] = {"models": ["nearest"], "scale": 2, "device": "cpu"}
    shown = vsr.preview(source, tmp_path / target, **options, video_stream=0, start=0, duration=1)
    assert not [line for line in shown.warnings if "videos" in line]
    assert "video_stream=0" in shown.commands[-1]
    if target == "out.mkv":
        (size,) = sizes(tmp_path / target)
        assert size[1] in (2 * SMALL.height, 2 * SMALL.height + 4)


def test_what_must_be_a_number() -> None:
    with pytest.raises(InputError, match=r"^video_stream -1: must be a whole number of 0 to 9999$"):
        ReadOptions(video_stream=-1)
