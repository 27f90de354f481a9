"""Clocks that begin anew amid a file: one clock comes out, and sound stays with the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from support.clips import Clip, held, make

from vsr import upscale
from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError
from vsr.video.discontinuities import continued

MAIN, SOUND = 0, 1


@dataclass
class Packet:
    """As much of a packet as `continued` looks at."""

    stream_index: int
    dts: int | None
    pts: int | None = None
    duration: int = 40
    size: int = 1
    time_base: Fraction = Fraction(1, 1000)


def times(packets: Sequence[Packet], stream: int = MAIN) -> list[int | None]:
    return [packet.dts for packet in packets if packet.stream_index == stream]


def joined(*packets: Packet) -> tuple[list[Packet], Damage]:
    tally = Tally(Path("clip"))
    found = list(continued(iter(packets), MAIN, tally))  # type: ignore[arg-type]
    assert [id(packet) for packet in found] == [id(packet) for packet in packets]
    return found, tally.damage  # type: ignore[return-value]


def run(stream: int, start: int, count: int) -> list[Packet]:
    return [Packet(stream, start + 40 * n, start + 40 * n) for n in range(count)]


def test_a_clock_that_runs_on_is_left_alone() -> None:
    packets = run(MAIN, 90_000, 50) + run(MAIN, 200_000, 50)  # and a gap stays
    before = times(packets)
    found, damage = joined(*packets)
    assert times(found) == before
    assert damage == Damage()


def test_a_clock_that_begins_anew_is_continued() -> None:
    found, damage = joined(*run(MAIN, 5000, 50), *run(MAIN, 0, 50), *run(MAIN, 300, 30))
    assert times(found) == [5000 + 40 * n for n in range(130)]
    assert [packet.pts for packet in found] == times(found)
    assert damage == Damage(discontinuities=2)


@pytest.mark.parametrize("ahead", [-7, -1, 0, 1, 7])
def test_sound_moves_with_the_picture_wherever_the_joint_lies_in_it(ahead: int) -> None:
    """Sound that crosses the joint some packets before the picture does, or behind it."""
    picture = run(MAIN, 5000, 50) + run(MAIN, 0, 50)
    sound = run(SOUND, 5010, 50 - ahead) + run(SOUND, 10 - 40 * ahead + 40 * ahead, 50 + ahead)
    mixed = [packet for pair in zip(picture, sound, strict=True) for packet in pair]
    found, damage = joined(*mixed)
    assert damage == Damage(discontinuities=1)
    assert times(found)[50] == 7000
    heard = times(found, SOUND)
    assert heard[50 - ahead] == 7010  # 10 ms behind the picture, as it was on its own clock


def test_one_packet_out_of_place_moves_nothing() -> None:
    packets = [*run(MAIN, 5000, 20), Packet(MAIN, 40, 40), *run(MAIN, 5840, 20)]
    before = times(packets)
    found, damage = joined(*packets)
    assert times(found) == before
    assert damage == Damage()


def test_packets_without_a_time_pass() -> None:
    packets = [
        *run(MAIN, 5000, 5), Packet(MAIN, None), *run(MAIN, 0, 3), Packet(MAIN, None, size=0)
    ]  # fmt: skip
    found, _ = joined(*packets)
    assert times(found) == [5000, 5040, 5080, 5120, 5160, None, 5200, 5240, 5280, None]


def test_strict_takes_no_joint() -> None:
    tally = Tally(Path("clip"), strict=True)
    with pytest.raises(InputError, match="--strict"):
        list(continued(iter(run(MAIN, 5000, 5) + run(MAIN, 0, 5)), MAIN, tally))  # type: ignore[arg-type]


def test_two_recordings_in_one_file(tmp_path: Path) -> None:
    """Two transport streams, one behind the other: picture and sound of both, in step."""
    pts = tuple(range(0, 60 * 512, 512))
    one = make(tmp_path / "one.ts", Clip(pts=pts, audio=("eng",), options={"bf": "0"}))
    joint = tmp_path / "joined.ts"
    joint.write_bytes(one.read_bytes() * 2)
    result = upscale(joint, tmp_path / "out.mp4", scale=2, model="bicubic", preset="ultrafast")
    before, after = held(one), held(tmp_path / "out.mp4")
    assert result.run.damage.discontinuities == 1
    assert len(after.pts) == 2 * len(before.pts) == result.frames_in
    length = after.pts[60] - after.pts[0]
    assert [t - after.pts[0] for t in after.pts[60:]] == [
        t - before.pts[0] + length for t in before.pts
    ]
    assert abs(length - 60 * Fraction(512, 12800)) <= Fraction(1, 90000)
    sound, sound_before = after.times["audio"][0], before.times["audio"][0]
    assert len(sound) == 2 * len(sound_before)
    half = len(sound_before)
    for first, offset in ((0, 0), (half, 60)):
        ahead = sound[first] - after.pts[offset]
        assert abs(ahead - (sound_before[0] - before.pts[0])) <= Fraction(1, 1000)
