"""Damage: counted, told in words, and under --strict an error."""

from __future__ import annotations

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
