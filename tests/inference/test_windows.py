"""Windows: which frames stand beside each picture, and when it is shown."""

from __future__ import annotations

import random
import weakref
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import pytest
from support.lettered_frames import Given, parse

from vsr.core.frame import Frame
from vsr.inference.steps import LONGEST
from vsr.inference.windows import Window, windows, without_waiting


def frames(given: Sequence[Given]) -> Iterator[Frame]:
    """Frames of these samples; number n has pts 10 n and duration n."""
    for n, one in enumerate(given):
        yield one.at(10 * n, n)


def shown(made: Iterator[Window]) -> list[tuple[str, list[int]]]:
    """Each window as its frames' letters, and the numbers of the frames that show it."""
    found = []
    for window in made:
        letters = "".join(chr(frame.planes[0][0, 0]) for frame in window.frames)
        assert window.centre is window.frames[len(letters) // 2]
        numbers = [pts // 10 for pts, _ in window.times]
        assert list(window.times) == [(10 * n, n) for n in numbers]
        found.append((letters, numbers))
    return found


@pytest.mark.parametrize(
    ("text", "context", "expected"),
    [
        ("", 1, ""),
        ("A", 1, "AAA:0"),
        ("A", 2, "AAAAA:0"),
        ("AB", 2, "AAABB:0 AABBB:1"),
        ("ABCD", 1, "AAB:0 ABC:1 BCD:2 CDD:3"),
        ("ABCDE", 2, "AAABC:0 AABCD:1 ABCDE:2 BCDEE:3 CDEEE:4"),
        ("AB|CD", 1, "AAB:0 ABB:1 CCD:2 CDD:3"),
        ("A|B|C", 2, "AAAAA:0 BBBBB:1 CCCCC:2"),
        ("AABBBC", 1, "AAB:0,1 ABC:2,3,4 BCC:5"),
        ("AAAA", 1, "AAA:0,1,2,3"),
        ("ABAB", 1, "AAB:0 ABA:1 BAB:2 ABB:3"),  # not in a row
        ("A|A", 1, "AAA:0 AAA:1"),
        ("abCDef", 1, "BCD:2 CDE:3"),
        ("abCDef", 2, "ABCDE:2 BCDEF:3"),
        ("abBBbc", 1, "ABC:2,3"),  # a run that is partly outside
        ("ab|CD|ef", 2, "CCCDD:2 CCDDD:3"),
        ("a|bCd|e", 2, "BBCDD:2"),
        ("ABC", 0, "A:0 B:1 C:2"),
        ("AABB", 0, "A:0 A:1 B:2 B:3"),
        ("aAb", 0, "A:1"),
    ],
)
def test_windows(text: str, context: int, expected: str) -> None:
    found = shown(windows(frames(parse(text)), context))
    words = (word.split(":") for word in expected.split())
    assert found == [(letters, [int(n) for n in numbers.split(",")]) for letters, numbers in words]


def by_the_rules(given: Sequence[Given], context: int) -> list[tuple[str, list[int]]]:
    """What windows are, from the whole list at once."""
    runs: list[list[int]] = []  # numbers of identical frames in a row
    shot_of: list[int] = []  # of each run
    for n, one in enumerate(given):
        if n == 0 or one.starts_shot or one.value != given[n - 1].value:
            new = n > 0 and one.starts_shot
            shot_of.append(shot_of[-1] + new if shot_of else 0)
            runs.append([])
        runs[-1].append(n)
    found = []
    for place, run in enumerate(runs):
        own = [other for other in range(len(runs)) if shot_of[other] == shot_of[place]]
        around = range(place - context, place + context + 1)
        near = [min(max(other, own[0]), own[-1]) for other in around]
        numbers = [n for n in run if not given[n].is_context]
        if numbers:
            found.append(("".join(chr(given[runs[other][0]].value) for other in near), numbers))
    return found


def anything(chance: random.Random) -> list[Given]:
    """A video of few different pictures, with cuts, and a span somewhere in it."""
    length = chance.randrange(1, 14)
    first, last = sorted(chance.sample(range(length + 1), 2))
    letters = [ord(chance.choice("ABC")) for _ in range(length)]
    given = []
    for n, letter in enumerate(letters):
        cut = n == 0 or (letter != letters[n - 1] and chance.random() < 0.3)
        given.append(Given(letter, cut, not first <= n < last))
    return given


@pytest.mark.parametrize("context", [1, 2, 3])
def test_windows_are_by_the_rules(context: int) -> None:
    chance = random.Random(context)
    for _ in range(2000):
        given = anything(chance)
        assert shown(windows(frames(given), context)) == by_the_rules(given, context)


@pytest.mark.parametrize("context", [0, 1, 2])
def test_every_frame_of_the_span_is_shown_once_in_order(context: int) -> None:
    chance = random.Random(context)
    for _ in range(500):
        given = anything(chance)
        numbers = [n for _, times in shown(windows(frames(given), context)) for n in times]
        assert numbers == [n for n, one in enumerate(given) if not one.is_context]


def drawn_for(text: str, context: int) -> list[int]:
    """How many frames were drawn when each window came, and at the end."""
    count = 0

    def source() -> Iterator[Frame]:
        nonlocal count
        for frame in frames(parse(text)):
            count += 1
            yield frame

    counts = []
    for _ in windows(source(), context):
        counts.append(count)
    return [*counts, count]


def test_a_window_comes_as_soon_as_its_frames_are_known() -> None:
    assert drawn_for("ABCDE", 0) == [1, 2, 3, 4, 5, 5]
    assert drawn_for("AAAB", 0) == [1, 2, 3, 4, 4]
    assert drawn_for("ABCDE", 1) == [2, 3, 4, 5, 5, 5]
    assert drawn_for("ABCDE", 2) == [3, 4, 5, 5, 5, 5]
    assert drawn_for("AAABCC", 1) == [4, 5, 6, 6]
    assert drawn_for("AB|CDE", 2) == [3, 3, 5, 5, 5, 5]


def test_no_more_is_drawn_behind_the_span_than_is_needed() -> None:
    assert drawn_for("aBcdefg", 1) == [3, 3]
    assert drawn_for("aBcdefg", 2) == [4, 4]
    assert drawn_for("aBbbcdefg", 1) == [5, 5]
    assert drawn_for("aB|cccccc", 2) == [3, 3]


@pytest.mark.parametrize("context", [0, 1, 2])
def test_a_picture_that_stands_still_is_held_once(context: int) -> None:
    made: list[weakref.ref[np.ndarray]] = []

    def source() -> Iterator[Frame]:
        for n in range(3000):
            plane = np.full((2, 2), min(n, 5), np.uint8)
            made.append(weakref.ref(plane))
            yield Frame((plane,), n, 1)
            alive = sum(ref() is not None for ref in made[-200:])
            assert alive <= 2 * context + 3

    assert sum(len(window.times) for window in windows(source(), context)) == 3000


def longest_wait(source: Iterator[Frame], context: int) -> int:
    """The most frames that were drawn and not shown when another was."""
    drawn = shown_ = most = 0

    def counted() -> Iterator[Frame]:
        nonlocal drawn, most
        for frame in source:
            most = max(most, drawn - shown_)
            drawn += 1
            yield frame

    for window in windows(counted(), context):
        shown_ += len(window.times)
    assert shown_ == drawn
    return most


@pytest.mark.parametrize("context", [1, 2])
def test_of_a_live_source_no_still_picture_is_waited_for(context: int) -> None:
    text = "AB" + "C" * 500 + "DE"
    assert longest_wait(frames(parse(text)), context) > 400
    assert longest_wait(without_waiting(frames(parse(text))), context) <= LONGEST + context


@pytest.mark.parametrize("context", [1, 2])
def test_of_a_live_source_windows_are_the_same_where_pictures_change(context: int) -> None:
    chance = random.Random(context)
    for _ in range(500):
        given = anything(chance)
        runs = groupby(given, lambda one: one.value)
        if max(len(list(run)) for _, run in runs) < LONGEST:
            plain = shown(windows(frames(given), context))
            assert shown(windows(without_waiting(frames(given)), context)) == plain
    text = "AB" + "C" * (LONGEST - 1) + "DE"
    live = windows(without_waiting(frames(parse(text))), context)
    assert shown(live) == shown(windows(frames(parse(text)), context))


def test_a_still_picture_of_a_live_source_is_one_as_long_as_it_stands() -> None:
    text = "AB" + "C" * (LONGEST + 2) + "DEF|" + "G" * LONGEST
    made = list(windows(without_waiting(frames(parse(text))), 1))
    found = shown(iter(made))
    assert [letters for letters, _ in found] == [
        *("AAB", "ABC", "BCC", "BCC", "BCC", "CDE", "DEF", "EFF", "GGG")
    ]
    assert [len(numbers) for _, numbers in found] == [1, 1, LONGEST, 1, 1, 1, 1, 1, LONGEST]
    assert made[2].frames is made[3].frames is made[4].frames  # so it is restored once


def test_without_context_a_repeated_picture_has_the_same_frames() -> None:
    first, again, other = windows(frames(parse("AAB")), 0)
    assert first.frames is again.frames
    assert other.frames is not again.frames


def test_pictures_differ_by_any_plane() -> None:
    luma, chroma = np.zeros((4, 4), np.uint8), np.zeros((2, 2), np.uint8)
    other = chroma.copy()
    other[1, 1] = 1
    a, b, c = Frame((luma, chroma), 0), Frame((luma, chroma.copy()), 1), Frame((luma, other), 2)
    assert a.shows_same(b)
    assert not b.shows_same(c)
    assert [len(window.times) for window in windows(iter([a, b, c]), 1)] == [2, 1]
