"""Live streams: every picture and packet that came, on one clock, whatever breaks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support import servers
from support.clips import Clip, Held, held, make, planes, video_frame
from support.paths import TESTS

from vsr import upscale
from vsr.core.errors import InputError
from vsr.core.events import ignore
from vsr.core.frame import Frame
from vsr.core.span import Span
from vsr.core.url import Url
from vsr.live import receiver as receive
from vsr.live.live import Live, open_live
from vsr.remux.containers import fragmented
from vsr.video.reader import open_video

_FRAMES, _STEP = 24, 3600  # ticks of 1/90000 s: 25 a second
_CLIP = Clip(
    pts=range(0, _FRAMES * 512, 512),
    options={"bf": "2", "g": "6", "preset": "ultrafast"},
    audio=("eng",),
    audio_start=Fraction(-1, 50),
)


@dataclass(frozen=True)
class Source:
    """A clip as a transport stream, and what it holds."""

    path: Path
    data: bytes
    planes: list[list[np.ndarray]]
    held: Held

    @property
    def sound(self) -> list[tuple[Fraction, bytes]]:
        """What belongs to the picture: times from the first frame on, and bytes without ADTS."""
        with av.open(str(self.path)) as container:
            packets = [p for p in container.demux(audio=0) if p.size]
            return [
                (begins, bytes(p)[7:])
                for p in packets
                if (begins := p.pts * p.time_base - self.held.pts[0]) + Fraction(1024, 48000) > 0
            ]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = make(tmp_path_factory.mktemp("live") / "a.ts", _CLIP)
    return Source(path, path.read_bytes(), planes(path), held(path))


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every thread ends with its `with`."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are made anew soon, and an end is seen at once."""
    monkeypatch.setattr(receive, "_PAUSE", 0.05)
    monkeypatch.setattr(receive, "_TICK", 0.02)


@dataclass(frozen=True)
class Recorded:
    """What came: frames, sound as (seconds, bytes without ADTS), warnings."""

    frames: list[Frame]
    sound: list[tuple[Fraction, bytes]]
    warnings: list[str]
    base: Fraction

    @property
    def pts(self) -> list[int]:
        return [frame.pts for frame in self.frames]


def draw(live: Live, sound: bool = True, context: int = 0) -> tuple[list[Frame], list[Any]]:
    """All frames, and the sound as the writer would take it: from another thread."""
    if not sound:
        return list(live.frames(context)), []
    wanted = [stream.index for stream in live.container.streams if stream.type == "audio"]
    packets: list[Any] = []
    coming = live.others(wanted)

    def take() -> None:
        for other in coming:
            if other is None:
                time.sleep(0.01)
            else:
                place, packet = other
                assert place in wanted
                packets.append((packet.pts * packet.time_base, bytes(packet)))

    thread = threading.Thread(target=take)
    thread.start()
    try:
        return list(live.frames(context)), packets
    finally:
        thread.join()


def record(
    address: str,
    *,
    sound: bool = True,
    context: int = 0,
    patience: float = 3,
    **settings: Any,
) -> Recorded:
    """Read an address to its end."""
    warnings: list[str] = []
    settings = {"tries": 0, "duration": None, **settings}
    with open_live(Url(address, patience), warn=warnings.append, **settings) as live:
        frames, packets = draw(live, sound, context)
        bare = [(when, data[7:] if data[:2] == b"\xff\xf1" else data) for when, data in packets]
        return Recorded(frames, bare, warnings, live.info.time_base)


def same(frames: list[Frame], expected: list[list[np.ndarray]]) -> bool:
    """Whether the frames show these pictures, sample by sample."""
    return len(frames) == len(expected) and all(
        np.array_equal(mine, its)
        for frame, those in zip(frames, expected, strict=True)
        for mine, its in zip(frame.planes, those, strict=True)
    )


def check_whole(recorded: Recorded, source: Source) -> None:
    """All pictures, their times from 0 on, and the sound at its offset to a tick."""
    assert same(recorded.frames, source.planes)
    assert recorded.pts == list(range(0, _FRAMES * _STEP, _STEP))
    assert all(frame.duration == _STEP for frame in recorded.frames)
    assert [data for _, data in recorded.sound] == [data for _, data in source.sound]
    for (mine, _), (its, _) in zip(recorded.sound, source.sound, strict=True):
        assert abs(mine - its) <= Fraction(1, 48000)


