"""Times that are wrong are mended, parts are cut, and AMR comes a frame at a time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from support.clips import Clip, make
from support.copied_streams import footage, passed, payloads, sound

from vsr.remux.timestamps import LeadingDts, MonotonicDts, TrimWindow, splitter
from vsr.video.open import open_input

MS = Fraction(1, 1000)


def packet(pts: int | None, dts: int | None, duration: int = 20, data: bytes = b"x") -> Any:
    made: Any = av.Packet(data)
    made.time_base, made.pts, made.dts, made.duration = MS, pts, dts, duration
    return made


def run(times: list[tuple[int | None, int | None]], text: bool = False) -> tuple[list[Any], int]:
    """The pts and dts that a clock makes of these, and how many it mended."""
    clock, made = MonotonicDts(text), []
    for pts, dts in times:
        one = packet(pts, dts)
        if pts is None and dts is None:
            clock.missing(one)
        clock.steady(one)
        made.append((one.pts, one.dts))
    return made, clock.mended


@pytest.mark.parametrize(
    ("times", "expected", "mended"),
    [
        ([(0, 0), (20, 20), (40, 40)], [(0, 0), (20, 20), (40, 40)], 0),
        ([(-20, -20), (0, 0)], [(-20, -20), (0, 0)], 0),  # priming
        ([(0, None), (20, None)], [(0, 0), (20, 20)], 0),  # AVI and others give one of them
        ([(0, 0), (None, None), (40, 40)], [(0, 0), (20, 20), (40, 40)], 1),
        ([(0, 0), (0, 0), (20, 20)], [(0, 0), (1, 1), (20, 20)], 1),
        ([(40, 40), (20, 20), (60, 60)], [(40, 40), (41, 41), (60, 60)], 1),
        ([(0, 0), (5, 20)], [(0, 0), (20, 20)], 0),  # shown before it is decoded
        ([(None, None), (None, None)], [(0, 0), (20, 20)], 2),
        ([(80, 0), (40, 40)], [(80, 0), (40, 40)], 0),  # pictures out of order
    ],
)
def test_clocks_run_on(times: list[Any], expected: list[Any], mended: int) -> None:
    assert run(times) == (expected, mended)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([(0, None), (60, None), (20, 0), (40, 20)], [(0, -40), (60, -20), (20, 0), (40, 20)]),
        ([(0, 0), (20, None)], [(0, 0), (20, None)]),  # later ones are another matter
        ([(0, None), (20, None)], [(0, None), (20, None)]),
        ([(20 * n, None) for n in range(40)], [(20 * n, None) for n in range(40)]),
    ],
)
def test_first_pictures_are_decoded_before_the_others(
    times: list[Any], expected: list[Any]
) -> None:
    leading = LeadingDts()
    made = [one for pts, dts in times for one in leading.take(packet(pts, dts))]
    made += leading.rest()
    assert [(one.pts, one.dts) for one in made] == expected


def test_a_part_ends_where_what_it_shows_is_decoded() -> None:
    part = TrimWindow(Fraction(0), Fraction(1, 10), sharp=True)
    assert not part.place(packet(120, 80))
    assert part.place(packet(120, 80), coded=True)  # others, shown before the end, need it
    assert not part.place(packet(120, 100), coded=True)


def test_text_may_stand_still_and_not_go_back() -> None:
    assert run([(0, 0), (0, 0), (20, 20)], text=True) == ([(0, 0), (0, 0), (20, 20)], 0)
    assert run([(20, 20), (0, 0)], text=True) == ([(20, 20), (20, 20)], 1)


def test_where_parts_meet_sound_may_lap_over() -> None:
    clock, times = MonotonicDts(text=False, parts=True), []
    for pts in (0, 20, 20, 40, 900, 300):
        one = packet(pts, pts)
        clock.steady(one)
        times.append(one.dts)
    assert (times, clock.mended) == ([0, 20, 21, 40, 900, 901], 1)


@pytest.mark.parametrize("duration", [-5, 2**40])
def test_durations_that_cannot_be(duration: int) -> None:
    one = packet(0, 0, duration)
    MonotonicDts(text=False).steady(one)
    assert one.duration == 0


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_amr_comes_a_frame_at_a_time(tmp_path: Path, suffix: str) -> None:
    source = footage(tmp_path / "in.3gp", sound("libopencore_amrnb", 8000, "mono"))
    with open_input(source) as container:
        stream = container.streams.audio[0]
        frames = [bytes(p) for p in container.demux(stream) if p.size]
        several: Any = av.Packet(b"".join(frames))
        several.stream, several.time_base = stream, Fraction(1, 8000)
        several.pts = several.dts = 800
        several.duration = 160 * len(frames)
        parts = list(splitter(stream, suffix[1:])(several))
        assert [bytes(part) for part in parts] == frames
        assert [part.dts for part in parts] == [800 + 160 * n for n in range(len(frames))]
        assert {part.duration for part in parts} == {160}
        assert list(splitter(stream, "avi")(several)) == [several]


def _flv(path: Path) -> Path:
    """A clip with AAC whose packets' times can be set in place."""
    return footage(path, sound("aac"), "libx264")


