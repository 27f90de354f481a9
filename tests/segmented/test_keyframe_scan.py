"""Where a video may be cut: what a scan says is what decoding gives."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import Clip, make, remux
from support.segmented_jobs import ignore, uneven

from vsr.core.damage import Tally
from vsr.core.errors import InputError
from vsr.core.span import Span
from vsr.segmented.keyframe_scan import scan
from vsr.video.reader import open_video
from vsr.video.seek import decode_from

SMALL: dict[str, Any] = {"width": 48, "height": 32}
X264 = {"bf": "2", "g": "5", "preset": "veryfast"}
OPEN_GOP = {"bf": "3", "g": "6", "x264-params": "open-gop=1:scenecut=0", "preset": "veryfast"}
OPEN_HEVC = {
    "preset": "veryfast",
    "x265-params": "open-gop=1:keyint=8:min-keyint=8:bframes=3:scenecut=0:log-level=0",
}
HIDING = {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k", "g": "12", "cpu-used": "8"}
AT_25: dict[str, Any] = {"time_base": Fraction(1, 25), "pts": range(16)}
LONG = tuple(range(0, 30 * 512, 512))

PLAIN: dict[str, Clip] = {
    "plain.mp4": Clip(**SMALL, options=X264, pts=uneven(20), audio=("eng",)),
    "fragments.mp4": Clip(**SMALL, options=X264, muxer={"movflags": "frag_keyframe+empty_moov"}),
    "late.mov": Clip(**SMALL, options=X264, pts=range(10**6, 10**6 + 12 * 512, 512)),
    "open.mp4": Clip(**SMALL, options=OPEN_GOP, pts=LONG),
    "open.ts": Clip(**SMALL, options=OPEN_GOP, pts=LONG),
    "open.mkv": Clip(**SMALL, options=OPEN_GOP, pts=LONG, audio=("eng",)),
    "plain.mkv": Clip(**SMALL, options=X264, pts=uneven(20)),
    "plain.ts": Clip(**SMALL, options=X264, audio=("eng",)),
    "mpeg2.ts": Clip(**SMALL, codec="mpeg2video", options={"bf": "2", "g": "5"}, **AT_25),
    "plain.flv": Clip(**SMALL, options=X264, time_base=Fraction(1, 1000), pts=range(0, 400, 40)),
    "plain.avi": Clip(**SMALL, codec="mpeg4", options={"g": "5"}, **AT_25),
    "leading.mp4": Clip(64, 64, codec="libx265", options=OPEN_HEVC, pts=LONG),
    "plain_av1.mkv": Clip(64, 64, codec="libsvtav1", options={"preset": "12", "g": "9"}),
    "packed.avi": Clip(**SMALL, codec="mpeg4", options={"bf": "2", "g": "5"}, **AT_25),
    "hides.webm": Clip(**SMALL, codec="libvpx", options=HIDING, pts=LONG),
    "hides9.webm": Clip(**SMALL, codec="libvpx-vp9", options=HIDING, pts=LONG),
    "intra.mkv": Clip(**SMALL, codec="ffv1", options={"g": "1"}),
}


def pictures(path: Path, at: int | None = None) -> list[tuple[int, bytes]]:
    """The frames' times and samples; with `at`, those that are decoded to have the one of then."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        decoded = container.decode(stream)
        if at is not None:
            decoded = decode_from(container, stream, Fraction(at), Tally(path))
        return [(frame.pts or 0, frame.to_ndarray().tobytes()) for frame in decoded]


