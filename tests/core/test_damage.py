"""Damage: counted, told in words, and under --strict an error."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from vsr.core.damage import Damage, Tally
from vsr.core.errors import InputError

KINDS = [field.name for field in fields(Damage) if field.name != "other_packets"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_counted_and_told_once(kind: str) -> None:
    tally = Tally(Path("clip.mp4"))
    tally.add(kind)
    said: list[str] = []
    tally.tell(said.append)
    tally.add(kind, 41)
    tally.tell(said.append)
    assert asdict(tally.damage) == {**asdict(Damage()), kind: 42}
    assert len(said) == 2
    assert "{" not in said[0] + said[1]
    assert "42" in said[1]
    assert said[0] != said[1].replace("42", "1")  # one is said as one


def test_nothing_wrong_says_nothing() -> None:
    tally = Tally(Path("clip.mp4"), strict=True)
    tally.add("missing_bytes", 0)
    tally.tell(lambda message: pytest.fail(message))
    assert tally.damage == Damage()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "untimed"])
def test_strict_raises_in_one_line(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        Tally(Path("clip.mp4"), strict=True).add(kind)
    assert str(caught.value).startswith("clip.mp4: ")
    assert "--strict" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_other_streams_tell_at_once() -> None:
    tally, said = Tally(Path("clip.mp4")), list[str]()
    tally.others("1 audio aac: 3 packets could not be decoded", 3, said.append)
    tally.others("more", 2, said.append)
    assert said == ["1 audio aac: 3 packets could not be decoded", "more"]
    assert tally.damage == Damage(other_packets=5)
    tally.tell(lambda message: pytest.fail(message))  # not again
    with pytest.raises(InputError, match=r"clip\.mp4: more; --strict"):
        Tally(Path("clip.mp4"), strict=True).others("more", 2, said.append)


def test_what_is_read_again_is_counted_anew() -> None:
    tally = Tally(Path("clip.mp4"))
    tally.add("undecodable", 3)
    tally.forget()
    tally.add("undecodable")
    assert tally.damage == Damage(undecodable=1)


def test_counts_have_the_keys_of_json_and_come_back() -> None:
    damage = Damage(gaps=1, repaired_pts=2, discontinuities=3, other_packets=4)
    assert damage.counts == {"gaps": 1, "mended": 2, "restarts": 3, "others": 4}
    assert Damage.of(damage.counts) == damage
    assert Damage.of({}) == Damage()


def test_another_thread_may_count_while_it_is_told() -> None:
    tally = Tally(Path("clip.mp4"))
    tally.add("gaps")
    tally.add("corrupt")
    said: list[str] = []
    tally.tell(lambda message: (said.append(message), tally.others("sound", 1, said.append))[0])
    assert len(said) == 4
    assert tally.damage == Damage(gaps=1, corrupt=1, other_packets=2)


def test_what_lies_between_two_ticks() -> None:
    chance, tally = random.Random(3), Tally(Path("clip.mp4"))
    found: list[tuple[int, str]] = []
    tally.add("missing_bytes", 7)  # before the first frame
    for tick in range(0, 300, 3):
        for kind in chance.sample(["gaps", "corrupt", "untimed"], chance.randrange(3)):
            tally.add(kind)
            found.append((tick, kind))
        tally.mark(tick)
    tally.add("undecodable")  # behind the last one
    for _ in range(50):
        begin, end = sorted(chance.sample(range(1, 310), 2))
        kinds = [kind for tick, kind in found if begin <= tick < end]
        expected = Damage(**{kind: kinds.count(kind) for kind in ("gaps", "corrupt", "untimed")})
        assert tally.within(begin, end) == expected
    whole = tally.within(None, None)
    assert whole == tally.damage
    assert (whole.missing_bytes, whole.undecodable) == (7, 1)
    assert tally.within(None, 0) == Damage()
    assert tally.within(None, 1).missing_bytes == 7


def test_a_stream_without_times_takes_little_memory() -> None:
    tally, frames = Tally(Path("clip.h264")), 20_000
    tracemalloc.start()
    try:
        for tick in range(frames):
            tally.add("untimed")
            tally.mark(tick)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 32 * frames  # bytes: a live stream may last for weeks
