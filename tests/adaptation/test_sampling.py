"""Where footage is looked at: spread over all of it, and what is held back stays apart."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import pytest
from support.clips import Clip, make, picture

from vsr.adaptation.sampling import FRAMES, HELD, LEARNT, Item, places
from vsr.core.errors import InputError


def item(frames: int, rate: int = 25) -> Item:
    return Item(Path("a.mp4"), frames, Fraction(rate))


@pytest.mark.parametrize("frames", [3, 9, 20, 38, 100, 1000, 200_000])
def test_what_is_held_back_comes_last_and_apart(frames: int) -> None:
    (chosen,) = places([item(frames)])
    held = [place for place in chosen if place.held_back]
    learnt = [place for place in chosen if not place.held_back]
    assert held
    assert learnt
    for place in chosen:
        assert 1 <= place.frames <= FRAMES
        assert 0 <= place.first <= frames - place.frames
    end = max(place.first + place.frames for place in learnt)
    assert min(place.first for place in held) - end >= min(25, frames // 10)
    for some in (held, learnt):
        for one, other in pairwise(some):
            assert other.first >= one.first + one.frames


def test_a_long_video_is_looked_at_as_often_as_told() -> None:
    (chosen,) = places([item(200_000)])
    assert sum(place.held_back for place in chosen) == HELD
    assert len(chosen) == HELD + LEARNT
    learnt = [place.first for place in chosen if not place.held_back]
    assert min(learnt) < 10_000
    assert max(learnt) > 140_000


def test_longer_items_have_more_places() -> None:
    short, long = places([item(300), item(3000)])
    assert len(short) < len(long)


@pytest.mark.parametrize("count", [5, 7, 26])
def test_of_many_items_one_in_five_is_held_back_whole(count: int) -> None:
    kinds = [{place.held_back for place in chosen} for chosen in places([item(200)] * count)]
    assert all(len(kind) == 1 for kind in kinds)
    held = sum(kind == {True} for kind in kinds)
    assert held == round(count / 5)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_stills_are_held_back_whole(count: int) -> None:
    kinds = [[place.held_back for place in chosen] for chosen in places([item(1)] * count)]
    assert sum(kind == [True] for kind in kinds) == 1
    assert sum(kind == [False] for kind in kinds) == count - 1


def test_a_single_still_leaves_nothing_to_learn_from() -> None:
    (chosen,) = places([item(1)])
    assert [place.held_back for place in chosen] == [True]


def test_items_tell_their_length(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mp4", Clip())
    found = Item.look_into(clip, pytest.fail)
    assert found.frames == 12
    assert found.is_sought
    raw = make(tmp_path / "raw.h264", Clip())
    blind = Item.look_into(raw, lambda message: None)
    assert blind.frames == 12
    assert not blind.is_sought
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number, 32, 24))
    assert Item.look_into(folder, pytest.fail).frames == 4
    assert Item.look_into(folder / "1.png", pytest.fail).frames == 1


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"a\.mp4"):
        Item.look_into(tmp_path / "a.mp4", pytest.fail)
