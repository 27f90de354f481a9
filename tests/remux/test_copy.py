"""Sound, subtitles, chapters, tags and attachments: copied as they are, or named as left out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition
from support.clips import Clip, Held, held, make, nearest
from support.copied_streams import payloads

from vsr import Result, upscale

CONTAINERS = (".mp4", ".mkv", ".mov")
FONT = bytes(range(256)) * 5
RICH: dict[str, Any] = {
    "audio": ("eng", "fra", "jpn"),
    "subtitles": ((0.0, 0.2, "one"), (0.25, 0.4, "zwei äöü")),
    "chapters": ((0, 200, "first"), (200, 480, "second")),
    "metadata": {"title": "A title", "comment": "said äöü so"},
}


def enlarge(source: Path, target: Path, **options: Any) -> Result:
    return upscale(
        source, target, scale=2, model="bicubic", device="cpu", preset="ultrafast", **options
    )


def assert_times(after: Held, before: Held, kind: str, tolerance: Fraction) -> None:
    """A kind's packets lie as before, or all moved by as much as the picture is."""
    shift = after.pts[0] - before.pts[0]
    for times, times_before in zip(after.times[kind], before.times[kind], strict=True):
        for time, time_before in zip(times, times_before, strict=True):
            assert abs(time - time_before - shift) <= tolerance


def spoken(path: Path) -> list[tuple[str, int, int]]:
    """Every line of the first subtitle track: its text, start and end in milliseconds."""
    lines = []
    with av.open(str(path)) as container:
        track = container.streams.subtitles[0]
        for packet in container.demux(track):
            data = bytes(packet)
            text = data if "matroska" in container.format.name else data[2:]
            if text:  # an mp4 holds the pauses too
                start = packet.pts * packet.time_base
                edges = (start, start + packet.duration * packet.time_base)
                lines.append((text.decode(), *nearest(edges, Fraction(1, 1000))))
    return lines


def rescaled(chapters: list[Any]) -> list[Any]:
    return [(*nearest(edges, Fraction(1, 1000)), title) for *edges, title in chapters]


@pytest.mark.parametrize(
    ("source_suffix", "target_suffix"),
    [(".mp4", ".mp4"), (".mkv", ".mkv"), (".mov", ".mov"), (".mp4", ".mov"), (".mov", ".mp4")],
)
def test_all_that_the_container_can_hold(
    tmp_path: Path, source_suffix: str, target_suffix: str
) -> None:
    font = FONT if source_suffix == ".mkv" else b""
    source = make(tmp_path / f"in{source_suffix}", Clip(attachment=font, **RICH))
    target = tmp_path / f"out{target_suffix}"
    result = enlarge(source, target)
    before, after = held(source), held(target)
    assert after.packets["audio"] == before.packets["audio"]
    assert len(after.packets["audio"]) == 3
    assert spoken(target) == [("one", 0, 200), ("zwei äöü", 250, 400)]
    assert after.attachments == before.attachments == ([font] if font else [])
    assert_times(after, before, "audio", Fraction(1, 1000))
    # QuickTime says "und" of a track without a language, or nothing.
    named, named_before = (
        [(kind, name.replace("und", "")) for kind, name in file.languages]
        for file in (after, before)
    )
    assert named == named_before
    assert rescaled(after.chapters) == [(*edges, title) for *edges, title in RICH["chapters"]]
    tags = {name.lower(): value for name, value in after.metadata.items()}
    assert tags["title"] == "A title"
    assert tags["comment"] == "said äöü so"
    assert len(result.copied) == 4 + bool(font)
    assert not result.dropped
    assert not result.warnings


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_the_order_of_streams_is_kept(tmp_path: Path, suffix: str) -> None:
    source = make(tmp_path / f"in{suffix}", Clip(audio_first=True, **RICH))
    target = tmp_path / f"out{suffix}"
    enlarge(source, target)
    kinds = [kind for kind, _ in held(target).languages]
    assert kinds == [kind for kind, _ in held(source).languages]
    assert kinds[:5] == ["audio", "audio", "audio", "video", "subtitle"]


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_dispositions_are_kept(tmp_path: Path, suffix: str) -> None:
    wanted = (Disposition.comment, Disposition.default, Disposition.hearing_impaired)
    clip = Clip(audio=("eng", "eng", "fra"), dispositions=[int(d) for d in wanted])
    source = make(tmp_path / f"in{suffix}", clip)
    target = tmp_path / f"out{suffix}"
    enlarge(source, target)
    found = held(target).dispositions
    assert found == held(source).dispositions
    assert ("audio", int(Disposition.default)) in found
    if suffix == ".mkv":  # the others cannot tell all of these
        assert found[1:] == [("audio", int(disposition)) for disposition in wanted]


def test_tags_of_streams_are_kept(tmp_path: Path) -> None:
    clip = Clip(audio=("eng",), stream_metadata={"language": "fra", "title": "the picture"})
    source = make(tmp_path / "in.mkv", clip)
    target = tmp_path / "out.mkv"
    enlarge(source, target)
    with av.open(str(target)) as container:
        tags = container.streams.video[0].metadata
    assert (tags["language"], tags["title"]) == ("fra", "the picture")