def _set_times(path: Path, change: dict[int, int]) -> None:
    """Overwrite the times, in milliseconds, of an FLV's sound packets by their numbers."""
    data, at, number = bytearray(path.read_bytes()), 13, 0
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        if data[at] == 8:
            if number in change:
                time = change[number].to_bytes(4, "big", signed=True)
                data[at + 4 : at + 8] = time[1:] + time[:1]
            number += 1
        at += 15 + size
    path.write_bytes(data)


def times(path: Path, kind: str = "audio") -> list[int]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        base = stream.time_base
        return [round(p.pts * base * 1000) for p in container.demux(stream) if p.size]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".flv"])
@pytest.mark.parametrize(
    ("change", "mended"),
    [
        ({5: 90}, 1),  # goes back
        ({5: 150, 6: 150, 7: 150}, 2),  # stands still
        ({9: 2**30}, 1),  # wild
        ({9: -(2**30)}, 1),
    ],
)
def test_wrong_times_do_no_harm(
    tmp_path: Path, suffix: str, change: dict[int, int], mended: int
) -> None:
    source = _flv(tmp_path / "in.flv")
    right = times(source)
    _set_times(source, change)
    target = tmp_path / f"out{suffix}"
    went = passed(source, target)
    assert len(payloads(target, "audio")[0]) == len(right)
    after = times(target)
    shift = times(target, "video")[0] - times(source, "video")[0]
    assert [after[n] - shift for n in (0, 1, 2, 3, 10, 11, 12)] == pytest.approx(
        [right[n] for n in (0, 1, 2, 3, 10, 11, 12)], abs=2
    )
    assert len(went.told) == 1
    assert went.told[0].startswith(f"1 audio aac: {mended} time")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("source_suffix", [".mkv", ".ts", ".flv"])
def test_damage_amid_a_file_ends_nothing(tmp_path: Path, source_suffix: str, suffix: str) -> None:
    source = footage(
        tmp_path / f"in{source_suffix}",
        sound("mp2" if source_suffix == ".ts" else "aac"),
        "libx264",
    )
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(range(256)) * 2 + bytes(88)
    source.write_bytes(data)
    target = tmp_path / f"out{suffix}"
    passed(source, target)
    assert len(payloads(target, "audio")[0]) > 5


def test_the_offset_of_sound_and_picture_is_kept(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Clip(audio=("eng",), audio_start=Fraction(1, 10)))
    for suffix in (".mp4", ".mkv", ".mov", ".ts", ".flv"):
        target = tmp_path / f"out{suffix}"
        passed(source, target)
        offsets = [min(times(path)) - min(times(path, "video")) for path in (source, target)]
        assert abs(offsets[0] - offsets[1]) <= 1


def test_parts_on_the_output_clock() -> None:
    cut = TrimWindow(Fraction(1), Fraction(2), sharp=True)
    one = packet(1000, 1000)
    one.stream = _stream()
    assert cut.place(one)
    assert (one.pts, one.dts) == (0, 0)
    early = packet(985, 985)
    early.stream = _stream()
    assert cut.place(early)  # a little of it lies inside
    assert early.pts == -15
    for outside in (packet(980, 980), packet(2000, 2000)):
        outside.stream = _stream()
        assert not cut.place(outside)
    whole = packet(5000, 5000)
    assert TrimWindow().place(whole)
    assert whole.pts == 5000


def _stream() -> Any:
    import io

    output = av.open(io.BytesIO(), "w", format="matroska")
    _KEPT.append(output)
    return output.add_stream("aac", rate=48000)


_KEPT: list[Any] = []  # a stream lives as long as its container
