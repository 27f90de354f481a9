"""Text subtitles keep their text, style and times in another codec."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition
from support.clips import Clip, make
from support.copied_streams import Passed, other_streams, passed

from vsr.core.options import StreamOptions
from vsr.remux.mapping import plan_streams
from vsr.video.open import open_input

Cue = tuple[int, int, str]  # milliseconds, and the text as ASS has it

CUES: tuple[Cue, ...] = (
    (40, 240, r"{\i1}Hello{} there\Nsecond line"),
    (240, 301, "äöü ßłж 字幕 🎬"),
    (333, 444, r"{\b1}bold{}, 1 < 2 & {x} > 0"),
)


def _time(ms: int, mark: str) -> str:
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


def _srt(cues: tuple[Cue, ...]) -> bytes:
    text = ""
    for number, (start, end, line) in enumerate(cues, 1):
        for style in "ib":
            if (begins := rf"{{\{style}1}}") in line:
                line = line.replace(begins, f"<{style}>").replace("{}", f"</{style}>")
        line = line.replace(r"\N", "\n")
        text += f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{line}\n\n"
    return text.encode()


def _with(path: Path, files: dict[str, bytes], **facts: Any) -> Path:
    """A clip with subtitle files as tracks, by their libav formats."""
    clip = facts.get("clip", Clip())
    plain = make(path.with_suffix(".plain.mp4" if "264" in clip.codec else ".plain.mkv"), clip)
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        tracks = [av.open(io.BytesIO(data), format=name) for name, data in files.items()]
        copies: list[Any] = [new.add_stream_from_template(old.streams.video[0])]
        for number, track in enumerate(tracks):
            copy: Any = new.add_stream_from_template(track.streams[0], opaque=True)
            copy.metadata.update(language=("eng", "deu")[number], title=f"track {number}")
            copy.disposition = facts.get("disposition", 0)
            copies.append(copy)
        packets: list[Any] = []
        for copy, file in zip(copies, (old, *tracks), strict=True):
            for packet in file.demux(file.streams[0]):
                if packet.size:
                    packet.stream = copy
                    packets.append(packet)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            new.mux(packet)
        for track in tracks:
            track.close()
    return path


def cues(path: Path, index: int = 0) -> list[Cue]:
    """What is shown when, by libav's own decoders; pauses left out. "{}" ends a style."""
    found = []
    with av.open(str(path)) as container:
        track: Any = container.streams.subtitles[index]
        for packet in container.demux(track):
            decoded = track.codec_context.decode2(packet) if packet.size else None
            lines = [rect.ass.decode().split(",", 8)[8] for rect in decoded or ()]
            if packet.duration and any(lines):
                start = packet.pts * packet.time_base
                edges = (start, start + packet.duration * packet.time_base)
                text = re.sub(r"\{\\([ib]0|r)\}", "{}", "|".join(lines)).replace(r"\{{}", "{")
                found.append((*(round(edge * 1000) for edge in edges), text))
    return found


