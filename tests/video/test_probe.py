"""What a look into a file tells."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition
from support import servers
from support.cli_runner import vsr
from support.clips import Clip, make
from support.interlaced import encode, woven

from vsr.core.errors import InputError
from vsr.pipeline.probe import probe
from vsr.video.field_vote import FieldOrder

FAST = {"preset": "ultrafast", "bf": "0"}


def rich(path: Path) -> Path:
    clip = Clip(
        width=66,
        height=50,
        pts=tuple(range(0, 25 * 512, 512)),
        options=FAST,
        pixel_aspect=Fraction(4, 3),
        audio=("eng", "deu"),
        subtitles=((0.1, 0.5, "Words"),),
        chapters=((0, 500, "one"), (500, 1000, "two")),
        metadata={"title": "A clip"},
        attachment=b"not really a font" if path.suffix == ".mkv" else b"",
    )
    return make(path, clip)


@pytest.mark.parametrize(
    ("suffix", "container", "subtitle"),
    [(".mp4", "mov,mp4,m4a,3gp,3g2,mj2", "mov_text"), (".mkv", "matroska,webm", "srt")],
)
def test_all_streams_are_told(tmp_path: Path, suffix: str, container: str, subtitle: str) -> None:
    path = rich(tmp_path / f"clip{suffix}")
    for given in (path, str(path)):
        facts = probe(given)
        assert facts.path == path
        assert facts.container == container
        assert facts.duration == pytest.approx(1.0, abs=0.1)
        assert facts.chapters == 2
        assert facts.metadata["title"] == "A clip"

        video, first, second, text = facts.streams[:4]
        assert (video.index, video.kind, video.codec) == (0, "video", "h264")
        assert facts.video_index == 0
        assert {"width": 66, "height": 50, "format": "yuv420p"}.items() <= video.details.items()
        assert [(s.kind, s.codec, s.language) for s in (first, second)] == [
            ("audio", "aac", "eng"),
            ("audio", "aac", "deu"),
        ]
        assert {"sample_rate": 48000, "layout": "stereo"}.items() <= first.details.items()
        assert (text.kind, text.language) == ("subtitle", "eng")
        assert text.codec == subtitle
        if suffix == ".mkv":
            assert [s.kind for s in facts.streams[4:]] == ["attachment"]

        assert (facts.video.width, facts.video.height) == (66, 50)
        assert facts.video.pixel_aspect == Fraction(4, 3)
        assert facts.video.frame_rate == 25


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_where_streams_start(tmp_path: Path, suffix: str) -> None:
    clip = Clip(
        pts=tuple(range(12800, 12800 + 10 * 512, 512)),
        options=FAST,
        audio=("eng",),
        audio_start=Fraction(2),
    )
    video, audio = probe(make(tmp_path / f"clip{suffix}", clip)).streams
    assert video.details["start"] == pytest.approx(1.0, abs=0.001)
    assert audio.details["start"] == pytest.approx(2.0, abs=0.03)  # a frame of AAC before it


def test_the_video_need_not_come_first(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mkv", Clip(options=FAST, audio=("eng",), audio_first=True))
    facts = probe(path)
    assert [stream.kind for stream in facts.streams] == ["audio", "video"]
    assert facts.video_index == 1


def test_the_default_of_two_videos(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as out:
        streams: list[Any] = []
        for side, disposition in ((16, 0), (64, Disposition.default)):
            stream: Any = out.add_stream("libx264", rate=25, options=FAST)
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
            stream.disposition = disposition
            streams.append(stream)
        for number in range(4):
            for stream in streams:
                frame = av.VideoFrame(stream.width, stream.height, "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    facts = probe(path)
    assert (facts.video_index, facts.video.width) == (1, 64)


def test_a_header_without_a_duration(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.h264", Clip(options=FAST))
    facts = probe(path)
    assert facts.duration is None
    assert facts.video.expected_frames is None
    assert (facts.chapters, facts.metadata) == (0, {})


def test_what_holds_no_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no film")
    with pytest.raises(InputError, match="cannot be read as a video"):
        probe(path)
    with pytest.raises(InputError, match="no such file"):
        probe(tmp_path / "nowhere.mp4")


def test_the_file_is_left_as_it_was(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(options=FAST))
    before, time = path.read_bytes(), path.stat().st_mtime_ns
    probe(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, time)


@pytest.mark.parametrize("order", FieldOrder)
def test_fields_are_told(tmp_path: Path, order: FieldOrder) -> None:
    path = encode(tmp_path / "woven.mp4", woven(order, 24), options=FAST)
    assert probe(path).interlaced == order.value
    assert probe(make(tmp_path / "clip.mp4")).interlaced == ""


@pytest.mark.network
def test_an_address_is_looked_into_too_and_its_password_is_hidden(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.ts")
    answer = servers.locked("user", "geheim", servers.whole(path.read_bytes()))
    with servers.web({"/clip.ts": answer}) as host:
        ran = vsr("probe", f"http://user:geheim@{host}/clip.ts", "--json")
    assert ran.code == 0, ran.err
    assert "geheim" not in ran.out + ran.err
    facts = ran.events[0]
    assert facts["container"] == "mpegts"
    assert (facts["video"]["width"], facts["video"]["height"]) == (64, 48)
