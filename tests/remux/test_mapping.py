"""What becomes of each kind of stream, in each container."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import pytest
from av.stream import Disposition
from support.clips import Clip, make, tags_first, video_frame
from support.copied_streams import (
    footage,
    other_streams,
    packets,
    passed,
    payloads,
    sound,
)

from vsr.core.errors import OutputError
from vsr.core.options import StreamOptions
from vsr.remux.mapping import plan_streams
from vsr.video.choose import main_video
from vsr.video.open import open_input

ISO = (".mp4", ".m4v", ".mov")


def kinds(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [stream.type for stream in container.streams]


@pytest.mark.parametrize("suffix", [".3gp", ".mov", ".mp4", ".m4v"])
@pytest.mark.parametrize("source_suffix", [".3gp", ".avi"])
def test_amr_is_copied(tmp_path: Path, source_suffix: str, suffix: str) -> None:
    encoded = sound("libopencore_amrnb", 8000, "mono", language="eng")
    source = footage(tmp_path / f"in{source_suffix}", encoded)
    target = tmp_path / f"out{suffix}"
    went = passed(source, target, encoder="mpeg4")
    before, after = (b"".join(payloads(path, "audio")[0]) for path in (source, target))
    assert before == after
    assert len(after) > 300
    assert not went.plan.others.dropped
    assert went.plan.format == ("3gp" if suffix == ".3gp" else "mov")
    own = suffix in (".3gp", ".mov")
    assert went.plan.note.startswith("" if own else f"out{suffix}: written as mov, as ")
    assert bool(went.plan.note) != own
    assert not went.told


def test_where_amr_cannot_be_copied(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.3gp", sound("libopencore_amrnb", 8000, "mono", language="eng"))
    went = passed(source, tmp_path / "out.mkv", encoder="mpeg4")
    reason = ".mkv cannot hold it (--audio transcode converts it)"
    assert went.plan.others.dropped == (f"1 audio amr_nb (eng): {reason}",)
    assert kinds(tmp_path / "out.mkv") == ["video"]


@pytest.mark.parametrize(
    ("codec", "source_suffix", "suffixes"),
    [
        ("pcm_s16le", ".mov", (".mov", ".mkv", ".avi", ".mp4", ".asf")),
        ("pcm_s16le", ".avi", (".mov", ".mkv", ".avi", ".mp4")),
        ("pcm_s16be", ".mov", (".mov", ".mkv", ".mp4")),
        ("pcm_s24le", ".mkv", (".mov", ".mkv", ".avi", ".mp4")),
        ("pcm_mulaw", ".mov", (".mov", ".avi", ".mp4")),
        ("pcm_alaw", ".avi", (".mov", ".avi")),
        ("pcm_u8", ".avi", (".mov", ".mkv", ".avi")),
    ],
)
def test_no_byte_of_pcm_is_lost(
    tmp_path: Path, codec: str, source_suffix: str, suffixes: tuple[str, ...]
) -> None:
    source = footage(tmp_path / f"in{source_suffix}", sound(codec))
    before = b"".join(payloads(source, "audio")[0])
    assert len(before) >= 48000
    for suffix in suffixes:
        target = tmp_path / f"out{suffix}"
        went = passed(source, target, encoder="mpeg4")
        assert b"".join(payloads(target, "audio")[0]) == before
        assert not went.plan.others.dropped


@pytest.mark.parametrize(
    ("codec", "source_suffix", "suffix", "format_name"),
    [
        *(("flac", ".mkv", ".mov", "mp4"), ("libopus", ".mkv", ".mov", "mp4")),
        *(("aac", ".ts", ".mp4", "mp4"), ("aac", ".ts", ".flv", "flv")),
        *(("ac3", ".ts", ".mov", "mov"), ("mp2", ".mpg", ".ts", "mpegts")),
    ],
)
def test_sound_that_is_copied(
    tmp_path: Path, codec: str, source_suffix: str, suffix: str, format_name: str
) -> None:
    video = "mpeg2video" if source_suffix == ".mpg" else "libx264"
    source = footage(tmp_path / f"in{source_suffix}", sound(codec), video)
    went = passed(source, tmp_path / f"out{suffix}", encoder=video)
    before, after = payloads(source, "audio")[0], payloads(tmp_path / f"out{suffix}", "audio")[0]
    headers = 7 if codec == "aac" else 0  # that of a transport stream is taken off
    assert after == [packet[headers:] for packet in before]
    assert went.plan.format == format_name


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        *(("flac", ".ts"), ("pcm_s16le", ".ts"), ("libopus", ".avi")),
        *(("aac", ".ogv"), ("aac", ".mpg"), ("flac", ".wmv")),
    ],
)
def test_what_no_reader_would_know_is_not_written(tmp_path: Path, codec: str, suffix: str) -> None:
    source = footage(tmp_path / "in.mkv", sound(codec), "libx264")
    with open_input(source) as container:
        streams = other_streams(source, container, 0)
        plan = plan_streams(streams, tmp_path / f"out{suffix}", StreamOptions(), "libx264")
    assert plan.actions[1].reason == f"{suffix} cannot hold it (--audio transcode converts it)"


@pytest.mark.parametrize(
    ("suffix", "b_frames", "copied"),
    [
        *((".asf", 0, True), (".asf", 3, False), (".avi", 3, False)),
        *((".flv", 3, True), (".ts", 3, True), (".mp4", 3, True)),
    ],
)
def test_a_further_video_comes_back_at_its_times(
    tmp_path: Path, suffix: str, b_frames: int, copied: bool
) -> None:
    source = footage(tmp_path / "in.mkv", _another_video("libx264", bf=b_frames, b_adapt=0))
    with open_input(source) as container:
        streams = other_streams(source, container, 0)
        plan = plan_streams(streams, tmp_path / f"out{suffix}", StreamOptions(), "mpeg4")
    assert plan.actions[1].reason == ("" if copied else f"{suffix} cannot hold it")


@pytest.mark.parametrize(
    ("codec", "layout", "source_suffix", "copied"),
    [
        ("pcm_s16le", "stereo", ".mkv", False),  # Matroska names no channels of PCM
        ("pcm_u8", "mono", ".avi", False),
        ("pcm_s16le", "5.1", ".mov", False),
        ("pcm_s16le", "stereo", ".mov", True),
        ("aac", "5.1", ".mkv", True),
    ],
)
def test_sound_over_which_libav_would_end_the_process(
    tmp_path: Path, codec: str, layout: str, source_suffix: str, copied: bool
) -> None:
    source = footage(tmp_path / f"in{source_suffix}", sound(codec, 44100, layout), "libx264")
    with open_input(source) as container:
        streams = other_streams(source, container, 0)
        plan = plan_streams(streams, tmp_path / "out.flv", StreamOptions(), "libx264")
    said = "" if copied else ".flv cannot hold it (--audio transcode converts it)"
    assert (plan.actions[1].copied, plan.actions[1].reason) == (copied, said)


def test_sound_that_is_announced_and_never_comes(tmp_path: Path) -> None:
    source = footage(tmp_path / "in.ts", sound("aac"), "mpeg2video")
    data = bytearray(source.read_bytes())
    for at in range(0, len(data), 188):
        if data[at + 1] & 31 == 1 and data[at + 2] == 1:  # the second stream's packets
            data[at + 1 : at + 3] = b"\x1f\xff"
    source.write_bytes(data)
    for wants in (StreamOptions(), StreamOptions(audio="transcode")):
        went = passed(source, tmp_path / "out.mkv", wants)
        (dropped,) = went.plan.others.dropped
        assert dropped == "1 audio aac: its sample rate or channels are unknown"
        assert kinds(tmp_path / "out.mkv") == ["video"]


def _picture(codec: str) -> bytes:
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height = 32, 24
    encoder.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    frame = video_frame(5, 32, 24, "yuv444p").reformat(format=encoder.pix_fmt)
    return b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])


def _with_cover(path: Path, codec: str) -> bytes:
    """A clip of h264 and AAC with a cover: as an attachment in Matroska, else as iTunes does."""
    art = _picture(codec)
    clip = make(path.with_suffix(".plain.mp4"), Clip(audio=("eng",)))
    with av.open(str(clip)) as old, av.open(str(path), "w") as new:
        copies: list[Any] = [new.add_stream_from_template(stream) for stream in old.streams]
        if path.suffix == ".mkv":
            new.add_attachment(f"cover.{codec[-3:]}", f"image/{codec.replace('mj', 'j')}", art)
        else:
            cover: Any = new.add_mux_stream(codec, width=32, height=24)
            cover.disposition = Disposition.attached_pic
        new.start_encoding()
        if path.suffix != ".mkv":
            packet: Any = av.Packet(art)
            packet.stream, packet.pts, packet.dts = cover, 0, 0
            new.mux(packet)
        for packet in old.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                new.mux(packet)
    return art


def covers(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        art = [s.index for s in container.streams.video if s.disposition & 1024]
        return [bytes(p) for p in container.demux() if p.size and p.stream.index in art]


@pytest.mark.parametrize("suffix", [*ISO, ".mkv"])
@pytest.mark.parametrize("source_suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ["png", "mjpeg"])
def test_covers_stay_covers(tmp_path: Path, codec: str, source_suffix: str, suffix: str) -> None:
    source = tmp_path / f"in{source_suffix}"
    art = _with_cover(source, codec)
    assert covers(source) == [art]
    went = passed(source, tmp_path / f"out{suffix}")
    assert covers(tmp_path / f"out{suffix}") == [art]
    assert len(went.plan.others.copied) == 2
    assert not went.plan.others.dropped
    with open_input(tmp_path / f"out{suffix}") as container:
        assert main_video(container, source).codec_context.name == "h264"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_cover_survives_a_span(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.mp4"
    art = _with_cover(source, "mjpeg")
    passed(source, tmp_path / f"out{suffix}", start=Fraction(1, 5), end=Fraction(2, 5))
    assert covers(tmp_path / f"out{suffix}") == [art]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_cover_that_stands_first(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.mp4"
    art = _with_cover(source, "mjpeg")
    source.write_bytes(tags_first(source.read_bytes()))
    with av.open(str(source)) as container:
        assert container.streams[0].disposition == Disposition.attached_pic
    passed(source, tmp_path / f"out{suffix}")
    assert covers(tmp_path / f"out{suffix}") == [art]
    assert sorted(kinds(tmp_path / f"out{suffix}")) == ["audio", "video", "video"]


def test_a_cover_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    _with_cover(source, "png")
    went = passed(source, tmp_path / "out.ts")
    assert went.plan.others.dropped == ("2 video png: .ts cannot hold it",)


def _another_video(codec: str, **options: int) -> Any:
    given = {name.replace("_", "-"): str(value) for name, value in options.items()}

    def another(out: Any) -> Any:
        stream: Any = out.add_stream(codec, rate=25, options=given)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"

        def write() -> None:
            for number in range(12):
                frame = video_frame(number, 32, 32, "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))

        return write

    return another


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_further_videos_are_copied(tmp_path: Path, suffix: str) -> None:
    source = footage(tmp_path / "in.mkv", _another_video("mpeg2video"))
    target = tmp_path / f"out{suffix}"
    passed(source, target, encoder="mpeg4")
    assert payloads(target, "video")[1] == payloads(source, "video")[1]
    assert len(payloads(target, "video")[1]) == 12


@pytest.mark.parametrize(
    ("codec", "suffix", "why"),
    [
        ("mpeg4", ".ts", ".ts cannot hold it"),  # its header is not in its packets
        ("libx264", ".avi", ".avi cannot hold it"),  # which takes no first packet of this form
        ("rawvideo", ".mov", ".mov cannot hold it"),  # nothing tells its pixel format
        ("mpeg2video", ".m2ts", ".m2ts holds one video"),
    ],
)
def test_a_further_video_that_nobody_could_see_is_named(
    tmp_path: Path, codec: str, suffix: str, why: str
) -> None:
    source = footage(tmp_path / "in.mkv", _another_video(codec))
    went = passed(source, tmp_path / f"out{suffix}", encoder="mpeg4")
    (dropped,) = went.plan.others.dropped
    assert dropped.startswith("1 video")
    assert dropped.endswith(why)


@pytest.mark.parametrize("audio", ["copy", "transcode"])
def test_a_further_sound_that_stands_beside_no_other_is_named_or_converted(
    tmp_path: Path, audio: Literal["copy", "transcode"]
) -> None:
    def three(out: Any) -> Callable[[], None]:
        writers = [sound(codec, 44100)(out) for codec in ("pcm_s16le", "pcm_s16le", "aac")]
        return lambda: [write() for write in writers] and None

    source = footage(tmp_path / "in.mov", three, "libx264")
    went = passed(source, tmp_path / "out.flv", StreamOptions(audio=audio), encoder="h264")
    others = went.plan.others
    assert others.copied == ("1 audio pcm_s16le", "3 audio aac")
    second = "2 audio pcm_s16le"
    if audio == "transcode":
        assert others.converted == (f"{second} as aac",)
    else:
        why = ".flv cannot hold it (--audio transcode converts it)"
        assert others.dropped == (f"{second}: {why}",)
    assert len(payloads(tmp_path / "out.flv", "audio")) == 2 + bool(others.converted)


@pytest.mark.parametrize(("source_suffix", "suffix"), [(".mov", ".mov"), (".mov", ".mp4")])
def test_timecode_is_kept(tmp_path: Path, source_suffix: str, suffix: str) -> None:
    source = footage(
        tmp_path / f"in{source_suffix}", sound("aac"), video={"timecode": "01:02:03:04"}
    )
    assert "data" in kinds(source)
    target = tmp_path / f"out{suffix}"
    went = passed(source, target, encoder="mpeg4")
    with av.open(str(target)) as container:
        found = {stream.metadata.get("timecode") for stream in container.streams}
    assert "01:02:03:04" in found
    assert not went.plan.note


def test_data_is_copied_or_named(tmp_path: Path) -> None:
    klv = [bytes([6, 14, 43, 52, n]) * 4 for n in range(10)]
    source = footage(tmp_path / "in.ts", packets("klv", klv, Fraction(1, 25)), "mpeg2video")
    assert passed(source, tmp_path / "out.ts").plan.others.copied == ("1 data klv",)
    assert payloads(tmp_path / "out.ts", "data") == [klv]
    dropped = passed(source, tmp_path / "out.mkv").plan.others.dropped
    assert dropped == ("1 data klv: .mkv cannot hold it",)


def test_chapters_and_tags_that_a_container_does_not_have_are_named(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in.mp4",
        Clip(chapters=((0, 200, "a"), (200, 480, "b")), metadata={"title": "t"}),
    )
    went = passed(source, tmp_path / "out.ts")
    assert went.plan.others.dropped == (
        "tags title: .ts cannot hold them",
        "2 chapters: .ts cannot hold them",
    )


def test_an_unknown_wish_for_audio() -> None:
    with pytest.raises(OutputError, match=r"^audio 'loud': must be one of copy, transcode, none$"):
        StreamOptions(audio="loud")
    assert StreamOptions(audio=True).wants is not None
    assert not StreamOptions(audio=True).transcodes
    assert StreamOptions(audio="transcode").transcodes
