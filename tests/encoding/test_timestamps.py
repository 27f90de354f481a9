"""Exact times through encoders that only count, and containers with slow clocks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from av.packet import Packet
from support.clips import Clip, held, make, nearest

from vsr import OutputError, Result, upscale
from vsr.encoding.timestamps import Counted, Ticks

UNEVEN = (0, 3600, 7200, 11000, 20000, 23700, 36000, 39600, 43200)
TICK = Fraction(1, 90000)


def enlarge(source: Path, target: Path, **options: Any) -> Result:
    return upscale(source, target, scale=2, model="bicubic", device="cpu", **options)


def packet(pts: int, dts: int) -> Packet[Any]:
    made: Packet[Any] = Packet(b"picture")
    made.pts, made.dts = pts, dts
    return made


def test_packets_get_their_frames_times_back() -> None:
    counted = Counted(TICK, Fraction(25))
    times = [(7, 3), (10, 90), (100, 1)]
    assert [counted.number(*time) for time in times] == [0, 1, 2]
    for number, (pts, duration) in enumerate(times):
        restored = packet(number, number)
        counted.restore(restored)
        assert (restored.pts, restored.dts, restored.duration) == (pts, pts, duration)
        assert restored.time_base == TICK


def test_decoding_begins_before_the_first_frame() -> None:
    """As encoders with B-frames say it: times increase, and none is after its frame's."""
    counted = Counted(TICK, Fraction(25))
    for pts in UNEVEN:
        counted.number(pts, 0)
    order = [(0, -1), (2, 0), (1, 1), (4, 2), (3, 3)]
    restored = [packet(*times) for times in order]
    for one in restored:
        counted.restore(one)
    decoded = [one.dts for one in restored]
    assert decoded == [-3600, 0, 3600, 7200, 11000]
    assert all((one.dts or 0) <= (one.pts or 0) for one in restored)


def test_ticks_are_not_shared() -> None:
    ticks = Ticks(TICK)
    clock = Fraction(1, 1000)
    given = [0, 89, 90, 91, 180, 1000, 1001]
    shown = [ticks.free(pts, clock) for pts in given]
    on = nearest([pts * TICK for pts in shown], clock)
    assert on == sorted(set(on))
    assert shown[0] == 0
    assert shown[-2] == 1000
    assert ticks.moved == sum(a != b for a, b in zip(given, shown, strict=True))
    assert all(abs(a - b) <= 3 * 90 for a, b in zip(given, shown, strict=True))


@pytest.mark.parametrize("clock", [TICK, Fraction(1, 180000), Fraction(1, 10**6)])
def test_a_clock_that_is_fine_enough_moves_nothing(clock: Fraction) -> None:
    ticks = Ticks(TICK)
    assert [ticks.free(pts, clock) for pts in (5, 6, 7, 100)] == [5, 6, 7, 100]
    assert ticks.moved == 0


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("mpeg4", ".mp4"),
        ("mpeg4", ".mkv"),
        ("mpeg2video", ".mkv"),
        ("mpeg2video", ".mp4"),
        ("mpeg2video", ".ts"),
        ("mpeg1video", ".mkv"),
        ("msmpeg4", ".asf"),
        ("", ".asf"),
    ],
)
def test_uneven_times_pass_through_encoders_that_count(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=UNEVEN, time_base=TICK))
    target = tmp_path / f"out{suffix}"
    enlarge(source, target, codec=codec)
    before, after = held(source), held(target)
    wanted = nearest(before.pts, after.time_base)
    found = [round(time / after.time_base) for time in after.pts]
    assert [t - found[0] for t in found] == wanted  # a transport stream begins a little later