def test_tags_with_a_domain_survive_in_mp4(tmp_path: Path) -> None:
    place = {"com.apple.quicktime.location.ISO6709": "+48.1-011.6/", "title": "there"}
    source = tmp_path / "in.mov"
    with av.open(str(source), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata.update(place)
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        out.mux(stream.encode(None))
    target = tmp_path / "out.mp4"
    enlarge(source, target)
    assert held(source).metadata.items() >= place.items()
    assert held(target).metadata.items() >= place.items()


def test_facts_about_the_old_encoding_are_not_copied(tmp_path: Path) -> None:
    stale = {"BPS": "123", "NUMBER_OF_FRAMES": "7", "_STATISTICS_TAGS": "BPS", "DURATION": "9"}
    source = make(tmp_path / "in.mkv", Clip(stream_metadata=stale, metadata={"title": "kept"}))
    target = tmp_path / "out.mkv"
    enlarge(source, target)
    with av.open(str(target)) as container:
        tags = container.streams.video[0].metadata
        assert container.metadata["title"] == "kept"
    assert not {"BPS", "NUMBER_OF_FRAMES", "_STATISTICS_TAGS"} & set(tags)
    assert tags.get("DURATION") != "9"


def test_what_mp4_cannot_hold_is_named_once(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Clip(attachment=FONT, **RICH))
    target = tmp_path / "out.mp4"
    result = enlarge(source, target)
    assert len(result.warnings) == 1
    assert result.warnings[0] == "left out: 5 attachment font.ttf: .mp4 cannot hold it"
    assert result.dropped == ("5 attachment font.ttf: .mp4 cannot hold it",)
    assert result.converted == ("4 subtitle subrip (eng) as mov_text",)
    before, after = held(source), held(target)
    assert after.packets["audio"] == before.packets["audio"]
    assert "attachment" not in after.packets
    assert rescaled(after.chapters) == rescaled(before.chapters)


def test_what_webm_cannot_hold_is_named_once(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=(0, 512), audio=("eng", "fra")))
    target = tmp_path / "out.webm"
    result = upscale(source, target, scale=2, model="bicubic", device="cpu", preset="12")
    reason = ".webm cannot hold it (--audio transcode converts it)"
    assert result.warnings == (
        f"left out: 1 audio aac (eng): {reason}; 2 audio aac (fra): {reason}",
    )
    assert held(target).packets == {}


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize(
    ("audio", "subtitles"), [(False, True), (True, False), ("none", False), ("copy", False)]
)
def test_streams_that_are_not_wanted(
    tmp_path: Path, suffix: str, audio: bool | str, subtitles: bool
) -> None:
    source = make(tmp_path / f"in{suffix}", Clip(**RICH))
    target = tmp_path / f"out{suffix}"
    result = enlarge(source, target, audio=audio, subtitles=subtitles)
    after = held(target)
    kinds = {kind for kind, _ in after.languages}
    assert ("audio" in kinds, "subtitle" in kinds) == (audio in (True, "copy"), subtitles)
    assert rescaled(after.chapters) == [(*edges, title) for *edges, title in RICH["chapters"]]
    assert not result.warnings  # left out on purpose is not lost
    assert not result.dropped


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_chapters_and_subtitles_move_with_a_span(tmp_path: Path, suffix: str) -> None:
    clip = Clip(
        pts=range(0, 50 * 512, 512),
        subtitles=((0.1, 0.3, "before"), (0.9, 1.1, "inside"), (1.8, 1.9, "after")),
        chapters=((0, 400, "before"), (400, 1000, "cut"), (1000, 1200, "in"), (1200, 2000, "out")),
    )
    source = make(tmp_path / f"in{suffix}", clip)
    target = tmp_path / f"out{suffix}"
    enlarge(source, target, start=Fraction(13, 25), end=Fraction(6, 5))
    after = held(target)
    assert rescaled(after.chapters) == [(0, 480, "cut"), (480, 680, "in")]
    assert spoken(target) == [("inside", 380, 580)]
    assert after.pts[0] == 0


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_subtitle_that_a_span_cuts_begins_with_it(tmp_path: Path, suffix: str) -> None:
    clip = Clip(pts=range(0, 50 * 512, 512), subtitles=((0.1, 0.4, "cut"), (0.9, 1.1, "inside")))
    source = make(tmp_path / f"in{suffix}", clip)
    target = tmp_path / f"out{suffix}"
    enlarge(source, target, start=Fraction(1, 5))
    assert spoken(target) == [("cut", 0, 200), ("inside", 700, 900)]
    assert held(target).pts[0] == 0


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("start", [None, 0])
def test_a_part_from_the_beginning_keeps_what_begins_before_the_picture(
    tmp_path: Path, suffix: str, start: int | None
) -> None:
    source = make(tmp_path / "in.mp4", Clip(audio=("eng",), chapters=RICH["chapters"]))
    assert held(source).times["audio"][0][0] < held(source).pts[0]  # AAC's run-up
    target = tmp_path / f"out{suffix}"
    enlarge(source, target, start=start, end=0.3)
    (before,), (after,) = payloads(source, "audio"), payloads(target, "audio")
    assert 10 < len(after) < len(before)
    assert after == before[: len(after)]
    with av.open(str(target)) as container:
        ends = [chapter["end"] * chapter["time_base"] for chapter in container.chapters()]
    assert ends == [Fraction(1, 5), Fraction(3, 10)]


def test_many_streams_interleave_within_a_second(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=range(0, 75 * 512, 512), audio=("eng",)))
    target = tmp_path / "out.mkv"
    enlarge(source, target)
    latest: dict[int, Fraction] = {}
    with av.open(str(target)) as container:
        for packet in container.demux():
            if packet.dts is not None:
                latest[packet.stream_index] = packet.dts * packet.time_base
                if len(latest) == 2:
                    assert abs(latest[0] - latest[1]) < 1