@pytest.mark.network
def test_rtsp_with_sound(source: Source) -> None:
    with servers.rtsp(source.path) as place:
        check_whole(record(f"rtsp://{place}"), source)


@pytest.mark.network
@pytest.mark.parametrize(("number", "width"), [(None, 96), (0, 48), (1, 96)])
def test_one_of_several_videos(tmp_path: Path, number: int | None, width: int) -> None:
    one = make(tmp_path / "one.mkv", Clip(width=48, height=32))
    two = make(tmp_path / "two.mkv", Clip(width=96, height=64))
    both = tmp_path / "both.ts"
    with av.open(str(one)) as first, av.open(str(two)) as second, av.open(str(both), "w") as new:
        sources = [first, second]
        copies = [new.add_stream_from_template(source.streams.video[0]) for source in sources]
        for source, copy in zip(sources, copies, strict=True):
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = copy
                    new.mux(packet)
    warnings: list[str] = []
    with servers.tcp([both.read_bytes()]) as place:
        address = Url(f"tcp://{place}")
        with open_live(address, None, warnings.append, tries=0, video_stream=number) as live:
            assert live.info.width == width
            assert len(list(live.frames())) == len(Clip().pts)
    assert len([line for line in warnings if "videos" in line]) == (number is None)


@pytest.mark.network
def test_rtsp_at_its_own_pace(source: Source) -> None:
    with servers.rtsp(source.path, pace=4) as place:
        check_whole(record(f"rtsp://{place}"), source)


@pytest.mark.network
def test_rtsp_with_a_password(source: Source) -> None:
    with servers.rtsp(source.path, password="geheim", visitors=2, breaks_after=30) as place:
        recorded = record(f"rtsp://user:geheim@{place}", tries=1)
    assert same(recorded.frames[-_FRAMES:], source.planes)
    assert len(recorded.warnings) == 2
    assert not any("geheim" in warning for warning in recorded.warnings)
    refused = pytest.raises(InputError, match="401")
    with servers.rtsp(source.path, password="geheim") as place, refused as caught:
        record(f"rtsp://user:false@{place}")
    assert "false" not in str(caught.value)


@pytest.mark.network
def test_rtsp_that_breaks_and_comes_back(source: Source) -> None:
    with servers.rtsp(source.path, visitors=2, breaks_after=30) as place:
        began = time.monotonic()
        recorded = record(f"rtsp://{place}", tries=1)
        took = time.monotonic() - began
    first = len(recorded.frames) - _FRAMES
    assert 0 < first < _FRAMES
    assert same(recorded.frames[first:], source.planes)
    assert same(recorded.frames[: first - 2], source.planes[: first - 2])
    steps = [b - a for a, b in pairwise(recorded.pts)]
    assert steps[first:] == [_STEP] * (_FRAMES - 1)
    assert [frame.duration for frame in recorded.frames[:-1]] == steps
    gap = steps[first - 1] * recorded.base
    assert 0.05 <= gap <= took
    told = [warning for warning in recorded.warnings if "was made anew" in warning]
    assert len(told) == 1
    assert f"{float(gap):.1f} s are missing" in told[0]
    # Sound and picture are moved alike.
    again = recorded.pts[first] * recorded.base
    after = [(when - again, data) for when, data in recorded.sound if when >= again]
    expected = [(when, data) for when, data in source.sound if when >= 0]
    assert [data for _, data in after] == [data for _, data in expected]
    assert all(
        abs(mine - its) <= Fraction(1, 48000)
        for (mine, _), (its, _) in zip(after, expected, strict=True)
    )
    times = [when for when, _ in recorded.sound]
    assert times == sorted(set(times))


@pytest.mark.network
def test_rtsp_that_plays_nothing(source: Source) -> None:
    began = time.monotonic()
    with (
        servers.rtsp(source.path, silent=True) as place,
        pytest.raises(InputError, match=r"for 0\.3 s"),
    ):
        record(f"rtsp://{place}", patience=0.3, tries=5)
    assert time.monotonic() - began < 7