@pytest.mark.parametrize("count", [1, 2, 12])
def test_avi_holds_every_frame_at_its_rate_and_nothing_between(tmp_path: Path, count: int) -> None:
    source = make(tmp_path / "in.mp4", Clip(pts=tuple(range(0, count * 512, 512))))
    target = tmp_path / "out.avi"
    result = enlarge(source, target)
    found = held(target)
    if count > 1:
        assert found.time_base == Fraction(1, 25)
    assert [time / found.time_base for time in found.pts] == list(range(count))
    assert result.warnings == (".avi keeps no timestamps: frames are shown at a fixed rate",)


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".avi"), ("mpeg4", ".asf")])
def test_frames_are_not_reordered_where_packets_have_one_time(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    source, target = make(tmp_path / "in.mp4", Clip()), tmp_path / f"out{suffix}"
    enlarge(source, target, codec=codec)
    shown = held(target).pts
    assert shown == sorted(set(shown))
    assert len(shown) == 12


SCREEN = (0, 33, 67, 100, 1100, 1133, 3000, 3016, 3033, 9000)
"""Milliseconds: a screen recording, which has a frame only where something moved."""


@pytest.mark.parametrize(
    ("times", "rate", "off"),
    [
        (SCREEN, 60, 0.001),
        ((0, 40, 80, 81, 82, 222, 400), 1000, 0),  # closer together than frames usually are
        ((0, 40, 120, 5000, 5040), 25, 0),
        ((0, 37, 91, 117, 180, 300, 333), 48, 0.01),
    ],
)
def test_uneven_times_in_avi_are_kept(
    tmp_path: Path, times: tuple[int, ...], rate: int, off: float
) -> None:
    clip = Clip(pts=times, time_base=Fraction(1, 1000), options={"bf": "0"})
    source = make(tmp_path / "in.mkv", clip)
    result = enlarge(source, tmp_path / "out.avi")
    found = held(tmp_path / "out.avi")
    assert found.time_base == Fraction(1, rate)
    assert len(found.pts) == len(times)
    for shown, time in zip(found.pts, times, strict=True):
        assert abs(float(shown) - time / 1000) <= off
    if times == SCREEN:
        assert any("is written at 60 frames a second" in line for line in result.warnings)


def test_avi_in_segments_keeps_uneven_times(tmp_path: Path) -> None:
    clip = Clip(pts=SCREEN, time_base=Fraction(1, 1000), options={"bf": "0", "g": "3"})
    source = make(tmp_path / "in.mkv", clip)
    enlarge(source, tmp_path / "out.avi", resume="always")
    found = [float(shown) for shown in held(tmp_path / "out.avi").pts]
    assert found == pytest.approx([time / 1000 for time in SCREEN], abs=0.001)


def test_what_counts_frames_refuses_times_that_it_cannot_keep(tmp_path: Path) -> None:
    """A raw stream has no empty frames; AVI has no more than a muxer writes in a row."""
    clip = Clip(pts=SCREEN, time_base=Fraction(1, 1000), options={"bf": "0"})
    source = make(tmp_path / "in.mkv", clip)
    with pytest.raises(OutputError, match=r"fixed rate, and here that is up to \d\.\d s .*\.mkv$"):
        enlarge(source, tmp_path / "out.h264")
    slow = make(tmp_path / "slow.mkv", replace(clip, pts=(0, 40, 10_000_000)))
    with pytest.raises(OutputError, match=r"some come too long after the one before; .*\.mkv$"):
        enlarge(slow, tmp_path / "out.avi")
    steady = make(tmp_path / "steady.mkv", replace(clip, pts=tuple(range(0, 400, 40))))
    enlarge(steady, tmp_path / "out.h264")
    assert not (tmp_path / "out.avi").exists()


def test_frames_within_a_millisecond_in_matroska(tmp_path: Path) -> None:
    clip = Clip(pts=(0, 3600, 3620, 3640, 7200, 10800), time_base=TICK, options={"bf": "0"})
    source = make(tmp_path / "in.mp4", clip)
    result = enlarge(source, tmp_path / "out.mkv")
    shown = [time * 1000 for time in held(tmp_path / "out.mkv").pts]
    assert shown == [0, 40, 41, 42, 80, 120]
    assert result.warnings == (
        "2 frames are shown up to 0.00156 s later: the container's clock ticks every 0.001 s, and "
        "no two may share a tick",
    )
    assert not enlarge(source, tmp_path / "out.mp4").warnings