def clip_by_packets(path: Path, source: Path, change: Any) -> Path:
    """A copy of a clip, its packets changed by `change(packet, its number)`; None drops one."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size and change(packet, number) is not None:
                packet.stream = copy
                new.mux(packet)
    return path


@pytest.mark.parametrize("name", list(PLAIN))
def test_plain_times_are_those_of_the_frames(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, PLAIN[name])
    found = scan(path, video_index(path))
    shown = pictures(path)
    assert found.plain
    assert list(found.times) == [pts for pts, _ in shown]
    assert found.packets == len(shown)
    assert found.keyframes[0] == found.times[0]
    # From each keyframe on, decoding gives that very frame, and all that follow.
    for at in found.keyframes:
        after = [frame for frame in pictures(path, at) if frame[0] >= at]
        assert after == [frame for frame in shown if frame[0] >= at]
    assert len(found.keyframes) > 1


def video_index(path: Path) -> int:
    with av.open(str(path)) as container:
        return container.streams.video[0].index


def test_the_readers_ticks_are_the_scans(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", PLAIN["plain.mkv"])
    with open_video(path, Span(), ignore) as video:
        found = scan(path, video.stream_index)
        assert [frame.pts for frame in video.frames()] == [t * video.parts for t in found.times]


def test_what_an_edit_list_hides_is_not_there(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mp4", Clip(**SMALL, options={"g": "4", "bf": "0"}))
    path = tmp_path / "cut.mp4"  # the muxer hides what lies before 0

    def earlier(packet: Any, _: int) -> Any:
        packet.pts, packet.dts = packet.pts - 3 * 512, packet.dts - 3 * 512
        return packet

    clip_by_packets(path, whole, earlier)
    shown = pictures(path)
    assert len(shown) == 9
    found = scan(path, 0)
    assert found.plain
    assert list(found.times) == [pts for pts, _ in shown]
    assert found.packets == 9
    assert list(found.keyframes) == [512, 5 * 512]


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("raw.h264", Clip(**SMALL, options=X264)),
        ("raw.m2v", Clip(**SMALL, codec="mpeg2video", options={}, **AT_25)),
        ("plain.mpg", Clip(**SMALL, codec="mpeg2video", options={}, **AT_25)),
        ("reordered.avi", Clip(**SMALL, options={"bf": "2"}, **AT_25)),
    ],
)
def test_containers_that_say_too_little_are_not_plain(
    tmp_path: Path, name: str, clip: Clip
) -> None:
    path = make(tmp_path / name, clip)
    found = scan(path, 0)
    assert not found.plain
    assert found.packets == len(clip.pts)
    assert not found.times
    assert not found.keyframes


def shifted(times: Sequence[int]) -> Any:
    """Gives each packet the time of its number; Matroska keeps that alone."""

    def change(packet: Any, number: int) -> Any:
        packet.pts, packet.dts = 1000 + times[number], number
        return packet

    return change


@pytest.mark.parametrize(
    "times",
    [
        [0, 40, 80, 80, 160, 200, 240, 280],  # repeated
        [0, 40, 80, 60, 160, 200, 240, 280],  # back
        [5000, 5040, 5080, 5120, 0, 40, 80, 120],  # another clock
        [0, 40, 80, 120, 0, 40, 80, 120],
    ],
)
def test_times_that_make_no_sense_are_not_plain(tmp_path: Path, times: list[int]) -> None:
    clip = Clip(**SMALL, codec="mjpeg", pix_fmt="yuvj420p", options={}, pts=range(0, 4096, 512))
    source = make(tmp_path / "source.mkv", clip)
    assert scan(source, 0).plain
    path = clip_by_packets(tmp_path / "times.mkv", source, shifted(times))
    found = scan(path, 0)
    assert not found.plain
    assert found.packets == 8


def test_joined_clocks_are_not_plain(tmp_path: Path) -> None:
    for number, start in enumerate((90_000, 0)):
        pts = range(start, start + 12 * 512, 512)
        make(tmp_path / f"{number}.ts", Clip(**SMALL, options=X264, pts=pts))
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join((tmp_path / f"{n}.ts").read_bytes() for n in (0, 1)))
    assert not scan(path, 0).plain


def test_broken_places_are_not_plain(tmp_path: Path) -> None:
    pts = range(0, 40 * 512, 512)
    path = make(tmp_path / "a.ts", Clip(width=96, height=64, options=X264, pts=pts))
    data = bytearray(path.read_bytes())
    assert scan(path, 0).plain
    middle = len(data) // 376 * 188
    path.write_bytes(data[: middle - 4 * 188] + data[middle:])  # packets lost
    assert not scan(path, 0).plain


def test_a_span_of_lost_packets_leaves_a_gap(tmp_path: Path) -> None:
    """What is not there has no time; all else is plain."""
    source = make(tmp_path / "source.mkv", Clip(**SMALL, codec="ffv1", options={}))
    path = clip_by_packets(
        tmp_path / "gap.mkv", source, lambda packet, number: None if number in (4, 5) else packet
    )
    found = scan(path, 0)
    assert found.plain
    assert list(found.times) == [pts for pts, _ in pictures(path)]
    assert np.diff(found.times).max() == 3 * np.diff(found.times).min()


def test_of_several_streams_it_is_the_one_asked_for(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.mkv", Clip(**SMALL, options=X264, audio=("eng", "fra"), audio_first=True)
    )
    found = scan(path, 2)
    alone = scan(remux(path, tmp_path / "alone.mkv", ["video"]), 0)
    assert found.plain
    assert list(found.times) == list(alone.times)
    assert list(found.keyframes) == list(alone.keyframes)


def test_what_is_no_video_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.mp4: cannot be read as a video"):
        scan(path, 0)