@pytest.mark.network
def test_transport_stream_over_tcp(source: Source) -> None:
    with servers.tcp([source.data]) as place:
        recorded = record(f"tcp://{place}")
    check_whole(recorded, source)
    assert len(recorded.warnings) == 1
    assert "did not come back" in recorded.warnings[0]


@pytest.mark.network
def test_each_frame_tells_its_quantiser_where_it_is_asked_for(source: Source) -> None:
    """As a file's do."""
    with open_video(source.path, Span(), ignore) as video:
        expected = [frame.quantiser for frame in video.frames(0, 8)]
    assert None not in expected
    told = []
    for warmup in (0, 8):
        with (
            servers.tcp([source.data]) as place,
            open_live(Url(f"tcp://{place}", 3), None, ignore, tries=0) as live,
        ):
            told.append([frame.quantiser for frame in live.frames(0, warmup)])
    assert told == [[None] * _FRAMES, expected]


@pytest.mark.network
@pytest.mark.parametrize("suffix", ["flv", "mkv", "mp4"])
def test_other_formats_over_tcp(source: Source, tmp_path: Path, suffix: str) -> None:
    path = make(tmp_path / f"a.{suffix}", replace(_CLIP, muxer=fragmented(suffix)))
    with servers.tcp([path.read_bytes()]) as place:
        recorded = record(f"tcp://{place}")
    assert same(recorded.frames, planes(path))
    first = held(path).pts[0]
    assert [pts * recorded.base for pts in recorded.pts] == [t - first for t in held(path).pts]
    times = held(path).times["audio"][0]
    assert [when for when, _ in recorded.sound] == [t - first for t in times][
        -len(recorded.sound) :
    ]
    assert len(recorded.sound) >= len(times) - 2


@pytest.mark.network
def test_pictures_one_by_one_come_at_their_time() -> None:
    camera = av.CodecContext.create("mjpeg", "w")
    assert isinstance(camera, av.VideoCodecContext)
    camera.width, camera.height, camera.pix_fmt = 64, 48, "yuvj420p"
    camera.time_base = Fraction(1, 10)
    pictures = []
    for number in range(8):
        frame = video_frame(number, 64, 48, "yuvj420p")
        frame.pts, frame.time_base = number, camera.time_base
        pictures += [bytes(packet) for packet in camera.encode(frame)]

    def shoot(request: servers.Request) -> None:
        request.head(200, Content_Type="multipart/x-mixed-replace; boundary=next")
        for each in pictures:
            fields = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(each)}\r\n\r\n"
            request.wfile.write(fields.encode() + each + b"\r\n")
            request.wfile.flush()
            time.sleep(0.1)

    with servers.web({"/video": shoot}) as host:
        recorded = record(f"http://{host}/video", sound=False)
    assert recorded.pts[0] == 0
    assert len(recorded.frames) == 8
    steps = [(b - a) * recorded.base for a, b in pairwise(recorded.pts)]
    assert all(step > 0 for step in steps)
    assert 0.5 < sum(steps) < 2  # 25 a second, as libav has it, would make 0.28


@pytest.mark.network
def test_transport_stream_over_udp(source: Source) -> None:
    with servers.udp(source.data) as place:
        check_whole(record(f"udp://{place}", patience=0.5), source)


@pytest.mark.network
def test_http_that_breaks_and_goes_on(source: Source) -> None:
    half = len(source.data) // 188 // 2 * 188
    parts = [source.data[:half], source.data[half:]]
    with servers.web({"/a": servers.live(parts)}) as host:
        recorded = record(f"http://{host}/a", tries=1)
    shown = [
        next(n for n, those in enumerate(source.planes) if same([frame], [those]))
        for frame in recorded.frames
        if any(same([frame], [those]) for those in source.planes)
    ]
    assert shown == sorted(set(shown))  # nothing twice, nothing out of order
    assert shown[0] == 0
    assert shown[-1] == _FRAMES - 1
    missing = set(range(_FRAMES)) - set(shown)
    assert missing
    assert len(missing) <= 6 + 2  # up to the next keyframe, and what the break cut
    pts = recorded.pts
    assert all(b > a for a, b in pairwise(pts))