def codec(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.streams.subtitles[0].codec_context.codec.canonical_name


def _pass(source: Path, target: Path, **options: Any) -> Passed:
    return passed(source, target, **options)


@pytest.mark.parametrize(
    ("suffix", "becomes"), [(".mp4", "mov_text"), (".mov", "mov_text"), (".3gp", "mov_text")]
)
def test_text_and_times_survive_in_mp4(tmp_path: Path, suffix: str, becomes: str) -> None:
    source = _with(tmp_path / "in.mkv", {"srt": _srt(CUES)})
    assert cues(source) == list(CUES)
    target = tmp_path / f"out{suffix}"
    went = _pass(source, target)
    assert codec(target) == becomes
    assert cues(target) == list(CUES)
    assert went.plan.others.converted == (f"1 subtitle subrip (eng) as {becomes}",)
    assert not went.plan.others.dropped
    assert not went.plan.note
    assert not went.told


def test_from_mp4_to_matroska(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    _pass(_with(tmp_path / "in.mkv", {"srt": _srt(CUES)}), source)
    target = tmp_path / "out.mkv"
    went = _pass(source, target)
    assert codec(target) == "subrip"
    assert cues(target) == list(CUES)
    assert went.plan.others.converted == ("1 subtitle mov_text (eng) as subrip",)


def test_from_anything_to_webvtt(tmp_path: Path) -> None:
    clip = Clip(codec="libvpx", options={"b": "100k"})
    source = _with(tmp_path / "in.mkv", {"srt": _srt(CUES)}, clip=clip)
    target = tmp_path / "out.webm"
    went = _pass(source, target, encoder="libvpx")
    assert went.plan.others.converted == ("1 subtitle subrip (eng) as webvtt",)
    assert codec(target) == "webvtt"
    assert cues(target) == list(CUES)
    with av.open(str(target)) as container:
        raw = [bytes(p) for p in container.demux(container.streams.subtitles[0]) if p.size]
    assert b"<b>bold</b>, 1 &lt; 2 &amp; {x} &gt; 0" in raw


def test_styles_of_ass_become_styles_of_mp4(tmp_path: Path) -> None:
    head = b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n"
    head += (
        b"Style: Default,Arial,16\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, "
    )
    head += b"MarginR, MarginV, Effect, Text\n"
    lines = rb"Dialogue: 0,0:00:00.04,0:00:00.20,Default,,0,0,0,,{\i1}one{\i0}\Ntwo" + b"\n"
    source = _with(tmp_path / "in.mkv", {"ass": head + lines})
    target = tmp_path / "out.mp4"
    _pass(source, target)
    assert cues(target) == [(40, 200, r"{\i1}one{}\Ntwo")]


def test_matroska_takes_text_as_it_is(tmp_path: Path) -> None:
    source = _with(
        tmp_path / "in.mkv",
        {"srt": _srt(CUES), "webvtt": b"WEBVTT\n\n00:00.040 --> 00:00.100\nhi\n"},
    )
    target = tmp_path / "out.mkv"
    went = _pass(source, target)
    assert not went.plan.others.converted
    assert cues(target) == cues(source)
    assert cues(target, 1) == [(40, 100, "hi")]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_language_title_and_disposition_stay(tmp_path: Path, suffix: str) -> None:
    forced = Disposition.forced | Disposition.default
    files = {"srt": _srt(CUES), "webvtt": b"WEBVTT\n\n00:00.040 --> 00:00.100\nhi\n"}
    source = _with(tmp_path / "in.mkv", files, disposition=int(forced))
    target = tmp_path / f"out{suffix}"
    _pass(source, target)
    with av.open(str(target)) as container:
        tracks = container.streams.subtitles
        assert tracks[0].metadata["language"] == "eng"
        assert tracks[1].metadata["language"] == ("ger" if suffix == ".mov" else "deu")
        titles = [track.metadata.get("title", track.metadata.get("name")) for track in tracks]
        assert titles == ["track 0", "track 1"]
        assert tracks[0].disposition & Disposition.default


OVERLAPPING: tuple[Cue, ...] = ((0, 400, "long"), (100, 200, "a"), (150, 300, "b"), (350, 450, "c"))
ONE_AT_A_TIME = [
    (0, 100, "long"),
    (100, 150, r"long\Na"),
    (150, 200, r"long\Na\Nb"),
    (200, 300, r"long\Nb"),
    (300, 350, "long"),
    (350, 400, r"long\Nc"),
    (400, 450, "c"),
]


def test_texts_that_overlap_are_shown_together(tmp_path: Path) -> None:
    source = _with(tmp_path / "in.mkv", {"srt": _srt(OVERLAPPING)})
    target = tmp_path / "out.mp4"
    _pass(source, target)
    shown = [(start, end, text.replace("{}", "")) for start, end, text in cues(target)]
    assert shown == ONE_AT_A_TIME
    same = tmp_path / "out.mkv"
    _pass(source, same)
    assert cues(same) == list(OVERLAPPING)


def test_texts_at_one_time_are_both_shown(tmp_path: Path) -> None:
    source = _with(tmp_path / "in.mkv", {"srt": _srt(((0, 200, "up"), (0, 200, "down")))})
    target = tmp_path / "out.mp4"
    _pass(source, target)
    shown = [(start, end, text.replace("{}", "")) for start, end, text in cues(target)]
    assert shown == [(0, 200, r"up\Ndown")]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_span_cuts_text_at_both_edges(tmp_path: Path, suffix: str) -> None:
    lines = (
        (0, 90, "before"),
        (50, 250, "in"),
        (260, 300, "middle"),
        (350, 470, "out"),
        (420, 470, "after"),
    )
    clip = Clip(options={"bf": "0", "preset": "veryfast", "g": "1"})
    source = _with(tmp_path / "in.mkv", {"srt": _srt(lines)}, clip=clip)
    target = tmp_path / f"out{suffix}"
    _pass(source, target, start=Fraction(1, 5), end=Fraction(2, 5))
    assert cues(target) == [(0, 50, "in"), (60, 100, "middle"), (150, 200, "out")]


def test_text_that_begins_long_before_a_span(tmp_path: Path) -> None:
    clip = Clip(pts=range(0, 250 * 512, 512), options={"g": "5", "bf": "0", "preset": "ultrafast"})
    source = _with(tmp_path / "in.mkv", {"srt": _srt(((500, 9000, "long"),))}, clip=clip)
    target = tmp_path / "out.mp4"
    _pass(source, target, start=Fraction(8), end=Fraction(10))
    assert cues(target) == [(0, 1000, "long")]


@pytest.mark.parametrize("suffix", [".ts", ".avi", ".flv"])
def test_containers_without_text_name_it(tmp_path: Path, suffix: str) -> None:
    source = _with(tmp_path / "in.mkv", {"srt": _srt(CUES)})
    if suffix == ".avi":
        with open_input(source) as container:
            streams = other_streams(source, container, 0)
            plan = plan_streams(streams, tmp_path / "out.avi", StreamOptions(), "mpeg4")
    else:
        plan = _pass(source, tmp_path / f"out{suffix}").plan
    assert plan.others.dropped == (f"1 subtitle subrip (eng): {suffix} cannot hold it",)
    assert not plan.others.converted


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    data = b"1\n00:00:00,040 --> 00:00:00,100\n\xff\xfe bad <i>\n\n" + _srt(CUES[1:])
    source = _with(tmp_path / "in.mkv", {"srt": data})
    target = tmp_path / "out.mp4"
    went = _pass(source, target)
    assert cues(target)[-2:] == list(CUES[1:])
    told = "1 subtitle subrip (eng): 1 packet could not be decoded"
    assert went.told in ([], [told])
    assert len(cues(target)) == 3 - len(went.told)