@pytest.mark.network
def test_a_server_that_goes_silent(source: Source) -> None:
    began = time.monotonic()
    with servers.web({"/a": servers.live([source.data], hangs=True)}) as host:
        recorded = record(f"http://{host}/a", patience=0.5)
    assert time.monotonic() - began < 4
    assert same(recorded.frames, source.planes)
    assert "nothing came for 0.5 s" in recorded.warnings[-1]


@pytest.mark.network
def test_a_file_of_untold_size_is_not_taken_twice(source: Source) -> None:
    parts = [source.data] * 3
    with servers.web({"/a": servers.live(parts, breaks=False)}) as host:
        recorded = record(f"http://{host}/a", tries=5)
    check_whole(recorded, source)
    assert len(recorded.warnings) == 1
    assert "read to its end" in recorded.warnings[0]


@pytest.mark.network
def test_a_playlist_that_ends_while_it_is_read(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    options = {"hls_time": "0.2", "hls_playlist_type": "event"}
    with av.open(str(source.path)) as old, av.open(str(path), "w", options=options) as new:
        copies: dict[int, Any] = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                new.mux(packet)
    parts = {f"/{each.name}": servers.whole(each.read_bytes()) for each in tmp_path.iterdir()}
    ended, going = path.read_bytes(), path.read_bytes().replace(b"#EXT-X-ENDLIST\n", b"")

    def listed(request: servers.Request) -> None:
        servers.whole(going if request.visits < 2 else ended)(request)

    with servers.web({**parts, "/list.m3u8": listed}) as host:
        recorded = record(f"http://{host}/list.m3u8", patience=3, tries=3)
    assert recorded.warnings == []
    count = len(recorded.frames)  # a player begins some segments before the end
    assert count >= 6
    assert same(recorded.frames, source.planes[-count:])


@pytest.mark.network
@pytest.mark.parametrize("context", [0, 1])
def test_a_duration_is_kept_exactly(source: Source, context: int) -> None:
    with servers.rtsp(source.path, pace=2) as place:
        recorded = record(f"rtsp://{place}", duration=Fraction(10, 25), context=context)
    inside = [frame for frame in recorded.frames if not frame.is_context]
    assert same(inside, source.planes[:10])
    assert all(frame.duration == _STEP for frame in inside)
    assert (len(recorded.frames) > 10) == bool(context)
    expected = [data for when, data in source.sound if when < Fraction(10, 25)]
    assert [data for _, data in recorded.sound] == expected
    assert recorded.warnings == []


@pytest.mark.network
def test_a_stop_ends_well(source: Source) -> None:
    stop, warnings = threading.Event(), list[str]()
    asked = 0.0
    with (
        servers.web({"/a": servers.live([source.data] * 9, hangs=True)}) as host,
        open_live(Url(f"http://{host}/a", 1), None, warnings.append, tries=9, stop=stop) as live,
    ):
        frames = []
        for frame in live.frames():
            frames.append(frame)
            if not stop.is_set():
                asked = time.monotonic()
                stop.set()
        ended = time.monotonic()
    assert frames
    # Amid a group, a picture that others refer to may have come before those shown earlier.
    assert same(frames, [source.planes[frame.pts // _STEP] for frame in frames])
    assert warnings == []
    assert ended - asked < 0.9  # less than it takes to give the connection up
    assert time.monotonic() - asked < 4


@pytest.mark.network
def test_slow_work_loses_nothing(source: Source) -> None:
    frames = []
    with (
        servers.web({"/a": servers.live([source.data])}) as host,
        open_live(Url(f"http://{host}/a", 0.4), None, lambda _: None, tries=0) as live,
    ):
        for frame in live.frames():
            frames.append(frame)
            time.sleep(0.5 if len(frames) == 1 else 0.01)
    assert same(frames, source.planes)


@pytest.mark.network
def test_what_waits_is_bounded(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "_ROOM", 2000)
    frames, most, warnings = [], 0, list[str]()
    with (
        servers.tcp([source.data]) as place,
        open_live(Url(f"tcp://{place}", 1), None, warnings.append, tries=0) as live,
    ):
        for frame in live.frames():
            frames.append(frame)
            time.sleep(0.02)
            most = max(most, live._receiver._waiting)
    assert same(frames, source.planes)
    assert 0 < most < len(source.data) / 2
    assert sum("faster than it is enlarged" in warning for warning in warnings) == 1


@pytest.mark.network
def test_other_streams_are_asked_for_before_frames(source: Source) -> None:
    with (
        servers.tcp([source.data]) as place,
        open_live(Url(f"tcp://{place}", 1), None, lambda _: None, tries=0) as live,
    ):
        assert set(live.sampled()) == {1}
        assert list(live.frames())
        with pytest.raises(RuntimeError, match="before frames"):
            live.others([1])


@pytest.mark.network
def test_a_server_that_is_away_for_a_while(source: Source) -> None:
    away: list[str] = []

    def answer(request: servers.Request) -> None:
        if request.visits in (1, 2):
            away.append(request.path)
            request.head(503, Content_Length=0)
        elif request.visits < 4:
            servers.live([source.data] * 9)(request)
        else:
            request.head(404, Content_Length=0)

    with servers.web({"/a": answer}) as host:
        recorded = record(f"http://{host}/a", tries=3)
    assert len(away) == 2
    assert same(recorded.frames[:_FRAMES], source.planes)
    assert same(recorded.frames[_FRAMES:], source.planes)
    gap = (recorded.pts[_FRAMES] - recorded.pts[_FRAMES - 1]) * recorded.base
    assert 0.35 <= gap <= 4  # a twentieth of a second, two and four
    assert recorded.warnings[-1].endswith("what came before is kept")


@pytest.mark.network
def test_frames_left_undrawn_leave_nothing_behind(source: Source) -> None:
    for drawn in (0, 1):
        with (
            servers.rtsp(source.path, pace=4) as place,
            open_live(Url(f"rtsp://{place}", 2), None, lambda _: None) as live,
            closing(live.frames()) as frames,  # type: ignore[type-var]
        ):
            for _ in range(drawn):
                next(frames)


@pytest.mark.network
def test_another_size_after_a_break_is_scaled_to_the_first(source: Source, tmp_path: Path) -> None:
    other = make(
        tmp_path / "b.ts", Clip(80, 64, options=dict(_CLIP.options), pts=range(0, 6144, 512))
    )
    with servers.tcp([source.data, other.read_bytes()]) as place:
        recorded = record(f"tcp://{place}", tries=1)
    assert len(recorded.frames) == _FRAMES + 12
    assert {frame.planes[0].shape for frame in recorded.frames} == {(48, 64)}
    assert any("changes size to 80x64" in warning for warning in recorded.warnings)


@pytest.mark.network
def test_damage_is_counted_or_refused(source: Source) -> None:
    packets = [source.data[n : n + 188] for n in range(0, len(source.data), 188)]
    damaged = b"".join(p for n, p in enumerate(packets) if n % 17 != 9)
    with servers.tcp([damaged]) as place:
        warnings: list[str] = []
        with open_live(Url(f"tcp://{place}"), None, warnings.append, tries=0) as live:
            assert list(live.frames())
            assert live.damage.gaps
    assert any("marked as damaged" in warning for warning in warnings)
    with servers.tcp([damaged]) as place, pytest.raises(InputError, match="strict"):
        record(f"tcp://{place}", strict=True)


@pytest.mark.network
def test_a_stream_without_a_picture(source: Source, tmp_path: Path) -> None:
    with av.open(str(source.path)) as old, av.open(str(tmp_path / "a.ts"), "w") as new:
        copied = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.size:
                packet.stream = copied
                new.mux(packet)
    refused = pytest.raises(InputError, match="no video stream")
    with servers.tcp([(tmp_path / "a.ts").read_bytes()]) as place, refused:
        record(f"tcp://{place}")


_WRITER = """
import sys, time
from fractions import Fraction
import av
sys.path[:0] = {paths!r}
from support.clips import video_frame
from vsr.remux.containers import fragmented
with av.open({target!r}, "w", container_options=fragmented({name!r})) as out:
    video = out.add_stream("libx264", rate=25, options={{"preset": "ultrafast", "g": "25"}})
    video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    sound = out.add_stream("aac", rate=48000)
    heard = 0
    for number in range(100000):
        frame = video_frame(number % 50, 64, 48, "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        out.mux(video.encode(frame))
        while heard < number * 1920:
            tone = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            for plane in tone.planes:
                plane.update(bytes(4096))
            tone.sample_rate, tone.pts, tone.time_base = 48000, heard, Fraction(1, 48000)
            out.mux(sound.encode(tone))
            heard += 1024
        if number == 200:
            print("now", flush=True)
            time.sleep(30)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "name"),
    [("mp4", "mp4"), ("mov", "mov"), ("mkv", "matroska"), ("ts", "mpegts")],
)
def test_a_killed_output_is_playable(tmp_path: Path, suffix: str, name: str) -> None:
    target = tmp_path / f"a.{suffix}"
    paths = [str(TESTS)]
    program = _WRITER.format(target=str(target), name=name, paths=paths)
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"now\n"
        os.kill(writer.pid, signal.SIGKILL)
    with av.open(str(target)) as container:
        pts = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    with av.open(str(target)) as container:
        heard = sum(packet.size > 0 for packet in container.demux(audio=0))
    assert len(pts) >= 200 - 25 - 50  # a second and what the encoder holds
    assert [b - a for a, b in pairwise(pts)] == [Fraction(1, 25)] * (len(pts) - 1)
    assert heard > 180


@pytest.mark.parametrize("name", ["mp4", "mov", "matroska"])
def test_pieces_keep_the_times_of_all_streams(tmp_path: Path, name: str) -> None:
    suffix = {"matroska": "mkv"}.get(name, name)
    clip = Clip(
        pts=range(1024, 1024 + 75 * 512, 512),
        options={"bf": "2", "g": "25", "preset": "ultrafast"},
        audio=("eng",),
        subtitles=((0.5, 1.5, "one"), (2.0, 2.5, "two")),
    )
    plain = make(tmp_path / f"a.{suffix}", clip)
    pieces = tmp_path / f"b.{suffix}"
    options = {"mov": {"movie_timescale": "48000"}, "mp4": {"movie_timescale": "48000"}}
    muxer = {**fragmented(name), **options.get(name, {})}
    with av.open(str(plain)) as old, av.open(str(pieces), "w", container_options=muxer) as new:
        copies: dict[int, Any] = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.size and bytes(packet) != b"\0\0":
                packet.stream = copies[packet.stream_index]
                new.mux(packet)
    mine, its = held(pieces), held(plain)
    assert mine.pts == its.pts
    assert mine.packets["audio"] == its.packets["audio"]
    assert mine.times["audio"] == its.times["audio"]
    texts = list(zip(mine.packets["subtitle"][0], mine.times["subtitle"][0], strict=True))
    expected = list(zip(its.packets["subtitle"][0], its.times["subtitle"][0], strict=True))
    assert [text for text in expected if text not in texts] == []


@pytest.mark.network
def test_a_picture_that_stands_still_is_shown_before_another_comes(tmp_path: Path) -> None:
    options = {"qp": "0", "bf": "0", "g": "500", "preset": "ultrafast"}
    numbers = [0] * 60
    still = Clip(48, 32, pts=range(0, 60 * 512, 512), numbers=numbers, options=options)
    data, shown, waited = make(tmp_path / "a.ts", still).read_bytes(), threading.Event(), [False]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(data)
                waited[:] = [shown.wait(10)]
            listener.close()

        server = threading.Thread(target=serve)
        server.start()
        result = upscale(
            f"tcp://127.0.0.1:{listener.getsockname()[1]}",
            tmp_path / "out.mkv",
            model="vespcn",
            scale=3,
            device="cpu",
            threads=2,
            progress=lambda now: shown.set(),
        )
        server.join()
    assert waited == [True]
    assert result.frames_out == 60
